package isac

// synthesis is the decoder's signal path in floating point (8), for the lower
// band of super-wideband streams.
type synthesis struct {
	filters         lpcFilters
	transform       transform
	pitch           pitchFilter
	lowLPC, highLPC lattice
	merge           merge
	weighted        [480]int32
	re, im          [240]float64
	low, high       [240]float64
	out             [480]float64
	lag, gain       [4]float64
}

func (s *synthesis) reset() {
	*s = synthesis{}
	s.pitch.reset()
}

// synthesize writes a block's 480 samples at 16 kHz to pcm.
func (s *synthesis) synthesize(b *block, pcm []int16) {
	weight(&s.weighted, b)
	for i := range 240 {
		s.re[i], s.im[i] = float64(s.weighted[2*i])/128, float64(s.weighted[2*i+1])/128
	}
	s.transform.inverse(&s.re, &s.im, &s.low, &s.high)

	s.lag = lags(classOf(b.meanGainQ12), &b.lag)
	for k, g := range pitchGainQ12[b.pitchGain] {
		s.gain[k] = enhancement * float64(g) / 4096
	}
	s.pitch.filter(s.low[:], &s.lag, &s.gain, 1)
	scale := 1 - enhancementScale*float64(b.meanGainQ12)/4096
	for n := range s.low {
		s.low[n] *= scale
	}

	s.filters.set(&b.shape, &b.gain, exactMap)
	for j := range 6 {
		from, to := j*subframeSize, (j+1)*subframeSize
		s.lowLPC.synthesize(s.low[from:to], s.filters.low[j][:], s.filters.gain[j][0])
		s.highLPC.synthesize(s.high[from:to], s.filters.high[j][:], s.filters.gain[j][1])
	}
	s.merge.merge(&s.low, &s.high, &s.out)
	for n, v := range s.out {
		pcm[n] = round16(v)
	}
}
