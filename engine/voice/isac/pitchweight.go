package isac

import "math"

const (
	weightOrder  = 6
	weightFactor = 0.9
	weightWindow = 240
)

// pitchWindow is the asymmetric window of the pitch search's LPC analysis
// (11.3).
var pitchWindow = func() (w [weightWindow]float64) {
	for i := range w {
		tau := (float64(i) + 0.5) / weightWindow
		s := math.Sin(math.Pi * (0.3*tau + 0.7*tau*tau))
		w[i] = s * s
	}
	return w
}()

// pitchWeighting flattens the spectrum of the low band for the pitch search: it
// filters by A(z)/A(z/0.9), A adapted to each pitch subframe (11.3).
type pitchWeighting struct {
	x    [weightWindow + halfBlock]float64 // input, the past first
	y    [weightOrder + halfBlock]float64  // output, the past first
	auto autocorrelator
}

// filter weights the block low and returns it, valid until the next call.
func (p *pitchWeighting) filter(low []float64) []float64 {
	copy(p.x[:weightWindow], p.x[halfBlock:])
	copy(p.x[weightWindow:], low)
	copy(p.y[:weightOrder], p.y[halfBlock:])
	for k := range 4 {
		from := k * pitchSubframe
		end := weightWindow + from + pitchSubframe
		var r, a [weightOrder + 1]float64
		var rho [weightOrder]float64
		p.auto.correlate(r[:], pitchWindow[:], p.x[end-weightWindow:end])
		r[0] = 1.01*r[0] + 1
		levinson(a[:], rho[:], r[:])
		b := a
		expand(b[:], weightFactor)
		for n := from; n < from+pitchSubframe; n++ {
			v := p.x[weightWindow+n]
			for i := 1; i <= weightOrder; i++ {
				v += a[i]*p.x[weightWindow+n-i] - b[i]*p.y[weightOrder+n-i]
			}
			p.y[weightOrder+n] = v
		}
	}
	return p.y[weightOrder:]
}
