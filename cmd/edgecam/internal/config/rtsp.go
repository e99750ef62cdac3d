package config

// RTSP is the output for recorders.
type RTSP struct {
	Listen          string `yaml:"listen" doc:"address of RTSP for recorders, such as :8554; empty: off. Who reads needs a token with scope view (user: its ID, password: the token); picture and sound themselves cross the network in the clear"`
	UDPPort         int    `yaml:"udp_port" doc:"even port of RTP over UDP, RTCP takes the next one; 0: packets travel inside the RTSP connection (TCP) alone" min:"0" max:"65534"`
	MaxReaders      int    `yaml:"max_readers" doc:"recorders served at once" min:"1" max:"32"`
	KeyFrameSeconds int    `yaml:"key_frame_seconds" doc:"longest time between key frames while somebody records, so that a recording can be cut and searched; 0: only as viewers need them" min:"0" max:"600"`
}

// Defaults returns no RTSP.
func (RTSP) Defaults() RTSP { return RTSP{MaxReaders: 4, KeyFrameSeconds: 10} }

// Validate returns the problems of the values.
func (r RTSP) Validate() Problems {
	p := checkTags(r)
	p.address("listen", r.Listen)
	if r.UDPPort%2 != 0 {
		p.add("udp_port", "is %d, must be even: the next port is for RTCP", r.UDPPort)
	}
	return p
}
