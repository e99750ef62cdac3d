package vad

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

// levelDBov returns a mean square in dB of that of a full-scale square wave
// (2^30), -127 to 0.
func levelDBov(meanSquare int64) int {
	if meanSquare <= 0 {
		return -127
	}
	return int(max((logQ10(uint64(meanSquare))-30<<10-decibel/2)/decibel, -127))
}
