package isac

import "math"

// reflectionLimit keeps lattice filters stable whatever a payload says.
const reflectionLimit = 0.99999

// lpcFilters are the LPC filters of a block, by subframe (7.2).
type lpcFilters struct {
	low  [6][12]float64 // reflection coefficients
	high [6][6]float64
	gain [6][2]float64
}

// larMap turns log-area ratios into reflection coefficients and back: the exact
// map, or the piecewise linear one of the fixed-point coders (A.3).
type larMap bool

const (
	exactMap     larMap = false
	piecewiseMap larMap = true
)

func (m larMap) reflection(lar float64) float64 {
	if m == exactMap {
		return math.Tanh(lar / 2)
	}
	x := min(max(lar*(1<<17), -1<<30), 1<<30)
	return float64(piecewiseReflectionQ15(int32(math.Round(x)))) / 32768
}

func (m larMap) areaRatio(rho float64) float64 {
	rho = min(max(rho, -reflectionLimit), reflectionLimit)
	if m == exactMap {
		return math.Log((1 + rho) / (1 - rho))
	}
	return math.Copysign(piecewiseAreaRatioQ17(math.Abs(rho)*32768)/(1<<17), rho)
}

// piecewiseAreaRatioQ17 is the inverse of the piecewise linear map (A.3).
func piecewiseAreaRatioQ17(rhoQ15 float64) float64 {
	switch {
	case rhoQ15 < 24956:
		return 21512 * rhoQ15 / (1 << 11)
	case rhoQ15 < 30000:
		return -465024 + 29837*rhoQ15/(1<<10)
	case rhoQ15 < 32500:
		return -3324784 + 31863*rhoQ15/(1<<8)
	}
	return -88546020 + 21973*rhoQ15/(1<<3)
}

// Scales of the log-area ratios before their transform (7.2, 11.5).
const (
	lowAreaScale  = 2.1
	highAreaScale = 0.45
)

// set reconstructs the filters from the symbols of model 0.
func (f *lpcFilters) set(shape *[108]int, gain *[12]int, m larMap) {
	f.setGains(gain)
	var z [6][18]float64
	for n := range z {
		var q [18]float64
		for i := range q {
			q[i] = lpcShapeLevels[18*n+i][shape[18*n+i]]
		}
		for k := range 18 {
			for i, v := range q {
				z[n][k] += lpcShapeLeft[k][i] * v
			}
		}
	}
	for j := range 6 {
		for k := range 18 {
			var w float64
			for n := range z {
				w += lpcShapeRight[n][j] * z[n][k]
			}
			mean := lpcShapeMean[18*j+k]
			if k < 12 {
				f.low[j][k] = clampReflection(m.reflection(w/lowAreaScale + mean))
			} else {
				f.high[j][k-12] = clampReflection(m.reflection(w/highAreaScale + mean))
			}
		}
	}
}

func clampReflection(rho float64) float64 {
	return min(max(rho, -reflectionLimit), reflectionLimit)
}

func (f *lpcFilters) setGains(gain *[12]int) {
	var y [6][2]float64
	for n := range y {
		a, b := lpcGainLevels[2*n][gain[2*n]], lpcGainLevels[2*n+1][gain[2*n+1]]
		for c := range 2 {
			y[n][c] = lpcGainLeft[c][0]*a + lpcGainLeft[c][1]*b
		}
	}
	for j := range 6 {
		for c := range 2 {
			var v float64
			for n := range y {
				v += lpcGainRight[n][j] * y[n][c]
			}
			f.gain[j][c] = math.Exp(v/4 + lpcGainMean[2*j+c])
		}
	}
}

// lags reconstructs the pitch lags in half-band samples (5.2).
func lags(class *lagClass, index *[4]int) (lag [4]float64) {
	mean := float64(index[0]+class.indexMin[0]) * class.step
	for k := range lag {
		lag[k] = pitchBasis[0][k]*mean + pitchBasis[1][k]*class.slope[index[1]] + pitchBasis[3][k]*class.bend[index[3]]
	}
	return lag
}
