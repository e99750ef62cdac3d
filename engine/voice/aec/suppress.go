package aec

import (
	"math/bits"

	"github.com/edgecam/edgecam/engine/fixed"
)

const (
	bands      = 28
	windowSize = 2 * hop

	// Ratios of powers are logarithms to base 2, Q8: 85 are 1 dB.
	ratioStart = 0
	ratioMin   = -8 << 8 // -24 dB
	ratioMax   = 2 << 8
	// A band's ratio of residual to echo follows the lower quartile: up by one
	// step, down by three. Near speech is in a band for less than three hops of
	// four, so it hardly moves the ratio.
	ratioStep = 16

	// The near end begins to talk where the bands lie above their ratios by
	// talkLeast on average, and talks surely at talkSure; in talkHold hops after
	// that it is forgotten. A band says talkClip at most.
	talkLeast = 510 // 6 dB
	talkSure  = 850 // 10 dB
	talkHold  = 32
	talkClip  = 10 << 8
	talkBands = 6
	// A filter that is still learning estimates too little echo: by how much it
	// says, in bands that it expects to leave this much less than the echo in.
	talkUnsettled = 85
	modelLeast    = -2 << 8
	// While both ends talk the filter's model learns slowly that it is right. A
	// near end that talks leaves gaps between its harmonics and syllables: the
	// quarter of the bands that lie lowest say by how much the model expects too
	// much, doubtMost at most; they are followed by doubtStep a hop.
	doubtStep = 16
	doubtMost = 3 << 8

	// A loudspeaker that clips adds distortion where it is loud: for each octave
	// of the echo's power the ratios grow by what their mean there says, up by
	// bendStep, down by three.
	bendStep = 8
	bendMax  = 5 << 8

	noiseSpan = 200 // hops
	noiseWarm = 24
	noNoise   = 1 << 62

	// The residual is overestimated by overEcho while the far end talks alone, by
	// overCalm if the near end has been silent meanwhile for calmHops, and
	// underestimated in double talk: then the linear filter does the work.
	overEcho = 11 << 6
	overCalm = 21 << 7
	calmHops = 150
	overTalk = -4 << 8

	// No residual is louder than the echo: than the far end in the same bin times
	// the room's gain over all, whose bins differ by boundBin at most, and what a
	// loudspeaker's distortion makes of the whole, boundAll of it in a bin at most;
	// octaves of power. What is louder there is a near end.
	boundBin = 5
	boundAll = -8
)

// bandEdge is the first bin of each band and, last, the bin after all.
var bandEdge = func() (e [bands + 1]int) {
	k := 1
	for b := range e {
		e[b] = k
		switch {
		case k < 32:
			k += 4
		case k < 128:
			k += 8
		default:
			k += 16
		}
	}
	e[bands] = maxBins
	return e
}()

// windowQ15 is half a period of sine over two hops: its square, shifted by a
// hop, adds up to one.
var windowQ15 = func() (w [windowSize]int32) {
	for i := range w {
		w[i] = (fixed.SinQ30(uint32(uint64(2*i+1)<<32/(4*windowSize))) + 1<<14) >> 15
	}
	return w
}()

// phasorQ15 are the directions of comfort noise.
var phasorQ15 = func() (p [64]fixed.Complex32) {
	for i := range p {
		turn := uint32(i) << 26
		p[i] = fixed.Complex32{Re: (fixed.CosQ30(turn) + 1<<14) >> 15, Im: (fixed.SinQ30(turn) + 1<<14) >> 15}
	}
	return p
}()

