package neteq

import "math/bits"

const (
	// Lags are looked for on a signal of coarseHz, then refined.
	coarseHz     = 4000
	coarseMinLag = 10 // 2.5 ms, 400 Hz
	coarseMaxLag = 64 // 16 ms, 63 Hz
	coarseLength = 44 // 11 ms are compared
)

// correlationQ14 is the normalised correlation of two signals of one length.
func correlationQ14(a, b []int16) int32 {
	var c, e0, e1 int64
	b = b[:len(a)]
	for i, v := range a {
		c += int64(v) * int64(b[i])
		e0 += int64(v) * int64(v)
		e1 += int64(b[i]) * int64(b[i])
	}
	return ratioQ14(c, e0, e1)
}

// ratioQ14 is c/sqrt(e0*e1), 0 where there is no energy.
func ratioQ14(c, e0, e1 int64) int32 {
	if e0 <= 0 || e1 <= 0 || c == 0 {
		return 0
	}
	d := int64(root(uint64(e0))) * int64(root(uint64(e1)))
	if d == 0 {
		return 0
	}
	s := 0
	if n := bits.Len64(uint64(max(c, -c))); n > 48 {
		s = n - 48
	}
	return int32(min(max((c>>s)<<14/max(d>>s, 1), -16384), 16384))
}

// root is the integer part of the square root.
func root(x uint64) uint32 {
	var r uint64
	for b := uint64(1) << ((bits.Len64(x) + 1) / 2); b > 0; b >>= 1 {
		if t := r | b; t <= 0xffffffff && t*t <= x {
			r = t
		}
	}
	return uint32(r)
}

// energy is the sum of squares.
func energy(x []int16) int64 {
	var e int64
	for _, v := range x {
		e += int64(v) * int64(v)
	}
	return e
}

// pitchFinder finds the lag at which a signal repeats itself.
type pitchFinder struct {
	rateHz int
	coarse [coarseMaxLag + coarseLength]int16
}

// span is how many samples find looks at.
func (f *pitchFinder) span() int { return len(f.coarse) * (f.rateHz / coarseHz) }

// find returns the lag of the end of x, at least span long or as much as there is
// of it, and the normalised correlation at that lag.
func (f *pitchFinder) find(x []int16) (lag int, corrQ14 int32) {
	step := f.rateHz / coarseHz
	n := min(len(x)/step, len(f.coarse))
	maxLag := min(n/2, coarseMaxLag)
	if n-maxLag < coarseLength {
		maxLag = max(n-coarseLength, n/2)
	}
	if maxLag < coarseMinLag {
		return min(len(x), coarseMinLag*step), 0
	}
	length := min(n-maxLag, coarseLength)
	c := f.coarse[:n]
	at := len(x) - n*step
	for i := range c {
		var s int32
		for _, v := range x[at+i*step : at+(i+1)*step] {
			s += int32(v)
		}
		c[i] = int16(s / int32(step))
	}
	tail := c[n-length:]
	best, bestLag := int32(-1), maxLag
	e0 := energy(tail)
	e1 := energy(c[n-length-coarseMinLag : n-coarseMinLag])
	for l := coarseMinLag; l <= maxLag; l++ {
		from := n - length - l
		var dot int64
		for i, v := range tail {
			dot += int64(v) * int64(c[from+i])
		}
		r := ratioQ14(dot, e0, e1)
		// Multiples of the period repeat as well: the shorter lag wins a draw.
		if r > best+best>>5 {
			best, bestLag = r, l
		}
		if from > 0 {
			e1 += int64(c[from-1])*int64(c[from-1]) - int64(c[from+length-1])*int64(c[from+length-1])
		}
	}
	return f.refine(x, bestLag*step, step)
}

// refine looks at every lag near a coarse one, comparing 8 ms.
func (f *pitchFinder) refine(x []int16, near, step int) (lag int, corrQ14 int32) {
	n := len(x)
	length := min(f.rateHz/125, n-near-step)
	if length <= 0 {
		return near, 0
	}
	tail := x[n-length:]
	lag, corrQ14 = near, -16384
	for l := max(near-step, 1); l <= near+step; l++ {
		if r := correlationQ14(tail, x[n-length-l:n-l]); r > corrQ14 {
			lag, corrQ14 = l, r
		}
	}
	return lag, corrQ14
}
