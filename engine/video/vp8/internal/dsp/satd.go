package dsp

// SATD4x4 returns half the sum of the absolute values of the 4x4 Hadamard
// transform of a-b. (The sum is always even, so nothing is lost.)
func SATD4x4(a []byte, as int, b []byte, bs int) uint32 {
	need(a, as, 4, 4)
	need(b, bs, 4, 4)
	if useSATD {
		return satd4x4(&a[0], as, &b[0], bs)
	}
	return satdGeneric(a, as, b, bs, 4, 4)
}

// SATD8x8 returns the sum of SATD4x4 over the four 4x4 blocks of an 8x8 block.
func SATD8x8(a []byte, as int, b []byte, bs int) uint32 {
	need(a, as, 8, 8)
	need(b, bs, 8, 8)
	if useSATD {
		return satd8xN(&a[0], as, &b[0], bs, 8)
	}
	return satdGeneric(a, as, b, bs, 8, 8)
}

// SATD16x16 returns the sum of SATD4x4 over the sixteen blocks of a
// macroblock's luma.
func SATD16x16(a []byte, as int, b []byte, bs int) uint32 {
	need(a, as, 16, 16)
	need(b, bs, 16, 16)
	if useSATD {
		return satd16x16(&a[0], as, &b[0], bs)
	}
	return satdGeneric(a, as, b, bs, 16, 16)
}
