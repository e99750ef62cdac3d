package dsp

import "encoding/binary"

// avg3 is the (1 2 1)/4 filter at e[i], avg2 the rounded mean of e[i], e[i+1].
func avg3(e *Edge4, i int) uint32 {
	return (uint32(e[i-1]) + 2*uint32(e[i]) + uint32(e[i+1]) + 2) >> 2
}

func avg2(e *Edge4, i int) uint32 { return (uint32(e[i]) + uint32(e[i+1]) + 1) >> 1 }

// row packs four samples, left to right.
func row(a, b, c, d uint32) uint32 { return a | b<<8 | c<<16 | d<<24 }

func store4(dst []byte, ds int, r0, r1, r2, r3 uint32) {
	le := binary.LittleEndian
	le.PutUint32(dst, r0)
	le.PutUint32(dst[ds:], r1)
	le.PutUint32(dst[2*ds:], r2)
	le.PutUint32(dst[3*ds:], r3)
}

func intra4Generic(dst []byte, ds int, mode IntraMode4, e *Edge4) {
	const splat = 0x01010101
	switch mode {
	case Intra4DC:
		sum := uint32(4)
		for i := range 4 {
			sum += uint32(e[i]) + uint32(e[5+i])
		}
		v := sum >> 3 * splat
		store4(dst, ds, v, v, v, v)
	case Intra4TM:
		for y := range 4 {
			base := int32(e[3-y]) - int32(e[4])
			o := dst[y*ds : y*ds+4]
			o[0], o[1] = clamp255(base+int32(e[5])), clamp255(base+int32(e[6]))
			o[2], o[3] = clamp255(base+int32(e[7])), clamp255(base+int32(e[8]))
		}
	case Intra4VE:
		v := row(avg3(e, 5), avg3(e, 6), avg3(e, 7), avg3(e, 8))
		store4(dst, ds, v, v, v, v)
	case Intra4HE:
		// The last row has no sample below: its own counts twice.
		last := (uint32(e[1]) + 3*uint32(e[0]) + 2) >> 2
		store4(dst, ds, avg3(e, 3)*splat, avg3(e, 2)*splat, avg3(e, 1)*splat, last*splat)
	case Intra4LD:
		a, b, c, d := avg3(e, 6), avg3(e, 7), avg3(e, 8), avg3(e, 9)
		f, g := avg3(e, 10), avg3(e, 11)
		h := (uint32(e[11]) + 3*uint32(e[12]) + 2) >> 2
		store4(dst, ds, row(a, b, c, d), row(b, c, d, f), row(c, d, f, g), row(d, f, g, h))
	case Intra4RD:
		a, b, c, d := avg3(e, 1), avg3(e, 2), avg3(e, 3), avg3(e, 4)
		f, g, h := avg3(e, 5), avg3(e, 6), avg3(e, 7)
		store4(dst, ds, row(d, f, g, h), row(c, d, f, g), row(b, c, d, f), row(a, b, c, d))
	case Intra4VR:
		a, b, c, d := avg3(e, 2), avg3(e, 3), avg3(e, 4), avg2(e, 4)
		f, g, h, i := avg3(e, 5), avg2(e, 5), avg3(e, 6), avg2(e, 6)
		j, k := avg3(e, 7), avg2(e, 7)
		store4(dst, ds, row(d, g, i, k), row(c, f, h, j), row(b, d, g, i), row(a, c, f, h))
	case Intra4VL:
		a, b, c, d := avg2(e, 5), avg3(e, 6), avg2(e, 6), avg3(e, 7)
		f, g, h, i := avg2(e, 7), avg3(e, 8), avg2(e, 8), avg3(e, 9)
		j, k := avg3(e, 10), avg3(e, 11)
		// Two samples break the pattern, as the standard has it.
		store4(dst, ds, row(a, c, f, h), row(b, d, g, i), row(c, f, h, j), row(d, g, i, k))
	case Intra4HD:
		a, b, c, d := avg2(e, 0), avg3(e, 1), avg2(e, 1), avg3(e, 2)
		f, g, h, i := avg2(e, 2), avg3(e, 3), avg2(e, 3), avg3(e, 4)
		j, k := avg3(e, 5), avg3(e, 6)
		store4(dst, ds, row(h, i, j, k), row(f, g, h, i), row(c, d, f, g), row(a, b, c, d))
	case Intra4HU:
		a, b, c, d := avg2(e, 2), avg3(e, 2), avg2(e, 1), avg3(e, 1)
		f, l := avg2(e, 0), uint32(e[0])
		g := (uint32(e[1]) + 3*l + 2) >> 2
		store4(dst, ds, row(a, b, c, d), row(c, d, f, g), row(f, g, l, l), row(l, l, l, l))
	}
}
