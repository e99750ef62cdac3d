package fixed

// The mixed products multiply a 16-bit by a 32-bit number as a processor with
// 16-bit multipliers does: the high and the low half of b apart, the partial
// product of the low half rounded. Sums wrap.

// MulMixQ16 returns about a·b/2^16: the low half of b loses its last bit, its
// product is rounded.
func MulMixQ16(a int16, b int32) int32 {
	low := b & 0xFFFF
	return int32(a)*(b>>16) + (int32(a)*(low>>1)+1<<14)>>15
}

// MulMixQ15 returns about a·b/2^15.
func MulMixQ15(a int16, b int32) int32 {
	return int32(a)*(b>>16)<<1 + (int32(a)*(b&0xFFFF)>>1+1<<13)>>14
}

// MulMixQ14 returns about a·b/2^14.
func MulMixQ14(a int16, b int32) int32 {
	return int32(a)*(b>>16)<<2 + (int32(a)*(b&0xFFFF)>>1+1<<12)>>13
}

// MulMixQ11 returns about a·b/2^11.
func MulMixQ11(a int16, b int32) int32 {
	return int32(a)*(b>>16)<<5 + (int32(a)*(b&0xFFFF)>>1+1<<9)>>10
}
