package fixed

// stageGeneric is the portable stage: of group p, column q, the numbers q+s·p,
// and m·s, 2m·s, 3m·s on, become those at q+4s·p, and s, 2s, 3s on.
func stageGeneric(dst, src, w []Complex32, m, s int, inverse, scale bool) {
	shift, down := uint(30), uint(0)
	if scale {
		shift, down = 32, 2
	}
	round := int64(1) << down >> 1
	o1, o3 := m*s, 3*m*s
	if inverse {
		o1, o3 = o3, o1
	}
	for p := range m {
		w1, w2, w3 := w[p], w[m+p], w[2*m+p]
		for q := range s {
			i, o := q+s*p, q+4*s*p
			a, b, c, d := src[i], src[i+o1], src[i+2*m*s], src[i+o3]
			sr, si := Add32(a.Re, c.Re), Add32(a.Im, c.Im)
			dr, di := Sub32(a.Re, c.Re), Sub32(a.Im, c.Im)
			tr, ti := Add32(b.Re, d.Re), Add32(b.Im, d.Im)
			ur, ui := Sub32(b.Im, d.Im), Sub32(d.Re, b.Re) // -i·(b-d)
			dst[o] = Complex32{
				int32((int64(Add32(sr, tr)) + round) >> down),
				int32((int64(Add32(si, ti)) + round) >> down),
			}
			dst[o+s] = rotate(Complex32{Add32(dr, ur), Add32(di, ui)}, w1, shift)
			dst[o+2*s] = rotate(Complex32{Sub32(sr, tr), Sub32(si, ti)}, w2, shift)
			dst[o+3*s] = rotate(Complex32{Sub32(dr, ur), Sub32(di, ui)}, w3, shift)
		}
	}
}

// rotate returns v·w/2^shift, rounded.
func rotate(v, w Complex32, shift uint) Complex32 {
	a, b, c, d := int64(v.Re), int64(v.Im), int64(w.Re), int64(w.Im)
	round := int64(1) << (shift - 1)
	return Complex32{
		Narrow32((a*c - b*d + round) >> shift),
		Narrow32((a*d + b*c + round) >> shift),
	}
}

// splitGeneric is splitRange from bin k on.
func splitGeneric(x, w []Complex32, k int) {
	half := len(x) - 1
	for ; k <= half/2; k++ {
		a, b := x[k], x[half-k]
		// Even part e/2 = (a+b*)/2, odd part (a-b*)/2i.
		er, ei := Add32(a.Re, b.Re)>>1, Sub32(a.Im, b.Im)>>1
		t := rotate(Complex32{Sub32(a.Re, b.Re), Add32(a.Im, b.Im)}, w[k], 31)
		x[k] = Complex32{Add32(er, t.Re), Add32(ei, t.Im)}
		x[half-k] = Complex32{Sub32(er, t.Re), Sub32(t.Im, ei)}
	}
}

// joinGeneric is joinRange from bin k on.
func joinGeneric(dst, src, w []Complex32, k, shift int) {
	half := len(src) - 1
	round := int32(1) << shift >> 1
	for ; k <= half/2; k++ {
		a, b := src[k], src[half-k]
		er, ei := Add32(a.Re, b.Re)>>1, Sub32(a.Im, b.Im)>>1
		t := rotate(Complex32{Sub32(a.Re, b.Re), Add32(a.Im, b.Im)}, w[k], 31)
		dst[k] = Complex32{(er + t.Re + round) >> shift, (ei + t.Im + round) >> shift}
		dst[half-k] = Complex32{(er - t.Re + round) >> shift, (t.Im - ei + round) >> shift}
	}
}
