package metrics

import (
	"sync"
	"time"
)

// rateMeter gives the bit rate over the last whole second plus the running one.
type rateMeter struct {
	now func() time.Time

	mu         sync.Mutex
	start      time.Time // of the running second
	bytes      int
	last       int // bytes of the second before
	lastLength time.Duration
}

func (r *rateMeter) roll(now time.Time) {
	age := now.Sub(r.start)
	switch {
	case r.start.IsZero() || age >= 2*time.Second || age < 0:
		// Nothing for a while: what was counted is too old to mean anything.
		r.last, r.lastLength, r.bytes, r.start = 0, 0, 0, now
	case age >= time.Second:
		r.last, r.lastLength, r.bytes, r.start = r.bytes, age, 0, now
	}
}

func (r *rateMeter) add(bytes int) {
	r.mu.Lock()
	r.roll(r.now())
	r.bytes += bytes
	r.mu.Unlock()
}

func (r *rateMeter) bps() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	r.roll(now)
	d := r.lastLength + now.Sub(r.start)
	if d <= 0 {
		return 0
	}
	return float64(8*(r.last+r.bytes)) / d.Seconds()
}
