package dsp

// SixTap predicts a w by h block by the six-tap filters of RFC 6386, 18.3.
// The block at full-pel position is at src[off]; mx and my (0 to 7) are the
// fractions in eighths of a sample. w is 4, 8 or 16, h 4, 8 or 16.
//
// With mx not 0 the samples from 2 left to 3 right of the block are read, with
// my not 0 those from 2 rows above to 3 rows below, and nothing else. The
// two-dimensional filter runs rows first, rounded and clamped to 8 bits, over
// rows -2 to h+2; a fraction of 0 is the identity, so a pass left out changes
// nothing. With mx = my = 0 the block is copied.
func SixTap(dst []byte, ds int, src []byte, off, ss int, mx, my, w, h int) {
	if uint(w|h) > 31 || noPrediction(w, h) || uint(mx|my) > 7 ||
		ss < w || ds < w || (h-1)*ds+w > len(dst) {
		outsideInter()
	}
	// Seldom is a block so near the end of its plane that it matters what it reads.
	if off-2*ss-2 < 0 || off+(h+2)*ss+w+3 > len(src) {
		needSixTap(src, off, ss, mx, my, w, h)
	}
	if mx|my == 0 {
		Copy(dst, ds, src[off:], ss, w, h)
		return
	}
	if useInter {
		sixTap(&dst[0], ds, &src[off], ss, mx, my, w, h)
		return
	}
	sixTapGeneric(dst, ds, src, off, ss, mx, my, w, h)
}

// SixTap16x16 is SixTap for 16x16 samples, of a plane whose stride is always the
// same, with a cache of rows.
func SixTap16x16(dst []byte, ds int, src []byte, off, ss, mx, my int, c *RowCache) {
	if !useInter || mx == 0 || my == 0 {
		SixTap(dst, ds, src, off, ss, mx, my, 16, 16)
		return
	}
	if uint(mx|my) > 7 || ss < 16 || ds < 16 || 15*ds+16 > len(dst) || off-2*ss-2 < 0 || off+18*ss+19 > len(src) {
		outsideInter()
	}
	sixTapCached(&dst[0], ds, &src[off], ss, mx, my, c)
}

// needSixTap panics unless what SixTap reads is inside the plane.
//
//go:noinline
func needSixTap(src []byte, off, ss, mx, my, w, h int) {
	first, last := off, off+(h-1)*ss+w
	if mx != 0 {
		first, last = first-2, last+3
	}
	if my != 0 {
		first, last = first-2*ss, last+3*ss
	}
	if first < 0 || last > len(src) {
		outsideInter()
	}
}

// Bilinear is SixTap with the two-tap filters of profiles 1 to 3. It reads one
// column to the right of the block if mx is not 0, one row below if my is not 0.
func Bilinear(dst []byte, ds int, src []byte, off, ss int, mx, my, w, h int) {
	needInter(dst, ds, src, off, ss, mx, my, w, h)
	if mx|my == 0 {
		Copy(dst, ds, src[off:], ss, w, h)
		return
	}
	if useInter {
		bilinear(&dst[0], ds, &src[off], ss, mx, my, w, h)
		return
	}
	bilinearGeneric(dst, ds, src, off, ss, mx, my, w, h)
}

// needInter panics unless the block prediction of Bilinear stays inside both
// planes.
func needInter(dst []byte, ds int, src []byte, off, ss int, mx, my, w, h int) {
	last := off + (h-1)*ss + w
	if mx != 0 {
		last++
	}
	if my != 0 {
		last += ss
	}
	if uint(w|h) > 31 || noPrediction(w, h) || uint(mx|my) > 7 ||
		ss < w || off < 0 || last > len(src) || ds < w || (h-1)*ds+w > len(dst) {
		outsideInter()
	}
}

func outsideInter() {
	panic("dsp: prediction of a size or fraction that does not exist, or a block outside its plane")
}

// predictionSizes has a bit for each side that a prediction block may have.
const predictionSizes = 1<<4 | 1<<8 | 1<<16

// noPrediction reports, for sides of 0 to 31, whether one is none of these.
func noPrediction(w, h int) bool {
	const sizes = uint32(predictionSizes)
	return sizes>>(uint(w)&31)&(sizes>>(uint(h)&31))&1 == 0
}

// Copy copies a block of w (4, 8 or 16) by h (a multiple of 4) samples; the two
// must not overlap.
func Copy(dst []byte, ds int, src []byte, ss int, w, h int) {
	need(dst, ds, w, h)
	need(src, ss, w, h)
	if useCopy && h&3 == 0 && h > 0 {
		switch w {
		case 16:
			copy16xN(&dst[0], ds, &src[0], ss, h)
			return
		case 8:
			copy8xN(&dst[0], ds, &src[0], ss, h)
			return
		}
	}
	copyBlock(dst, ds, src, ss, w, h)
}

// CopyRun copies h rows of w samples, both at least 1, as for macroblocks side by
// side; the two must not overlap.
func CopyRun(dst []byte, ds int, src []byte, ss int, w, h int) {
	need(dst, ds, w, h)
	need(src, ss, w, h)
	if useCopy && w&7 == 0 && h&3 == 0 {
		copyRun(&dst[0], ds, &src[0], ss, w, h)
		return
	}
	copyBlock(dst, ds, src, ss, w, h)
}
