package ilbc

import "fmt"

// Encoder codes 8 kHz mono PCM into frames.
type Encoder struct {
	g         *geometry
	frame     params
	input     highPass
	speech    [lookBack + windowLen]int16 // what the analysis windows lie on
	memory    [order]int16                // of the analysis filter
	open      lsf                         // last envelope of the frame before
	quantized lsf                         // the same as the decoder has it
	syn       [maxSubframes]predictor
	weight    [maxSubframes]predictor
	book      codebook
	searcher  searcher

	samples           [order + maxSamples]int16
	residual, decoded [maxSamples]int16
	reversed, back    [maxSamples]int16 // the same before the state block, backwards
}

// NewEncoder returns an Encoder, or an error that wraps ErrMode.
func NewEncoder(mode Mode) (*Encoder, error) {
	g := geometries[mode]
	if g == nil {
		return nil, fmt.Errorf("%w, not %d", ErrMode, mode)
	}
	return &Encoder{g: g, input: newInputFilter(), open: lsfMeanQ13, quantized: lsfMeanQ13}, nil
}

// RateHz is the rate of what Encode takes.
func (e *Encoder) RateHz() int { return RateHz }

// FrameSamples is how many samples Encode takes.
func (e *Encoder) FrameSamples() int { return e.g.samples }

// MaxPacketBytes is the room that Encode needs.
func (e *Encoder) MaxPacketBytes() int { return e.g.bytes }

// Encode codes a frame, FrameSamples samples, into packet, which has room for
// MaxPacketBytes, and returns the number of bytes written. Errors wrap ErrSize.
func (e *Encoder) Encode(pcm []int16, packet []byte) (int, error) {
	if len(pcm) != e.g.samples {
		return 0, fmt.Errorf("%w: %d samples, a frame has %d", ErrSize, len(pcm), e.g.samples)
	}
	if len(packet) < e.g.bytes {
		return 0, fmt.Errorf("%w: room for %d bytes, a frame has %d", ErrSize, len(packet), e.g.bytes)
	}
	x := e.samples[order : order+e.g.samples]
	copy(x, pcm)
	e.input.run(x)
	e.analyse(x)

	copy(e.samples[:order], e.memory[:])
	for i := range e.g.subframes {
		at := i * subframe
		allZero(e.residual[at:at+subframe], e.samples[at:at+order+subframe], e.syn[i][:])
	}
	copy(e.memory[:], x[e.g.samples-order:])

	e.encodeState()
	e.encodeRest()
	e.frame.packCode()
	e.frame.pack(e.g, packet[:e.g.bytes])
	return e.g.bytes, nil
}

// analyse finds, quantizes and interpolates the spectral envelopes (section 3.2).
func (e *Encoder) analyse(x []int16) {
	copy(e.speech[len(e.speech)-len(x):], x)
	open := [3]lsf{0: e.open}
	quantized := [3]lsf{0: e.quantized}
	for i := range e.g.lpcSets {
		window, from := &asymmetricWindowQ15, lookBack
		if i < e.g.lpcSets-1 {
			window, from = &symmetricWindowQ15, 0
		}
		var windowed [windowLen]int16
		for k, w := range window {
			windowed[k] = int16(int32(e.speech[from+k]) * int32(w) >> 15)
		}
		var r [order + 1]int32
		autocorrelate(&r, &windowed)
		var a predictor
		if !levinson(&a, &r) {
			a = unityPredictor
		}
		a.widen(&a, &synthesisChirpQ15)
		open[i+1].fromPredictor(&a)
		open[i+1].quantize(e.frame[atEnvelope+3*i:])
		quantized[i+1].dequantize(e.frame[atEnvelope+3*i:])
		quantized[i+1].stabilize()
	}
	copy(e.speech[:], e.speech[len(x):])
	for i := range e.g.subframes {
		older, newer, weightQ14 := e.g.interpolation(i)
		var l lsf
		l.mix(&quantized[older], &quantized[newer], weightQ14)
		l.predictor(&e.syn[i])
		l.mix(&open[older], &open[newer], weightQ14)
		var a predictor
		l.predictor(&a)
		e.weight[i].widen(&a, &weightingChirpQ15)
	}
	e.open, e.quantized = open[e.g.lpcSets], quantized[e.g.lpcSets]
}

