package session

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/session/batch"
)

// paceTick is the grid on which the pacer wakes for pictures that wait: all
// viewers' at once, 200 times per second at most. A packet may leave that much too
// early, which on most paths puts no more than two or three in a row.
const paceTick = 5 * time.Millisecond

// pacer sends to all viewers whose network makes nobody wait: those who are reached
// through the node's own UDP sockets. One goroutine wakes once for all of them, and
// what it sends at one time leaves with few system calls. Who is reached by TCP or
// through a relay keeps a goroutine of its own.
type pacer struct {
	sockets *udpMux
	wake    chan struct{}
	sound   atomic.Bool // has been queued
	some    atomic.Bool // there are viewers

	mu      sync.Mutex
	viewers []*Viewer // replaced, never changed in place
}

// signal tells that something has been queued.
func (p *pacer) signal(sound bool) {
	if !p.some.Load() {
		return
	}
	if sound {
		p.sound.Store(true)
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// add makes the pacer send for a viewer, whose own goroutine does not until remove.
func (p *pacer) add(v *Viewer) {
	v.outbox.mu.Lock()
	v.outbox.shared = true
	v.outbox.mu.Unlock()
	p.mu.Lock()
	p.viewers = append(slices.Clone(p.viewers), v)
	p.some.Store(true)
	p.mu.Unlock()
	p.signal(true)
}

// remove ends that. When it returns, the pacer does not send any more.
func (p *pacer) remove(v *Viewer) {
	v.outbox.mu.Lock()
	v.outbox.shared = false
	v.outbox.mu.Unlock()
	p.mu.Lock()
	p.viewers = slices.DeleteFunc(slices.Clone(p.viewers), func(o *Viewer) bool { return o == v })
	p.some.Store(len(p.viewers) > 0)
	p.mu.Unlock()
}

func (p *pacer) list() []*Viewer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.viewers
}

// run sends until the context is done.
func (p *pacer) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	epoch := time.Now()
	for {
		var due <-chan time.Time
		if next := p.pass(epoch); next >= 0 {
			timer.Reset(time.Until(epoch.Add(next)))
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		case <-due:
		}
	}
}

// pass sends what may leave before the next point of the grid, and returns the one
// at which there is more to do, since the epoch; below 0: there is none.
func (p *pacer) pass(epoch time.Time) (next time.Duration) {
	viewers := p.list()
	senders := p.hear(viewers)
	grid := time.Since(epoch).Truncate(paceTick) + paceTick
	until := epoch.Add(grid)
	next = -1
	for _, v := range viewers {
		if p.sound.Load() {
			// Sound does not wait for the others' pictures.
			flush(senders)
			senders = p.hear(viewers)
		}
		if wait, waits := v.sendShared(until); waits {
			if at := grid + wait.Truncate(paceTick); next < 0 || at < next {
				next = at
			}
		}
	}
	flush(senders)
	return next
}

// hear takes what has been queued, and sends the sound of it. The sockets that it
// returns are held.
func (p *pacer) hear(viewers []*Viewer) []*batch.Sender {
	p.sound.Store(false)
	senders := p.sockets.senders()
	hold(senders)
	for _, v := range viewers {
		v.takeShared()
	}
	flush(senders)
	hold(senders)
	return senders
}

func hold(senders []*batch.Sender) {
	for _, s := range senders {
		s.Hold()
	}
}

func flush(senders []*batch.Sender) {
	for _, s := range senders {
		s.Flush()
	}
}

// takeShared empties the queue, if the pacer sends for the viewer.
func (v *Viewer) takeShared() {
	if len(v.queue) == 0 {
		return
	}
	v.outbox.mu.Lock()
	defer v.outbox.mu.Unlock()
	for v.outbox.shared {
		select {
		case f := <-v.queue:
			v.accept(f)
		default:
			return
		}
	}
}

// sendShared sends pictures, if the pacer sends for the viewer. waits says that there
// are more, and wait how much later than until they may leave.
func (v *Viewer) sendShared(until time.Time) (wait time.Duration, waits bool) {
	v.outbox.mu.Lock()
	defer v.outbox.mu.Unlock()
	if !v.outbox.shared {
		return 0, false
	}
	wait = v.sendPictures(until)
	v.look()
	return wait, v.outbox.n > 0
}

// routed notes by which pair of candidates the viewer is reached now.
func (v *Viewer) routed(pair *webrtc.ICECandidatePair) {
	direct := pair != nil && pair.Local != nil && pair.Local.Protocol == webrtc.ICEProtocolUDP && pair.Local.Typ != webrtc.ICECandidateTypeRelay
	v.direct.Store(direct)
	if direct {
		return
	}
	select {
	case v.alone <- struct{}{}:
	default:
	}
}
