package vp8

import (
	"math"

	"github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"
)

// keyEstimate foretells the size of a key frame from its source alone: it counts
// the transform coefficients of every other macroblock by their magnitude.
type keyEstimate struct {
	// magnitudes counts by the binary logarithm, in quarters.
	magnitudes [encMagnitudes]uint32
	// scale is how many macroblocks of the picture one counted stands for, and
	// whatever else the estimate is to be multiplied with.
	scale       float64
	macroblocks int
}

// encMagnitudes is the number of quarter octaves that encLogQ2 tells apart in a
// coefficient.
const encMagnitudes = 64

// estimateRow counts a row of macroblocks, predicted from the source beside them
// by the best of the modes for whole macroblocks.
func (e *Encoder) estimateRow(s *encScratch, y int) {
	src := e.source
	for x := y & 1; x < e.mbW; x += 2 {
		p := e.pos(x, y)
		best := uint32(math.MaxUint32)
		g := e.gatherEdgesOf(s, src, &p)
		for mode := modeDC; mode <= modeTM; mode++ {
			dsp.Intra16x16(s.pred[1][:], 16, dsp.IntraMode(mode), g.aboveY, g.leftY, g.corner)
			if c := dsp.SATD16x16(src.y.pix[p.yo:], src.y.stride, s.pred[1][:], 16); c < best {
				best = c
				s.pred[0], s.pred[1] = s.pred[1], s.pred[0]
			}
		}
		dsp.FDCT16x16(s.coef[:256], src.y.pix[p.yo:], src.y.stride, s.pred[0][:], 16)
		dsp.FWHT(s.coef[dsp.BlockY2*16:], s.coef[:256])
		for i, c := range s.coef[:256] {
			if i&15 != 0 {
				s.magnitudes[encLogQ2(uint32(max(c, -c)))&(encMagnitudes-1)]++
			}
		}
		// The second transform's steps are coarser by half.
		for _, c := range s.coef[dsp.BlockY2*16:][:16] {
			s.magnitudes[encLogQ2(uint32(max(c, -c))*2/3)&(encMagnitudes-1)]++
		}
	}
}

// bits is the estimate at quantiser index q: so much for each coefficient that is
// not zero, for each octave that it is above the least such, and for each
// macroblock. The shares are those of camera pictures; four fifths of all
// come within a seventh of their size.
func (k *keyEstimate) bits(q int) float64 {
	const perCoefficient, perOctave, perMacroblock = 3.1, 1.04, 6.6
	least := 4 * math.Log2(float64(encACStep(q))*0.65+1)
	bits := 0.0
	for i, n := range k.magnitudes {
		share := min(max(float64(i+1)-least, 0), 1) // of the bin
		bits += share * float64(n) * (perCoefficient + perOctave*max(float64(i)+0.5-least, 0)/4)
	}
	return (bits + perMacroblock*float64(k.macroblocks)) * k.scale
}

// estimateKey makes the estimate for the source as it is.
func (e *Encoder) estimateKey() (k keyEstimate) {
	e.pool.run(e, encJobEstimate, e.mbH)
	for i := range e.pool.scratch {
		s := &e.pool.scratch[i]
		for b, c := range s.magnitudes {
			k.magnitudes[b] += c
		}
		s.magnitudes = [encMagnitudes]uint32{}
	}
	for y := range e.mbH {
		k.macroblocks += (e.mbW + 1 - y&1) / 2
	}
	k.scale = float64(e.mbW*e.mbH) / float64(k.macroblocks)
	if !e.speed.subblockIntra {
		k.scale *= 8. / 7 // what prediction by 4x4 blocks saves
	}
	return k
}
