package isac

import "github.com/edgecam/edgecam/engine/fixed"

// overflowForm says how envelope arithmetic treats sums that exceed 32 bits.
// The two deployed families of coders differ there (6.3).
type overflowForm bool

const (
	wideForm overflowForm = false // 64 bits until after the shift
	wrapForm overflowForm = true  // wraps before the shift
)

// envelope is the model's spectral envelope of a block: the inverse power
// spectrum on 120 points and its root.
type envelope struct {
	q16    [120]int32
	rootQ8 [120]int32 // 0..65535
	// ambiguous is set where the overflow forms give different numbers.
	ambiguous bool
}

// stepUp turns reflection coefficients into the polynomial a (Q12) (6.2).
func stepUp(a *[7]int32, rcQ15 *[6]int16) {
	*a = [7]int32{4096, int32(rcQ15[0]) >> 3}
	for m := 1; m < 6; m++ {
		old := *a
		k := int32(rcQ15[m])
		for i := 1; i <= m; i++ {
			a[i] = int32(int16(old[i] + int32(int16(old[m+1-i]*k>>15))))
		}
		a[m+1] = k >> 3
	}
}

// compute fills e from the symbols of the block (6.2-6.4). It reports false if
// the envelope vanishes, which no encoder produces.
func (e *envelope) compute(rc *[6]int, gain int, form overflowForm) bool {
	var rcQ15 [6]int16
	for k, s := range rc {
		rcQ15[k] = envelopeRCLevelQ15[k][s]
	}
	e.ambiguous = false
	e.spectrum(&rcQ15, envelopeGainLevelQ10[gain], form)
	return e.roots()
}

// shifted returns x>>n; x is reduced to 32 bits before or after the shift.
func (e *envelope) shifted(x int64, n uint, form overflowForm) int32 {
	wide, wrapped := int32(x>>n), int32(x)>>n
	if wide != wrapped {
		e.ambiguous = true
	}
	if form == wrapForm {
		return wrapped
	}
	return wide
}

// spectrum computes the inverse power spectrum (6.3).
func (e *envelope) spectrum(rcQ15 *[6]int16, gainQ10 int32, form overflowForm) {
	var a [7]int32
	stepUp(&a, rcQ15)

	var r [7]int32
	var sum int64
	for _, v := range a {
		sum += int64(v) * int64(v)
	}
	s0 := e.shifted(sum, 6, form)
	s0 = e.shifted(int64(s0)*65+32768, 16, form)
	r[0] = e.shifted(int64(s0)*int64(gainQ10)+256, 9, form)
	for k := 1; k <= 6; k++ {
		sum = 16384
		for i := k; i <= 6; i++ {
			sum += int64(a[i-k]) * int64(a[i])
		}
		s := e.shifted(sum, 15, form)
		if gainQ10 > 400000 {
			r[k] = e.shifted(int64(s)*int64(gainQ10>>3)+32, 6, form)
		} else {
			r[k] = e.shifted(int64(s)*int64(gainQ10)+256, 9, form)
		}
	}

	peak := r[1]
	if peak == 0 {
		peak = r[2]
	}
	shift := uint(max(0, 9-int(fixed.Norm32(peak))))
	r1, r3, r5 := r[1]>>shift, r[3]>>shift, r[5]>>shift
	for n := range 60 {
		c := &envelopeCosQ9
		even := r[0]<<7 + (int32(c[1][n])*r[2]+2)>>2 + (int32(c[3][n])*r[4]+2)>>2 + (int32(c[5][n])*r[6]+2)>>2
		odd := (int32(c[0][n])*r1+2)>>2 + (int32(c[2][n])*r3+2)>>2 + (int32(c[4][n])*r5+2)>>2
		odd <<= shift
		e.q16[n] = even + odd
		e.q16[119-n] = even - odd
	}
}

// roots computes the square roots by Newton's iteration, each point starting
// from the point before (6.4).
func (e *envelope) roots() bool {
	x := int32(1) << (fixed.Bits32(uint32(e.q16[0])) >> 1)
	for m, v := range e.q16 {
		if v < 0 {
			v = -v
		}
		if x == 0 {
			return false
		}
		y := (v/x + x) >> 1
		for range 11 {
			x = y
			if x == 0 {
				return false
			}
			y = (v/x + x) >> 1
			if y == x {
				break
			}
		}
		e.rootQ8[m] = y & 0xFFFF
	}
	return true
}
