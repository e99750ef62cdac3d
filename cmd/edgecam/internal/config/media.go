package config

// Video is the encoder's share of the configuration.
type Video struct {
	BitrateKbps int `yaml:"bitrate_kbps" doc:"bit rate of the stream, in kbit/s" min:"50" max:"20000"`
	Speed       int `yaml:"speed" doc:"0 best quality to 10 fastest; -1 holds a time budget per frame" min:"-1" max:"10"`
	Threads     int `yaml:"threads" doc:"encoder threads; 0: by number of processor cores" min:"0" max:"16"`
}

// Defaults returns what suits 640x480 at 30 frames per second.
func (Video) Defaults() Video {
	return Video{BitrateKbps: 1200, Speed: -1}
}

// Validate returns the problems of the values.
func (v Video) Validate() Problems { return checkTags(v) }

// Audio is the voice path's share of the configuration.
type Audio struct {
	BitrateKbps int `yaml:"bitrate_kbps" doc:"Opus bit rate in kbit/s" min:"6" max:"128"`
}

// Defaults returns 32 kbit/s.
func (Audio) Defaults() Audio { return Audio{BitrateKbps: 32} }

// Validate returns the problems of the values.
func (a Audio) Validate() Problems { return checkTags(a) }
