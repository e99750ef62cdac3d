package agc

import "math/bits"

// decibel is one decibel of power as a logarithm to base 2 in Q10.
const decibel = 340

// logQ10 returns log2(x) in Q10, within ±0.01: the mantissa's logarithm is
// approximated by f + 0.344·f·(1-f). For 0 it returns that of 1.
func logQ10(x uint64) int32 {
	if x == 0 {
		return 0
	}
	n := bits.LeadingZeros64(x)
	f := int32(x << uint(n) << 1 >> 49) // Q15
	f += f * (1<<15 - f) >> 15 * 11272 >> 15
	return int32(63-n)<<10 + f>>5
}

// expQ16 returns 2^x in Q16 for x (Q10) from -16 to 14, within 0.4 %.
func expQ16(x int32) int32 {
	whole, f := x>>10, x&1023<<5 // Q15
	f -= f * (1<<15 - f) >> 15 * 11243 >> 15
	y := (1<<15 + f) << 1
	if whole >= 0 {
		return y << uint(whole)
	}
	return y >> uint(-whole)
}