// suppressor attenuates what the linear filter has left of the echo.
type suppressor struct {
	fft        *fixed.RealFFT
	work       []fixed.Complex32
	time       []int32
	lastErr    [hop]int32
	lastEcho   [hop]int32
	overlap    [hop]int32
	err, echo  []fixed.Complex32
	errPower   [maxBins]int64 // Q8
	errSmooth  [maxBins]int64
	errSlow    [maxBins]int64
	noise      [maxBins]int64
	least      [maxBins]int64 // least errSlow of this span and of the one before
	before     [maxBins]int64
	noiseAge   int
	noiseAmp   [maxBins]int32
	echoPower  [maxBins]int64
	spread     [maxBins]int64 // echo power with its decay
	ratio      [bands]int32   // log2 residual/spread, Q8
	far        [maxBins]int64 // far end's power with its decay, as spread
	room       int32          // logarithm (Q8) of the echo's power over the far end's
	rooms      int            // looks that say so, 1000 at most
	boundBin   int            // what bound said in the hop before
	boundAll   int64
	skip       bool
	whole      bool         // the error is the microphone: nothing is subtracted
	opposed    [2]bool      // this hop and the one before: see subtracted
	louder     [2]bool      // likewise
	harmful    bool         // nothing may be louder than share says
	share      [bands]int32 // the microphone's power over the error's, where it is less; Q15
	gainQ15    [maxBins]int32
	seed       uint32
	upper      int32 // see upperGain
	doubt      int32 // by how much the filter's model expects too much, logarithm in Q8
	talk       int32 // mean deviation of the bands from their ratios, smoothed
	near       int32 // how sure it is that the near end talks, Q8
	calm       int32 // hops without near end, calmHops at most
	leak       leakage
	model      []int64   // of the filter's uncertainty, per bin: see filter.sums
	expect     int64     // power of the error that the filter expects, Q0
	bend       [48]int32 // by loudness of the echo, octaves: the ratio's growth
	noiseCount int
}

func newSuppressor(fft *fixed.RealFFT) *suppressor {
	s := &suppressor{fft: fft, work: make([]fixed.Complex32, fftSize/2), time: make([]int32, fftSize), err: make([]fixed.Complex32, maxBins), echo: make([]fixed.Complex32, maxBins), seed: 1, upper: 1 << 15, noiseAge: -noiseWarm, boundAll: 1 << 62}
	for k := range s.least {
		s.least[k], s.before[k] = noNoise, noNoise
	}
	for i := range s.ratio {
		s.ratio[i] = ratioStart
	}
	return s
}

func (s *suppressor) analyse(spec []fixed.Complex32, power *[maxBins]int64, last *[hop]int32, x []int32) {
	for i, v := range last {
		s.time[i] = int32((int64(v)*int64(windowQ15[i]) + 1<<14) >> 15)
	}
	for i, v := range x {
		s.time[hop+i] = int32((int64(v)*int64(windowQ15[hop+i]) + 1<<14) >> 15)
	}
	clear(s.time[windowSize:])
	copy(last[:], x)
	s.fft.Forward(spec, s.time, s.work)
	for k, v := range spec {
		power[k] = int64(v.Re)*int64(v.Re) + int64(v.Im)*int64(v.Im)
	}
}

