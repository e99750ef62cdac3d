package isac

import "github.com/edgecam/edgecam/engine/fixed"

// weight attenuates the coefficients where the envelope lies below the
// quantiser's step, for a block of the lower band (8.1); the result is Q7.
func weight(out *[480]int32, b *block) {
	bias, num := int32(2195456), int32(30720)
	if b.meanGainQ12 > weakVoicingQ12 {
		bias, num = 2654208, 36864
	}
	for m := range 120 {
		h := int32(32767)
		if d := int32(int16((b.envelope.q16[m] + bias) >> 16)); d != 0 {
			h = num / d
		}
		for i := 4 * m; i < 4*m+4; i++ {
			out[i] = (b.coefQ7[i]*h + 512) >> 10
		}
	}
}

// fixedTransform is the scratch memory of the integer inverse transform.
type fixedTransform struct {
	re, im     [240]int32
	re16, im16 [240]int16
	outRe      [240]int16
	outIm      [240]int16
}

// inverse computes the two half bands (Q16) from the weighted coefficients s
// (Q7) (A.4).
func (t *fixedTransform) inverse(s *[480]int32, low, high *[240]int32) {
	var peak int32
	for b := range 120 {
		sin := binSinQ14[b]
		cos := -binSinQ14[119-b]
		p, q := 512*s[2*b], 512*s[2*b+1]
		pm, qm := 512*s[2*(239-b)], 512*s[2*(239-b)+1]
		xr := fixed.MulMixQ14(cos, p) + fixed.MulMixQ14(sin, q)
		xi := fixed.MulMixQ14(cos, q) - fixed.MulMixQ14(sin, p)
		yr := -fixed.MulMixQ14(cos, qm) - fixed.MulMixQ14(sin, pm)
		yi := -fixed.MulMixQ14(cos, pm) + fixed.MulMixQ14(sin, qm)
		t.re[b], t.im[b] = xr-yi, xi+yr
		t.re[239-b], t.im[239-b] = xr+yi, yr-xi
		peak = max(peak, t.re[b], -t.re[b], t.im[b], -t.im[b], t.re[239-b], -t.re[239-b], t.im[239-b], -t.im[239-b])
	}
	shift := int(fixed.Norm32(peak)) - 24
	for i := range t.re {
		t.re16[i], t.im16[i] = scale16(t.re[i], shift), scale16(t.im[i], shift)
	}
	t.dft()
	for n := range 240 {
		vr := fixed.MulMixQ16(273, fixed.Shift32(int32(t.outRe[n]), -shift))
		vi := fixed.MulMixQ16(273, fixed.Shift32(int32(t.outIm[n]), -shift))
		c, s := rotateCosQ14[n], rotateSinQ14[n]
		low[n] = fixed.MulMixQ11(31727, fixed.MulMixQ14(c, vr)-fixed.MulMixQ14(s, vi))
		high[n] = fixed.MulMixQ11(31727, fixed.MulMixQ14(c, vi)+fixed.MulMixQ14(s, vr))
	}
}

func scale16(x int32, shift int) int16 {
	if shift >= 0 {
		return int16(x << uint(shift))
	}
	return int16((x + 1<<uint(-shift-1)) >> uint(-shift))
}

// dftSinQ14 returns sin(2·pi·m/240).
func dftSinQ14(m int) int16 { return dftCosQ14[(m+180)%240] }

// rotate turns element i by the angle 2·pi·m/240.
func (t *fixedTransform) rotate(i, m int) {
	c, s := dftCosQ14[m], dftSinQ14(m)
	re, im := t.re16[i], t.im16[i]
	t.re16[i] = fixed.MulWrapQ14(c, re) - fixed.MulWrapQ14(s, im)
	t.im16[i] = fixed.MulWrapQ14(s, re) + fixed.MulWrapQ14(c, im)
}

// butterfly4 is the inverse transform of the four elements at i, i+step, ….
func (t *fixedTransform) butterfly4(i, step int) {
	re, im := &t.re16, &t.im16
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

// dft is the 240-point inverse transform in wrapping 16-bit arithmetic, by
// factors 4, 3, 5, 4, from re16, im16 to outRe, outIm (A.4).
func (t *fixedTransform) dft() {
	re, im := &t.re16, &t.im16
	for i := range 60 {
		t.butterfly4(i, 60)
		for m := 1; m < 4; m++ {
			t.rotate(i+60*m, m*i)
		}
	}
	sin3 := dftCosQ14[20]
	for h := range 4 {
		for i := range 20 {
			p := 60*h + i
			q, r := p+20, p+40
			sr, si := re[q]+re[r], im[q]+im[r]
			ar, ai := re[p]-sr>>1, im[p]-si>>1
			dr, di := fixed.MulWrapQ14(sin3, re[q]-re[r]), fixed.MulWrapQ14(sin3, im[q]-im[r])
			re[p], im[p] = re[p]+sr, im[p]+si
			re[q], im[q] = ar-di, ai+dr
			re[r], im[r] = ar+di, ai-dr
			if i > 0 {
				t.rotate(q, 4*i)
				t.rotate(r, 8*i)
			}
		}
	}
	for g := range 12 {
		for i := range 4 {
			p := 20*g + i
			t.butterfly5(p)
			for m := 1; m < 5 && i > 0; m++ {
				t.rotate(p+4*m, 12*m*i)
			}
		}
	}
	for i := 0; i < 240; i += 4 {
		t.butterfly4(i, 1)
	}
	at := 0
	for a := range 4 {
		for b := range 3 {
			for c := range 5 {
				for d := range 4 {
					o := a + 4*b + 12*c + 60*d
					t.outRe[o], t.outIm[o] = re[at], im[at]
					at++
				}
			}
		}
	}
}

// butterfly5 is the inverse transform of the five elements at p, p+4, ….
func (t *fixedTransform) butterfly5(p int) {
	re, im := &t.re16, &t.im16
	c1, c2 := dftCosQ14[48], dftCosQ14[96]
	s1, s2 := dftCosQ14[12], -dftCosQ14[84]
	q := fixed.MulWrapQ14
	x0r, x0i := re[p], im[p]
	s14r, s14i := re[p+4]+re[p+16], im[p+4]+im[p+16]
	s23r, s23i := re[p+8]+re[p+12], im[p+8]+im[p+12]
	d14r, d14i := re[p+4]-re[p+16], im[p+4]-im[p+16]
	d23r, d23i := re[p+8]-re[p+12], im[p+8]-im[p+12]
	ar, ai := x0r+q(c1, s14r)+q(c2, s23r), x0i+q(c1, s14i)+q(c2, s23i)
	br, bi := q(s1, d14r)+q(s2, d23r), q(s1, d14i)+q(s2, d23i)
	er, ei := x0r+q(c2, s14r)+q(c1, s23r), x0i+q(c2, s14i)+q(c1, s23i)
	fr, fi := q(s2, d14r)-q(s1, d23r), q(s2, d14i)-q(s1, d23i)
	re[p], im[p] = x0r+s14r+s23r, x0i+s14i+s23i
	re[p+4], im[p+4] = ar-bi, ai+br
	re[p+16], im[p+16] = ar+bi, ai-br
	re[p+8], im[p+8] = er-fi, ei+fr
	re[p+12], im[p+12] = er+fi, ei-fr
}
