package isac

import (
	"math"

	"github.com/edgecam/edgecam/engine/fixed"
)

func satSub(a, b int32) int32 { return fixed.SubSat32(a, b) }

// setGains reconstructs the gains of all subframes (14.3).
func (f *upperFilters) setGains(b *upperBlock) {
	for set := 0; set < b.subframes(); set += 6 {
		for r := range 6 {
			v := upperGainMeanLog
			for k := range 6 {
				v += upperGainBasis[r][k] * (upperGainFirst[k] + float64(b.gain[set+k])*upperGainStep)
			}
			f.gain[set+r] = math.Exp(v)
		}
	}
}

// mutedBlocks is for how many blocks the upper band stays silent when it comes
// back with 12 kHz bandwidth. It is not muted at the start of a stream.
const mutedBlocks = 2

// upperSynthesis decodes the upper band to 480 samples at 16 kHz (14.4).
type upperSynthesis struct {
	filters   upperFilters
	transform transform
	lpc       lattice
	merge     merge
	absent    bool // no layer in the block before
	muted     int  // blocks still to be muted

	re, im, first, second [240]float64
	zero                  [240]float64
	out                   [480]float64
}

func (s *upperSynthesis) reset() { *s = upperSynthesis{} }

// skip notes a block without the layer and writes silence.
func (s *upperSynthesis) skip(pcm []int16) {
	s.absent = true
	clear(pcm)
}

// synthesize writes 480 samples at 16 kHz of the band above 8 kHz.
func (s *upperSynthesis) synthesize(b *upperBlock, pcm []int16) {
	s.filters.set(b)
	for i := range 120 {
		if b.full {
			s.re[i], s.im[i] = float64(b.coefQ7[4*i])/128, float64(b.coefQ7[4*i+1])/128
			s.re[239-i], s.im[239-i] = float64(b.coefQ7[4*i+2])/128, float64(b.coefQ7[4*i+3])/128
		} else {
			s.re[i], s.im[i] = float64(b.coefQ7[2*i])/128, float64(b.coefQ7[2*i+1])/128
			s.re[239-i], s.im[239-i] = 0, 0
		}
	}
	s.transform.inverse(&s.re, &s.im, &s.first, &s.second)
	s.subframes(s.first[:], 0)
	if b.full {
		s.subframes(s.second[:], 6)
		for n := range 240 {
			pcm[n], pcm[240+n] = round16(s.first[n]), round16(s.second[n])
		}
		s.absent, s.muted = false, 0
		return
	}
	s.merge.merge(&s.zero, &s.first, &s.out)
	for n, v := range s.out {
		pcm[n] = round16(v)
	}
	if s.absent {
		s.absent, s.muted = false, mutedBlocks
	}
	if s.muted > 0 {
		s.muted--
		clear(pcm[:480])
	}
}

func (s *upperSynthesis) subframes(x []float64, from int) {
	for j := range 6 {
		s.lpc.synthesize(x[j*subframeSize:(j+1)*subframeSize], s.filters.rho[from+j][:], s.filters.gain[from+j])
	}
}

// bandMerge combines the bands below and above 8 kHz to 32 kHz (14.4).
type bandMerge struct{ sum, diff qmfBranch }

// merge writes two samples to pcm for each sample of low and high.
func (m *bandMerge) merge(low, high, pcm []int16) {
	for n, l := range low {
		a := (int32(l) + int32(high[n])) << 10
		b := (int32(l) - int32(high[n])) << 10
		a = m.sum.step(a, &qmfUp)
		b = m.diff.step(b, &qmfDown)
		pcm[2*n] = fixed.Sat16((b + 512) >> 10)
		pcm[2*n+1] = fixed.Sat16((a + 512) >> 10)
	}
}
