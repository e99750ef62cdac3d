package dsp

// IDCTAdd adds the inverse DCT of one block (RFC 6386, 14.3) to the prediction
// pred and stores the clamped 4x4 samples in dst; dst and pred may be the same
// memory. Sums wrap at 16 bits, which no conforming stream reaches.
func IDCTAdd(dst []byte, ds int, pred []byte, ps int, coef []int16) {
	need(dst, ds, 4, 4)
	need(pred, ps, 4, 4)
	_ = coef[15]
	if useDCT {
		idctAdd(&dst[0], ds, &pred[0], ps, &coef[0])
		return
	}
	idctAddGeneric(dst, ds, pred, ps, (*[16]int16)(coef))
}

// IDCTAddDC is IDCTAdd for a block whose only coefficient is dc.
func IDCTAddDC(dst []byte, ds int, pred []byte, ps int, dc int16) {
	need(dst, ds, 4, 4)
	need(pred, ps, 4, 4)
	idctAddDCGeneric(dst, ds, pred, ps, dc)
}

// IDCTAdd16x16 reconstructs a macroblock's luma: coef has 16 blocks, eobs 16
// counts. A block with eob above 1 gets the full transform, any other the
// DC-only one with its first coefficient, so eob need not count a DC that came
// from the Y2 block. Coefficients beyond the end of block must be 0. dst and pred may be the same memory (but not overlap
// otherwise); where nothing is added, the prediction is copied.
func IDCTAdd16x16(dst []byte, ds int, pred []byte, ps int, coef []int16, eobs []uint8) {
	need(dst, ds, 16, 16)
	need(pred, ps, 16, 16)
	_, _ = coef[16*16-1], eobs[15]
	if useDCT {
		idctAdd16x16(&dst[0], ds, &pred[0], ps, &coef[0], &eobs[0])
		return
	}
	idctAddBlocksGeneric(dst, ds, pred, ps, coef, eobs, 4)
}

// IDCTAdd8x8 is IDCTAdd16x16 for one chroma plane: 4 blocks, 4 counts.
func IDCTAdd8x8(dst []byte, ds int, pred []byte, ps int, coef []int16, eobs []uint8) {
	need(dst, ds, 8, 8)
	need(pred, ps, 8, 8)
	_, _ = coef[4*16-1], eobs[3]
	if useDCT {
		idctAdd8x8(&dst[0], ds, &pred[0], ps, &coef[0], &eobs[0])
		return
	}
	idctAddBlocksGeneric(dst, ds, pred, ps, coef, eobs, 2)
}

// idctAddBlocksGeneric adds a square of blocks, cols wide.
func idctAddBlocksGeneric(dst []byte, ds int, pred []byte, ps int, coef []int16, eobs []uint8, cols int) {
	for r := range cols {
		for c := range cols {
			i := r*cols + c
			d, p, b := dst[4*r*ds+4*c:], pred[4*r*ps+4*c:], coef[16*i:]
			if eobs[i] > 1 {
				idctAddGeneric(d, ds, p, ps, (*[16]int16)(b))
			} else {
				idctAddDCGeneric(d, ds, p, ps, b[0])
			}
		}
	}
}

// IWHT is the inverse Walsh-Hadamard transform (14.3) of the Y2 block y2; its
// 16 results become the first coefficients of the 16 luma blocks in coef.
func IWHT(coef, y2 []int16) {
	_, _ = coef[255], y2[15]
	if useDCT {
		iwht(&coef[0], &y2[0])
		return
	}
	iwhtGeneric(coef, y2)
}

// IWHTDC is IWHT for a Y2 block whose only coefficient is dc.
func IWHTDC(coef []int16, dc int16) {
	v := (dc + 3) >> 3
	c := (*[256]int16)(coef)
	c[0], c[16], c[32], c[48] = v, v, v, v
	c[64], c[80], c[96], c[112] = v, v, v, v
	c[128], c[144], c[160], c[176] = v, v, v, v
	c[192], c[208], c[224], c[240] = v, v, v, v
}
