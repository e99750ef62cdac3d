package ilbc

// fromPredictor converts A(z) to line spectral frequencies (section 3.2.3): the
// cosines of the roots of its sum and difference polynomials, which alternate.
func (l *lsf) fromPredictor(a *predictor) {
	var f [2][order/2 + 1]int32 // halves of the symmetric polynomials, Q10
	f[0][0], f[1][0] = 1<<10, 1<<10
	for i := range order / 2 {
		p, q := int32(a[i+1]), int32(a[order-i])
		f[0][i+1] = int32(int16((p+q)>>2 - f[0][i]))
		f[1][i+1] = int32(int16((p-q)>>2 + f[1][i]))
	}
	var cos [order]int16
	if !findRoots(&cos, &f) {
		cos = lspMeanQ15
	}
	l.fromCosines(&cos)
}

// findRoots walks down the cosines from 1 and looks for roots of either polynomial
// in turn. It reports false if there are fewer than ten.
func findRoots(cosQ15 *[order]int16, f *[2][order/2 + 1]int32) bool {
	found, which := 0, 0
	low := int32(rootGridQ15[0])
	yLow := chebyshev(low, &f[which])
	for _, grid := range rootGridQ15[1 : len(rootGridQ15)-1] {
		high, yHigh := low, yLow
		low = int32(grid)
		yLow = chebyshev(low, &f[which])
		if yLow*yHigh > 0 {
			continue
		}
		for range 4 {
			mid := low>>1 + high>>1
			if y := chebyshev(mid, &f[which]); yLow*y <= 0 {
				high, yHigh = mid, y
			} else {
				low, yLow = mid, y
			}
		}
		low = crossing(low, yLow, high, yHigh)
		cosQ15[found] = int16(low)
		found++
		if found == order {
			return true
		}
		which ^= 1
		yLow = chebyshev(low, &f[which])
	}
	return false
}

// crossing interpolates where the line through two points meets zero.
func crossing(x0, y0, x1, y1 int32) int32 {
	dy := int32(int16(y1 - y0))
	if dy == 0 {
		return x0
	}
	mag := int32(int16(abs32(dy)))
	up := norm(mag) - 16
	inverse := int32(int16(quotient(536838144, int16(mag<<uint(up)))))
	slope := int32(int16(int32(int16(x1-x0)) * inverse >> uint(19-up)))
	if dy < 0 {
		slope = int32(int16(-slope))
	}
	return int32(int16(x0 - int32(int16(y0*slope>>10))))
}

// chebyshev evaluates half a symmetric polynomial, as a series of Chebyshev
// polynomials, at the cosine x.
func chebyshev(x int32, f *[order/2 + 1]int32) int32 {
	b2 := int32(1 << 24)
	b1 := x<<10 + f[1]<<14
	for _, c := range f[2 : order/2] {
		hi, lo := split(b1)
		b1, b2 = (hi*x+lo*x>>15)<<2-b2+c<<14, b1
	}
	hi, lo := split(b1)
	v := hi*x<<1 + lo*x>>15<<1 - b2 + f[order/2]<<13
	switch {
	case v > 33553408:
		return 32767
	case v < -33554432:
		return -32768
	}
	return v >> 10
}

// fromCosines is the arc cosine by linear interpolation.
func (l *lsf) fromCosines(cosQ15 *[order]int16) {
	k := len(cosineQ15) - 1
	for i := order - 1; i >= 0; i-- {
		c := cosQ15[i]
		for cosineQ15[k] < c && k > 0 {
			k--
		}
		off := int32(int16(int32(c) - int32(cosineQ15[k])))
		turn := int32(int16(int32(k)<<9 + int32(int16(int32(arccosineSlopeQ12[k])*off>>11)))) // Q16 of a whole circle
		l[i] = int16(turn * 25736 >> 15)
	}
}
