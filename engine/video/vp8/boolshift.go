//go:build !arm64

package vp8

// boolShift is by how much a range of 1 to 255 must be shifted left to have its
// top bit set again: the leading zeros of a byte. A table, because counting
// zeros is slow on amd64 processors before LZCNT may be assumed.
func boolShift(rng uint32) uint { return uint(normShift[uint8(rng)]) & 7 }

var normShift = func() (t [256]uint8) {
	for i := range t {
		for v := i; v < 128 && t[i] < 7; v <<= 1 {
			t[i]++
		}
	}
	return t
}()

// boolNorm takes a range less one, of 0 to 254, and returns it, less one again,
// shifted to have its top bit set, and the shift. The range itself is what the next bit
// waits for: it comes from a table too, without a shift behind the look at the first.
func boolNorm(less uint32) (uint32, uint) {
	i := less & 255
	return uint32(normRange[i]), uint(normLess[i])
}

var normLess, normRange = func() (shift, rng [256]uint8) {
	for i := range 255 {
		shift[i] = normShift[i+1]
		rng[i] = uint8((i+1)<<shift[i] - 1)
	}
	return shift, rng
}()