// encodeState codes the two sub-frames that all others are predicted from.
func (e *Encoder) encodeState() {
	p, g := &e.frame, e.g
	start := findState(e.residual[:g.samples], g)
	p[atStart], p[atStateFirst], p[atEmpty] = int16(start), 0, 0
	first := (start - 1) * subframe
	if stateFirst(e.residual[first:first+stateBlock], g.state) {
		p[atStateFirst] = 1
	}
	at := g.stateStart(p)
	searchState(p, e.residual[at:at+g.state], &e.syn[start-1], e.weight[start-1:start+1])
	state := e.decoded[at : at+g.state]
	decodeState(state, p[atShape:atShape+g.state], p[atPeak], &e.syn[start-1])

	if p[atStateFirst] != 0 {
		e.book.load(state)
		e.searcher.search(p.code(0), p.gain(0), e.residual[at+g.state:first+stateBlock], &e.book, stateMemory, &e.weight[start], 0)
		e.book.decodeVector(e.decoded[at+g.state:first+stateBlock], p.code(0), p.gain(0), stateMemory)
		return
	}
	n := stateBlock - g.state
	reverse(e.reversed[:n], e.residual[first:at])
	e.book.loadReversed(state)
	e.searcher.search(p.code(0), p.gain(0), e.reversed[:n], &e.book, stateMemory, &e.weight[start-1], 0)
	e.book.decodeVector(e.back[:n], p.code(0), p.gain(0), stateMemory)
	reverse(e.decoded[first:at], e.back[:n])
}

// encodeRest codes the sub-frames after the state block, then those before it
// backwards.
func (e *Encoder) encodeRest() {
	p, g := &e.frame, e.g
	first := (int(p[atStart]) - 1) * subframe
	vector := 1
	code := func(target, decoded []int16, weight *predictor) {
		e.searcher.search(p.code(vector), p.gain(vector), target, &e.book, codeMemory, weight, vector)
		e.book.decodeVector(decoded, p.code(vector), p.gain(vector), codeMemory)
		e.book.push(decoded)
		vector++
	}
	e.book.load(e.decoded[first : first+stateBlock])
	for at := first + stateBlock; at < g.samples; at += subframe {
		code(e.residual[at:at+subframe], e.decoded[at:at+subframe], &e.weight[at/subframe])
	}
	reverse(e.reversed[:first], e.residual[:first])
	e.book.loadReversed(e.decoded[first:min(first+codeMemory, g.samples)])
	for at := 0; at < first; at += subframe {
		code(e.reversed[at:at+subframe], e.back[at:at+subframe], &e.weight[(first-at)/subframe-1])
	}
}

// quantize finds the nearest entries of the three codebooks (section 3.2.4).
func (l *lsf) quantize(index []int16) {
	index[0] = nearest3(lsfBookLowQ13[:], l[0:3])
	index[1] = nearest3(lsfBookMidQ13[:], l[3:6])
	best := int32(1<<31 - 1)
	for i := range lsfBookHighQ13 {
		if d := distance(lsfBookHighQ13[i][:], l[6:10]); d < best {
			best, index[2] = d, int16(i)
		}
	}
}

func nearest3(book [][3]int16, x []int16) (index int16) {
	best := int32(1<<31 - 1)
	for i := range book {
		if d := distance(book[i][:], x); d < best {
			best, index = d, int16(i)
		}
	}
	return index
}

// distance is the squared distance of two vectors, which wraps like that of other
// realisations.
func distance(a, b []int16) int32 {
	var sum int32
	for i, v := range a {
		d := int32(b[i] - v)
		sum += d * d
	}
	return sum
}
