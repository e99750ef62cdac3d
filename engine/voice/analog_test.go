package voice

import (
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

func TestAnalogGain(t *testing.T) {
	// simulate moves a card's gain as told for blocks of speech of a peak at 0 dB.
	simulate := func(peak, levelDBFS float64, blocks int) (gainCB int) {
		var a AnalogGain
		for range blocks {
			var b media.Block
			scale := 1.0
			for range gainCB / 30 {
				scale *= 1.4125 // 3 dB
			}
			for range -gainCB / 30 {
				scale /= 1.4125
			}
			for i := range b.Samples[:40] {
				b.Samples[i] = int16(max(min(peak*scale*float64(1-2*(i&1)), 32767), -32768))
			}
			a.Block(&b)
			gainCB += a.Step(true, int(levelDBFS)+gainCB/10)
		}
		return gainCB
	}
	for _, c := range []struct {
		name        string
		peak, level float64
		blocks      int
		least, most int
	}{
		{"right as it is", 8000, -24, 5000, 0, 0},
		{"too soft", 300, -55, 10000, 180, 210},
		{"too loud", 20000, -10, 5000, -60, -60},
		{"clipping", 65000, -8, 300, -180, -60},
		{"slow", 300, -55, 250, 0, 0},
	} {
		if got := simulate(c.peak, c.level, c.blocks); got < c.least || got > c.most {
			t.Errorf("%s: gain moves to %d cB, want %d to %d", c.name, got, c.least, c.most)
		}
	}
	var a AnalogGain
	for range 5000 {
		if a.Step(false, -60) != 0 || a.Step(false, -127) != 0 {
			t.Fatal("the gain moves without speech")
		}
	}
}
