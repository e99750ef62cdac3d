package congestion

import (
	"math"
	"time"
)

const (
	// A standing queue of this much, and twice the path's own unrest, is too
	// much; never more than mostQueue.
	leastQueue = 15 * time.Millisecond
	mostQueue  = 70 * time.Millisecond
	// A queue that is this long in every packet of a shorter time is one too:
	// a radio link's bursts end with packets that have hardly waited.
	suddenWindow = 40 * time.Millisecond
	suddenQueue  = 50 * time.Millisecond
	// drainTime is the time in which a queue shall run empty.
	drainTime = 600 * time.Millisecond
	// Below and above the rate at which the path was full: where growth turns
	// careful, and where that rate is forgotten.
	nearLink   = 0.85
	beyondLink = 1.15
	afterDrain = 0.94
	// Who sends less than this part of the target sends less than it may.
	limited = 0.8
	// mostSentTime is how long it is remembered how much was sent.
	mostSentTime = 10 * time.Second
	// Growth per second: carefully, and by default.
	slowGrowth = 0.05
	fastGrowth = 0.35
	// lateRTT is the round trip above which a queue is heard of late.
	lateRTT = 150 * time.Millisecond
	// trustTime is how long a train's proof holds, distrustTime how long none
	// is believed after one has misled.
	trustTime    = 300 * time.Millisecond
	distrustTime = 5 * time.Second
)

// decide moves the target after feedback.
func (c *Controller) decide(now time.Duration) {
	window := max(leastWindow, c.pictureSpace+c.pictureSpace/4)
	c.queue = c.delay.standing(window, c.state == StateGrow && !c.stall.waits(now) && (c.link == 0 || c.target < 0.9*c.link), c.carries())
	if sudden := c.delay.lowestOf(suddenWindow).delay - c.delay.base; sudden > suddenQueue+4*c.delay.noise {
		c.queue = max(c.queue, sudden)
	}
	limit := min(leastQueue+2*c.delay.noise, mostQueue)
	c.stall.emptied = c.stall.emptied || c.queue <= limit
	c.rival.watch(now, c.queue, limit, c.delay.noise)
	if c.state == StateShare {
		c.share(now)
		return
	}
	c.mostSent *= max(1-(now-c.mostSentAt).Seconds()/mostSentTime.Seconds(), 0)
	c.mostSent, c.mostSentAt = max(c.mostSent, c.sent.rate(2*lossInterval)), now
	verdict := c.loss.judge(now)
	switch {
	case c.queue > limit && c.stall.waits(now):
		return
	case c.queue > limit:
		c.overuse(now, window)
		return
	case c.state == StateDrain:
		if c.queue > limit/3+c.delay.noise {
			return
		}
		c.state = StateGrow
		c.grown, c.episode.ended = now, now
		c.loss.forget(now)
		c.setTarget(min(c.link*afterDrain, max(c.episode.before, c.target)))
		return
	}
	switch verdict {
	case lossTry:
		// A cut tells something if less is sent because of it.
		used := c.mostSent
		if used > 0 && used < limited*c.target {
			if c.loss.before <= bearableLoss {
				c.loss.bear()
				return
			}
			c.beforeTry = c.target
			c.setTarget(max(used*lossCut, c.target/2))
			c.grown = now
			return
		}
		c.beforeTry = c.target
		c.setTarget(c.target * lossCut)
		c.grown = now
	case lossIsOurs:
		c.shallow = max(now, 1)
		// What arrives is what the path carries only while as much is sent.
		sent := c.sent.rate(2 * lossInterval)
		if rate := c.arrived.rate(2 * lossInterval); rate > 0 && sent >= limited*c.target {
			rate = max(rate, sent*(1-c.loss.before))
			c.link = rate
			c.setTarget(min(c.target, rate*afterDrain))
		}
		c.grown = now
	case lossIsPath:
		c.setTarget(max(c.target, c.beforeTry))
		c.grown = now
	default:
		if c.loss.trying == 0 {
			c.grow(now)
		}
	}
}

// overuse cuts the target below what arrives while a queue stands.
func (c *Controller) overuse(now, window time.Duration) {
	e := &c.episode
	if c.state != StateDrain {
		c.state = StateDrain
		*e = episode{began: now, before: c.target}
		if now-c.jumped < time.Second+c.rtt {
			c.distrust = now + distrustTime
		}
	}
	e.peak = max(e.peak, c.queue)
	rate := c.arrived.rate(window)
	if long := c.arrived.rate(3 * window); long > 0 && (rate == 0 || long < rate) {
		rate = long
	}
	if rate == 0 {
		rate = c.target * 0.7
	}
	rate /= 1 - min(c.loss.path, 0.5) // what the path loses, the link has carried
	c.link = rate
	part := afterDrain - c.queue.Seconds()/drainTime.Seconds()
	c.setTarget(min(c.target, rate*max(part, 0.4)))
	if c.rival.flat && now-e.began > flatPeriod+c.rtt {
		c.longerRoute(now)
		return
	}
	if now-e.began > shareAfter+3*c.rtt && c.target < e.before/2 && c.queue > e.peak*6/10 {
		// Half the rate has not moved the queue: it is not ours.
		c.state = StateShare
		c.rival.begin(now, e.peak)
		c.setTarget(e.before * 0.7)
		c.grown = now
	}
}

// grow raises the target while nothing speaks against it and it is made use of.
func (c *Controller) grow(now time.Duration) {
	dt := min(now-c.grown, 200*time.Millisecond)
	if c.link > 0 && c.target > beyondLink*c.link {
		c.link = 0
	}
	near := c.link > 0 && c.target >= nearLink*c.link
	if !near && c.proof*0.85 > c.target && now-c.proofAt < trustTime && now >= c.distrust {
		// A picture that left this fast has arrived as fast.
		if now-c.grown < max(c.rtt, 50*time.Millisecond) {
			return
		}
		next := min(c.target*1.5, c.proof*0.85)
		if c.link > 0 {
			next = min(next, c.link*afterDrain)
		}
		c.setTarget(next)
		c.grown, c.jumped = now, now
		return
	}
	if used := c.sent.rate(500 * time.Millisecond); used < 0.7*c.target {
		c.grown = now // what nobody sends proves nothing
		return
	}
	g := fastGrowth
	if near {
		// The longer no queue shows, the less the old limit means. Where a queue is
		// heard of late, growth is slower in proportion: else it has gone as much
		// further when it is.
		late := max(c.rtt.Seconds()/lateRTT.Seconds(), 1)
		calm := (now - c.episode.ended).Seconds() / late
		g = min(slowGrowth*math.Exp2(calm/2), fastGrowth) / late
	}
	c.setTarget(c.target * (1 + g*dt.Seconds()))
	c.grown = now
}

// carries is what the link is believed to carry at present.
func (c *Controller) carries() float64 {
	if c.link > 0 {
		return c.link
	}
	return max(c.quickest, c.target)
}
