package vad

import (
	"encoding/binary"
	"math"
	"os"
	"testing"

	"github.com/edgecam/edgecam/internal/testdata"
)

// recording returns n samples of a 16 kHz WAV file, looped.
func recording(t *testing.T, n int, elem ...string) []float64 {
	t.Helper()
	b, err := os.ReadFile(testdata.Shared(t, append([]string{"voice", "open"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	b = b[44:]
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(int16(binary.LittleEndian.Uint16(b[2*i%(len(b)&^1):])))
	}
	return x
}

func power(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v * v
	}
	return s / float64(len(x))
}

// TestRecordedNoise compares decisions with labels from the clean signal: a
// frame is speech where its power is within 37 dB of the loudest, and counts as
// pause where no speech was in the last 250 ms or comes in the next 20.
func TestRecordedNoise(t *testing.T) {
	const rate, n, h = 16000, 15 * 16000, 160
	for _, c := range []struct {
		name        string
		snr         float64
		hit, falses float64
	}{
		{"street1.wav", 5, 0.90, 0.05}, {"car.wav", 5, 0.95, 0.12}, {"car.wav", 30, 0.98, 0.12},
	} {
		clean := recording(t, n, "speech", "it_m.wav")
		clear(clean[:2*rate])
		dirt := recording(t, n, "noise", c.name)
		var loudest float64
		frames := make([]float64, n/h)
		for i := range frames {
			frames[i] = power(clean[i*h : (i+1)*h])
			loudest = max(loudest, frames[i])
		}
		var sum, count float64
		for _, p := range frames {
			if p > loudest*2e-4 {
				sum, count = sum+p, count+1
			}
		}
		g := math.Sqrt(sum / count / power(dirt) * math.Pow(10, -c.snr/10))
		x := make([]int16, n)
		for i := range x {
			x[i] = int16(min(max(math.Round(0.5*(clean[i]+g*dirt[i])), -32768), 32767))
		}
		got := run(t, detector(t, Config{}), x)
		var speech, hits, pauses, falses float64
		for i, p := range frames {
			if p > loudest*2e-4 {
				speech++
				if got[i] {
					hits++
				}
				continue
			}
			near := false
			for _, q := range frames[max(0, i-25):min(len(frames), i+3)] {
				near = near || q > loudest*2e-4
			}
			if !near {
				pauses++
				if got[i] {
					falses++
				}
			}
		}
		t.Logf("%s at %g dB: %.3f of %g speech frames found, %.3f of %g pause frames false", c.name, c.snr, hits/speech, speech, falses/pauses, pauses)
		if hits/speech < c.hit || falses/pauses > c.falses {
			t.Errorf("%s at %g dB: %.3f of speech found, want %.2f; %.3f of pauses false, want %.2f", c.name, c.snr, hits/speech, c.hit, falses/pauses, c.falses)
		}
	}
}
