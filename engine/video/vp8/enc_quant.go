package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// encQuantizer holds the matrices of one quantiser index.
type encQuantizer struct {
	q          int
	y1, y2, uv dsp.QuantMatrix
	intraY1    dsp.QuantMatrix
}

// encACStep is the luma AC step of a quantiser index.
func encACStep(q int) int { return int(acQuant[clampQuantIndex(q)]) }

// Rounding and zero bins, in 1/128 step. Zero bins above half a step keep
// lone coefficients out whose bits cost more than the error they take away.
const (
	encRoundInter = 42
	encZeroInter  = 84
	encRoundIntra = 54
	encZeroIntra  = 72
	encRoundY2    = 48
	encZeroY2     = 80
)

func (z *encQuantizer) set(q int) {
	if z.q == q && z.y1.Dequant[0] != 0 {
		return
	}
	z.q = q
	f := quantSteps(q, quantDeltas{})
	z.y1.Set(int(f.y1[0]), int(f.y1[1]), encZeroInter, encRoundInter)
	z.intraY1.Set(int(f.y1[0]), int(f.y1[1]), encZeroIntra, encRoundIntra)
	z.y2.Set(int(f.y2[0]), int(f.y2[1]), encZeroY2, encRoundY2)
	z.uv.Set(int(f.uv[0]), int(f.uv[1]), encZeroInter, encRoundInter)
}

func (e *Encoder) prepareQuantizers(h *encHeader) {
	if !h.segmented {
		e.quant[0].set(h.q)
		return
	}
	for i := range e.quant {
		e.quant[i].set(h.segmentQ[i])
	}
}

// lambdas weigh bits against distortion at one quantiser index.
type lambdas struct {
	// satdQ4 is the price of one bit in units of SAD or SATD, times 16.
	satdQ4 int
	// sseQ4 is the price of one bit in squared error, times 16.
	sseQ4 int
	// goodSATD is the SATD below which next to nothing of a macroblock's luma
	// is left to code: a deviation of one part of the step in goodShare.
	goodSATD uint32
}

func newLambdas(q, goodShare int) lambdas {
	ac := encACStep(q)
	return lambdas{satdQ4: max(ac*16*20/100, 8), sseQ4: max(ac*ac*16*23/1000, 16), goodSATD: uint32(410 * ac / goodShare)}
}

// satd is the price of bits256/256 bits in SATD.
func (l *lambdas) satd(bits256 int) int { return l.satdQ4 * bits256 >> 12 }
