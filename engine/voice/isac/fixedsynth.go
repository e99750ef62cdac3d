package isac

import (
	"math"

	"github.com/edgecam/edgecam/engine/fixed"
)

const (
	blockSamples  = 480 // one block at 16 kHz
	halfBlock     = 240 // one block in a half band
	subframeSize  = 40  // half-band samples per LPC subframe
	fadeSamples   = 80  // cross-fade after concealment
	resumeGainQ10 = 700 // factor of the first pitch gain after concealment
)

// resumeWindowQ14 fades in over fadeSamples (10.3).
var resumeWindowQ14 = func() (w [fadeSamples]int32) {
	for n := range w {
		t := (int32(1<<30/fadeSamples)*int32(n+1) - 1<<21) >> 22
		w[n] = int32(math.Round(8192 * (1 - math.Cos(math.Pi*float64(t+1)/256))))
	}
	return w
}()

// fixedSynthesis turns symbols into samples in integer arithmetic (Annex A) and
// bridges losses (Annex B). It allocates nothing.
type fixedSynthesis struct {
	params     synthesisParams
	transform  fixedTransform
	pitch      fixedPitchFilter
	lowFilter  fixedLattice
	highFilter fixedLattice
	merge      fixedMerge
	conceal    concealment

	weighted          [480]int32
	lowQ16, highQ25   [halfBlock]int32
	lowQ9             [halfBlock]int16
	latticeIn         [halfBlock]int32
	lowSynth, hiSynth [halfBlock]int16
}

func (s *fixedSynthesis) reset(m larMap) {
	*s = fixedSynthesis{}
	s.params.areaMap = m
	s.pitch.reset()
	s.conceal.reset()
}

// synthesize writes a block's 480 samples to pcm.
func (s *fixedSynthesis) synthesize(b *block, pcm []int16) {
	p := &s.params
	p.set(b)
	weight(&s.weighted, b)
	s.transform.inverse(&s.weighted, &s.lowQ16, &s.highQ25)
	for n := range halfBlock {
		s.lowQ9[n] = int16((s.lowQ16[n] + 64) >> 7)
		s.highQ25[n] *= 512
	}
	gain := p.gainQ12
	if s.conceal.lost {
		gain[0] = int16(int32(gain[0]) * resumeGainQ10 >> 10)
		for n := range fadeSamples {
			s.lowQ9[n] = fixed.AddSat16(
				int16(int32(s.conceal.fade[n])*resumeWindowQ14[fadeSamples-1-n]>>14),
				int16(int32(s.lowQ9[n])*resumeWindowQ14[n]>>14))
		}
	}
	s.conceal.keepInput(&s.lowQ9, &s.highQ25, p)
	s.pitch.filter(&s.lowQ9, &p.lagQ7, &gain)
	s.conceal.keepOutput(&s.lowQ9)
	s.render(p.meanGainQ12, pcm)
}

// render runs the block from the pitch filter's output on.
func (s *fixedSynthesis) render(meanGainQ12 int32, pcm []int16) {
	p := &s.params
	gainQ13 := (1<<18 - 29*meanGainQ12) >> 5
	for n, v := range s.lowQ9 {
		s.latticeIn[n] = 8 * gainQ13 * int32(v)
	}
	for j := range 6 {
		from, to := j*subframeSize, (j+1)*subframeSize
		s.lowFilter.filter(s.latticeIn[from:to], s.lowSynth[from:to], p.lowRCQ15[j][:], p.lpcGainQ17[j][0])
		s.highFilter.filter(s.highQ25[from:to], s.hiSynth[from:to], p.highRCQ15[j][:], p.lpcGainQ17[j][1])
	}
	s.merge.merge(&s.lowSynth, &s.hiSynth, pcm)
}

// concealBlock continues the signal by 480 samples without a packet.
func (s *fixedSynthesis) concealBlock(pcm []int16) {
	c := &s.conceal
	if !c.primed {
		clear(pcm[:blockSamples])
		return
	}
	var lagQ7 [4]int32
	var gainQ12 [4]int16
	c.extrapolate(&s.lowQ9, &s.highQ25, &lagQ7, &gainQ12)
	s.pitch.filter(&s.lowQ9, &lagQ7, &gainQ12)
	p := &s.params
	for j := range 5 {
		p.lowRCQ15[j], p.highRCQ15[j], p.lpcGainQ17[j] = p.lowRCQ15[5], p.highRCQ15[5], p.lpcGainQ17[5]
	}
	s.render(int32(c.gainQ12), pcm)
}
