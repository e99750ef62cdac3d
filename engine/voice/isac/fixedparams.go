package isac

import (
	"math"

	"github.com/edgecam/edgecam/engine/fixed"
)

// synthesisParams are a block's filter parameters in the decoder's formats.
type synthesisParams struct {
	lagQ7       [4]int32
	gainQ12     [4]int16
	meanGainQ12 int32
	lowRCQ15    [6][12]int16
	highRCQ15   [6][6]int16
	lpcGainQ17  [6][2]int32
	areaMap     larMap
}

// set derives the parameters from a block's symbols.
func (p *synthesisParams) set(b *block) {
	p.gainQ12 = pitchGainQ12[b.pitchGain]
	p.meanGainQ12 = b.meanGainQ12
	p.lagQ7 = lagsQ7(classOf(b.meanGainQ12), &b.lag)
	m := &lpcModels[b.model]
	p.setGains(m, &b.gain)
	p.setShape(m, &b.shape)
}

// lagsQ7 reconstructs the pitch lags (5.2).
func lagsQ7(class *lagClass, index *[4]int) (lag [4]int32) {
	c := int32(index[0]+class.indexMin[0]) << (11 - class.stepExp)
	t := &pitchBasisQ12
	for k := range lag {
		lag[k] = fixed.MulMixQ11(t[0][k], c)>>5 +
			int32(t[1][k])*int32(class.slopeQ10[index[1]])>>15 +
			int32(t[3][k])*int32(class.bendQ10[index[3]])>>15
	}
	return lag
}

// setGains reconstructs the LPC gains (A.1).
func (p *synthesisParams) setGains(m *lpcModel, index *[12]int) {
	var y [6][2]int32
	for n := range y {
		for c := range 2 {
			for i := range 2 {
				y[n][c] += fixed.MulMixQ16(m.gainLeftQ15[c][i], 32*m.gainQ17[2*n+i][index[2*n+i]])
			}
		}
	}
	for j := range 6 {
		for c := range 2 {
			var v int32
			for n := range y {
				v += fixed.MulMixQ16(lpcGainRightQ15[n][j], y[n][c])
			}
			logQ8 := int32(int16(int32(int16(v>>14)) + m.gainMeanQ8[2*j+c]))
			p.lpcGainQ17[j][c] = expQ17(logQ8)
		}
	}
}

// expQ17 returns e^x, piecewise linear between powers of two.
func expQ17(xQ8 int32) int32 {
	e := xQ8 * 23637 >> 14
	if e >= 0 {
		return (256 + e&255) << 9 << (uint(e>>8) & 31)
	}
	e = -e
	return ((1 << 15 >> min(31, 1+uint(e>>8))) * (511 - e&255)) >> 6
}

// setShape reconstructs the log-area ratios (A.2) and from them the reflection
// coefficients.
func (p *synthesisParams) setShape(m *lpcModel, index *[108]int) {
	var z [6][18]int32
	for n := range z {
		var level [18]int32
		for i := range level {
			level[i] = int32(m.shapeQ10[18*n+i][index[18*n+i]])
		}
		for k := range 18 {
			left := &m.shapeLeftQ15[k]
			for i, l := range level {
				z[n][k] += l * int32(left[i]) >> 7
			}
		}
	}
	for j := range 6 {
		for k := range 18 {
			var w int32
			for n := range z {
				w += fixed.MulMixQ16(m.shapeRightQ15[n][j], z[n][k])
			}
			mean := m.shapeMeanQ17[18*j+k]
			if k < 12 {
				p.lowRCQ15[j][k] = p.areaMap.reflectionQ15(fixed.MulMixQ16(31208, w) + mean)
			} else {
				p.highRCQ15[j][k-12] = p.areaMap.reflectionQ15(8*fixed.MulMixQ16(18204, w) + mean)
			}
		}
	}
}

// reflectionQ15 maps a log-area ratio to a reflection coefficient.
func (m larMap) reflectionQ15(larQ17 int32) int16 {
	if m == exactMap {
		return int16(math.Round(reflectionLimit * 32768 * math.Tanh(float64(larQ17)/(1<<18))))
	}
	return piecewiseReflectionQ15(larQ17)
}

// piecewiseReflectionQ15 is the piecewise linear map of log-area ratios to
// reflection coefficients (A.3).
func piecewiseReflectionQ15(larQ17 int32) int16 {
	b := (larQ17 + 32) >> 6
	if b < 0 {
		b = -b
	}
	var rho int32
	switch {
	case b < 4097:
		rho = 24957 * b >> 12
	case b < 6393:
		rho = (17993*b + 130738688) >> 13
	case b < 11255:
		rho = (16850*b + 875329820) >> 15
	default:
		rho = (24433*b>>16 + 515804) >> 4
	}
	if larQ17 <= 0 {
		rho = -rho
	}
	return int16(rho)
}
