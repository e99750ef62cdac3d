package aec

import (
	"math"
	"math/rand/v2"
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
