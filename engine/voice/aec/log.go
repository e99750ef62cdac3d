package aec

import "math/bits"

// log2Q8 returns the logarithm of x to base 2 in Q8, 0.09 too small at most;
// that of 0 counts as 0.
func log2Q8(x int64) int32 {
	if x <= 1 {
		return 0
	}
	n := bits.Len64(uint64(x)) - 1
	return int32(n<<8) + int32(uint64(x)<<(63-uint(n)&63)>>55&0xFF)
}

// exp2 returns x·2^(yQ8/256), log2Q8's inverse, within int64.
func exp2(x int64, yQ8 int32) int64 {
	whole, part := yQ8>>8, int64(yQ8&0xFF)
	n := bits.Len64(uint64(x))
	if n > 50 {
		x >>= 8
		whole += 8
		n -= 8
	}
	x = (x<<8 + x*part) >> 8
	switch {
	case whole >= 0:
		return x << uint(min(int(whole), max(61-n, 0)))
	case whole > -63:
		return x >> uint(-whole)
	}
	return 0
}

// sqrt returns the square root of x, rounded down.
func sqrt(x uint64) uint32 {
	if x == 0 {
		return 0
	}
	r := uint64(1) << (uint(bits.Len64(x)+1) / 2)
	for {
		n := (r + x/r) / 2
		if n >= r {
			return uint32(r)
		}
		r = n
	}
}
