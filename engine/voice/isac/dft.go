package isac

import "math"

// dftCos and dftSin hold cos and sin of 2·pi·m/240.
var dftCos, dftSin = func() (c, s [240]float64) {
	for m := range c {
		s[m], c[m] = math.Sincos(2 * math.Pi * float64(m) / 240)
	}
	return c, s
}()

// dftOrder[i] is where element i of the last stage belongs.
var dftOrder = func() (o [240]uint8) {
	for i := range o {
		o[i] = uint8(i/60 + 4*(i/20%3) + 12*(i/4%5) + 60*(i%4))
	}
	return o
}()

// dft is a 240-point inverse discrete Fourier transform by factors 4, 3, 5, 4,
// without normalisation. The input is re and im, which are overwritten; the
// output is outRe and outIm.
type dft struct {
	re, im       [240]float64
	outRe, outIm [240]float64
}

func (t *dft) rotate(i, m int) {
	c, s := dftCos[m], dftSin[m]
	re, im := t.re[i], t.im[i]
	t.re[i] = c*re - s*im
	t.im[i] = s*re + c*im
}

func (t *dft) butterfly4(i, step int) {
	re, im := &t.re, &t.im
	j, k, l := i+step, i+2*step, i+3*step
	ar, ai := re[i]+re[k], im[i]+im[k]
	br, bi := re[j]+re[l], im[j]+im[l]
	cr, ci := re[i]-re[k], im[i]-im[k]
	dr, di := re[j]-re[l], im[j]-im[l]
	re[i], im[i] = ar+br, ai+bi
	re[j], im[j] = cr-di, ci+dr
	re[k], im[k] = ar-br, ai-bi
	re[l], im[l] = cr+di, ci-dr
}

func (t *dft) inverse() {
	re, im := &t.re, &t.im
	for i := range 60 {
		t.butterfly4(i, 60)
		t.rotate(i+60, i)
		t.rotate(i+120, 2*i)
		t.rotate(i+180, 3*i)
	}
	sin3 := dftSin[80]
	for h := 0; h < 240; h += 60 {
		for i := range 20 {
			p := h + i
			q, r := p+20, p+40
			sr, si := re[q]+re[r], im[q]+im[r]
			ar, ai := re[p]-sr/2, im[p]-si/2
			dr, di := sin3*(re[q]-re[r]), sin3*(im[q]-im[r])
			re[p], im[p] = re[p]+sr, im[p]+si
			re[q], im[q] = ar-di, ai+dr
			re[r], im[r] = ar+di, ai-dr
			t.rotate(q, 4*i)
			t.rotate(r, 8*i)
		}
	}
	for g := 0; g < 240; g += 20 {
		for i := range 4 {
			t.butterfly5(g + i)
			for m := 1; m < 5; m++ {
				t.rotate(g+i+4*m, 12*m*i)
			}
		}
	}
	for i := 0; i < 240; i += 4 {
		t.butterfly4(i, 1)
	}
	for i, o := range dftOrder {
		t.outRe[o], t.outIm[o] = re[i], im[i]
	}
}

func (t *dft) butterfly5(p int) {
	re, im := &t.re, &t.im
	c1, c2, s1, s2 := dftCos[48], dftCos[96], dftSin[48], dftSin[96]
	x0r, x0i := re[p], im[p]
	ar, ai := re[p+4]+re[p+16], im[p+4]+im[p+16]
	br, bi := re[p+8]+re[p+12], im[p+8]+im[p+12]
	cr, ci := re[p+4]-re[p+16], im[p+4]-im[p+16]
	dr, di := re[p+8]-re[p+12], im[p+8]-im[p+12]
	er, ei := x0r+c1*ar+c2*br, x0i+c1*ai+c2*bi
	fr, fi := s1*cr+s2*dr, s1*ci+s2*di
	gr, gi := x0r+c2*ar+c1*br, x0i+c2*ai+c1*bi
	hr, hi := s2*cr-s1*dr, s2*ci-s1*di
	re[p], im[p] = x0r+ar+br, x0i+ai+bi
	re[p+4], im[p+4] = er-fi, ei+fr
	re[p+16], im[p+16] = er+fi, ei-fr
	re[p+8], im[p+8] = gr-hi, gi+hr
	re[p+12], im[p+12] = gr+hi, gi-hr
}
