package isac

// levinson solves for the prediction polynomial a (a[0] = 1) of order len(a)-1
// and its reflection coefficients k from autocorrelations r.
func levinson(a, k, r []float64) {
	n := len(a) - 1
	clear(a)
	clear(k)
	a[0] = 1
	e := r[0]
	for m := 1; m <= n; m++ {
		if e <= 0 {
			return
		}
		acc := r[m]
		for i := 1; i < m; i++ {
			acc += a[i] * r[m-i]
		}
		rho := clampReflection(-acc / e)
		k[m-1] = rho
		for i := 1; i <= m/2; i++ {
			a[i], a[m-i] = a[i]+rho*a[m-i], a[m-i]+rho*a[i]
		}
		a[m] = rho
		e *= 1 - rho*rho
	}
}

// stepDown computes the reflection coefficients k of polynomial a, which it
// overwrites (sign convention of 7.2).
func stepDown(k, a []float64) {
	for m := len(a) - 1; m >= 1; m-- {
		rho := clampReflection(a[m])
		k[m-1] = rho
		d := 1 / (1 - rho*rho)
		for i := 1; i <= m/2; i++ {
			u, v := a[i], a[m-i]
			a[i], a[m-i] = (u-rho*v)*d, (v-rho*u)*d
		}
	}
}

// residualEnergy returns the energy behind the filter a for autocorrelations r.
func residualEnergy(a, r []float64) float64 {
	var e float64
	for i, u := range a {
		for j, v := range a {
			e += u * v * r[max(i-j, j-i)]
		}
	}
	return max(e, 0)
}
