package neteq

import (
	"math/bits"

	"github.com/edgecam/edgecam/engine/fixed"
)

const (
	// Lags are looked for on a signal of coarseHz, then refined.
	coarseHz     = 4000
	coarseMinLag = 10 // 2.5 ms, 400 Hz
	coarseMaxLag = 64 // 16 ms, 63 Hz
	coarseLength = 44 // 11 ms are compared
)

// correlationQ14 is the normalised correlation of two signals of one length.
func correlationQ14(a, b []int16) int32 {
	return ratioQ14(fixed.Dot64(a, b), energy(a), energy(b[:len(a)]))
}

// exceeds reports whether c/sqrt(e0*e1) is more than tQ14, which is not negative,
// without a root or a division.
func exceeds(c, e0, e1 int64, tQ14 int32) bool {
	if c <= 0 || e0 <= 0 || e1 <= 0 {
		return false
	}
	// Energies get 31 bits, so then has c, the product of their roots at most.
	if s := bits.Len64(uint64(e0|e1)) - 31; s > 0 {
		c, e0, e1 = c>>s, e0>>s, e1>>s
	}
	hi, lo := bits.Mul64(uint64(c*c), 1<<28)
	thi, tlo := bits.Mul64(uint64(e0*e1), uint64(tQ14)*uint64(tQ14))
	return hi > thi || hi == thi && lo > tlo
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
func energy(x []int16) int64 { return fixed.Dot64(x, x) }

// pitchFinder finds the lag at which a signal repeats itself.
type pitchFinder struct {
	rateHz int
	// coarse is the signal at coarseHz, with room behind it for comparing in whole
	// steps of a kernel.
	coarse [coarseSpan + kernelStep]int16
	tail   [coarseWhole]int16
}

const (
	coarseSpan = coarseMaxLag + coarseLength
	// coarseWhole is coarseLength in whole steps: zeros go behind the tail.
	kernelStep  = 16
	coarseWhole = (coarseLength + kernelStep - 1) &^ (kernelStep - 1)
)

// span is how many samples find looks at.
func (f *pitchFinder) span() int { return coarseSpan * (f.rateHz / coarseHz) }

// find returns the lag of the end of x, at least span long or as much as there is
// of it, and the normalised correlation at that lag.
func (f *pitchFinder) find(x []int16) (lag int, corrQ14 int32) {
	step := f.rateHz / coarseHz
	n := min(len(x)/step, coarseSpan)
	maxLag := min(n/2, coarseMaxLag)
	if n-maxLag < coarseLength {
		maxLag = max(n-coarseLength, n/2)
	}
	if maxLag < coarseMinLag {
		return min(len(x), coarseMinLag*step), 0
	}
	length := min(n-maxLag, coarseLength)
	f.decimate(x[len(x)-n*step:], n)
	c := f.coarse[:n+kernelStep]
	tail := f.tail[:(length+kernelStep-1)&^(kernelStep-1)]
	clear(tail[copy(tail, c[n-length:n]):])
	best, bestLag := int32(0), maxLag
	e0 := energy(tail)
	e1 := energy(c[n-length-coarseMinLag : n-coarseMinLag])
	for l := coarseMinLag; l <= maxLag; l++ {
		from := n - length - l
		dot := fixed.Dot64(tail, c[from:])
		// Multiples of the period repeat as well: the shorter lag wins a draw.
		if exceeds(dot, e0, e1, best+best>>5) {
			best, bestLag = ratioQ14(dot, e0, e1), l
		}
		if from > 0 {
			e1 += slide(c[from-1], c[from+length-1])
		}
	}
	return f.refine(x, bestLag*step, step)
}

// decimate averages x into the first n samples of coarse.
func (f *pitchFinder) decimate(x []int16, n int) {
	step := f.rateHz / coarseHz
	inverseQ32 := int64(1 << 32 / step)
	for i := range f.coarse[:n] {
		var s int32
		for _, v := range x[i*step:][:step] {
			s += int32(v)
		}
		f.coarse[i] = int16((int64(s)*inverseQ32 + 1<<31) >> 32)
	}
}

// slide is what an energy gains when it is taken of one sample earlier.
func slide(gained, lost int16) int64 { return int64(gained)*int64(gained) - int64(lost)*int64(lost) }

// refine looks at every lag near a coarse one, comparing 8 ms.
func (f *pitchFinder) refine(x []int16, near, step int) (lag int, corrQ14 int32) {
	n := len(x)
	length := min(f.rateHz/125, n-near-step)
	if length <= 0 {
		return near, 0
	}
	tail := x[n-length:]
	lag, corrQ14 = near, -16384
	e0 := energy(tail)
	first := max(near-step, 1)
	e1 := energy(x[n-length-first : n-first])
	for l := first; l <= near+step; l++ {
		from := n - length - l
		dot := fixed.Dot64(tail, x[from:])
		if corrQ14 < 0 || exceeds(dot, e0, e1, corrQ14) {
			if r := ratioQ14(dot, e0, e1); r > corrQ14 {
				lag, corrQ14 = l, r
			}
		}
		if from > 0 {
			e1 += slide(x[from-1], x[from+length-1])
		}
	}
	return lag, corrQ14
}
