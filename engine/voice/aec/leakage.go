package aec

// leakage measures how much of the echo is left in the error, by how their
// powers rise and fall together: a near end that talks does so at times of its
// own and adds to the error's power, but not to its covariance with the echo's.
type leakage struct {
	echo              int64 // mean power of the echo, Q8
	meanErr, meanEcho int64 // of the powers over echo, Q18
	both, square      int64 // covariance and variance, Q20
	hops              int
	age               int32 // hops, 1000 at most
	expected          int32 // logarithm of what the filter itself expects to leave, Q8
}

const (
	leakMeanShift = 6
	leakShift     = 7
	leakWarm      = 32
	// The model has too little confidence while both ends talk: what it expects
	// counts for less with each hop, 12 dB in a second.
	unsureLess = 10
	leakMargin = 512 // 6 dB: bands differ from their sum
)

// follow takes the powers of a hop's error and estimated echo, and of the error
// that the filter's uncertainty explains; the far end is active.
func (l *leakage) follow(err, echo, expect int64) {
	l.expected += (log2Q8(expect) - log2Q8(echo) - l.expected) >> 4
	if l.hops == 0 {
		l.echo = echo
	}
	l.age = min(l.age+1, 1000)
	l.echo += (echo - l.echo) >> leakMeanShift
	ref := l.echo>>10 + 1
	y, e := min(echo/ref, 1<<14), min(err/ref, 1<<17) // Q10
	if l.hops == 0 {
		l.meanErr, l.meanEcho = e<<8, y<<8
	}
	l.meanErr += (e<<8 - l.meanErr) >> leakMeanShift
	l.meanEcho += (y<<8 - l.meanEcho) >> leakMeanShift
	de, dy := e-l.meanErr>>8, y-l.meanEcho>>8
	shift := leakShift
	if l.hops < 1<<leakShift {
		l.hops++
		for shift > 0 && l.hops < 1<<shift { // the first hops weigh alike, nearly
			shift--
		}
	}
	l.both += (de*dy - l.both) >> shift
	l.square += (dy*dy - l.square) >> shift
}

// limit returns the most that the logarithm (Q8) of a band's ratio of residual
// to echo can be.
func (l *leakage) limit() int32 {
	switch {
	case l.hops < leakWarm || l.square == 0:
		return ratioMax
	}
	least := max(l.expected-unsureLess*l.age, ratioMin) // a filter that learns leaves less and less: that is no covariance
	if l.both <= 0 {
		return least
	}
	return min(max(log2Q8(l.both)-log2Q8(l.square)+leakMargin, least), ratioMax)
}
