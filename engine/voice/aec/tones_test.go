package aec

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// tones makes bursts of a tone, 0.4 s on, 0.2 s off, and some noise.
type tones struct {
	hz, peak, hiss float64
	n              int
	noise          *rand.Rand
}

func (s *tones) frame(out []int16) {
	for i := range out {
		v := s.hiss * s.noise.NormFloat64()
		if s.n%9600 < 6400 {
			v += s.peak * math.Sin(2*math.Pi*s.hz*float64(s.n)/16000)
		}
		out[i] = int16(v)
		s.n++
	}
}

// level is the mean power of a tone's frequency in x.
func level(x []float64, hz float64) float64 {
	re, im := 0.0, 0.0
	for i, v := range x {
		a := 2 * math.Pi * hz * float64(i) / 16000
		re += v * math.Cos(a)
		im += v * math.Sin(a)
	}
	n := float64(len(x))
	return 2 * (re*re + im*im) / (n * n)
}

// TestTonesAtBothEnds has both ends send bursts of a tone from the beginning,
// with pauses that fall together or not: what is known of the echo, where both
// always talk at once, is little. The near tone must be left, the far one taken.
func TestTonesAtBothEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for run := range 8 {
		r := rand.New(rand.NewPCG(uint64(run), 4))
		delay := time.Duration(20+r.IntN(120)) * time.Millisecond
		far := &tones{hz: 1000, peak: 11600, hiss: 3, noise: r, n: r.IntN(9600)}
		near := &tones{hz: 1700, peak: 1480, noise: r, n: far.n + run*1200}
		path := newRoom(uint64(run), 16000, delay, 0.5)
		c := mustNew(t, Config{RateHz: 16000})
		f, m, echo := make([]int16, hop), make([]int16, hop), make([]float64, hop)
		var in, out, alone []float64
		for range 1000 {
			far.frame(f)
			near.frame(m)
			path.frame(echo, f)
			for i, e := range echo {
				alone = append(alone, float64(m[i]))
				m[i] = int16(float64(m[i]) + e + 4*r.NormFloat64())
				in = append(in, float64(m[i]))
			}
			c.ProcessFarEnd(f)
			c.ProcessCapture(m)
			for _, v := range m {
				out = append(out, float64(v))
			}
		}
		for from := 2; from < 10; from += 2 {
			a, b := from*16000, from*16000+28800
			lost := db(level(alone[a:b], near.hz)) - db(level(out[a:b], near.hz))
			back := db(level(in[a:b], far.hz)) - db(level(out[a:b], far.hz))
			t.Logf("run %d, %v late, bursts %d ms apart, second %d: near tone %.1f dB down, far tone %.1f dB", run, delay, run*75, from, lost, back)
			if lost > 3 {
				t.Errorf("run %d: the near tone is %.1f dB down", run, lost)
			}
			if from > 4 && back < 20 {
				t.Errorf("run %d: the far tone is %.1f dB down, want 20", run, back)
			}
		}
	}
}
