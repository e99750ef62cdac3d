package aec

const (
	// The uncertainties (Q28) of an unknown echo path.
	mainStart   = 1 << 25
	searchStart = 1 << 23
	// searchFloor keeps the search filter quick.
	searchFloor = 1 << 18
	// lostHops without an explanation of the echo make the search start anew.
	lostHops = 80

	// The microphone is muted for so long, at most, while the far end talks and
	// nothing is known of the echo path.
	halfDuplexHops = 25
	// audible is a microphone, or an echo, of -60 dBFS, Q8.
	audible = 32 * 32 << 8
	// relearnHops is the time that a new start is given.
	relearnHops = 60
	// opposedHops of an error opposed to the echo mean another echo path.
	opposedHops = 6
)

// cancel makes errQ4, the result for the hop before, of micQ4.
func (c *Canceller) cancel() {
	c.micHP.run(c.micQ4)
	c.lateMic()
	c.search.still = c.drift.still()
	if c.search.capture(c.micQ4) {
		c.drift.restart()
	}
	if c.search.onset >= 0 {
		if place := max(c.search.onset-1, 0); place != c.place {
			c.main.move(place-c.place, mainStart)
			c.place = place
			c.seed()
			c.supp.leak = leakage{} // of another filter
		}
	}
	c.main.estimate(c.echoQ4, 2*c.place)
	for i, v := range c.micQ4 {
		c.errQ4[i] = v - c.echoQ4[i]
	}
	mic, err := meanSquare(c.micQ4), meanSquare(c.errQ4)
	active := c.search.active()
	if active {
		c.drift.look(c.search.filter, 2*c.search.onset)
		if !c.watch(mic, err) {
			projects := 2
			if c.search.still && c.settled && c.fastErr < c.fastMic>>4 {
				projects = 1
			}
			c.main.adapt(c.errQ4, 2*c.place, projects)
		}
	}
	// An estimate that does harm only tells the suppressor where echo is.
	useful := c.fastErr <= c.fastMic+c.fastMic>>1
	if !useful {
		copy(c.errQ4, c.micQ4)
	}
	c.supp.subtracted(useful, err > 2*mic, active && c.againstEcho.now)
	mute := c.half > 0 && active
	if mute && mic > audible {
		// A silent microphone is muted for nothing: an echo that is late is yet to
		// come.
		c.half--
		c.stats.HalfDuplexFrames++
	}
	far, _, _ := c.far.at(2 * c.place)
	c.supp.run(c.errQ4, c.errQ4, c.echoQ4, far, mute, c.settled, c.main.expected(), c.main.sums.expect[:])
	c.stats.Frames++
	if active {
		c.levels.follow(meanSquare(c.farQ4), mic, err, meanSquare(c.errQ4))
		if c.supp.doubleTalk() && meanSquare(c.echoQ4) > audible {
			c.stats.DoubleTalkFrames++
		}
	}
}

// lateMic delays the microphone by as much as drift.read delays the far end.
func (c *Canceller) lateMic() {
	var tail [driftLag]int32
	copy(tail[:], c.micQ4[hop-driftLag:])
	copy(c.micQ4[driftLag:], c.micQ4[:hop-driftLag])
	copy(c.micQ4, c.micLag[:])
	c.micLag = tail
}

// watch looks for a main filter that does harm or has fallen behind; it tells
// whether the filter has begun anew.
func (c *Canceller) watch(mic, err int64) bool {
	c.fastMic += (mic - c.fastMic) >> 3
	c.fastErr += (err - c.fastErr) >> 3
	c.againstEcho.follow(c.errQ4, c.echoQ4)
	switch {
	case c.fastErr < c.fastMic>>3:
		c.half, c.settled = 0, true
	case c.half > 0 && err < mic>>1 && c.stats.Divergences+c.stats.PathChanges == 0:
		c.half = 0
	}
	loud := c.fastErr > c.levels.mic>>4 && c.fastErr > 1<<12
	// In their common band a bin of the search filter has a 16th of the power.
	count(&c.worse, loud && c.fastErr > c.fastMic>>2 && c.main.lowPower() > 64*c.search.filter.lowPower())
	count(&c.opposed, loud && c.settled && c.againstEcho.opposed())
	count(&c.bad, loud && c.fastErr > c.fastMic+c.fastMic>>1)
	if c.patience > 0 {
		c.patience--
		return false
	}
	switch {
	case c.bad >= 6:
		c.stats.Divergences++
		c.main.reset(mainStart)
	case c.opposed >= opposedHops:
		c.stats.PathChanges++
		c.main.reset(mainStart)
		c.search.reset()
		c.drift.forget()
	case c.worse >= 6:
		c.stats.PathChanges++
		c.main.doubt(mainStart)
	default:
		return false
	}
	c.relearn()
	return true
}

// count counts hops in a row in which something is so.
func count(n *int, so bool) {
	if so {
		*n++
	} else {
		*n = 0
	}
}

// echoLikeness compares error and estimated echo over some 80 ms, Q8.
type echoLikeness struct {
	err, echo, both int64
	now             bool // this hop's error is the echo, negative, before all
}

func (l *echoLikeness) follow(errQ4, echoQ4 []int32) {
	var ee, yy, ey int64
	for i, e := range errQ4 {
		y := int64(echoQ4[i])
		ee += int64(e) * int64(e)
		yy += y * y
		ey += int64(e) * y
	}
	b, e, y := ey>>18, ee>>18, yy>>18 // what is less is not heard, and products fit
	l.now = b < -(y>>1+y>>2) && 2*b*b > e*y
	l.err += (ee/hop - l.err) >> 3
	l.echo += (yy/hop - l.echo) >> 3
	l.both += (ey/hop - l.both) >> 3
}

// opposed says that the error contains the estimated echo, negative: what was
// subtracted was not in the microphone. A near end that talks is not like the
// echo, whatever its level; an echo path that changed leaves the old estimate
// in the error.
func (l *echoLikeness) opposed() bool {
	if l.both >= 0 || -l.both < l.echo>>1-l.echo>>3 {
		return false
	}
	b, e, y := l.both>>10, l.err>>10, l.echo>>10
	return b*b*5 > e*y
}

// relearn begins anew with what the search filter knows.
func (c *Canceller) relearn() {
	c.worse, c.bad, c.opposed, c.patience = 0, 0, 0, relearnHops
	c.settled = false
	c.half = max(c.half, halfDuplexHops)
	c.supp.reset()
	c.seed()
}

// seed gives the main filter the search filter's weights of the band that both
// have: their bins are equally wide, their partitions equally long.
func (c *Canceller) seed() {
	s := c.search.filter
	for p := range min(c.main.parts, s.parts-c.place) {
		from, to := (p+c.place)*s.stride, p*c.main.stride
		copy(c.main.weight[to:to+searchBins], s.weight[from:from+searchBins])
		copy(c.main.uncert[to:to+searchBins], s.uncert[from:from+searchBins])
	}
}

// slip follows a far end that is read a partition later (+1) or earlier (-1).
func (c *Canceller) slip(by int) {
	c.search.filter.move(-by, searchStart)
	if c.search.onset >= 0 {
		c.search.onset = min(max(c.search.onset+by, 0), c.search.filter.parts-1)
		c.search.candidate, c.search.agreed = c.search.onset, 0
	}
	c.place = min(max(c.place+by, 0), c.search.filter.parts-2)
	c.drift.forget()
}
