package aec

import "github.com/edgecam/edgecam/engine/fixed"

// zeroCrossings of the interpolating sinc on each side of its peak.
const zeroCrossings = 12

// converter changes the sampling rate of frames of n samples to frames of m: a
// Blackman-windowed sinc, one set of taps for each phase, pass band to 0.42 of
// the lower rate, stop band (-70 dB) from 0.58 of it.
type converter struct {
	n, m   int
	delay  int     // in samples of the side that is asked for
	taps   int     // of a phase, a multiple of 16: the last ones are zero
	tapQ15 []int16 // phases × taps
	first  []int32 // of each output sample: index into past of its first tap
	phase  []int32 // of each output sample: offset into tapQ15
	past   []int16
}

// newConverter makes a converter whose output is late by a whole number of
// input samples (delay).
func newConverter(n, m int) *converter { return makeConverter(n, m, false) }

// newReturn makes a converter whose output is late by a whole number of output
// samples.
func newReturn(n, m int) *converter { return makeConverter(n, m, true) }

func makeConverter(n, m int, outDelay bool) *converter {
	// One lobe of the sinc has max(1, n/m) input samples.
	half := zeroCrossings
	if n > m {
		half = (zeroCrossings*n + m - 1) / m
	}
	c := &converter{n: n, m: m, taps: (2*half + 15) &^ 15, first: make([]int32, m), phase: make([]int32, m)}
	late := half * m // in m-ths of an input sample
	c.delay = half
	if outDelay {
		c.delay = (half*m + n - 1) / n
		late = c.delay * n
	}
	seen := map[int]int32{}
	history := 2*half + (late+m-1)/m - half
	c.past = make([]int16, history+n+15)
	for i := range m {
		at := i*n - late + history*m // position of the output in past, in m-ths
		whole, part := at/m, at%m
		c.first[i] = int32(whole - half + 1)
		o, ok := seen[part]
		if !ok {
			o = int32(len(c.tapQ15))
			seen[part] = o
			c.tapQ15 = append(c.tapQ15, sincTaps(half, part, n, m)...)
			c.tapQ15 = append(c.tapQ15, make([]int16, c.taps-2*half)...)
		}
		c.phase[i] = o
	}
	return c
}

// sincTaps returns the 2·half taps of the phase part/m, their sum 2^15.
func sincTaps(half, part, n, m int) []int16 {
	x := make([]int64, 2*half)
	var sum int64
	for k := range x {
		// d: distance from the peak in m-ths of an input sample.
		d := (k-half+1)*m - part
		// 0.94 of half the lower rate: sinc(0.94·d/m·min(1, m/n))
		den := int64(2*max(n, m)) * 100
		turn := uint32(int64(d) * 94 << 32 / den)
		v := int64(1) << 30
		if d != 0 {
			// sin(πz)/(πz) with 2πz/2 = turn: π in Q13 is 25736
			v = int64(fixed.SinQ30(turn)) * (den << 12) / (int64(d) * 94 * 25736)
		}
		angle := uint32(int64(d) << 32 / int64(2*half*m))
		w := int64(450971566) + int64(fixed.CosQ30(angle))/2 + int64(fixed.CosQ30(2*angle))*8/100
		x[k] = v * w >> 30
		sum += x[k]
	}
	taps := make([]int16, len(x))
	rest := int64(1 << 15)
	top := 0
	for k, v := range x {
		t := (v<<15 + sum/2) / sum
		taps[k] = fixed.Sat16(int32(t))
		rest -= int64(taps[k])
		if v > x[top] {
			top = k
		}
	}
	taps[top] = fixed.Sat16(int32(taps[top]) + int32(rest))
	return taps
}

// run converts a frame.
func (c *converter) run(outQ4 []int32, in []int16) {
	end := len(c.past) - 15
	copy(c.past, c.past[c.n:end])
	copy(c.past[end-c.n:], in)
	for i := range outQ4 {
		o := c.phase[i]
		outQ4[i] = (fixed.Dot16(c.tapQ15[o:int(o)+c.taps], c.past[c.first[i]:]) + 1<<10) >> 11
	}
}
