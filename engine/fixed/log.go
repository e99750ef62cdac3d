package fixed

import "math/bits"

// Log2Q10 returns log2(x) in Q10, within ±0.003; powers of two are exact. For 0
// it returns that of 1.
func Log2Q10(x uint64) int32 {
	if x == 0 {
		return 0
	}
	n := bits.LeadingZeros64(x)
	return int32(63-n)<<10 + int32(log2Q10[x<<(uint(n)&63)>>55&0xff])
}

// Exp2Q15 returns 2^x in Q15 for x (Q10) ≤ 0, truncated.
func Exp2Q15(x int32) int32 {
	x = -x
	if x>>10 > 16 {
		return 0
	}
	return int32(exp2Q15[x&1023]) >> (uint(x>>10) & 31)
}
