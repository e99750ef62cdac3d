package isac

// Orders and counts of the upper layer (14).
const (
	upperOrder      = 4
	maxUpperVectors = 4
	maxUpperFrames  = 12 // LPC subframes at 16 kHz bandwidth
	layerOverhead   = 5  // length byte and CRC
)

// upperBlock is what the second layer says about 30 ms of the band above 8 kHz
// (14.2).
type upperBlock struct {
	jitterHigh   bool
	full         bool // 16 kHz bandwidth, else 12 kHz
	shape        [maxUpperVectors * upperOrder]int
	gain         [maxUpperFrames]int
	rc           [6]int
	envelopeGain int
	coefQ7       [480]int32

	ditherQ7 [480]int32
	envelope envelope
}

func (b *upperBlock) vectors() int {
	if b.full {
		return 4
	}
	return 2
}

func (b *upperBlock) subframes() int {
	if b.full {
		return 12
	}
	return 6
}

// coefficients returns how many coefficients are coded and the binary logarithm
// of how many share a point of the envelope.
func (b *upperBlock) coefficients() (n int, shift uint) {
	if b.full {
		return 480, 2
	}
	return 240, 1
}

func (b *upperBlock) shapeCDF(i int) []uint16 {
	if b.full {
		return upperShape16CDF[i]
	}
	return upperShape12CDF[i]
}

// read reads a layer's body and reports whether it is whole (14.1).
func (b *upperBlock) read(d *rangeDecoder, body []byte) bool {
	d.reset(body)
	b.jitterHigh = d.symbol(flagCDF[:]) == 1
	b.full = d.symbol(flagCDF[:]) == 1
	for i := range b.vectors() * upperOrder {
		b.shape[i] = d.symbol(b.shapeCDF(i))
	}
	for i := range b.subframes() {
		b.gain[i] = d.symbol(upperGainCDF[i%6])
	}
	n, shift := b.coefficients()
	upperDither(b.ditherQ7[:n], d.w)
	for k := range b.rc {
		b.rc[k] = d.symbol(envelopeRCCDF[k][:])
	}
	b.envelopeGain = d.symbol(envelopeGainCDF[:])
	if d.corrupt || !b.envelope.compute(&b.rc, b.envelopeGain, wideForm) {
		return false
	}
	for i := range n {
		b.coefQ7[i] = d.coefficient(b.ditherQ7[i], b.envelope.rootQ8[i>>shift])
	}
	if d.corrupt {
		return false
	}
	end := d.codeLength()
	return end == len(body) || end < len(body) && end+int(body[end]) == len(body)
}

// upperFilters are the LPC filters of a block of the upper band, by subframe.
type upperFilters struct {
	rho  [maxUpperFrames][upperOrder]float64
	gain [maxUpperFrames]float64
}

// areaRatios reconstructs the vectors of log-area ratios (14.3).
func (b *upperBlock) areaRatios(lar *[maxUpperVectors][upperOrder]float64) {
	var t [maxUpperVectors][upperOrder]float64
	first, intra, mean := upperShape12First[:], &upperShape12Intra, &upperShape12Mean
	if b.full {
		first, intra, mean = upperShape16First[:], &upperShape16Intra, &upperShape16Mean
	}
	v := b.vectors()
	for r := range v {
		for i := range v {
			var inter float64
			if b.full {
				inter = upperShape16Inter[r][i]
			} else {
				inter = upperShape12Inter[r][i]
			}
			for c := range upperOrder {
				t[r][c] += inter * (first[i*upperOrder+c] + float64(b.shape[i*upperOrder+c])*upperShapeStep)
			}
		}
		lar[r] = *mean
		for c := range upperOrder {
			for k := range upperOrder {
				lar[r][c] += t[r][k] * intra[k][c]
			}
		}
	}
}

// Quantiser steps and the mean log gain of the upper band (14.3).
const (
	upperShapeStep   = 0.15
	upperGainStep    = 0.1
	upperGainMeanLog = -3.3822
)

// set reconstructs the filters (14.3).
func (f *upperFilters) set(b *upperBlock) {
	f.setShape(b)
	f.setGains(b)
}

func (f *upperFilters) setShape(b *upperBlock) {
	var lar [maxUpperVectors][upperOrder]float64
	b.areaRatios(&lar)
	for j := range b.subframes() {
		from, to, w := &lar[0], &lar[1], float64(j)/5
		if b.full {
			from, to, w = &lar[j/4], &lar[j/4+1], float64(j%4+1)/4
		}
		for c := range upperOrder {
			f.rho[j][c] = clampReflection(exactMap.reflection(from[c] + w*(to[c]-from[c])))
		}
	}
}