// run takes error and echo of a hop, Q4, and the newest spectrum of the far end
// that echoes in it, and writes the output of the hop before, Q4. With mute, nothing but comfort noise comes out.
func (s *suppressor) run(outQ4, errQ4, echoQ4 []int32, far []fixed.Complex32, mute, settled bool, expect int64, model []int64) {
	s.analyse(s.err, &s.errPower, &s.lastErr, errQ4)
	s.analyse(s.echo, &s.echoPower, &s.lastEcho, echoQ4)

	// The echo dies away by 35 dB a second at most, as in a room that reverberates
	// for 1.7 s.
	for k := range s.spread {
		s.spread[k] = max(s.spread[k]-s.spread[k]>>4-s.spread[k]>>6, s.echoPower[k])
	}
	for k := 1; k < maxBins-1; k++ {
		s.errSmooth[k] = (s.errPower[k-1] + 2*s.errPower[k] + s.errPower[k+1]) >> 2
	}
	s.errSmooth[0], s.errSmooth[maxBins-1] = s.errPower[0], s.errPower[maxBins-1]
	for k, v := range s.errSmooth {
		// Noise does not become 15 dB quieter for once: it is over.
		s.errSlow[k] = min(s.errSlow[k]+(v-s.errSlow[k])>>3, v<<5)
	}
	s.compare()
	s.followNoise()

	s.expect, s.model = expect, model
	over := s.judge(settled)
	bin, all := s.bound(far, settled)
	b := 0
	for k := range s.gainQ15 {
		if b+1 < bands && k >= bandEdge[b+1] {
			b++
		}
		r := exp2(s.spread[k], s.ratio[b]+over)
		if r > all {
			r = min(r, scale(s.far[k], bin)+all)
		}
		e := s.errSmooth[k]
		g := int64(0)
		switch {
		case r >= e:
			if r == 0 {
				g = 1 << 15
			}
		case e > 1<<46:
			g = 1<<15 - (r>>16<<15)/(e>>16)
		default:
			g = 1<<15 - r<<15/e
		}
		if s.harmful {
			g = min(g, int64(s.share[b]))
		}
		s.gainQ15[k] = int32(g)
	}
	if mute {
		clear(s.gainQ15[:])
	}
	s.measureUpper()
	s.comfort()
	s.synthesise(outQ4)
}

// subtracted tells of the error that run takes next whether it is the microphone
// less the echo, or the microphone itself, whether it is louder than that, and
// whether the echo is opposed in it: as if it had been subtracted from a
// microphone that does not hear it.
func (s *suppressor) subtracted(yes, louder, opposed bool) {
	if yes == s.whole { // windows overlap: the one turns into the other gradually
		for i, v := range s.lastEcho {
			if yes {
				v = -v
			}
			s.lastErr[i] += v
		}
		s.whole = !yes
	}
	s.louder = [2]bool{louder && yes, s.louder[0] && yes}
	s.opposed = [2]bool{opposed && yes, s.opposed[0] && yes}
	s.harmful = s.opposed[0] || s.opposed[1]
	if s.near > 0 { // a voice can be like the echo for once
		s.harmful = s.opposed[0] && s.opposed[1]
	}
}

// compare finds by how much the error is louder than the microphone, in bands.
// What is more there has never been heard, and is no noise.
func (s *suppressor) compare() {
	if !s.harmful && !s.louder[0] && !s.louder[1] {
		return
	}
	for b := range s.share {
		var m, e int64
		for k := bandEdge[b]; k < bandEdge[b+1]; k++ {
			re, im := int64(s.err[k].Re)+int64(s.echo[k].Re), int64(s.err[k].Im)+int64(s.echo[k].Im)
			m += (re*re + im*im) >> 8
			e += s.errPower[k] >> 8
		}
		s.share[b] = 1 << 15
		if m < e {
			for e > 1<<47 {
				m >>= 1
				e >>= 1
			}
			s.share[b] = int32(m << 15 / e)
		}
		for k := bandEdge[b]; k < bandEdge[b+1]; k++ {
			s.errSlow[k] = min(s.errSlow[k], s.errSmooth[k]>>10*int64(s.share[b]))
		}
	}
}

// bound follows the far end and the room's gain. A bin's residual is at most
// the far end's power in it times 2^bin, and all.
func (s *suppressor) bound(far []fixed.Complex32, settled bool) (bin int, all int64) {
	// Windows overlap by more than half: every other one will do.
	if s.skip = !s.skip; s.skip {
		return s.boundBin, s.boundAll
	}
	far = far[:maxBins]
	var sum, echo int64
	for k := 1; k < maxBins-1; k++ {
		// A Hann window, as far as it is needed: a tone must not leak everywhere.
		re := (2*int64(far[k].Re) - int64(far[k-1].Re) - int64(far[k+1].Re)) >> 2
		im := (2*int64(far[k].Im) - int64(far[k-1].Im) - int64(far[k+1].Im)) >> 2
		f := max(s.far[k]-s.far[k]>>3-s.far[k]>>5, re*re+im*im)
		s.far[k] = f
		sum += f >> 8
		echo += s.spread[k] >> 8
	}
	if settled && echo > audible && sum > audible {
		s.rooms = min(s.rooms+1, 1000)
		s.room += (log2Q8(echo) - log2Q8(sum) - s.room) / int32(min(s.rooms, 16))
	}
	s.boundBin, s.boundAll = 0, 1<<62
	if s.rooms >= 16 {
		octaves := int(s.room+255) >> 8
		s.boundBin, s.boundAll = octaves+boundBin, scale(sum, octaves+boundAll+8)
	}
	return s.boundBin, s.boundAll
}

