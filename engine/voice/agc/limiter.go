package agc

const (
	// ceiling is the largest magnitude of an output sample: 1 dB below full scale.
	ceiling = 29204
	// releaseQ15 is how much of the missing gain comes back per piece of 5 ms.
	releaseShift = 4
	unityQ15     = 1 << 15
)

// limiter holds the signal back by one piece (5 ms). Over a piece its gain runs
// in a straight line between values that both suit the piece's peak, so that
// no sample can pass the ceiling and no gain step clicks.
type limiter struct {
	held    []int32 // the piece that goes out next
	allowed int32   // the gain its peak allows, Q15
	gain    int32   // the gain at its start, Q15
	limited int64   // pieces turned down
}

func (l *limiter) init(piece int) {
	l.held = make([]int32, piece)
	l.allowed, l.gain = unityQ15, unityQ15
}

// process sends the held piece to out and holds in. Its length is that given to
// init; in and out may not overlap.
func (l *limiter) process(in []int32, out []int16) {
	var peak int64
	for _, v := range in {
		peak = max(peak, int64(v), -int64(v))
	}
	next := int32(unityQ15)
	if peak > ceiling {
		next = int32(ceiling << 15 / peak)
	}
	end := min(l.gain+(unityQ15-l.gain+1<<releaseShift-1)>>releaseShift, l.allowed, next)
	if end < unityQ15 {
		l.limited++
	}
	span := int64(len(out))
	step := int64(end-l.gain) << 16 / span
	gain := int64(l.gain) << 16
	for i, v := range l.held {
		gain += step
		out[i] = int16(int64(v) * (gain >> 16) >> 15)
	}
	l.gain, l.allowed = end, next
	copy(l.held, in)
}
