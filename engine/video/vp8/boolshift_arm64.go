package vp8

import "math/bits"

// boolShift is by how much a range of 1 to 255 must be shifted left to have its
// top bit set again: the leading zeros of a byte.
func boolShift(rng uint32) uint { return uint(bits.LeadingZeros32(rng)) & 7 }
