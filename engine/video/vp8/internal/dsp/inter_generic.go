package dsp

import "encoding/binary"

// sixTapFilters are the taps for samples -2 to +3, Q7, by eighths (18.3).
var sixTapFilters = [8][6]int16{
	{0, 0, 128, 0, 0, 0},
	{0, -6, 123, 12, -1, 0},
	{2, -11, 108, 36, -8, 1},
	{0, -9, 93, 50, -6, 0},
	{3, -16, 77, 77, -16, 3},
	{0, -6, 50, 93, -9, 0},
	{1, -8, 36, 108, -11, 2},
	{0, -1, 12, 123, -6, 0},
}

func sixTapGeneric(dst []byte, ds int, src []byte, off, ss int, mx, my, w, h int) {
	switch {
	case mx|my == 0:
		copyBlock(dst, ds, src[off:], ss, w, h)
	case my == 0:
		sixTapPass(dst, ds, src, off, ss, 1, &sixTapFilters[mx], w, h)
	case mx == 0:
		sixTapPass(dst, ds, src, off, ss, ss, &sixTapFilters[my], w, h)
	default:
		var t [21 * 16]byte
		sixTapPass(t[:], 16, src, off-2*ss, ss, 1, &sixTapFilters[mx], w, h+5)
		sixTapPass(dst, ds, t[:], 32, 16, 16, &sixTapFilters[my], w, h)
	}
}

// sixTapPass filters along samples that lie step apart.
func sixTapPass(dst []byte, ds int, src []byte, off, ss, step int, f *[6]int16, w, h int) {
	f0, f1, f2, f3, f4, f5 := int32(f[0]), int32(f[1]), int32(f[2]), int32(f[3]), int32(f[4]), int32(f[5])
	for y := range h {
		o := dst[y*ds : y*ds+w]
		i := off + y*ss
		a, b, c := src[i-2*step:][:w], src[i-step:][:w], src[i:][:w]
		d, e, g := src[i+step:][:w], src[i+2*step:][:w], src[i+3*step:][:w]
		for x := range o {
			v := int32(a[x])*f0 + int32(b[x])*f1 + int32(c[x])*f2 + int32(d[x])*f3 + int32(e[x])*f4 + int32(g[x])*f5
			o[x] = clamp255((v + 64) >> 7)
		}
	}
}

func bilinearGeneric(dst []byte, ds int, src []byte, off, ss int, mx, my, w, h int) {
	switch {
	case mx|my == 0:
		copyBlock(dst, ds, src[off:], ss, w, h)
	case my == 0:
		bilinearPass(dst, ds, src[off:], ss, 1, mx, w, h)
	case mx == 0:
		bilinearPass(dst, ds, src[off:], ss, ss, my, w, h)
	default:
		var t [17 * 16]byte
		bilinearPass(t[:], 16, src[off:], ss, 1, mx, w, h+1)
		bilinearPass(dst, ds, t[:], 16, 16, my, w, h)
	}
}

// bilinearPass weighs each sample and the one step further by eighths.
func bilinearPass(dst []byte, ds int, src []byte, ss, step, eighths, w, h int) {
	f1 := uint32(eighths) * 16
	f0 := 128 - f1
	for y := range h {
		o := dst[y*ds : y*ds+w]
		a, b := src[y*ss:][:w], src[y*ss+step:][:w]
		for x := range o {
			o[x] = byte((uint32(a[x])*f0 + uint32(b[x])*f1 + 64) >> 7)
		}
	}
}

func copyBlock(dst []byte, ds int, src []byte, ss, w, h int) {
	le := binary.LittleEndian
	switch w {
	case 16:
		for y := range h {
			s, d := src[y*ss:][:16], dst[y*ds:][:16]
			lo, hi := le.Uint64(s), le.Uint64(s[8:])
			le.PutUint64(d, lo)
			le.PutUint64(d[8:], hi)
		}
	case 8:
		for y := range h {
			le.PutUint64(dst[y*ds:], le.Uint64(src[y*ss:]))
		}
	case 4:
		for y := range h {
			le.PutUint32(dst[y*ds:], le.Uint32(src[y*ss:]))
		}
	default:
		for y := range h {
			copy(dst[y*ds:y*ds+w], src[y*ss:y*ss+w])
		}
	}
}
