package g722

import "github.com/edgecam/edgecam/engine/fixed"

const zeros = 6 // of the predictor

// band is the ADPCM coder of a sub-band: an adaptive quantizer and a predictor
// with two poles and six zeros (section 3.6).
type band struct {
	scaleQ11 int32 // NB: logarithm of the quantizer's step
	step     int32 // DET
	estimate int32 // S: prediction of the next sample
	zeroPart int32 // SZ: what the zeros contribute to it

	difference [zeros]int32 // DLT, newest first
	zero       [zeros]int32 // BL, Q14
	pole       [2]int32     // AL, Q14
	partial    [2]int32     // PLT: difference plus zeroPart, newest first
	output     [2]int32     // RLT: reconstruction, newest first
}

func newLowBand() band  { return band{step: 32} }
func newHighBand() band { return band{step: 8} }

const (
	lowScaleMax  = 18432
	highScaleMax = 22528
	lowExponent  = 8 // of the step at scaleQ11 = 0
	highExponent = 10
	reconMax     = 16383
)

func sat(x int32) int32 { return int32(fixed.Sat16(x)) }

// quantizeLow codes a sample of the lower band in six bits.
func (b *band) quantizeLow(x int32) byte {
	e := sat(x - b.estimate)
	m := max(e, ^e)
	level := 0
	for level < len(lowThresholds) && m >= lowThresholds[level]*b.step>>12 {
		level++
	}
	code := lowPositive[level]
	if e < 0 {
		code = lowNegative[level]
	}
	b.adaptLow(code)
	return code
}

// decodeLow reconstructs a sample of the lower band.
func (b *band) decodeLow(code byte) int32 {
	r := b.estimate + b.step*lowLevels6[code]>>15
	b.adaptLow(code)
	return min(max(r, -reconMax-1), reconMax)
}

// adaptLow updates the state by the upper four bits of the code, so that the
// lower two may be used for data (section 1.3) without harm.
func (b *band) adaptLow(code byte) {
	d := b.step * lowLevels4[code>>2] >> 15
	b.rescale(lowLogWeights[code>>2], lowScaleMax, lowExponent)
	b.predict(d)
}

// quantizeHigh codes a sample of the upper band in two bits.
func (b *band) quantizeHigh(x int32) byte {
	e := sat(x - b.estimate)
	var code byte
	if max(e, ^e) < highThreshold*b.step>>12 {
		code = 1
	}
	if e >= 0 {
		code |= 2
	}
	b.adaptHigh(code)
	return code
}

// decodeHigh reconstructs a sample of the upper band.
func (b *band) decodeHigh(code byte) int32 {
	r := b.estimate + b.step*highLevels[code]>>15
	b.adaptHigh(code)
	return min(max(r, -reconMax-1), reconMax)
}

func (b *band) adaptHigh(code byte) {
	d := b.step * highLevels[code] >> 15
	b.rescale(highLogWeights[code], highScaleMax, highExponent)
	b.predict(d)
}

// rescale adapts the quantizer's step (blocks 3L and 3H).
func (b *band) rescale(weight, limit int32, exponent int) {
	b.scaleQ11 = min(max(b.scaleQ11*127>>7+weight, 0), limit)
	shift := exponent - int(b.scaleQ11>>11)
	step := powers[b.scaleQ11>>6&31]
	if shift < 0 {
		step <<= uint(-shift)
	} else {
		step >>= uint(shift)
	}
	b.step = step << 2
}

// predict takes the quantized difference d, adapts the predictor and predicts the
// next sample (block 4).
func (b *band) predict(d int32) {
	reconstructed := sat(b.estimate + d)
	partial := sat(b.zeroPart + d)
	p0, p1, p2 := partial < 0, b.partial[0] < 0, b.partial[1] < 0

	// UPPOL2: leak of 1/128, step of 1/128, bounded to 0.75.
	first := sat(b.pole[0] << 2)
	if p0 == p1 {
		first = -first
	}
	pole2 := min(first, 32767) >> 7
	if p0 == p2 {
		pole2 += 128
	} else {
		pole2 -= 128
	}
	pole2 = min(max(pole2+b.pole[1]*32512>>15, -12288), 12288)

	// UPPOL1: leak of 1/256, bounded so that the filter stays stable.
	pole1 := b.pole[0] * 32640 >> 15
	if p0 == p1 {
		pole1 += 192
	} else {
		pole1 -= 192
	}
	limit := sat(15360 - pole2)
	b.pole = [2]int32{min(max(sat(pole1), -limit), limit), pole2}

	// UPZERO: leak of 1/256.
	var gain int32
	if d != 0 {
		gain = 128
	}
	for i, past := range b.difference {
		g := gain
		if (past < 0) != (d < 0) {
			g = -gain
		}
		b.zero[i] = sat(b.zero[i]*32640>>15 + g)
	}
	copy(b.difference[1:], b.difference[:])
	b.difference[0] = d
	b.partial = [2]int32{partial, b.partial[0]}
	b.output = [2]int32{reconstructed, b.output[0]}

	// FILTEP, FILTEZ, PREDIC.
	poles := sat(b.pole[0]*sat(2*b.output[0])>>15 + b.pole[1]*sat(2*b.output[1])>>15)
	b.zeroPart = 0
	for i, past := range b.difference {
		b.zeroPart += b.zero[i] * sat(2*past) >> 15
	}
	b.zeroPart = sat(b.zeroPart)
	b.estimate = sat(poles + b.zeroPart)
}