// doubleTalk says that both ends talk.
func (s *suppressor) doubleTalk() bool { return s.near >= 128 }

// judge renews the bands' ratios of residual to echo and looks for a near end
// that talks; it returns by how much the residual is to be overestimated.
// settled says that the linear filter has done well.
func (s *suppressor) judge(settled bool) (over int32) {
	var loud, left, echo int64
	for k, p := range s.echoPower {
		loud += p >> 8
		left += s.errPower[k] >> 8
		echo += s.spread[k] >> 8
	}
	class := &s.bend[min(bits.Len64(uint64(loud)), len(s.bend)-1)]
	sum, counted := int32(0), int32(0)
	modelled, below := int32(0), int32(0)
	limit := s.leak.limit()
	for b := range s.ratio {
		var e, z, n, x int64
		for k := bandEdge[b]; k < bandEdge[b+1]; k++ {
			e += s.errPower[k]
			z += s.spread[k]
			n += s.noise[k]
			x += s.model[k] >> 4 * 5
		}
		if z < 1<<16 || z>>4 < n {
			continue
		}
		counted++
		if s.harmful {
			e = e >> 15 * int64(s.share[b])
		}
		d := log2Q8(max(e-2*n, e>>4)) - log2Q8(z) - *class
		known := s.ratio[b]
		// What the filter itself expects to leave is no near end; where it expects
		// more than modelLeast it knows nothing.
		if m := log2Q8(x) - log2Q8(z); m < modelLeast {
			m -= *class + s.doubt
			known = max(known, m)
			modelled++
			if d < m {
				below++
			}
		}
		sum += min(max(d-known, -talkClip/4), talkClip)
		if d > s.ratio[b] {
			s.ratio[b] = min(s.ratio[b]+ratioStep, max(limit-*class, ratioMin))
		} else {
			s.ratio[b] = max(s.ratio[b]-3*ratioStep, ratioMin)
		}
	}
	if modelled >= talkBands {
		s.doubt = min(max(s.doubt-doubtStep*(modelled-4*below)/modelled, 0), doubtMost)
	}
	mean := int32(0)
	if counted >= talkBands {
		mean = sum / counted
		s.leak.follow(left, echo, s.expect)
		if mean > 0 {
			*class = min(*class+bendStep, bendMax)
		} else {
			*class = max(*class-3*bendStep, 0)
		}
	}
	s.talk += (mean - s.talk) >> 1
	least := int32(talkLeast)
	if !settled {
		least += talkUnsettled
	}
	near := min(max(s.talk-least, 0), talkSure-talkLeast) << 8 / (talkSure - talkLeast)
	if near >= s.near {
		s.near = near
	} else {
		s.near = max(near, s.near-256/talkHold)
	}
	if s.near > 0 {
		s.calm = max(s.calm-s.near/8, 0)
	} else if counted >= talkBands {
		s.calm = min(s.calm+1, calmHops)
	}
	most := overEcho + (overCalm-overEcho)*s.calm/calmHops
	return most - (most-overTalk)*s.near>>8 + *class
}

