package aec

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestStatsAreTrue compares what the statistics say with a room that is known:
// far end alone, then both ends.
func TestStatsAreTrue(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, c := range []struct {
		rate  int
		delay time.Duration
		gain  float64
	}{
		{16000, 15 * time.Millisecond, 0.9},
		{16000, 130 * time.Millisecond, 0.3},
		{48000, 64 * time.Millisecond, 0.6},
	} {
		x := mustNew(t, Config{RateHz: c.rate})
		n := c.rate / 100
		path, voice, near := newRoom(6, c.rate, c.delay, c.gain), newTalker(5, c.rate), newTalker(9, c.rate)
		far, mic, echo := make([]int16, n), make([]int16, n), make([]float64, n)
		late := int((x.Delay()*time.Duration(c.rate) + time.Second/2) / time.Second)
		hiss := rand.New(rand.NewPCG(4, 4))
		lately := 100
		var farPower, micPower, outPower, spoken float64
		var heard []float64
		before := int64(0)
		for f := range 1600 {
			if f == 1000 {
				s := x.Stats()
				if d := s.Delay - c.delay; !s.Locked || d < -time.Millisecond || d > time.Millisecond {
					t.Errorf("%d Hz: delay %v (locked %v), is %v", c.rate, s.Delay, s.Locked, c.delay)
				}
				if erl := db(farPower) - db(micPower); math.Abs(float64(s.ERLcB)/10-erl) > 2 {
					t.Errorf("%d Hz: ERL %d cB, is %.1f dB", c.rate, s.ERLcB, erl)
				}
				if erle := db(micPower) - db(outPower); math.Abs(float64(s.ERLEcB)/10-erle) > 6 {
					t.Errorf("%d Hz: ERLE %d cB, is %.1f dB", c.rate, s.ERLEcB, erle)
				}
				if s.DriftPPM < -2 || s.DriftPPM > 2 {
					t.Errorf("%d Hz: drift %d ppm, is 0", c.rate, s.DriftPPM)
				}
				if s.DoubleTalkFrames > 30 {
					t.Errorf("%d Hz: double talk in %d frames of %d, is in none", c.rate, s.DoubleTalkFrames, s.Frames) // some while the filter learns
				}
				before = s.DoubleTalkFrames
				if s.Frames != 1000 || s.Divergences+s.PathChanges > 1 {
					t.Errorf("%d Hz: %+v", c.rate, s)
				}
			}
			voice.frame(far, 9000)
			path.frame(echo, far)
			clear(mic)
			var nearPower, echoPower float64
			if f >= 1000 && f%200 < 100 { // every other second
				near.frame(mic, 9000)
			}
			for i, e := range echo {
				nearPower += float64(mic[i]) * float64(mic[i])
				echoPower += e * e
				mic[i] = int16(max(min(float64(mic[i])+e+4*hiss.NormFloat64(), 32767), -32768))
			}
			// Who talks is taken to go on for 160 ms.
			lately++
			if nearPower > echoPower/4 && nearPower > float64(n)*1024 {
				lately = 0
			}
			if lately < 16 && echoPower > float64(n)*1024 {
				spoken++
			}
			// The last second is about what is smoothed over 64 hops.
			window := f >= 900 && f < 1000
			for i, v := range mic {
				heard = append(heard, float64(v))
				if window {
					farPower += float64(far[i]) * float64(far[i])
					old := heard[len(heard)-1-late]
					micPower += old * old
				}
			}
			x.ProcessFarEnd(far)
			x.ProcessCapture(mic)
			for _, v := range mic {
				if window {
					outPower += float64(v) * float64(v)
				}
			}
		}
		share := float64(x.Stats().DoubleTalkFrames-before) / spoken
		t.Logf("%d Hz: double talk in %.0f frames, %.2f of that reported", c.rate, spoken, share)
		if share < 0.75 || share > 1.25 {
			t.Errorf("%d Hz: double talk reported in %.2f times as many frames as it was in", c.rate, share)
		}
	}
}
