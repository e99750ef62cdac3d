package aec

// bandSplit takes the microphone to coreRate and the result back. What lies
// above coreRate/2, or between the two rates' pass bands, goes round the
// canceller with one gain.
type bandSplit struct {
	down *converter
	up   *converter
	core []int32 // the frame before, before cancellation, Q4
	now  []int32
	diff []int16
	late []int16 // the microphone's past
	out  []int32
	gain int32 // Q15, of the frame before
}

func newBandSplit(n int) *bandSplit {
	b := &bandSplit{down: newConverter(n, hop), up: newReturn(hop, n), gain: 1 << 15}
	b.core, b.now, b.diff = make([]int32, hop), make([]int32, hop), make([]int16, hop)
	b.late = make([]int16, b.down.delay+b.up.delay+2*n)
	b.out = make([]int32, n)
	return b
}

// split writes the core band of a frame, Q4.
func (b *bandSplit) split(coreQ4 []int32, frame []int16) {
	n := len(frame)
	copy(b.late, b.late[n:])
	copy(b.late[len(b.late)-n:], frame)
	b.down.run(coreQ4, frame)
	copy(b.core, b.now)
	copy(b.now, coreQ4)
}

// join makes the output of the canceller's result for the frame before, Q4, and
// the upper band times gainQ15.
func (b *bandSplit) join(frame []int16, resultQ4 []int32, gainQ15 int32) {
	n := int32(len(frame))
	from, step := b.gain, gainQ15-b.gain
	b.gain = gainQ15
	for i, v := range resultQ4 {
		g := int64(from + step*int32(i)/hop)
		b.diff[i] = round16(v - int32((int64(b.core[i])*g)>>15))
	}
	b.up.run(b.out, b.diff)
	for i := range frame {
		g := int64(from + step*int32(i)/n)
		frame[i] = round16(b.out[i] + int32((int64(b.late[i])*g)>>11))
	}
}
