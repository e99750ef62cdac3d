package neteq

import "github.com/edgecam/edgecam/engine/fixed"

const (
	// maxCycle is the longest pitch period that is repeated, 18 ms at 48 kHz.
	maxCycle = 864
	// Concealment keeps its level for holdMs, falls linearly, and is gone at
	// goneMs.
	holdMs = 30
	goneMs = 240
	// Correlations between which a signal passes from noise to voice.
	unvoicedQ14 = 4915  // 0.3
	voicedQ14   = 12288 // 0.75
)

// expander extrapolates a signal: its last pitch period of prediction error, mixed
// with noise according to how periodic it was, through its prediction filter.
type expander struct {
	rateHz int
	pitch  pitchFinder

	lpc       predictor
	syn       synthesis
	cycle     [maxCycle]int16
	lag, at   int
	voicedQ15 int32 // share of the periodic part
	noiseQ15  int32 // and of noise, in power one together
	noise     int32 // peak of the noise
	random    uint32
	work      [windowSamples]int16
}

func (x *expander) init(rateHz int) {
	*x = expander{rateHz: rateHz, random: 0x9e3779b9}
	x.pitch.rateHz = rateHz
}

// start analyses the end of h, which is then continued.
func (x *expander) start(h []int16) {
	order := orderOf(x.rateHz)
	x.at = 0
	window := min(len(h), x.rateHz*24/1000)
	x.lpc.analyse(h[len(h)-window:], order, x.work[:])
	x.syn.load(h)
	lag, corr := x.pitch.find(h[max(len(h)-x.pitch.span(), 0):])
	x.lag = max(min(lag, maxCycle, len(h)-2*order), 0)
	if x.lag < x.rateHz/1000 {
		x.lag, x.voicedQ15, x.noiseQ15, x.noise = 0, 0, 0, 0
		return
	}
	x.lpc.residual(x.cycle[:x.lag], h, len(h)-x.lag)
	// The end of the period is led over into what comes before its beginning.
	if fade := min(x.lag/4, len(h)-2*x.lag-order); fade > 0 {
		before := x.work[:fade]
		x.lpc.residual(before, h, len(h)-x.lag-fade)
		for i, b := range before {
			w := int32(i+1) << 15 / int32(fade+1)
			c := &x.cycle[x.lag-fade+i]
			*c = int16((int32(*c)*(32768-w) + int32(b)*w) >> 15)
		}
	}
	x.voicedQ15 = (min(max(corr, unvoicedQ14), voicedQ14) - unvoicedQ14) * 32767 / (voicedQ14 - unvoicedQ14)
	x.noiseQ15 = int32(root(uint64(1<<30 - int64(x.voicedQ15)*int64(x.voicedQ15))))
	mean := energy(x.cycle[:x.lag]) / int64(x.lag)
	// Uniform noise has a peak of √3 times its effective value.
	x.noise = int32(int64(root(uint64(mean))) * 56756 >> 15)
}

// generate continues the signal by len(dst) samples, without any decay.
func (x *expander) generate(dst []int16) {
	if x.lag > 0 {
		x.excite(dst)
	} else {
		clear(dst)
	}
	x.syn.run(&x.lpc, dst)
}

// excite writes what drives the prediction filter: of the period, and of noise.
func (x *expander) excite(dst []int16) {
	random, peak, at := x.random, min(x.noise, 32767), x.at
	cycle := x.cycle[:x.lag]
	for i := range dst {
		random ^= random << 13
		random ^= random >> 17
		random ^= random << 5
		white := int32(int16(random>>8)) * peak >> 15
		dst[i] = fixed.Sat16((int32(cycle[at])*x.voicedQ15 + white*x.noiseQ15) >> 15)
		if at++; at >= len(cycle) {
			at = 0
		}
	}
	x.random, x.at = random, at
}

// gainQ15 is the level of concealment after so many samples.
func gainQ15(samples, rateHz int) int32 {
	ms := samples * 1000 / rateHz
	switch {
	case ms <= holdMs:
		return 32767
	case ms >= goneMs:
		return 0
	}
	return int32(32767 * (goneMs - ms) / (goneMs - holdMs))
}

// mute scales dst, which is samples away from the last good one, and mixes noise
// in its place.
func mute(dst []int16, samples, rateHz int, noise *background) {
	const step = 8
	for i := 0; i < len(dst); i += step {
		g := gainQ15(samples+i, rateHz)
		if g == 32767 {
			continue
		}
		x := dst[i:min(i+step, len(dst))]
		var behind [step]int16
		noise.generate(behind[:len(x)])
		for j := range x {
			x[j] = fixed.Sat16(int32(x[j])*g>>15 + int32(behind[j])*(32767-g)>>15)
		}
	}
}
