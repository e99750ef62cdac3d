package jitter

import "time"

// Feedback is what the sender is to be asked for now.
type Feedback struct {
	// NACK are sequence numbers of packets to be sent again, oldest first; valid
	// until the next call.
	NACK []uint16
	// PLI asks for a key frame.
	PLI bool
	// RPSI are PictureIDs of long-term references that have been decoded; valid
	// until the next call.
	RPSI []uint16
}

// retryAfter is the time from one request for a packet to the next: a round trip
// and some of its variation. After one in vain, the second is repeated within half a
// round trip: a loss more is then half as long, and what may come twice is a small
// share of all. Later ones are not: a sender that takes the packet for lost goes on
// without it, and must not do so while an answer is on its way.
func (b *Buffer) retryAfter(tries int) time.Duration {
	if tries == 2 {
		return max(b.rtt/2+5*time.Millisecond, leastRetry)
	}
	return max(b.rtt+b.rtt/8+5*time.Millisecond, leastRetry)
}

func (b *Buffer) pliGap() time.Duration { return max(leastPLI, b.rtt+b.rtt/2) }

// Feedback returns what to send to the sender. Call it after Insert and at the
// times that Wake gives.
func (b *Buffer) Feedback(now time.Time) Feedback {
	fb := Feedback{RPSI: b.acks[:b.ackCount]}
	b.ackCount = 0
	b.stats.RPSICount += uint64(len(fb.RPSI))
	b.nacks = b.nacks[:0]
	if b.asking > maxMissing {
		b.giveUpAll(now)
	}
	if b.asking > 0 && !b.cfg.NoNACK {
		b.ask(now)
	} else if b.asking > 0 {
		b.giveUpOld(now)
	}
	b.stuck(now)
	fb.NACK = b.nacks
	b.stats.NACKCount += uint64(len(fb.NACK))
	if b.wantKey && b.started && !b.keyComing() && !now.Before(b.nextPLI()) {
		fb.PLI = true
		b.pliAt = now
		b.stats.PLICount++
	}
	return fb
}

// nextPLI is when a key frame may be asked for (again).
func (b *Buffer) nextPLI() time.Time {
	if b.pliAt.IsZero() && b.stats.JitterBufferEmittedCount == 0 {
		// The stream begins: its first packets may have been overtaken.
		return b.wantSince.Add(mostReorder)
	}
	return b.pliAt.Add(b.pliGap())
}

// stuck asks for a key frame when a frame cannot be decoded that others need,
// and what it needs will not come.
func (b *Buffer) stuck(now time.Time) {
	if b.wantKey || b.count == 0 {
		return
	}
	if !b.last.key {
		b.needKey(now)
		return
	}
	c := cursor{seq: b.next, hasPID: b.last.hasPID, pid: b.last.pid}
	for i := range b.count {
		f := &b.frames[b.order[i]]
		switch {
		case b.decodable(f, &c):
			return // goes on here
		case f.described && (f.desc.NonReference || f.desc.HasTemporalID && f.desc.TemporalID > 0):
			continue // nothing that lasts depends on it
		case f.bad, f.complete && !b.missesBefore(f.first), !f.complete && b.gaveUp(f):
			b.needKey(now)
			return
		}
	}
}

// keyComing reports whether a key frame is being received, or waits.
func (b *Buffer) keyComing() bool {
	for i := range b.count {
		f := &b.frames[b.order[i]]
		if f.first == noSeq || !f.key || f.bad {
			continue
		}
		if f.complete || !b.gaveUp(f) {
			return true
		}
	}
	return false
}

// gaveUp reports whether a packet of f will not come any more.
func (b *Buffer) gaveUp(f *frame) bool {
	low, high := f.low, f.high
	if f.first != noSeq {
		low = f.first
	}
	if f.last != noSeq {
		high = f.last
	}
	// Where its end is not known, the packet next to it tells, too.
	if f.first == noSeq {
		low--
	}
	if f.last == noSeq {
		high++
	}
	for s := max(low, b.next); s <= min(high, b.highest); s++ {
		if q, ok := b.holds(s); !ok || q.state == lost {
			return true
		}
	}
	return false
}

// firstUseful is the sequence number from which on packets are worth asking
// for: with a key frame under way, what comes before it is not.
func (b *Buffer) firstUseful() int64 {
	from := b.next
	for i := range b.count {
		f := &b.frames[b.order[i]]
		if f.key && f.first != noSeq && !f.bad && (f.complete || b.wantKey) {
			from = max(from, f.first)
		}
	}
	return from
}

// ask collects the packets whose turn it is.
func (b *Buffer) ask(now time.Time) {
	from := b.firstUseful()
	wait := b.reorder.wait()
	for s := b.next; s <= b.highest && b.asking > 0; s++ {
		q, ok := b.holds(s)
		if !ok || q.state != missing {
			continue
		}
		switch {
		case s < from:
			b.giveUp(q)
		case q.tries >= b.cfg.Retries && now.Sub(q.asked) >= b.retryAfter(1) || now.Sub(q.since) >= b.cfg.GiveUp:
			b.giveUp(q)
		case q.tries == 0 && now.Sub(q.since) < wait:
		case q.tries >= b.cfg.Retries:
		case q.tries == 0 || now.Sub(q.asked) >= b.retryAfter(q.tries):
			if q.tries == 0 {
				q.first = now
			}
			q.tries++
			q.asked, q.answer = now, true
			b.nacks = append(b.nacks, uint16(s))
		}
	}
	b.reorder.fade()
}

// giveUpOld gives up gaps that cannot be mended any more without NACK.
func (b *Buffer) giveUpOld(now time.Time) {
	for s := b.next; s <= b.highest && b.asking > 0; s++ {
		if q, ok := b.holds(s); ok && q.state == missing && now.Sub(q.since) >= mostReorder {
			b.giveUp(q)
		}
	}
}

func (b *Buffer) giveUp(q *packet) {
	q.state = lost
	b.asking--
	b.stats.PacketsLost++
	b.reorder.lost()
}

// giveUpAll is for gaps so long that a key frame is the quicker way.
func (b *Buffer) giveUpAll(now time.Time) {
	for s := b.next; s <= b.highest && b.asking > 0; s++ {
		if q, ok := b.holds(s); ok && q.state == missing {
			b.giveUp(q)
		}
	}
	b.needKey(now)
}

// Wake returns when Next or Feedback will have something if no packet arrives
// before, at most most from now.
func (b *Buffer) Wake(now time.Time, most time.Duration) time.Time {
	wake := now.Add(most)
	sooner := func(t time.Time) {
		if t.Before(wake) {
			wake = t
		}
	}
	if c := b.find(now); c.index >= 0 {
		sooner(b.ready(c))
	}
	if b.asking > 0 {
		wait := b.reorder.wait()
		for s := b.next; s <= b.highest; s++ {
			if q, ok := b.holds(s); ok && q.state == missing {
				switch {
				case b.cfg.NoNACK:
					sooner(q.since.Add(mostReorder))
				case q.tries == 0:
					sooner(q.since.Add(wait))
				case q.tries >= b.cfg.Retries:
					sooner(q.asked.Add(b.retryAfter(1)))
				default:
					sooner(q.asked.Add(b.retryAfter(q.tries)))
				}
			}
		}
	}
	if b.wantKey && b.started && !b.keyComing() {
		sooner(b.nextPLI())
	}
	if wake.Before(now) {
		wake = now
	}
	return wake
}
