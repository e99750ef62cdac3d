package isac

import "github.com/edgecam/edgecam/engine/fixed"

const (
	pitchHistory     = 190  // past samples of the pitch filter
	startLagQ7       = 6400 // 50 samples
	pitchSubframe    = 60   // samples per pitch lag
	pitchSegments    = 5    // steps of the interpolation inside a subframe
	pitchSegmentSize = pitchSubframe / pitchSegments
)

// fixedPitchFilter is the long-term post-filter of the low band (A.5).
type fixedPitchFilter struct {
	// u holds the sum of input and output, the past first.
	u         [pitchHistory + 240]int16
	damp      [5]int16 // newest first
	lastLagQ7 int32
	lastGain  int32 // Q12
}

func (f *fixedPitchFilter) reset() {
	*f = fixedPitchFilter{lastLagQ7: startLagQ7}
}

// filter filters x (Q9) in place with lags and gains (Q12, before the
// enhancement factor 1.3).
func (f *fixedPitchFilter) filter(x *[240]int16, lagQ7 *[4]int32, gainQ12 *[4]int16) {
	copy(f.u[:pitchHistory], f.u[240:])
	var gain [4]int32
	for k, g := range gainQ12 {
		gain[k] = int32(int16(int32(g) * 21299 >> 14))
	}
	if 3*lagQ7[0]>>1 < f.lastLagQ7 || lagQ7[0] > 3*f.lastLagQ7>>1 {
		f.lastLagQ7, f.lastGain = lagQ7[0], gain[0]
	}
	n := 0
	for k := range 4 {
		stepLag := ((lagQ7[k]-f.lastLagQ7)*6553 + 1<<14) >> 15
		stepGain := (gain[k] - f.lastGain) * 6553 >> 15
		lag, g := f.lastLagQ7, f.lastGain
		for range pitchSegments {
			lag += stepLag
			g += stepGain
			f.segment(x[n:n+pitchSegmentSize], n+pitchHistory, lag, g)
			n += pitchSegmentSize
		}
		f.lastLagQ7, f.lastGain = lagQ7[k], gain[k]
	}
}

// segment filters a few samples with one lag; at is their place in u.
func (f *fixedPitchFilter) segment(x []int16, at int, lagQ7, gainQ12 int32) {
	offset := max(7, (lagQ7+64)>>7)
	frac := (128*offset + 64 - lagQ7) >> 4
	if frac < 0 || frac > 7 {
		frac = 0
	}
	taps := &pitchInterpQ14[frac]
	for i := range x {
		past := f.u[at+i-int(offset)-2:]
		past = past[:9]
		var p int32
		for j, c := range taps {
			p += int32(past[j]) * int32(c)
		}
		p = min(max(p, -536879104), 536862719)
		p = int32(int16((p + 8192) >> 14))
		f.damp[4], f.damp[3], f.damp[2], f.damp[1] = f.damp[3], f.damp[2], f.damp[1], f.damp[0]
		f.damp[0] = int16((gainQ12*p + 2048) >> 12)
		var v int32
		for j, c := range pitchDampQ15 {
			v += int32(f.damp[j]) * int32(c)
		}
		v = min(max(v, -1073758208), 1073725439)
		v = (v + 1<<14) >> 15
		in := int32(x[i])
		out := fixed.Sat16(in + v)
		x[i] = out
		f.u[at+i] = fixed.Sat16(in + int32(out))
	}
}
