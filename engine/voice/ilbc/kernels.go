package ilbc

import (
	"math/bits"

	"github.com/edgecam/edgecam/engine/fixed"
)

// The largest and smallest sum in Q12 whose rounded value fits 16 bits.
const (
	maxQ12 = 1<<27 - 1<<11 - 1
	minQ12 = -1 << 27
)

// allPole runs x through 1/A(z). y holds the order samples before, then takes
// len(x) samples; x may be that part of y.
func allPole(y, x []int16, a *predictor) {
	y = y[:order+len(x)]
	for i, v := range x {
		h := y[i : i+order : i+order]
		sum := int64(a[0]) * int64(v)
		for j, s := range h {
			sum -= int64(a[order-j]) * int64(s)
		}
		y[i+order] = int16((min(max(sum, minQ12), maxQ12) + 1<<11) >> 12)
	}
}

// allZero filters n = len(y) samples by b in Q12: x holds len(b)-1 samples of
// history, then n. y may be the front of x.
func allZero(y, x, b []int16) {
	last := len(b) - 1
	x = x[:len(y)+last]
	for i := range y {
		var sum int32
		for j, s := range x[i : i+last+1] {
			sum += int32(b[last-j]) * int32(s)
		}
		y[i] = int16((min(max(sum, minQ12), maxQ12) + 1<<11) >> 12)
	}
}

// dot is the inner product of a and b over len(a), each product shifted right,
// saturated.
func dot(a, b []int16, shift uint) int32 {
	var sum int64
	b = b[:len(a)]
	shift &= 31 // for the compiler: no test for large shifts
	for i, v := range a {
		sum += int64(int32(v) * int32(b[i]) >> shift)
	}
	return fixed.Sat32(sum)
}

// correlate is dot whose sum wraps.
func correlate(a, b []int16, shift uint) int32 {
	var sum int32
	b = b[:len(a)]
	shift &= 31
	for i, v := range a {
		sum += int32(v) * int32(b[i]) >> shift
	}
	return sum
}

// peakOf returns the largest magnitude in x, at most 32767.
func peakOf(x []int16) int32 {
	var m int32
	for _, v := range x {
		m = max(m, int32(v), -int32(v))
	}
	return min(m, 32767)
}

// extreme returns the sample of x that is farthest from zero.
func extreme(x []int16) int32 {
	var m int32
	for _, v := range x {
		if abs32(int32(v)) > abs32(m) {
			m = int32(v)
		}
	}
	return m
}

func peakOf32(x []int32) int32 {
	var m uint32
	for _, v := range x {
		m = max(m, uint32(abs32(v)))
	}
	return int32(min(m, 1<<31-1))
}

// argMax returns the place of the first largest element.
func argMax(x []int32) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

func abs32(x int32) int32 {
	if x < 0 {
		return -x
	}
	return x
}

// bitLen returns the number of significant bits; negative numbers have 32.
func bitLen(x int32) int { return bits.Len32(uint32(x)) }

func norm(x int32) int { return int(fixed.Norm32(x)) }

// scale shifts x left by n bits, or right if n is negative.
func scale(x int32, n int) int32 { return fixed.Shift32(x, n) }

// scale16 is scale, cut to 16 bits.
func scale16(x int32, n int) int32 { return int32(int16(fixed.Shift32(x, n))) }

// quotient is num/den toward zero; the largest number for den = 0.
func quotient(num int32, den int16) int32 {
	if den == 0 {
		return 1<<31 - 1
	}
	return num / int32(den)
}

// rootFloor is the integer part of the square root, 0 for negative x.
func rootFloor(x int32) int32 {
	var root int32
	for b := int32(1) << 15; b > 0; b >>= 1 {
		if t := int64(root | b); t*t <= int64(x) {
			root |= b
		}
	}
	return root
}

// split writes x as hi·2^16 + lo·2, the form in which 32-bit numbers are
// multiplied by 16-bit multipliers.
func split(x int32) (hi, lo int32) { return x >> 16, x & 0xffff >> 1 }

// reverse fills dst with src backwards; both have the same length.
func reverse(dst, src []int16) {
	for i, v := range src {
		dst[len(src)-1-i] = v
	}
}

// bitLen64 is bitLen for numbers of 64 bits.
func bitLen64(x uint64) int { return bits.Len64(x) }
