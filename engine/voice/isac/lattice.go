package isac

import "math"

// lattice is a normalised lattice filter of order up to 12.
type lattice struct {
	s [13]float64
}

// synthesize filters x in place by 1/A with gain g (8.4).
func (f *lattice) synthesize(x, rho []float64, g float64) {
	var kappa [12]float64
	for k, r := range rho {
		kappa[k] = math.Sqrt(1 - r*r)
		g *= kappa[k]
	}
	inv := 1 / g
	for i, v := range x {
		v *= inv
		for k := len(rho) - 1; k >= 0; k-- {
			s := f.s[k]
			f.s[k+1] = rho[k]*v + kappa[k]*s
			v = kappa[k]*v - rho[k]*s
		}
		f.s[0] = v
		x[i] = v
	}
}

// analyze filters x in place by A with gain g (11.6). The state s[k] is the
// backward output of stage k, one sample old.
func (f *lattice) analyze(x, rho []float64, g float64) {
	var kappa, inv [12]float64
	for k, r := range rho {
		kappa[k] = math.Sqrt(1 - r*r)
		inv[k] = 1 / kappa[k]
		g *= kappa[k]
	}
	for i, v := range x {
		back := v
		for k, r := range rho {
			s := f.s[k]
			f.s[k] = back
			v = (v + r*s) * inv[k]
			back = kappa[k]*s + r*v
		}
		x[i] = g * v
	}
}
