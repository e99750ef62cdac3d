package aec

const (
	// The uncertainties (Q28) of an unknown echo path.
	mainStart   = 1 << 25
	searchStart = 1 << 23
	// searchFloor keeps the search filter quick.
	searchFloor = 1 << 18
	// lostHops without an explanation of the echo make the search start anew.
	lostHops = 80

	halfDuplexHops = 50
	// relearnHops is the time that a new start is given.
	relearnHops = 60
)

// cancel makes errQ4, the result for the hop before, of micQ4.
func (c *Canceller) cancel() {
	c.micHP.run(c.micQ4)
	c.lateMic()
	if c.search.capture(c.micQ4) {
		c.drift.restart()
	}
	if c.search.onset >= 0 {
		if place := max(c.search.onset-1, 0); place != c.place {
			c.main.move(place-c.place, mainStart)
			c.place = place
			c.seed()
		}
	}
	c.main.estimate(c.echoQ4, 2*c.place)
	for i, v := range c.micQ4 {
		c.errQ4[i] = v - c.echoQ4[i]
	}
	mic, err := meanSquare(c.micQ4), meanSquare(c.errQ4)
	active := c.search.active()
	if active {
		c.watch(mic, err)
		c.drift.look(c.search.filter)
	}
	if active {
		c.main.adapt(c.errQ4, 2*c.place)
	}
	if c.fastErr > c.fastMic+c.fastMic>>1 {
		// An estimate that does harm only tells the suppressor where echo is.
		copy(c.errQ4, c.micQ4)
	}
	mute := c.half > 0 && active
	if mute {
		c.half--
		c.stats.HalfDuplexFrames++
	}
	c.supp.run(c.errQ4, c.errQ4, c.echoQ4, mute)
	c.stats.Frames++
	if active {
		c.levels.follow(meanSquare(c.farQ4), mic, err, meanSquare(c.errQ4))
		if c.supp.hold > 0 {
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

// watch looks for a main filter that does harm or has fallen behind.
func (c *Canceller) watch(mic, err int64) {
	c.fastMic += (mic - c.fastMic) >> 3
	c.fastErr += (err - c.fastErr) >> 3
	if c.half > 0 && err < mic>>2 {
		c.half = 0
	}
	low := c.search.low[:]
	c.mainLow.run(low, c.errQ4)
	c.mainErr += (meanSquare(low) - c.mainErr) >> 3
	c.searchErr += (meanSquare(c.search.err[:]) - c.searchErr) >> 3
	if c.mainErr > 4*c.searchErr && c.mainErr > c.levels.mic>>4 && c.mainErr > c.fastMic>>2 && c.mainErr > 1<<12 {
		c.worse++
	} else {
		c.worse = 0
	}
	if c.fastErr > c.fastMic+c.fastMic>>1 && c.fastErr > c.levels.mic>>2 && c.fastErr > 1<<12 {
		c.bad++
	} else {
		c.bad = 0
	}
	if c.patience > 0 {
		c.patience--
		return
	}
	switch {
	case c.bad >= 6:
		c.stats.Divergences++
		c.main.reset(mainStart)
		c.relearn()
	case c.worse >= 6:
		c.stats.PathChanges++
		c.main.doubt(mainStart)
		c.relearn()
	}
}

// relearn begins anew with what the search filter knows.
func (c *Canceller) relearn() {
	c.worse, c.bad, c.patience = 0, 0, relearnHops
	c.drift.forget()
	c.half = halfDuplexHops
	c.mainErr = c.searchErr
	c.supp.reset()
	c.seed()
}

// seed gives the main filter the search filter's weights of the band that both
// have: their bins are equally wide, their partitions equally long.
func (c *Canceller) seed() {
	s := c.search.filter
	for p := range min(c.main.parts, s.parts-c.place) {
		from, to := (p+c.place)*s.bins, p*c.main.bins
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
