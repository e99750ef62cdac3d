package voice

import (
	"errors"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// TestDucker lets the speaker be heard from 100 to 300 ms and looks at the
// microphone: full before, turned down by then, back after the decay.
func TestDucker(t *testing.T) {
	for _, decay := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond} {
		d, err := NewDucker(decay)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Unix(1000, 0)
		var heard, silence media.Block
		heard.Samples[7] = -9000
		silence.Samples[3] = 150
		var last [70]int16
		for i := range last {
			at := start.Add(time.Duration(i) * media.BlockDuration)
			// The speaker is told 40 ms ahead.
			if k := i + 4; k >= 10 && k < 30 {
				d.Heard(&heard, at.Add(40*time.Millisecond))
			} else {
				d.Heard(&silence, at.Add(40*time.Millisecond))
			}
			var mic media.Block
			mic.CapturedAt = at
			for k := range mic.Samples {
				mic.Samples[k] = 10000
			}
			d.Process(&mic)
			last[i] = mic.Samples[media.BlockSamples-1]
			for k := 1; k < media.BlockSamples; k++ {
				if diff := int(mic.Samples[k]) - int(mic.Samples[k-1]); diff > 30 || diff < -30 {
					t.Fatalf("a step of %d in block %d: it clicks", diff, i)
				}
			}
		}
		back := 30 + int(decay/media.BlockDuration)
		for i, v := range last {
			switch {
			case i < 8 || i > back:
				if v < 9990 {
					t.Errorf("decay %v: block %d is turned down to %d", decay, i, v)
				}
			case i >= 10 && i < 30:
				if v > 110 || v < 0 {
					t.Errorf("decay %v: block %d is let through with %d", decay, i, v)
				}
			case i >= 31 && i < back-1:
				if v < 110 || v > 9900 || v < last[i-1] {
					t.Errorf("decay %v: block %d is %d, not on its way up", decay, i, v)
				}
			}
		}
		if n := d.Blocks(); n < 30 || n > 45 {
			t.Errorf("%d blocks counted", n)
		}
	}
	if _, err := NewDucker(time.Second); !errors.Is(err, ErrConfig) {
		t.Errorf("a decay of a second: %v", err)
	}
}
