package config

// Sim sets the simulated sound card and the room around it.
type Sim struct {
	Near        string `yaml:"near" doc:"what is heard at the simulated microphone: a voice, bursts of a tone of 1700 Hz, or nothing" enum:"voice|bursts|silence"`
	Echo        bool   `yaml:"echo" doc:"the simulated microphone hears the speaker"`
	EchoDB      int    `yaml:"echo_db" doc:"gain from the speaker to the microphone on the direct path, in dB" min:"-60" max:"12"`
	EchoDelayMS int    `yaml:"echo_delay_ms" doc:"delay of the direct path, in milliseconds" min:"1" max:"500"`
	ReverbMS    int    `yaml:"reverb_ms" doc:"reverberation time of the room, in milliseconds" min:"1" max:"1000"`
	ClipDBFS    int    `yaml:"clip_dbfs" doc:"level towards which the loudspeaker distorts, in dB of full scale; 0: no distortion" min:"-40" max:"0"`
	DriftPPM    int    `yaml:"drift_ppm" doc:"by how much the speaker's clock is faster than the microphone's, in millionths" min:"-500" max:"500"`
}

// Defaults returns a voice in a small room.
func (Sim) Defaults() Sim {
	return Sim{Near: "voice", Echo: true, EchoDB: -12, EchoDelayMS: 8, ReverbMS: 250}
}

// Validate returns the problems of the values.
func (s Sim) Validate() Problems { return checkTags(s) }
