package config

// Audio is the voice path's share of the configuration.
type Audio struct {
	BitrateKbps      int    `yaml:"bitrate_kbps" doc:"Opus bit rate in kbit/s" min:"6" max:"128"`
	RateKHz          int    `yaml:"rate_khz" doc:"rate at which the microphone's sound is processed: 16, 32 or 48 kHz; 16 takes the least work, and the voice ends at 6.8 kHz"`
	HighPassHz       int    `yaml:"high_pass_hz" doc:"sound below this frequency (wind, traffic, hum) is left out, 20 to 400; 0: none is" min:"0" max:"400"`
	EchoCancellation bool   `yaml:"echo_cancellation" doc:"take what the speaker plays out of the microphone's sound"`
	EchoTailMS       int    `yaml:"echo_tail_ms" doc:"how long the room echoes, in milliseconds" min:"20" max:"256"`
	NoiseReduction   string `yaml:"noise_reduction" doc:"turn steady noise down by up to 12 (low), 22 (mid) or 30 dB (high)" enum:"off|low|mid|high"`
	GainControl      bool   `yaml:"gain_control" doc:"bring speech to one level"`
	LevelDBFS        int    `yaml:"level_dbfs" doc:"the level that gain control brings speech to, in dB of full scale" min:"-40" max:"-6"`
	MaxGainDB        int    `yaml:"max_gain_db" doc:"the most that gain control turns speech up, in dB" min:"1" max:"36"`
	AnalogGain       bool   `yaml:"analog_gain" doc:"move the sound card's own microphone gain, slowly, where it has one"`
	Duplex           string `yaml:"duplex" doc:"full: both ends talk at once; half: one caller at a time, and the microphone is turned down while one is heard" enum:"full|half"`
	DuckDecayMS      int    `yaml:"duck_decay_ms" doc:"with duplex half: how long the microphone takes to come back, in milliseconds" min:"100" max:"200"`
}

// Defaults returns 32 kbit/s and every stage switched on.
func (Audio) Defaults() Audio {
	return Audio{
		BitrateKbps: 32, RateKHz: 48, HighPassHz: 80,
		EchoCancellation: true, EchoTailMS: 256, NoiseReduction: "mid",
		GainControl: true, LevelDBFS: -22, MaxGainDB: 24, AnalogGain: true, Duplex: "full", DuckDecayMS: 150,
	}
}

// Validate returns the problems of the values.
func (a Audio) Validate() Problems {
	p := checkTags(a)
	if a.RateKHz != 16 && a.RateKHz != 32 && a.RateKHz != 48 {
		p.add("rate_khz", "is %d, must be 16, 32 or 48", a.RateKHz)
	}
	if a.HighPassHz > 0 && a.HighPassHz < 20 {
		p.add("high_pass_hz", "is %d, must be 0 (none) or 20 to 400", a.HighPassHz)
	}
	return p
}
