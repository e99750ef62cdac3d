package ilbc

// stateStart returns where in the frame the start state begins (section 3.5.1).
func (g *geometry) stateStart(p *params) int {
	at := (int(p[atStart]) - 1) * subframe
	if p[atStateFirst] == 0 {
		at += stateBlock - g.state
	}
	return at
}

// residualDecoder rebuilds the excitation of a frame (section 4.3): the start
// state, the rest of its block, the sub-frames after it, then those before it in
// reverse order of time.
type residualDecoder struct {
	book codebook
	back [maxSamples]int16 // excitation before the state block, reversed
}

func (d *residualDecoder) decode(out []int16, g *geometry, p *params, syn *[maxSubframes]predictor) {
	start := int(p[atStart])
	at := g.stateStart(p)
	state := out[at : at+g.state]
	decodeState(state, p[atShape:atShape+g.state], p[atPeak], &syn[start-1])
	rest := stateBlock - g.state
	if p[atStateFirst] != 0 {
		d.book.load(state)
		d.book.decodeVector(out[at+g.state:at+stateBlock], p.code(0), p.gain(0), stateMemory)
	} else {
		d.book.loadReversed(state)
		d.book.decodeVector(d.back[:rest], p.code(0), p.gain(0), stateMemory)
		reverse(out[at-rest:at], d.back[:rest])
	}

	vector := 1
	first := (start - 1) * subframe
	d.book.load(out[first : first+stateBlock])
	for from := first + stateBlock; from < g.samples; from += subframe {
		x := out[from : from+subframe]
		d.book.decodeVector(x, p.code(vector), p.gain(vector), codeMemory)
		d.book.push(x)
		vector++
	}
	if first == 0 {
		return
	}
	d.book.loadReversed(out[first:min(first+codeMemory, g.samples)])
	for from := 0; from < first; from += subframe {
		x := d.back[from : from+subframe]
		d.book.decodeVector(x, p.code(vector), p.gain(vector), codeMemory)
		d.book.push(x)
		vector++
	}
	reverse(out[:first], d.back[:first])
}
