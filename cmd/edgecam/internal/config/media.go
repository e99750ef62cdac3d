package config

// Video is the encoder's share of the configuration.
type Video struct {
	Codec       string `yaml:"codec" doc:"codec of the picture: auto: VP8, and H.264 by the board's own encoder for viewers who know it; vp8: VP8 alone; h264: like auto, with any encoder there is, or as the camera itself codes it (without enhancement)" enum:"auto|vp8|h264"`
	BitrateKbps int    `yaml:"bitrate_kbps" doc:"bit rate of the stream, in kbit/s" min:"50" max:"20000"`
	Speed       int    `yaml:"speed" doc:"0 best quality to 10 fastest; -1 holds a time budget per frame" min:"-1" max:"10"`
	Governor    string `yaml:"governor" doc:"auto: less work (encoder time, frame rate, size) while the board is hot or too slow" enum:"auto|off"`
	Mending     string `yaml:"mending" doc:"what follows a loss that repetition does not help: references (the next picture builds on one that all viewers have; few bits) or key-frames (for viewers whose decoders take references badly)" enum:"references|key-frames"`
	Threads     int    `yaml:"threads" doc:"encoder threads; 0: by number of processor cores" min:"0" max:"16"`
}

// Defaults returns what suits 640x480 at 30 frames per second.
func (Video) Defaults() Video {
	return Video{Codec: "auto", BitrateKbps: 1200, Speed: -1, Governor: "auto", Mending: "references"}
}

// Validate returns the problems of the values.
func (v Video) Validate() Problems { return checkTags(v) }
