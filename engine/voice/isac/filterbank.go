package isac

import "math"

// lookahead is how many half-band samples the coded signals lag behind the
// analysed ones (11.2).
const lookahead = 24

// section is a second-order high-pass section with coefficients p1, p2, q1, q2
// (8.5).
type section struct{ s1, s2 float64 }

func (f *section) filter(x []float64, c *[4]float64) {
	s1, s2 := f.s1, f.s2
	for i, v := range x {
		x[i] = v + c[2]*s1 + c[3]*s2
		s2, s1 = s1, v-c[0]*s1-c[1]*s2
	}
	f.s1, f.s2 = s1, s2
}

// allpass is a cascade of two first-order all-pass sections (8.5).
type allpass [2]float64

func (f *allpass) step(x float64, alpha *[2]float64) float64 {
	for i, a := range alpha {
		y := f[i] + a*x
		f[i] = x - a*y
		x = y
	}
	return x
}

// impulseA and impulseB are the truncated impulse responses of the all-pass
// cascades.
var impulseA, impulseB = impulse(&allpassA), impulse(&allpassB)

func impulse(alpha *[2]float64) (h [lookahead + 1]float64) {
	var f allpass
	x := 1.0
	for i := range h {
		h[i] = f.step(x, alpha)
		x = 0
	}
	return h
}

// merge joins two half bands of 240 samples (8.5).
type merge struct {
	up, down allpass
	high     [2]section
}

func (m *merge) merge(low, high *[240]float64, out *[480]float64) {
	for n := range 240 {
		out[2*n] = m.down.step(low[n]-high[n], &allpassA)
		out[2*n+1] = m.up.step(low[n]+high[n], &allpassB)
	}
	m.high[0].filter(out[:], &highpassOut1)
	m.high[1].filter(out[:], &highpassOut2)
}

// round16 rounds to nearest and saturates.
func round16(x float64) int16 {
	return int16(min(max(math.Round(x), math.MinInt16), math.MaxInt16))
}

// split divides the input into half bands (11.2): the undelayed ones for
// analysis and the coded ones, lookahead samples behind and with the phase of
// the decoder's all-passes made good.
type split struct {
	high      section
	odd, even allpass
	// Samples of both phases, the past first.
	oddIn, evenIn [lookahead + 240]float64
}

// split takes 480 samples x, which it overwrites, to 240 samples each.
func (s *split) split(x *[480]float64, low, high, lowCoded, highCoded *[240]float64) {
	s.high.filter(x[:], &highpassIn)
	copy(s.oddIn[:lookahead], s.oddIn[240:])
	copy(s.evenIn[:lookahead], s.evenIn[240:])
	for n := range 240 {
		even, odd := x[2*n], x[2*n+1]
		s.oddIn[lookahead+n], s.evenIn[lookahead+n] = odd, even
		a, b := s.odd.step(odd, &allpassA), s.even.step(even, &allpassB)
		low[n], high[n] = (a+b)/2, (a-b)/2
	}
	for n := range 240 {
		var odd, even float64
		o, e := s.oddIn[n:n+lookahead+1], s.evenIn[n:n+lookahead+1]
		for i, v := range o {
			odd += impulseB[i] * v
			even += impulseA[i] * e[i]
		}
		lowCoded[n], highCoded[n] = (odd+even)/2, (odd-even)/2
	}
}
