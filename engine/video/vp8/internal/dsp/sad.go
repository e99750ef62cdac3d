package dsp

// SAD16x16 returns the sum of absolute differences of two 16x16 blocks. Both
// slices start at the block's first sample; as and bs are strides in bytes.
func SAD16x16(a []byte, as int, b []byte, bs int) uint32 {
	need(a, as, 16, 16)
	need(b, bs, 16, 16)
	if useSAD {
		return sad16xN(&a[0], as, &b[0], bs, 16)
	}
	return sadGeneric(a, as, b, bs, 16, 16)
}

// SAD16x8 is SAD16x16 for 16 columns and 8 rows.
func SAD16x8(a []byte, as int, b []byte, bs int) uint32 {
	need(a, as, 16, 8)
	need(b, bs, 16, 8)
	if useSAD {
		return sad16xN(&a[0], as, &b[0], bs, 8)
	}
	return sadGeneric(a, as, b, bs, 16, 8)
}

// SAD8x16 is SAD16x16 for 8 columns and 16 rows.
func SAD8x16(a []byte, as int, b []byte, bs int) uint32 {
	need(a, as, 8, 16)
	need(b, bs, 8, 16)
	if useSAD {
		return sad8xN(&a[0], as, &b[0], bs, 16)
	}
	return sadGeneric(a, as, b, bs, 8, 16)
}

// SAD8x8 is SAD16x16 for an 8x8 block.
func SAD8x8(a []byte, as int, b []byte, bs int) uint32 {
	need(a, as, 8, 8)
	need(b, bs, 8, 8)
	if useSAD {
		return sad8xN(&a[0], as, &b[0], bs, 8)
	}
	return sadGeneric(a, as, b, bs, 8, 8)
}

// SAD4x4 is SAD16x16 for a 4x4 block.
func SAD4x4(a []byte, as int, b []byte, bs int) uint32 {
	need(a, as, 4, 4)
	need(b, bs, 4, 4)
	if useSAD {
		return sad4x4(&a[0], as, &b[0], bs)
	}
	return sadGeneric(a, as, b, bs, 4, 4)
}

// SAD16x16x4 compares the block src with four blocks of the plane ref that
// start at ref[off[0]] to ref[off[3]], and stores the four sums in out.
func SAD16x16x4(src []byte, ss int, ref []byte, rs int, off *[4]int, out *[4]uint32) {
	sadX4(src, ss, ref, rs, off, out, 16, 16)
}

// SAD16x8x4 is SAD16x16x4 for 16 columns and 8 rows.
func SAD16x8x4(src []byte, ss int, ref []byte, rs int, off *[4]int, out *[4]uint32) {
	sadX4(src, ss, ref, rs, off, out, 16, 8)
}

// SAD8x16x4 is SAD16x16x4 for 8 columns and 16 rows.
func SAD8x16x4(src []byte, ss int, ref []byte, rs int, off *[4]int, out *[4]uint32) {
	sadX4(src, ss, ref, rs, off, out, 8, 16)
}

// SAD8x8x4 is SAD16x16x4 for 8x8 blocks.
func SAD8x8x4(src []byte, ss int, ref []byte, rs int, off *[4]int, out *[4]uint32) {
	sadX4(src, ss, ref, rs, off, out, 8, 8)
}

// SAD4x4x4 is SAD16x16x4 for 4x4 blocks.
func SAD4x4x4(src []byte, ss int, ref []byte, rs int, off *[4]int, out *[4]uint32) {
	sadX4(src, ss, ref, rs, off, out, 4, 4)
}

// SAD16x16Cross compares the block src with the blocks of the plane ref that lie n
// samples above, left of, right of and below the one at ref[at], in this order.
func SAD16x16Cross(src []byte, ss int, ref []byte, rs, at, n int, out *[4]uint32) {
	off := [4]int{at - n*rs, at - n, at + n, at + n*rs}
	if !useSAD || ss < 16 || rs < 16 || n < 0 || n >= rs || off[0] < 0 || off[3]+15*rs+16 > len(ref) || len(src) < 15*ss+16 {
		SAD16x16x4(src, ss, ref, rs, &off, out)
		return
	}
	sad16xNx4(&src[0], ss, &ref[0], rs, &off, out, 16)
}

// SAD8x8Cross is SAD16x16Cross for 8x8 blocks.
func SAD8x8Cross(src []byte, ss int, ref []byte, rs, at, n int, out *[4]uint32) {
	off := [4]int{at - n*rs, at - n, at + n, at + n*rs}
	if !useSAD || ss < 8 || rs < 8 || n < 0 || n >= rs || off[0] < 0 || off[3]+7*rs+8 > len(ref) || len(src) < 7*ss+8 {
		SAD8x8x4(src, ss, ref, rs, &off, out)
		return
	}
	sad8xNx4(&src[0], ss, &ref[0], rs, &off, out, 8)
}

func sadX4(src []byte, ss int, ref []byte, rs int, off *[4]int, out *[4]uint32, w, h int) {
	need(src, ss, w, h)
	if rs < w {
		panic("dsp: stride smaller than the block is wide")
	}
	last := len(ref) - ((h-1)*rs + w)
	for _, o := range off {
		if o < 0 || o > last {
			panic("dsp: candidate block outside the plane")
		}
	}
	if useSAD {
		switch w {
		case 16:
			sad16xNx4(&src[0], ss, &ref[0], rs, off, out, h)
		case 8:
			sad8xNx4(&src[0], ss, &ref[0], rs, off, out, h)
		default:
			sad4x4x4(&src[0], ss, &ref[0], rs, off, out)
		}
		return
	}
	for i, o := range off {
		out[i] = sadGeneric(src, ss, ref[o:], rs, w, h)
	}
}
