package isac

import (
	"math"

	"github.com/edgecam/edgecam/engine/fixed"
)

// sqrtQ returns about the square root of v >= 0 by a polynomial (A.8).
func sqrtQ(v int32) int32 {
	if v == 0 {
		return 0
	}
	shift := fixed.Norm32(v)
	a := fixed.AddSat32(v<<shift, 1<<15)
	x := a >> 16 << 16
	h := (x/2 - 1<<30) >> 16
	b := x/2 + 1<<30
	q := 2 * h * h
	b += -q >> 1
	q1 := int32(int16(2 * (-q >> 16) * (-q >> 16) >> 16))
	b -= 40960 * q1
	q2 := int32(int16(2 * h * q1 >> 16))
	b += 57344 * q2
	q3 := int32(int16(q >> 16))
	b += 2 * h * q3 >> 1
	b += 1 << 15
	r := b >> 16
	if shift&1 == 0 {
		r = (23170*r*2 + 1<<15) & 0x7FFF0000 >> 15
	}
	return r & 0xFFFF >> (shift / 2)
}

// complementQ15 returns sqrt(1-rho²) (A.6).
func complementQ15(rhoQ15 int16) int16 {
	return int16(sqrtQ(1<<30 - 1 - int32(rhoQ15)*int32(rhoQ15)))
}

// fixedLattice is a normalised lattice synthesis filter of order n <= 12 (A.6).
type fixedLattice struct {
	s [13]int16
}

// filter filters a subframe of 40 samples x (Q25) with gain g (Q17) to y.
func (f *fixedLattice) filter(x []int32, y []int16, rhoQ15 []int16, gainQ17 int32) {
	n := len(rhoQ15)
	var rho, kappa [12]int32
	tau := gainQ17 << 10
	for k, r := range rhoQ15 {
		c := complementQ15(r)
		rho[k], kappa[k] = int32(r), int32(c)
		tau = fixed.MulMixQ15(c, tau)
	}
	shift := int(fixed.Norm32(tau))
	quotient := int32(math.MaxInt32)
	if d := int32(int16(fixed.Shift32(tau, shift-16))); d != 0 {
		quotient = math.MaxInt32 / d
	}
	inv := int16(quotient >> 2)
	for i, v := range x {
		in := int32(fixed.Sat16(fixed.Shift32(fixed.MulMixQ16(inv, 2*v), shift-28)))
		for k := n - 1; k >= 0; k-- {
			s := int32(f.s[k])
			out := int32(fixed.Sat16((kappa[k]*in - rho[k]*s + 1<<14) >> 15))
			f.s[k+1] = fixed.Sat16((rho[k]*in + kappa[k]*s + 1<<14) >> 15)
			in = out
		}
		f.s[0] = int16(in)
		y[i] = int16(in)
	}
}
