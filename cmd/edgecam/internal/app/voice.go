package app

import (
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/voice"
	"github.com/edgecam/edgecam/engine/voice/ns"
	"github.com/edgecam/edgecam/hal/sim"
)

// voiceConfig translates the voice path's configuration.
func voiceConfig(a config.Audio) engine.VoiceConfig {
	strength, reduce := map[string]ns.Strength{"low": ns.Low, "mid": ns.Mid, "high": ns.High}[a.NoiseReduction]
	return engine.VoiceConfig{
		BitrateBps: a.BitrateKbps * 1000,
		FrontEnd: voice.Config{
			RateHz: a.RateKHz * 1000, HighPassHz: a.HighPassHz,
			EchoCancellation: a.EchoCancellation, EchoTail: time.Duration(a.EchoTailMS) * time.Millisecond,
			NoiseReduction: reduce, Strength: strength,
			GainControl: a.GainControl, TargetDBFS: a.LevelDBFS, MaxGainDB: a.MaxGainDB,
		},
		AnalogGain: a.AnalogGain,
		Duplex:     engine.Duplex(a.Duplex), DuckDecay: time.Duration(a.DuckDecayMS) * time.Millisecond,
	}
}

// burstsHz is the tone of the simulated microphone's bursts.
const burstsHz = 1700

// simSound translates the simulated sound card's configuration.
func simSound(c config.Sim) sim.SoundOptions {
	o := sim.SoundOptions{
		MuteVoice: c.Near == "silence", NoEcho: !c.Echo,
		EchoGainDB: float64(c.EchoDB), EchoDelay: time.Duration(c.EchoDelayMS) * time.Millisecond,
		DecayTime: time.Duration(c.ReverbMS) * time.Millisecond,
		ClipDBFS:  float64(c.ClipDBFS), SpeakerDriftPPM: float64(c.DriftPPM),
	}
	if c.EchoDB == 0 {
		o.EchoGainDB = 0.01 // 0 stands for the default there
	}
	if c.Near == "bursts" {
		o.ToneHz = burstsHz
	}
	return o
}
