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
