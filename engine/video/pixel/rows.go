package pixel

// packedRows splits two rows r0, r1 of 4:2:2 (4 bytes per pair of pixels, luma
// first if lumaAt is 0, second if 1) into luma rows y0 and y1 and one row each
// of u and v, the mean of both rows rounded up. For the last row of an odd
// height r1 is r0 and y1 is y0. len(y0) is 2*len(u) or one less.
func packedRows(y0, y1, u, v, r0, r1 []byte, lumaAt int) {
	n := 0
	if useSIMD {
		if n = len(y0) / 2 &^ (step - 1); n > 0 {
			packedKernel(&y0[0], &y1[0], &u[0], &v[0], &r0[0], &r1[0], n, lumaAt)
		}
	}
	packedRowsGeneric(y0[2*n:], y1[2*n:], u[n:], v[n:], r0[4*n:], r1[4*n:], lumaAt)
}

// splitRow separates pairs: u[i], v[i] = src[2i], src[2i+1].
func splitRow(u, v, src []byte) {
	n := 0
	if useSIMD {
		if n = len(u) &^ (step - 1); n > 0 {
			_ = src[2*n-1]
			splitKernel(&u[0], &v[0], &src[0], n)
		}
	}
	splitRowGeneric(u[n:], v[n:], src[2*n:])
}

// halveRow is the 2:1 scaler: each result is the rounded mean of four samples
// of two rows, which are twice as long.
func halveRow(dst, r0, r1 []byte) {
	n := 0
	if useSIMD {
		if n = len(dst) &^ (step - 1); n > 0 {
			_, _ = r0[2*n-1], r1[2*n-1]
			halveKernel(&dst[0], &r0[0], &r1[0], n)
		}
	}
	halveRowGeneric(dst[n:], r0[2*n:], r1[2*n:])
}
