package session

import (
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// What a viewer has lost is sent again when it asks. Where that does not help in
// time, one frame that builds on a long-term reference lets it go on: a picture
// that all viewers are known to have, by transport-wide feedback or because they
// say so (RPSI). It costs little more than any other, where a key frame costs all
// viewers a second's worth of quality. No viewer needs to know of it: for who
// misses frames the numbers of the payload descriptor are continued from the first
// that is missing, as if nothing had been sent since. That is done only where it is
// certain what is missing, and never undone: else a viewer could take what follows
// for what it waits for, without having that frame.
const (
	// mendGap is the least time between two such frames.
	mendGap = 100 * time.Millisecond
	// overdueAfter is the age, besides two round trips, from which on a packet that
	// has been sent twice is not waited for any longer.
	overdueAfter = 150 * time.Millisecond
	// lossyTime is how long a loss makes it likely that there will be more.
	lossyTime = 10 * time.Second
	// silentAfter is when nobody waits any more for what a viewer may report.
	silentAfter = 1500 * time.Millisecond
	// maxMends is how many times in a row, within mendPatience, a request for a key
	// frame is answered otherwise in vain.
	maxMends     = 3
	mendPatience = 3 * time.Second
	// reportPatience is how long a request waits for the report that tells what is
	// missing.
	reportPatience = 250 * time.Millisecond
)

// mending is what has come of the help for one viewer. mu guards it.
type mending struct {
	first time.Duration // when it was given first, of the last n times
	n     int           // in vain so far
	mu    sync.Mutex
	asked time.Duration // request that waits for a report, 0: none
}

// Lossy reports whether viewers of the main stream have lost packets lately: then
// it is worth having long-term references that are known to have arrived.
func (m *Manager) Lossy() bool {
	at := m.lossAt.Load()
	return at != 0 && time.Since(m.clock.epoch)-time.Duration(at) < lossyTime
}

// Received reports whether every viewer of the main stream is known to have
// decoded, or to be able to decode, a frame by its number. Viewers that wait for a
// key frame or have fallen silent do not count; without any other it is false.
func (m *Manager) Received(number uint64) bool {
	now := time.Since(m.clock.epoch)
	m.fan.Lock()
	defer m.fan.Unlock()
	anybody := false
	for _, v := range m.out.watchers {
		if w := &v.forward; w.stream != media.StreamMain || w.waitKey {
			continue
		}
		got, silent := v.path.received(now, number)
		if !got && !silent {
			return false
		}
		anybody = anybody || got
	}
	return anybody
}

// received reports whether the viewer is able to decode a frame, and whether
// nothing has been heard of it for so long that nobody waits for it.
func (p *path) received(now time.Duration, number uint64) (got, silent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ledger.decoded(number) {
		p.ledger.presume(now, p.roundTrip())
	}
	return p.ledger.decoded(number), p.heard != 0 && now-p.heard > silentAfter
}

func (p *path) acknowledge(picture uint16) {
	p.mu.Lock()
	p.ledger.acknowledge(picture)
	p.heard = max(p.heard, time.Since(p.epoch))
	p.mu.Unlock()
}

// has reports whether the viewer is known to be able to decode a frame.
func (p *path) has(frame uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ledger.decoded(frame)
}

// cut notes that the rest of a frame will not be sent.
func (p *path) cut(frame uint64) {
	p.mu.Lock()
	p.ledger.cut(frame)
	p.mu.Unlock()
}

// asked notes that a packet of a frame is asked for again, and reports whether the
// viewer has been helped over it.
func (p *path) asked(frame uint64) (passed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ledger.ask(frame)
	return frame != 0 && frame < p.ledger.since
}

// resent notes that a packet of a frame is sent again.
func (p *path) resent(frame uint64) {
	p.mu.Lock()
	p.ledger.again(time.Since(p.epoch), frame)
	p.mu.Unlock()
}

// roundTrip is the path's, with the reporting delay where nothing better is known.
// Called under mu.
func (p *path) roundTrip() time.Duration {
	if p.rtt > 0 {
		return p.rtt
	}
	return p.last.RTT
}

// begin gives a frame that is about to leave its numbers. Where it mends a loss of
// this viewer's they go on from the frame that is missing.
func (v *Viewer) begin(f *frame) {
	fec := v.video.fec
	p := v.path
	p.mu.Lock()
	now := time.Since(p.epoch)
	if f.base != 0 && p.ledger.decoded(f.base) {
		if missing, ok := p.ledger.missing(now, p.roundTrip()); ok {
			v.label.tl0 = missing.label.tl0 - 1
		}
	}
	v.label = v.label.follow(f.tid)
	p.ledger.begin(now, f, v.label, fec != nil)
	p.mu.Unlock()
	if fec != nil {
		fec.begin(len(f.pkts), f.key)
	}
}

// overdue reports whether a packet that is asked for once more is so old that
// waiting for it makes no sense any more.
func (v *Viewer) overdue(p *packet) bool {
	v.path.mu.Lock()
	limit := overdueAfter + 2*v.path.roundTrip()
	v.path.mu.Unlock()
	age := uint32(v.m.clock.ticks(time.Now(), videoRateHz)) - p.ts
	return age > uint32(limit*videoRateHz/time.Second)
}

// mend asks for a frame that helps this viewer on without a key frame, and reports
// whether there will be one.
func (v *Viewer) mend() bool {
	m := v.m
	if m.hooks.Mend == nil {
		return false
	}
	now := int64(time.Since(m.clock.epoch))
	last := m.mendAt.Load()
	if last != 0 && now-last < int64(mendGap) {
		return true // one is on its way
	}
	base := m.hooks.Mend()
	if base == 0 || !v.path.has(base) {
		return false
	}
	if m.mendAt.CompareAndSwap(last, now) {
		m.mended.Add(1)
	}
	return true
}

// mendsLoss decides whether a request for a key frame is answered by a frame that
// builds on a reference: when it is certain that something is missing, and that has
// not been tried in vain. Reports come later than a request: where there may be a
// loss that they do not tell of yet, the decision is put off.
func (v *Viewer) mendsLoss(now time.Duration) bool {
	v.mending.mu.Lock()
	defer v.mending.mu.Unlock()
	return v.decide(now)
}

// decide is called under mending.mu.
func (v *Viewer) decide(now time.Duration) bool {
	s, p := &v.mending, v.path
	p.mu.Lock()
	l := &p.ledger
	if s.asked == 0 {
		l.complain(now, p.roundTrip())
	}
	_, missing := l.missing(now, p.roundTrip())
	unheard := l.last > l.heard && p.enabled.Load()
	helped := l.decoded(l.since)
	p.mu.Unlock()
	if helped || now-s.first > mendPatience {
		s.first, s.n = now, 0
	}
	switch {
	case missing:
		s.asked = 0
		s.n++
		return s.n <= maxMends && v.mend()
	case s.asked == 0 && unheard && v.m.Lossy():
		s.asked = now
		return true
	}
	return s.asked != 0 && now-s.asked < reportPatience
}

// reported looks once more at a request that waited for a report.
func (v *Viewer) reported() {
	s := &v.mending
	s.mu.Lock()
	done := s.asked == 0 || v.decide(time.Since(v.m.clock.epoch))
	if !done {
		s.asked = 0
	}
	s.mu.Unlock()
	if done {
		return
	}
	v.m.gates[media.StreamMain].request(ReasonPLI)
}
