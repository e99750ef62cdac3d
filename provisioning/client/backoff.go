package client

import (
	"math/rand/v2"
	"time"
)

// Backoff is the pause between attempts to connect: exponential with full
// jitter, so that a thousand nodes that lose their broker at one moment do not
// come back at one moment.
type Backoff struct {
	First time.Duration // range of the first pause; default 1 s
	Most  time.Duration // range that it grows to; default 300 s
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

// pause returns the pause after the given number of failures, from 0.
func (b Backoff) pause(failures int) time.Duration {
	span := b.Most
	if failures < 30 && b.First<<failures < b.Most {
		span = b.First << failures
	}
	return max(b.Least, rand.N(span))
}

// lost returns the number of failures that a lost connection counts as.
func (b Backoff) lost() (failures int) {
	for failures < 30 && b.First<<failures < b.Lost {
		failures++
	}
	return failures
}

// pauseRefused returns the pause after a refusal that time alone does not
// mend, such as a certificate that the other side does not take: from the
// upper half of the range at once.
func (b Backoff) pauseRefused(failures int) time.Duration {
	return max(b.pause(failures), b.pause(min(failures+4, 30)))
}
