package client

import (
	"math/rand/v2"
	"time"
)

// Backoff is the pause between attempts to connect: full jitter over a range
// that is as long as the trouble has lasted. A range that followed the count of
// failures would differ from node to node, and those whose range is still short
// would come back together; one that follows the time is the same for all that
// lost their broker at one moment, and however long it was away they return
// spread over as long again.
type Backoff struct {
	First time.Duration // least range; default 1 s
	Most  time.Duration // greatest range; default 300 s
	Least time.Duration // no pause is shorter; default 1 s
	// Stable is how long a connection must have held before the pauses start
	// small again; default 60 s. Two clients with one name, each throwing the
	// other out, slow down because of it.
	Stable time.Duration
	// Lost is the least range of the pauses after a connection was lost: all
	// nodes of a broker lose theirs at one moment. Default 30 s.
	Lost time.Duration
	// Start is the range of a pause before the very first attempt; default 0.
	Start time.Duration
}

func (b Backoff) withDefaults() Backoff {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&b.First, time.Second)
	def(&b.Most, 300*time.Second)
	def(&b.Least, time.Second)
	def(&b.Stable, 60*time.Second)
	def(&b.Lost, 30*time.Second)
	b.Lost = min(b.Lost, b.Most)
	return b
}

// pause returns the pause that begins when the trouble has lasted for since.
func (b Backoff) pause(since time.Duration) time.Duration {
	return max(b.Least, rand.N(min(max(since, b.First), b.Most)))
}

// pauseLost is pause for trouble that began with the loss of a connection.
func (b Backoff) pauseLost(since time.Duration) time.Duration {
	return b.pause(max(since, b.Lost))
}

// pauseRefused returns the pause after a refusal that time alone does not
// mend, such as a certificate that the other side does not take: the longer of
// two, one of them from a range sixteen times as long.
func (b Backoff) pauseRefused(since time.Duration) time.Duration {
	return max(b.pause(since), b.pause(16*min(max(since, b.First), b.Most)))
}

// trouble is what the pauses follow: since when no connection has held, and
// whether one was lost since.
type trouble struct {
	since time.Time
	lost  bool
}

// next returns the pause after an attempt that ended at now: it was connected or
// not, for as long as held, and ended with an error of a kind.
func (t *trouble) next(b Backoff, now time.Time, connected bool, held time.Duration, kind Kind) time.Duration {
	if held >= b.Stable {
		*t = trouble{since: now}
	}
	t.lost = t.lost || connected
	lasted := now.Sub(t.since)
	switch {
	case kind != KindNetwork:
		return b.pauseRefused(lasted)
	case t.lost:
		return b.pauseLost(lasted)
	}
	return b.pause(lasted)
}
