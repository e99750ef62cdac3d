package ilbc

import "fmt"

// DecoderConfig sets a Decoder up.
type DecoderConfig struct {
	// Mode is the frame length that was agreed on.
	Mode Mode
	// NoEnhancer leaves the enhancer out, and its delay of 5 ms (20 ms frames) or
	// 10 ms (30 ms frames). Voices then sound rougher, and losses are joined hard.
	NoEnhancer bool
}

// Stats counts frames since the start.
type Stats struct {
	Frames    uint64 // decoded and concealed
	Concealed uint64 // lost, or damaged
	Damaged   uint64 // received with values that no sender uses, or marked empty
}

// Decoder decodes packets into 8 kHz mono PCM.
type Decoder struct {
	g        *geometry
	enhance  bool
	frame    params
	residual residualDecoder
	conceal  concealment
	enhancer enhancer
	envelope lsf // last of the frame before
	syn      [maxSubframes]predictor
	oldSyn   [maxSubframes]predictor // of the frame before
	memory   [order]int16            // of the synthesis filter
	output   highPass
	lag      int // at the end of the frame before
	lost     bool
	packet   int // frames of the last packet
	stats    Stats

	excitation, enhanced [maxSamples]int16
}

// NewDecoder returns a Decoder, or an error that wraps ErrMode.
func NewDecoder(cfg DecoderConfig) (*Decoder, error) {
	g := geometries[cfg.Mode]
	if g == nil {
		return nil, fmt.Errorf("%w, not %d", ErrMode, cfg.Mode)
	}
	d := &Decoder{g: g, enhance: !cfg.NoEnhancer}
	d.Reset()
	return d, nil
}

// Reset puts the decoder back to its state at the start; Stats are kept.
func (d *Decoder) Reset() {
	d.conceal = newConcealment()
	d.enhancer.reset()
	d.envelope = lsfMeanQ13
	d.syn, d.oldSyn = [maxSubframes]predictor{}, [maxSubframes]predictor{}
	for i := range d.oldSyn {
		d.oldSyn[i] = unityPredictor
	}
	d.memory = [order]int16{}
	d.output = newOutputFilter()
	d.lag = firstLag
	d.lost = false
	d.packet = 1
}

// RateHz is the rate of what Decode gives.
func (d *Decoder) RateHz() int { return RateHz }

// MaxSamples is the room that Decode and Conceal need.
func (d *Decoder) MaxSamples() int { return MaxFrames * d.g.samples }

// Samples returns how many samples the packet holds, or 0 if it is not a whole
// number of frames, 1 to MaxFrames.
func (d *Decoder) Samples(packet []byte) int {
	n := len(packet) / d.g.bytes
	if n < 1 || n > MaxFrames || n*d.g.bytes != len(packet) {
		return 0
	}
	return n * d.g.samples
}

// Stats returns what was counted.
func (d *Decoder) Stats() Stats { return d.stats }

// Decode decodes a packet of one or more frames (RFC 3952 section 4) into pcm,
// which has room for MaxSamples, and returns the number of samples written.
// Damaged and empty frames are concealed. Errors wrap ErrPacket or ErrSize.
func (d *Decoder) Decode(packet []byte, pcm []int16) (int, error) {
	n := d.Samples(packet)
	if n == 0 {
		return 0, fmt.Errorf("%w: %d bytes, not 1 to %d frames of %d", ErrPacket, len(packet), MaxFrames, d.g.bytes)
	}
	if len(pcm) < n {
		return 0, fmt.Errorf("%w: room for %d samples, the packet holds %d", ErrSize, len(pcm), n)
	}
	d.packet = n / d.g.samples
	for i := range d.packet {
		d.frame.unpack(d.g, packet[i*d.g.bytes:(i+1)*d.g.bytes])
		d.decodeFrame(pcm[i*d.g.samples:(i+1)*d.g.samples], false)
	}
	return n, nil
}

