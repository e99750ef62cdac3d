package ilbc

import "github.com/edgecam/edgecam/engine/fixed"

const (
	block      = 80  // samples that are enhanced at a time
	blocks     = 8   // in the enhancer's memory
	history    = 640 // samples of the memory
	lookAround = 120 // samples before the frame that the pitch search sees
	filterOver = 3   // zeros after the memory that the pitch filter reads
	coarseLags = 50  // lags of the pitch search, at 4 kHz
	minLag     = 10  // the first of them
	firstLag   = 20  // lag before anything was heard
	meanPeriod = 160 // pitch period before anything was heard, Q2
	energyRamp = 16  // samples over which a limited prediction is led over
)

// enhancer smooths the excitation along the pitch (section 4.6), which delays it
// by one (20 ms) or two sub-frames, and fades from concealment to good frames
// (section 4.5.3).
type enhancer struct {
	memory  [history + filterOver]int16
	periods [blocks]int // pitch period at the middle of each block, Q2
}

func (e *enhancer) reset() {
	*e = enhancer{}
	for i := range e.periods {
		e.periods[i] = meanPeriod
	}
}

// run takes the excitation of a frame and writes the enhanced, delayed one to
// out. afterLoss says that the frame before was concealed. It returns the pitch
// lag at the end of in.
func (e *enhancer) run(out, in []int16, g *geometry, afterLoss bool) (lag int) {
	copy(e.memory[:history], e.memory[g.samples:history])
	copy(e.memory[history-g.samples:], in)
	added := g.samples / block
	copy(e.periods[:], e.periods[added:])

	lag, joinLag := e.trackPitch(g, added)
	if afterLoss {
		lag = e.join(in, g, joinLag)
	}
	from := history - g.samples - g.delay*subframe
	for n := 0; n < g.samples; n += block {
		e.enhanceBlock(out[n:n+block], from+n)
	}
	return lag
}

// trackPitch estimates the pitch period of the added blocks (section 4.6.1) on the
// signal at 4 kHz. lag is that of the last block, joinLag that of the first,
// at 8 kHz.
func (e *enhancer) trackPitch(g *geometry, added int) (lag, joinLag int) {
	var low [(maxSamples + lookAround) / 2]int16
	n := (g.samples + lookAround) / 2
	from := history - g.samples - lookAround + filterOver
	for i := range n {
		sum := int32(1 << 11)
		for j, c := range pitchFilterQ12 {
			sum += int32(c) * int32(e.memory[from+2*i-j])
		}
		low[i] = fixed.Sat16(sum >> 12)
	}
	for b := range added {
		coarse := coarseLag(low[:n], lookAround/2+b*block/2)
		e.periods[blocks-added+b] = coarse * 8
		lag = coarse * 2
		if b == 0 {
			joinLag = lag
		}
	}
	return lag, joinLag
}

// coarseLag returns the lag of the block of low that starts at at: of the three
// highest peaks of the correlation, the one that is highest relative to the
// energy.
func coarseLag(low []int16, at int) int {
	const length = block / 2
	target := low[at : at+length]
	past := at - minLag
	peak := peakOf(low[past-coarseLags : past+length-1])
	shift := uint(max(bitLen(peak*peak)-25, 0))
	var corr [coarseLags]int32
	for l := range corr {
		corr[l] = correlate(target, low[past-l:past-l+length], shift)
	}
	best, bestSq, bestEnergy, bestShift := 0, int32(0), int32(0), 0
	for i := range 3 {
		l := argMax(corr[:])
		c := corr[l]
		clear(corr[max(l-2, 0) : min(l+2, coarseLags-1)+1])
		energy := dot(low[past-l:past-l+length], low[past-l:past-l+length], shift)
		cShift := 15 - bitLen(c)
		eShift := 15 - bitLen(energy)
		sq := scale16(c, cShift)
		sq = int32(int16(sq * sq >> 16))
		energy = scale16(energy, eShift)
		total := eShift - 2*cShift
		if i > 0 {
			// sq/energy, compared by cross-multiplication.
			old, now := bestSq*energy, sq*bestEnergy
			diff := bestShift - total
			if old>>uint(min(max(-diff, 0), 31)) >= now>>uint(min(max(diff, 0), 31)) {
				continue
			}
		}
		best, bestSq, bestEnergy, bestShift = l, sq, energy, total
	}
	return best + minLag
}

// join fades the end of the concealed signal, still in the enhancer's delay, into
// the new frame continued backwards, and returns the lag of that continuation.
func (e *enhancer) join(in []int16, g *geometry, guess int) (lag int) {
	n := g.mixSamples
	product := int64(n) * int64(abs32(extreme(in[guess-1:guess+n+1])*extreme(in[:n+2])))
	shift := uint(0)
	if over := int32(product >> 31); over != 0 {
		shift = uint(bitLen(over))
	}
	var corr [3]int32
	for k := range corr {
		corr[k] = correlate(in[:n], in[guess-1+k:guess-1+k+n], shift)
	}
	lag = guess - 1 + argMax(corr[:])

	concealed := e.memory[history-g.samples-n : history-g.samples]
	var prediction [block]int16
	p := prediction[:n]
	if lag > n {
		copy(p, in[lag-n:])
	} else {
		copy(p, concealed[lag:])
		copy(p[n-lag:], in[:lag])
	}
	limitEnergy(p, concealed)
	var oldQ14 int32
	for k := n - 1; k >= 0; k-- {
		oldQ14 += g.mixStepQ14
		old := int16(int32(concealed[k]) * oldQ14 >> 14)
		concealed[k] = old + int16((1<<14-oldQ14)*int32(p[k])>>14)
	}
	return lag
}

// limitEnergy brings the energy of p down to four times that of reference, led
// over to all of it in the last samples.
func limitEnergy(p, reference []int16) {
	shift := uint(max(22-norm(max(peakOf(reference), peakOf(p))), 0))
	allowed := dot(reference, reference, shift)
	energy := dot(p, p, shift)
	if energy <= 0 || energy>>2 <= allowed {
		return
	}
	n := norm(energy)
	ratioQ16 := int16(quotient(scale(allowed, n), int16(scale(energy, n-16))))
	rootQ15 := int32(int16(rootFloor(int32(ratioQ16) << 14)))
	flat := len(p) - energyRamp
	for i, v := range p[:flat] {
		p[i] = int16(int32(v) * rootQ15 >> 14)
	}
	step := int32(2048) - rootQ15>>3
	var ramp int16
	for i, v := range p[flat:] {
		p[flat+i] = int16(int32(v) * (rootQ15 + int32(ramp>>1)) >> 14)
		ramp += int16(step)
	}
}
