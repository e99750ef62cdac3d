// Package fixed is the arithmetic of the fixed-point signal paths.
//
// A number in Q format Qn is an integer that stands for integer·2^-n. The names
// say what happens where a result may not fit: Add and Narrow must fit (with
// the build tag fixedcheck they panic where it does not), AddSat saturates,
// AddWrap wraps around on purpose. Mul truncates toward minus infinity,
// MulRound rounds to nearest, halves upward.
//
// All functions are small enough to be inlined and allocate nothing.
package fixed

import (
	"math"
	"math/bits"
)

// Sat16 limits x to the range of int16.
func Sat16(x int32) int16 {
	return int16(min(max(x, math.MinInt16), math.MaxInt16))
}

// Sat32 limits x to the range of int32.
func Sat32(x int64) int32 {
	return int32(min(max(x, math.MinInt32), math.MaxInt32))
}

// Narrow16 converts x, which must fit.
func Narrow16(x int32) int16 {
	if checking && x != int32(int16(x)) {
		overflow("Narrow16", int64(x))
	}
	return int16(x)
}

// Narrow32 converts x, which must fit.
func Narrow32(x int64) int32 {
	if checking && x != int64(int32(x)) {
		overflow("Narrow32", x)
	}
	return int32(x)
}

// Wrap16 keeps the low 16 bits of x in two's complement.
func Wrap16(x int32) int16 { return int16(x) }

// Wrap32 keeps the low 32 bits of x in two's complement.
func Wrap32(x int64) int32 { return int32(x) }

// Add32 returns a+b, which must fit.
func Add32(a, b int32) int32 { return Narrow32(int64(a) + int64(b)) }

// Sub32 returns a-b, which must fit.
func Sub32(a, b int32) int32 { return Narrow32(int64(a) - int64(b)) }

// AddSat16 returns a+b, saturated.
func AddSat16(a, b int16) int16 { return Sat16(int32(a) + int32(b)) }

// SubSat16 returns a-b, saturated.
func SubSat16(a, b int16) int16 { return Sat16(int32(a) - int32(b)) }

// AddSat32 returns a+b, saturated.
func AddSat32(a, b int32) int32 { return Sat32(int64(a) + int64(b)) }

// SubSat32 returns a-b, saturated.
func SubSat32(a, b int32) int32 { return Sat32(int64(a) - int64(b)) }

// AddWrap16 returns a+b modulo 2^16.
func AddWrap16(a, b int16) int16 { return a + b }

// SubWrap16 returns a-b modulo 2^16.
func SubWrap16(a, b int16) int16 { return a - b }

// AddWrap32 returns a+b modulo 2^32.
func AddWrap32(a, b int32) int32 { return a + b }

// SubWrap32 returns a-b modulo 2^32.
func SubWrap32(a, b int32) int32 { return a - b }

// MulWrap32 returns a·b modulo 2^32.
func MulWrap32(a, b int32) int32 { return a * b }

// MulQ15 returns a·b in Q15, truncated; -1·-1 must not occur.
func MulQ15(a, b int16) int16 { return Narrow16(int32(a) * int32(b) >> 15) }

// MulRoundQ15 returns a·b in Q15, rounded; -1·-1 must not occur.
func MulRoundQ15(a, b int16) int16 { return Narrow16((int32(a)*int32(b) + 1<<14) >> 15) }

// MulSatQ15 returns a·b in Q15, truncated and saturated.
func MulSatQ15(a, b int16) int16 { return Sat16(int32(a) * int32(b) >> 15) }

// MulWrapQ14 returns a·b in Q14, truncated, modulo 2^16.
func MulWrapQ14(a, b int16) int16 { return int16(int32(a) * int32(b) >> 14) }

// Norm32 returns by how many bits x can be shifted left and still fit; 0 for 0.
func Norm32(x int32) uint {
	if x == 0 {
		return 0
	}
	return uint(bits.LeadingZeros32(uint32(x^x>>31))) - 1
}

// Bits32 returns the number of significant bits of x; 0 for 0.
func Bits32(x uint32) uint { return uint(bits.Len32(x)) }

// Shift32 shifts x left by n bits modulo 2^32, or right (toward minus infinity)
// by -n bits if n is negative.
func Shift32(x int32, n int) int32 {
	if n >= 0 {
		return x << uint(n)
	}
	return x >> uint(-n)
}