// Conceal continues the signal where a packet is missing, as long as the packet
// before. Errors wrap ErrSize.
func (d *Decoder) Conceal(pcm []int16) (int, error) {
	n := d.packet * d.g.samples
	if len(pcm) < n {
		return 0, fmt.Errorf("%w: room for %d samples, the packet before held %d", ErrSize, len(pcm), n)
	}
	for i := range d.packet {
		d.decodeFrame(pcm[i*d.g.samples:(i+1)*d.g.samples], true)
	}
	return n, nil
}

// decodeFrame decodes d.frame, or conceals it.
func (d *Decoder) decodeFrame(pcm []int16, lost bool) {
	d.stats.Frames++
	excitation := d.excitation[:d.g.samples]
	if !lost && !d.frame.valid(d.g) {
		d.stats.Damaged++
		lost = true
	}
	if lost {
		d.stats.Concealed++
		d.conceal.conceal(excitation, d.lag)
		for i := range d.g.subframes {
			d.syn[i] = d.conceal.lpc
		}
	} else {
		d.decodeEnvelopes()
		d.frame.spreadCode()
		d.residual.decode(excitation, d.g, &d.frame, &d.syn)
		d.conceal.received(excitation, &d.syn[d.g.subframes-1])
	}
	if d.enhance {
		d.lag = d.enhancer.run(d.enhanced[:d.g.samples], excitation, d.g, d.lost)
		d.synthesize(pcm, d.enhanced[:d.g.samples], d.g.delay)
	} else {
		d.lag = d.lastLag(excitation)
		d.synthesize(pcm, excitation, 0)
	}
	d.output.run(pcm)
	d.oldSyn = d.syn
	d.lost = lost
}

// decodeEnvelopes rebuilds the synthesis filters (section 4.1).
func (d *Decoder) decodeEnvelopes() {
	sets := [3]lsf{0: d.envelope}
	for i := range d.g.lpcSets {
		sets[i+1].dequantize(d.frame[atEnvelope+3*i:])
		sets[i+1].stabilize()
	}
	for i := range d.g.subframes {
		older, newer, weightQ14 := d.g.interpolation(i)
		var l lsf
		l.mix(&sets[older], &sets[newer], weightQ14)
		l.predictor(&d.syn[i])
	}
	d.envelope = sets[d.g.lpcSets]
}

// synthesize filters the excitation (section 4.7), which is delay sub-frames late.
func (d *Decoder) synthesize(pcm, excitation []int16, delay int) {
	var y [order + maxSamples]int16
	copy(y[:], d.memory[:])
	for i := range d.g.subframes {
		a := &d.oldSyn[(d.g.subframes+i-delay)%d.g.subframes]
		if i >= delay {
			a = &d.syn[i-delay]
		}
		allPole(y[i*subframe:], excitation[i*subframe:(i+1)*subframe], a)
	}
	copy(pcm, y[order:order+d.g.samples])
	copy(d.memory[:], y[d.g.samples:])
}

// lastLag finds the pitch lag at the end of the excitation where no enhancer did:
// the one of the largest cross²/energy.
func (d *Decoder) lastLag(x []int16) int {
	length, lags := 60, 80
	if d.g.samples == maxSamples {
		length, lags = 80, 100
	}
	at := len(x) - length
	target := x[at:]
	var shift uint
	if peakOf(x[at-firstLag-lags:at-firstLag+length-1]) > 5000 {
		shift = 2
	}
	past := at - firstLag
	energy := dot(x[past:past+length], x[past:past+length], shift)
	best, bestSq, bestEnergy, bestShift := 0, int32(0), int32(32767), -500
	for k := range lags {
		cross := dot(target, x[past:past+length], shift)
		if energy > 0 && cross > 0 {
			cShift, eShift := norm(cross)-16, norm(energy)-16
			sq := scale16(cross, cShift)
			sq = sq * sq >> 16
			e := scale16(energy, eShift)
			total := eShift - 2*cShift
			diff := min(max(total-bestShift, -31), 31)
			now, old := sq*bestEnergy, bestSq*e
			if now>>uint(max(-diff, 0)) > old>>uint(max(diff, 0)) {
				best, bestSq, bestEnergy, bestShift = k, sq, e, total
			}
		}
		past--
		gone, came := int32(x[past+length]), int32(x[past])
		energy -= (gone*gone - came*came) >> shift
	}
	return best + firstLag
}
