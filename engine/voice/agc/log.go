package agc

import "github.com/edgecam/edgecam/engine/fixed"

// decibel is one decibel of power as a logarithm to base 2 in Q10.
const decibel = 340

// expQ16 returns 2^x in Q16 for x (Q10) from -16 to 14, within 0.1 %.
func expQ16(x int32) int32 {
	whole, part := x>>10, x&1023
	y := fixed.Exp2Q15(part-1024) << 2
	if whole >= 0 {
		return y << uint(whole)
	}
	return y >> uint(-whole)
}
