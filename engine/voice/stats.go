package voice

import (
	"github.com/edgecam/edgecam/engine/voice/aec"
	"github.com/edgecam/edgecam/engine/voice/agc"
	"github.com/edgecam/edgecam/engine/voice/ns"
	"github.com/edgecam/edgecam/engine/voice/vad"
)

// statsBlocks is how often the statistics are brought up to date: 10 times a
// second.
const statsBlocks = 10

// Stats are the statistics of a FrontEnd, at most 100 ms old. Stages that are
// switched off have none.
type Stats struct {
	RateHz   int        `json:"rate_hz"`
	DelayMS  int        `json:"delay_ms"`
	FarEnd   *FarStats  `json:"far_end,omitempty"`
	Echo     *aec.Stats `json:"echo,omitempty"`
	Noise    *ns.Stats  `json:"noise,omitempty"`
	Gain     *agc.Stats `json:"gain,omitempty"`
	Activity vad.Stats  `json:"activity"`
	// Speech says that somebody speaks at the microphone.
	Speech bool `json:"speech"`
}

// snapshot copies the stages' statistics, which belong to the goroutine that
// captures, to where others may read them.
func (f *FrontEnd) snapshot() {
	f.tick = 0
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &f.stats
	s.RateHz, s.DelayMS = f.rate, int(f.delay.Milliseconds())
	if f.echo != nil {
		if s.Echo == nil {
			s.Echo, s.FarEnd = new(aec.Stats), new(FarStats)
		}
		*s.Echo, *s.FarEnd = f.echo.Stats(), f.FarEnd.Stats()
	}
	if f.noise != nil {
		if s.Noise == nil {
			s.Noise = new(ns.Stats)
		}
		*s.Noise = f.noise.Stats()
	}
	if f.gain != nil {
		if s.Gain == nil {
			s.Gain = new(agc.Stats)
		}
		*s.Gain = f.gain.Stats()
	}
	s.Activity = f.activity.Stats()
	s.Speech = f.activity.Speech()
}

// Stats returns a copy of the statistics.
func (f *FrontEnd) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.stats
	if s.Echo != nil {
		echo, far := *s.Echo, *s.FarEnd
		s.Echo, s.FarEnd = &echo, &far
	}
	if s.Noise != nil {
		noise := *s.Noise
		s.Noise = &noise
	}
	if s.Gain != nil {
		gain := *s.Gain
		s.Gain = &gain
	}
	return s
}
