package session

import (
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// What a viewer has lost is sent again when it asks. Where that does not help in
// time, one frame that builds on a long-term reference lets it go on: a picture
// that all viewers are known to have, by transport-wide feedback or because they
// say so (RPSI). It costs little more than any other, where a key frame costs all
// viewers a second's worth of quality. No viewer needs to know of it: for who
// misses frames the numbers of the payload descriptor are continued from the first
// that is missing, as if nothing had been sent since.
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
	// maxMends is how many times within mendPatience a request for a key frame is
	// answered otherwise.
	maxMends     = 3
	mendPatience = 3 * time.Second
	// maxDeaf is how many times a viewer may ask for a key frame though it has been
	// helped before it always gets one.
	maxDeaf = 2
)

// mending is what has come of the help for one viewer.
type mending struct {
	first time.Duration // when it was given first, of the last maxMends
	n     int
	deaf  int
	heeds time.Duration // the frame that the viewer did not heed, by its time
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
	any := false
	for _, v := range m.out.watchers {
		if w := &v.forward; w.stream != media.StreamMain || w.waitKey {
			continue
		}
		got, silent := v.path.received(now, number)
		if !got && !silent {
			return false
		}
		any = any || got
	}
	return any
}

// received reports whether the viewer is able to decode a frame, and whether
// nothing has been heard of it for so long that nobody waits for it.
func (p *path) received(now time.Duration, number uint64) (got, silent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ledger.decoded(number) {
		p.ledger.presume(now, p.last.RTT)
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

func (p *path) asked(frame uint64) {
	p.mu.Lock()
	p.ledger.ask(frame)
	p.mu.Unlock()
}

// begin gives a frame that is about to leave its numbers. Where it mends a loss of
// this viewer's they go on from the first frame that is missing.
func (v *Viewer) begin(f *frame) {
	fec := v.video.fec
	p := v.path
	p.mu.Lock()
	if f.base != 0 {
		if missing, ok := p.ledger.gap(f.base); ok {
			v.label.tl0 = missing.label.tl0 - 1
		}
	}
	v.label = v.label.follow(f.tid)
	p.ledger.begin(time.Since(p.epoch), f, v.label, fec != nil)
	p.mu.Unlock()
	if fec != nil {
		fec.begin(len(f.pkts), f.key)
	}
}

// overdue reports whether a packet that is asked for once more is so old that
// waiting for it makes no sense any more.
func (v *Viewer) overdue(p *packet) bool {
	v.path.mu.Lock()
	passed := p.frame < v.path.ledger.since // whatever becomes of it
	v.path.mu.Unlock()
	age := uint32(v.m.clock.ticks(time.Now(), videoRateHz)) - p.ts
	limit := overdueAfter + 2*v.roundTrip()
	return !passed && age > uint32(limit*videoRateHz/time.Second)
}

// roundTrip is the path's, with the reporting delay where nothing better is known.
func (v *Viewer) roundTrip() time.Duration {
	if rtt := v.counters.rttNs.Load(); rtt > 0 {
		return time.Duration(rtt)
	}
	return v.path.estimate().RTT
}

// stuck reports whether the viewer misses something that it has not been helped
// over since.
func (v *Viewer) stuck() bool {
	v.path.mu.Lock()
	defer v.path.mu.Unlock()
	return v.path.ledger.stuck()
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
	if last != 0 && now-last < int64(max(mendGap, v.roundTrip())) {
		return true // one is on its way
	}
	base := m.hooks.Mend()
	if base == 0 {
		return false
	}
	if !v.path.has(base) {
		return false
	}
	if m.mendAt.CompareAndSwap(last, now) {
		m.mended.Add(1)
	}
	return true
}

// mendsLoss decides whether a request for a key frame is answered by a frame that
// builds on a reference: when something is known to be missing, and that has not
// been tried in vain. key and mended are when the last frame of either kind left.
func (v *Viewer) mendsLoss(now, key, mended time.Duration) bool {
	s := &v.mending
	if !v.stuck() {
		// Nothing is missing: its decoder has failed, or it is one that goes on
		// at key frames alone.
		if mended > key && now-mended < mendPatience && s.heeds != mended {
			s.deaf, s.heeds = s.deaf+1, mended
		}
		return false
	}
	if s.deaf >= maxDeaf {
		return false
	}
	if now-s.first > mendPatience || key > s.first {
		s.first, s.n = now, 0
	}
	if s.n++; s.n > maxMends {
		return false
	}
	return v.mend()
}