// followNoise takes the least of each bin's smoothed power over the last one to
// two spans of noiseSpan hops without echo. Hops with echo only lower it: what
// they hold beside the echo may be speech.
func (s *suppressor) followNoise() {
	if s.errSlow[maxBins/2] == 0 {
		s.noiseAge = -noiseWarm // digital silence, or the start: errSlow is no mean yet
	}
	if s.noiseAge++; s.noiseAge <= 0 {
		return
	}
	over := s.noiseAge >= noiseSpan
	if over {
		s.noiseAge = 0
	}
	for k, v := range s.errSlow {
		m := min(s.least[k], s.before[k])
		if v < m || s.spread[k] < min(m, v>>1) {
			s.least[k] = min(s.least[k], v)
			m = min(m, v)
		}
		if m < noNoise {
			s.noise[k] = min(2*m, s.noise[k]+m>>6) // the first speech is not noise yet
		}
		if over && s.least[k] < noNoise {
			s.before[k], s.least[k] = s.least[k], noNoise
		}
	}
}

func (s *suppressor) comfort() {
	if s.noiseCount++; s.noiseCount == 8 {
		s.noiseCount = 0
	}
	for k := s.noiseCount; k < maxBins; k += 8 {
		s.noiseAmp[k] = int32(sqrt(uint64(max(s.noise[k], 0))))
	}
	for k := range s.err {
		g := int64(s.gainQ15[k])
		if g >= 1<<15 {
			continue
		}
		v := s.err[k]
		s.seed = s.seed*1664525 + 1013904223
		turn := &phasorQ15[s.seed>>26]
		if n := int64(s.noiseAmp[k]); n*n > 4*s.noise[k] { // it is over
			s.noiseAmp[k] = int32(sqrt(uint64(s.noise[k])))
		}
		// 1-g is close enough to the root of 1-g² that keeps the power.
		a := int64(s.noiseAmp[k]) * (1<<15 - g) >> 15
		v.Re = int32((int64(v.Re)*g)>>15 + a*int64(turn.Re)>>15)
		v.Im = int32((int64(v.Im)*g)>>15 + a*int64(turn.Im)>>15)
		s.err[k] = v
	}
}

func (s *suppressor) synthesise(outQ4 []int32) {
	s.fft.Inverse(s.time, s.err, s.work)
	for i := range outQ4 {
		outQ4[i] = s.overlap[i] + int32((int64(s.time[i])*int64(windowQ15[i])+1<<14)>>15)
	}
	for i := range s.overlap {
		s.overlap[i] = int32((int64(s.time[hop+i])*int64(windowQ15[hop+i]) + 1<<14) >> 15)
	}
}

// upperGain returns the gain of the upper half of the spectrum from microphone
// to output, Q15.
func (s *suppressor) upperGain() int32 { return s.upper }

// measureUpper is called between the gains and the comfort noise.
func (s *suppressor) measureUpper() {
	var in, out int64
	for k := maxBins / 2; k < maxBins; k++ {
		re, im := int64(s.err[k].Re)+int64(s.echo[k].Re), int64(s.err[k].Im)+int64(s.echo[k].Im)
		in += (re*re + im*im) >> 16
		g := int64(s.gainQ15[k])
		out += (s.errPower[k] >> 16) * (g * g >> 15) >> 15
	}
	g := int32(1 << 15)
	if out < in {
		// √(out/in) in Q15
		for in > 1<<32 {
			in >>= 1
			out >>= 1
		}
		g = int32(sqrt(uint64(out << 30 / max(in, 1))))
	}
	s.upper += (min(g, 1<<15) - s.upper) / 2
	if g >= 1<<15-64 && s.upper > 1<<15-256 {
		s.upper = 1 << 15
	}
}

// reset forgets how much of the echo the filter leaves.
func (s *suppressor) reset() {
	for i := range s.ratio {
		s.ratio[i] = ratioStart
	}
	s.near, s.calm, s.talk, s.doubt = 0, 0, 0, 0
	clear(s.bend[:])
	s.leak = leakage{}
}
