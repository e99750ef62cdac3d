package congestion

import "time"

// rival is somebody else's queue on the path: a download that fills whatever
// buffer there is. Delay then says nothing about this sender's rate, and loss
// decides as it does for them.
type rival struct {
	peak  time.Duration // the queue that is theirs
	quiet time.Duration // since when the queue has been gone, 0: it stands
	cut   time.Duration // last cut
	lost  int           // losses before it

	// The range of the queue in the present period, and whether it hardly
	// moved in the one before.
	low, high, since time.Duration
	flat             bool
}

func (r *rival) begin(now, peak time.Duration) {
	r.peak, r.quiet, r.cut = peak, 0, now
}

// flatPeriod is how long a queue must keep still to be none: a download's
// grows and shrinks.
const flatPeriod = 600 * time.Millisecond

func (r *rival) watch(now, queue, limit, noise time.Duration) {
	switch {
	case queue > limit:
		r.quiet = 0
	case r.quiet == 0:
		r.quiet = max(now, 1)
	}
	r.low, r.high = min(r.low, queue), max(r.high, queue)
	if now-r.since > flatPeriod {
		r.flat = queue > limit && r.high-r.low < 3*time.Millisecond+noise
		r.low, r.high, r.since = queue, queue, now
	}
}

const (
	// shareAfter is how long a queue must have stood against a falling rate.
	shareAfter = 1600 * time.Millisecond
	// rivalGone is how long the queue must be away for the rival to be gone.
	rivalGone = 1500 * time.Millisecond
	// shareCut and shareGrowth are the steps of sharing by loss.
	shareCut    = 0.7
	shareGrowth = 0.06
	sharePacket = 1200 * 8
	shareLoss   = 0.02
)

// share holds its own against a rival.
func (c *Controller) share(now time.Duration) {
	r := &c.rival
	if r.quiet != 0 && now-r.quiet > rivalGone {
		c.state = StateGrow
		c.link = 0
		c.grown = now
		return
	}
	if r.flat {
		c.longerRoute(now)
		return
	}
	c.loss.judge(now)
	overflow := c.loss.events > r.lost && c.queue > r.peak/2
	if overflow || c.loss.share > c.loss.path+shareLoss || c.queue > r.peak*3/2+mostQueue {
		r.lost = c.loss.events
		if now-r.cut > max(2*c.rtt, 500*time.Millisecond) {
			r.cut = now
			r.peak = max(r.peak, c.queue)
			c.setTarget(c.target * shareCut)
		}
		c.grown = now
		return
	}
	if c.sent.rate(500*time.Millisecond) > 0.7*c.target {
		// Where they halve their rate and add a packet per round trip, a cut
		// of 0.7 and half a packet is as much.
		rtt := max(c.rtt, 20*time.Millisecond).Seconds()
		step := max(sharePacket/2/rtt/rtt, c.target*shareGrowth)
		c.setTarget(c.target + step*min(now-c.grown, 200*time.Millisecond).Seconds())
	}
	c.grown = now
}

// longerRoute takes a delay that does not move, whatever is sent, for the
// path's own.
func (c *Controller) longerRoute(now time.Duration) {
	c.delay.rebase()
	c.rival.flat = false
	c.state, c.link, c.grown, c.queue = StateGrow, 0, now, 0
	c.setTarget(max(c.target, c.episode.before*0.7))
}
