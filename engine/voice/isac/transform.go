package isac

import "math"

// binCos and binSin hold cos and sin of phi_b = (b+1/2)·239·pi/240, halfCos and
// halfSin those of pi·n/240 (8.2).
var binCos, binSin, halfCos, halfSin = func() (bc, bs [120]float64, hc, hs [240]float64) {
	for b := range bc {
		bs[b], bc[b] = math.Sincos((float64(b) + 0.5) * math.Pi * 239 / 240)
	}
	for n := range hc {
		hs[n], hc[n] = math.Sincos(math.Pi * float64(n) / 240)
	}
	return bc, bs, hc, hs
}()

var (
	inverseScale = 1 / math.Sqrt(240)
	forwardScale = 0.5 / math.Sqrt(240)
)

// transform is the complex transform of two real half bands, both ways.
type transform struct{ dft dft }

// inverse computes the half bands from the bins re + j·im (8.2).
func (t *transform) inverse(re, im *[240]float64, low, high *[240]float64) {
	d := &t.dft
	for b := range 120 {
		m := 239 - b
		c, s := binCos[b], binSin[b]
		// x = S_b·e^(-j·phi), y = -j·conj(S_m)·e^(-j·phi)
		xr, xi := re[b]*c+im[b]*s, im[b]*c-re[b]*s
		yr, yi := -im[m]*c-re[m]*s, -re[m]*c+im[m]*s
		d.re[b], d.im[b] = xr-yi, xi+yr
		d.re[m], d.im[m] = xr+yi, yr-xi
	}
	d.inverse()
	for n := range 240 {
		c, s := halfCos[n]*inverseScale, halfSin[n]*inverseScale
		low[n] = c*d.outRe[n] - s*d.outIm[n]
		high[n] = c*d.outIm[n] + s*d.outRe[n]
	}
}

// forward computes the bins from the half bands (11.7).
func (t *transform) forward(low, high *[240]float64, re, im *[240]float64) {
	d := &t.dft
	for n := range 240 {
		c, s := halfCos[n]*forwardScale, halfSin[n]*forwardScale
		// The forward transform is the conjugate of the inverse one of the
		// conjugate.
		d.re[n] = low[n]*c + high[n]*s
		d.im[n] = -(high[n]*c - low[n]*s)
	}
	d.inverse()
	for b := range 120 {
		m := 239 - b
		vr, vi, wr, wi := d.outRe[b], -d.outIm[b], d.outRe[m], d.outIm[m] // w is conj(V_m)
		xr, xi := vr+wr, vi+wi
		yr, yi := vi-wi, wr-vr // y = -j·(v - w)
		c, s := binCos[b], binSin[b]
		re[b], im[b] = xr*c-xi*s, xi*c+xr*s
		// S_m = -j·conj(y·e^(j·phi))
		er, ei := yr*c-yi*s, yi*c+yr*s
		re[m], im[m] = -ei, -er
	}
}
