package isac

// correlate sets dst[k] = Σ x[n]·y[n+k]. Products are rounded before they are
// added, in the order of n, whatever the processor. y has at least
// len(x)+len(dst)-1 samples.
func correlate(dst, x, y []float64) {
	if len(x) == 0 || len(dst) == 0 {
		clear(dst)
		return
	}
	y = y[:len(x)+len(dst)-1]
	k := 0
	if lags := len(dst) &^ (kernelLags - 1); lags > 0 && haveKernel() {
		correlateKernel(&dst[0], &x[0], &y[0], len(x), lags)
		k = lags
	}
	correlateGeneric(dst[k:], x, y[k:])
}

// kernelLags divides the number of lags that kernels take.
const kernelLags = 8

// maxCorrelations bounds the lags of an autocorrelator.
const maxCorrelations = 16

// autocorrelator finds autocorrelations of windowed signals.
type autocorrelator struct {
	// x is the windowed signal behind zeros, for the lags' sake.
	x [maxCorrelations - 1 + windowSize]float64
	r [maxCorrelations]float64
}

// correlate sets r to the autocorrelations of x under the window w, which is as
// long.
func (a *autocorrelator) correlate(r, w, x []float64) {
	windowed := a.x[maxCorrelations-1:][:len(w)]
	for n, v := range w {
		windowed[n] = v * x[n]
	}
	// Lags a kernel takes, falling.
	count := min((len(r)+kernelLags-1)&^(kernelLags-1), maxCorrelations)
	from := maxCorrelations - count
	correlate(a.r[:count], windowed, a.x[from:])
	for lag := range r {
		r[lag] = a.r[count-1-lag]
	}
}
