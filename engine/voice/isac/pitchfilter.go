package isac

import "math"

const (
	startLag         = 50.0
	enhancement      = 1.3 // factor of the gains in the decoder (8.3)
	enhancementScale = 0.45
)

// pitchFilter is the long-term filter of the low band: post-filter in the
// decoder (8.3), pre-filter in the encoder (11.6).
type pitchFilter struct {
	u                 [pitchHistory + 240 + lookahead]float64
	damp              [5]float64
	lastLag, lastGain float64
}

func (f *pitchFilter) reset() { *f = pitchFilter{lastLag: startLag} }

// filter filters x in place. sign is +1 for the post-filter and -1 for the
// pre-filter. Samples behind the first 240 are filtered with the parameters of
// the last segment and leave no trace in the state.
func (f *pitchFilter) filter(x []float64, lag, gain *[4]float64, sign float64) {
	copy(f.u[:pitchHistory], f.u[240:])
	if lag[0] > 1.5*f.lastLag || lag[0] < 0.67*f.lastLag {
		f.lastLag, f.lastGain = lag[0], gain[0]
	}
	n := 0
	var l, g float64
	for k := range 4 {
		for s := 1; s <= pitchSegments; s++ {
			l = f.lastLag + float64(s)*(lag[k]-f.lastLag)/pitchSegments
			g = f.lastGain + float64(s)*(gain[k]-f.lastGain)/pitchSegments
			f.segment(x[n:n+pitchSegmentSize], n+pitchHistory, l, g, sign)
			n += pitchSegmentSize
		}
		f.lastLag, f.lastGain = lag[k], gain[k]
	}
	if len(x) > n {
		damp := f.damp
		f.segment(x[n:], n+pitchHistory, l, g, sign)
		f.damp = damp
	}
}

func (f *pitchFilter) segment(x []float64, at int, lag, gain, sign float64) {
	offset := math.Floor(lag + 2.5)
	frac := min(max(int(math.Floor(8*(offset-lag-1.5))), 0), 7)
	taps := &pitchInterp[frac]
	for i, in := range x {
		past := f.u[at+i-int(offset):]
		past = past[:9]
		var p float64
		for j, c := range taps {
			p += past[j] * c
		}
		f.damp[4], f.damp[3], f.damp[2], f.damp[1] = f.damp[3], f.damp[2], f.damp[1], f.damp[0]
		f.damp[0] = gain * p
		var v float64
		for j, c := range pitchDamp {
			v += f.damp[j] * c
		}
		out := in + sign*v
		x[i] = out
		f.u[at+i] = in + out
	}
}
