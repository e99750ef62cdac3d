package session

import (
	"sync"
	"time"
)

// keyFrameInterval is the least time between two key frames for one cause,
// joining excepted.
const keyFrameInterval = 500 * time.Millisecond

// keyFrameGate decides when the encoder is asked for a key frame:
//
//   - the first request of a cause goes through at once;
//   - while a request waits for its key frame, others join it, whatever their
//     cause;
//   - a further request of the same cause within keyFrameInterval is kept until
//     the interval is over, and dropped if a key frame comes before that: the
//     viewer that lost its picture is helped by any key frame;
//   - a viewer that joins is not kept waiting by the interval. Joining is
//     bounded otherwise: a key frame that is replayGOP frames old or less is
//     replayed to the next viewer.
type keyFrameGate struct {
	ask func(reason string) // never called under mu

	mu       sync.Mutex
	closed   bool
	asked    time.Time            // request that waits for its key frame; zero: none
	last     map[string]time.Time // last request by cause
	deferred map[string]*time.Timer
	counts   map[string]uint64
}

func newKeyFrameGate(ask func(string)) *keyFrameGate {
	if ask == nil {
		ask = func(string) {}
	}
	return &keyFrameGate{
		ask: ask, last: map[string]time.Time{}, deferred: map[string]*time.Timer{}, counts: map[string]uint64{},
	}
}

// request asks for a key frame for the given cause.
func (g *keyFrameGate) request(reason string) {
	now := time.Now()
	g.mu.Lock()
	// An encoder that does not answer within the interval is asked again.
	if g.closed || (!g.asked.IsZero() && now.Sub(g.asked) < keyFrameInterval) {
		g.mu.Unlock()
		return
	}
	if wait := keyFrameInterval - now.Sub(g.last[reason]); reason != ReasonJoin && wait > 0 {
		if g.deferred[reason] == nil {
			g.deferred[reason] = time.AfterFunc(wait, func() {
				g.mu.Lock()
				pending := g.deferred[reason] != nil
				delete(g.deferred, reason)
				g.mu.Unlock()
				if pending {
					g.request(reason)
				}
			})
		}
		g.mu.Unlock()
		return
	}
	g.asked, g.last[reason] = now, now
	g.counts[reason]++
	g.mu.Unlock()
	g.ask(reason)
}

// served notes that a key frame goes out.
func (g *keyFrameGate) served() {
	g.mu.Lock()
	g.asked = time.Time{}
	g.cancelDeferred()
	g.mu.Unlock()
}

func (g *keyFrameGate) cancelDeferred() {
	for reason, t := range g.deferred {
		t.Stop()
		delete(g.deferred, reason)
	}
}

func (g *keyFrameGate) close() {
	g.mu.Lock()
	g.closed = true
	g.cancelDeferred()
	g.mu.Unlock()
}

// snapshot returns how often each cause reached the encoder.
func (g *keyFrameGate) snapshot() map[string]uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := make(map[string]uint64, len(g.counts))
	for k, v := range g.counts {
		m[k] = v
	}
	return m
}
