package vp8

import "math/bits"

// boolShift is by how much a range of 1 to 255 must be shifted left to have its
// top bit set again: the leading zeros of a byte.
func boolShift(rng uint32) uint { return uint(bits.LeadingZeros32(rng)) & 7 }

// boolNorm takes a range less one, of 0 to 254, and returns it, less one again,
// shifted to have its top bit set, and the shift.
func boolNorm(less uint32) (uint32, uint) {
	less++
	shift := boolShift(less)
	return less<<shift - 1, shift
}
