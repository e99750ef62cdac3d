package dsp

// FDCT4x4 transforms the difference src-pred of one 4x4 block into 16
// coefficients. It is the transform whose inverse is RFC 6386, 14.3: coef[0]
// is half the sum of the residuals.
func FDCT4x4(coef []int16, src []byte, ss int, pred []byte, ps int) {
	fdct(coef, src, ss, pred, ps, 1, 1)
}

// FDCT16x16 subtracts and transforms the sixteen luma blocks of a macroblock
// in one call; coef gets 16 blocks in raster order (256 values).
func FDCT16x16(coef []int16, src []byte, ss int, pred []byte, ps int) {
	fdct(coef, src, ss, pred, ps, 4, 4)
}

// FDCT8x8 subtracts and transforms the four blocks of one chroma plane of a
// macroblock; coef gets 4 blocks in raster order (64 values).
func FDCT8x8(coef []int16, src []byte, ss int, pred []byte, ps int) {
	fdct(coef, src, ss, pred, ps, 2, 2)
}

func fdct(coef []int16, src []byte, ss int, pred []byte, ps int, cols, rows int) {
	need(src, ss, 4*cols, 4*rows)
	need(pred, ps, 4*cols, 4*rows)
	_ = coef[16*cols*rows-1]
	if useFDCT {
		switch cols {
		case 4:
			fdct16x16(&coef[0], &src[0], ss, &pred[0], ps)
		case 2:
			fdct8x8(&coef[0], &src[0], ss, &pred[0], ps)
		default:
			fdct4x4(&coef[0], &src[0], ss, &pred[0], ps)
		}
		return
	}
	for r := range rows {
		for c := range cols {
			fdctGeneric((*[16]int16)(coef[16*(r*cols+c):]), src[4*r*ss+4*c:], ss, pred[4*r*ps+4*c:], ps)
		}
	}
}

// FWHT gathers the sixteen first coefficients of a macroblock's luma blocks
// (coef[0], coef[16] to coef[240]) and transforms them into the Y2 block out.
// It is exact to half a unit for inputs within +-2047, which FDCT16x16 never
// leaves; beyond, sums wrap at 16 bits. The inputs stay as they are.
func FWHT(out, coef []int16) {
	_, _ = out[15], coef[255]
	if useFDCT {
		fwht(&out[0], &coef[0])
		return
	}
	fwhtGeneric(out, coef)
}
