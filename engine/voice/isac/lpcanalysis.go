package isac

import "math"

const (
	windowSize   = 256
	lowOrder     = 12
	highOrder    = 6
	lowExpand    = 0.9
	highExpand   = 0.8
	hearingLimit = 0.03981071705534973 // 10^(-28/20)
	startEnergy  = 10.0
	whiteFloor   = 1e-6
)

// lpcAnalysis finds a block's perceptual LPC filters (11.5).
type lpcAnalysis struct {
	pre        pitchFilter
	lowIn      [lookahead + halfBlock]float64
	lowWin     [windowSize]float64 // newest last
	highWin    [windowSize]float64
	lastEnergy float64
	lowSmooth  [lowOrder + 1]float64
	highSmooth [highOrder + 1]float64
	auto       autocorrelator
	filtered   [lookahead + halfBlock]float64
	gain       [6][2]float64 // unquantised
	lowLAR     [6][lowOrder]float64
	highLAR    [6][highOrder]float64
	shapeX     [6][18]float64
}

func (l *lpcAnalysis) reset() {
	*l = lpcAnalysis{lastEnergy: startEnergy}
	l.pre.reset()
}

// fluctuation returns the mean change of level in dB between the quarters of a
// block, the block before included.
func fluctuation(last *float64, x []float64) float64 {
	var change float64
	n := len(x) / 4
	for q := range 4 {
		e := 1e-4
		for _, v := range x[q*n : (q+1)*n] {
			e += v * v
		}
		change += math.Abs(10 * math.Log10(e / *last))
		*last = e
	}
	return change / 4
}

// voicedSharpness is the weight of the noise target by voicing and change of
// level (11.5 step 2).
func voicedSharpness(meanGain, change float64) float64 {
	return math.Exp(-1.4 * math.Exp(-200*meanGain*meanGain*meanGain) / (1 + 0.4*change))
}

// analyze finds filters and gains for the undelayed half bands at a noise
// target of snr dB.
func (l *lpcAnalysis) analyze(low, high *[halfBlock]float64, lag, gain *[4]float64, meanGain, snr float64, m larMap) {
	copy(l.lowIn[:lookahead], l.lowIn[halfBlock:])
	copy(l.lowIn[lookahead:], low[:])
	l.filtered = l.lowIn
	l.pre.filter(l.filtered[:], lag, gain, -1)
	change := fluctuation(&l.lastEnergy, l.filtered[12:252])
	sharp := voicedSharpness(meanGain, change)
	alpha := 0.35 * (0.5 + 0.5*sharp)
	target := math.Pow(10, snr/20) / 3.46

	copy(l.lowWin[windowSize-lookahead:], l.filtered[:lookahead])
	for j := range 6 {
		l.slide(&l.lowWin, l.filtered[lookahead+j*subframeSize:])
		l.slide(&l.highWin, high[j*subframeSize:])
		l.lowFilter(j, alpha, sharp, target, m)
		l.highFilter(j, alpha, sharp, target, m)
	}
}

// slide appends a subframe to a window.
func (l *lpcAnalysis) slide(win *[windowSize]float64, x []float64) {
	copy(win[:], win[subframeSize:])
	copy(win[windowSize-subframeSize:], x[:subframeSize])
}

// smooth mixes autocorrelations with those of earlier subframes.
func smooth(r, state []float64) {
	for n := range r {
		state[n] = 0.01*state[n] + r[n]
		r[n] = 0.0099*state[n] + 0.99*r[n]
	}
}

// expand widens the bandwidth of polynomial a.
func expand(a []float64, factor float64) {
	f := 1.0
	for n := range a {
		a[n] *= f
		f *= factor
	}
}

func (l *lpcAnalysis) lowFilter(j int, alpha, sharp, target float64, m larMap) {
	var r [lowOrder + 2]float64
	var w, a [lowOrder + 1]float64
	var k [lowOrder]float64
	l.auto.correlate(r[:], lpcWindow[:], l.lowWin[:])
	square := 1 + alpha*alpha
	w[0] = square*r[0] - 2*alpha*r[1] + whiteFloor
	for n := 1; n <= lowOrder; n++ {
		w[n] = square*r[n] - alpha*(r[n-1]+r[n+1])
	}
	smooth(w[:], l.lowSmooth[:])
	levinson(a[:], k[:], w[:])
	expand(a[:], lowExpand)
	l.gain[j][0] = target / (math.Sqrt(residualEnergy(a[:], w[:]))/sharp + hearingLimit)
	stepDown(k[:], a[:])
	for i, rho := range k {
		l.lowLAR[j][i] = m.areaRatio(rho)
	}
}

func (l *lpcAnalysis) highFilter(j int, alpha, sharp, target float64, m larMap) {
	var r, a [highOrder + 1]float64
	var k [highOrder]float64
	l.auto.correlate(r[:], lpcWindow[:], l.highWin[:])
	for n := range r {
		r[n] *= (1 + alpha) * (1 + alpha)
	}
	r[0] += whiteFloor
	smooth(r[:], l.highSmooth[:])
	levinson(a[:], k[:], r[:])
	expand(a[:], highExpand)
	l.gain[j][1] = target / (math.Sqrt(residualEnergy(a[:], r[:]))/sharp + hearingLimit)
	stepDown(k[:], a[:])
	for i, rho := range k {
		l.highLAR[j][i] = m.areaRatio(rho)
	}
}

// quantizeShape sets the shape symbols (11.5 step 6).
func (l *lpcAnalysis) quantizeShape(shape *[108]int) {
	for j := range 6 {
		var x [18]float64
		for k := range x {
			if k < lowOrder {
				x[k] = (l.lowLAR[j][k] - lpcShapeMean[18*j+k]) * lowAreaScale
			} else {
				x[k] = (l.highLAR[j][k-lowOrder] - lpcShapeMean[18*j+k]) * highAreaScale
			}
		}
		l.shapeX[j] = [18]float64{}
		for m, v := range x {
			for k := range 18 {
				l.shapeX[j][k] += lpcShapeLeft[m][k] * v
			}
		}
	}
	for j := range 6 {
		for k := range 18 {
			var b float64
			for n := range 6 {
				b += lpcShapeRight[j][n] * l.shapeX[n][k]
			}
			i := 18*j + k
			shape[i] = clampIndex(b, -lpcShapeZero[i], len(lpcShapeLevels[i])-1-lpcShapeZero[i])
		}
	}
}

// quantizeGains sets the gain symbols for the gains times factor (11.5 step 7).
func (l *lpcAnalysis) quantizeGains(index *[12]int, factor float64) {
	var y [6][2]float64
	for n := range y {
		var x [2]float64
		for c := range x {
			x[c] = 4 * (math.Log(l.gain[n][c]*factor) - lpcGainMean[2*n+c])
		}
		for k := range 2 {
			y[n][k] = lpcGainLeft[0][k]*x[0] + lpcGainLeft[1][k]*x[1]
		}
	}
	for j := range 6 {
		for k := range 2 {
			var b float64
			for n := range 6 {
				b += lpcGainRight[j][n] * y[n][k]
			}
			i := 2*j + k
			index[i] = clampIndex(b, -lpcGainZero[i], len(lpcGainLevels[i])-1-lpcGainZero[i])
		}
	}
}
