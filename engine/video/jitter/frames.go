package jitter

import "time"

// frame is a frame in the making.
type frame struct {
	ts          int64
	first, last int64 // sequence numbers, noSeq while not known
	low, high   int64 // of the packets that are there
	packets     int
	bytes       int
	key         bool
	bad         bool // packets contradict each other
	desc        Descriptor
	described   bool
	firstAt     time.Time
	completeAt  time.Time
	complete    bool
}

const noSeq = int64(-1)

// numbersWrap is the age up to which TL0PICIDX and PictureID are believed
// across a gap: 256 frames and 128 frames at up to 60 frames per second.
const numbersWrap = 2 * RateHz

// lastFrame is what is known of the last frame handed out.
type lastFrame struct {
	known  bool
	key    bool // its references go back to a key frame that was handed out
	ts     int64
	hasPID bool
	pid    uint16
	hasTL0 bool
	tl0    uint8
	hasKey bool
	keyIdx uint8
	// broken[t]: frames of layer t since the last base frame may be missing.
	broken [4]bool
}

// join adds a packet to its frame.
func (b *Buffer) join(q *packet, d *Descriptor, marker bool, now time.Time) {
	f := b.frameFor(q.ts, now)
	if f == nil {
		return
	}
	if f.complete { // a packet more than the frame has
		f.bad = true
		return
	}
	f.packets++
	f.bytes += q.n
	f.low, f.high = min(f.low, q.seq), max(f.high, q.seq)
	if d.PartitionStart && d.Partition == 0 && (f.first == noSeq || q.seq < f.first) {
		f.first, f.key = q.seq, keyFrame(q.data)
	}
	if !f.described {
		f.desc, f.described = *d, true
	} else if f.desc.HasPictureID != d.HasPictureID || f.desc.PictureID != d.PictureID {
		f.bad = true
	}
	if marker {
		f.last = max(f.last, q.seq)
	}
	if f.first == noSeq || f.last == noSeq || f.last < f.first || int64(f.packets) != f.last-f.first+1 || f.low != f.first || f.high != f.last {
		return
	}
	f.complete, f.completeAt = true, now
	if f.bad {
		return
	}
	b.stats.FramesReceived++
	if f.key {
		b.stats.KeyFramesReceived++
	}
	if f.packets > 1 {
		b.stats.FramesAssembledFromMultiplePacks++
		b.stats.TotalAssemblyTime += now.Sub(f.firstAt)
	}
	b.timing.frame(f.ts, now)
}

// frameFor returns the frame of a timestamp, a new one if need be.
func (b *Buffer) frameFor(ts int64, now time.Time) *frame {
	i := b.count
	for i > 0 && b.frames[b.order[i-1]].ts > ts {
		i--
	}
	if i > 0 && b.frames[b.order[i-1]].ts == ts {
		return &b.frames[b.order[i-1]]
	}
	if b.count == maxFrames {
		// Far too many: give the oldest up.
		b.dropFrame(0)
		b.needKey(now)
		i = max(i-1, 0)
	}
	slot := b.spare[b.count]
	copy(b.order[i+1:b.count+1], b.order[i:b.count])
	b.order[i] = slot
	b.count++
	b.frames[slot] = frame{ts: ts, first: noSeq, last: noSeq, low: 1<<63 - 1, high: noSeq, firstAt: now}
	return &b.frames[slot]
}

// removeFrame forgets the i-th frame.
func (b *Buffer) removeFrame(i int) {
	slot := b.order[i]
	copy(b.order[i:b.count-1], b.order[i+1:b.count])
	b.count--
	b.spare[b.count] = slot
}

// dropFrame forgets the i-th frame, which was not handed out.
func (b *Buffer) dropFrame(i int) {
	if f := &b.frames[b.order[i]]; f.complete {
		b.stats.FramesDropped++
	} else {
		b.stats.FramesIncomplete++
	}
	b.removeFrame(i)
}

// cursor is a place in the stream while its frames are looked at in turn.
type cursor struct {
	seq    int64
	hasPID bool
	pid    uint16
}

// contiguous reports whether f comes right after the cursor.
func (c *cursor) contiguous(f *frame) bool {
	return f.first == c.seq || f.desc.HasPictureID && c.hasPID && f.desc.follows(c.pid)
}

// decodable reports whether all that f refers to has been handed out.
func (b *Buffer) decodable(f *frame, c *cursor) bool {
	l, d := &b.last, &f.desc
	switch {
	case !f.complete || f.bad:
		return false
	case f.key:
		return true
	case !l.key:
		return false
	case d.HasKeyIdx && l.hasKey && d.KeyIdx != l.keyIdx:
		return false
	case f.first != c.seq && f.ts-l.ts > numbersWrap:
		return false // the short running numbers may have wrapped
	case !d.HasTL0PicIdx || !d.HasTemporalID || !l.hasTL0:
		return c.contiguous(f)
	case d.TemporalID == 0:
		return d.TL0PicIdx == l.tl0+1
	case d.TL0PicIdx != l.tl0:
		return false
	case d.LayerSync:
		return true
	}
	for t := uint8(1); t <= d.TemporalID; t++ {
		if l.broken[t] {
			return false
		}
	}
	return c.contiguous(f)
}

// renumbered reports whether f, a later frame of the base layer than the one handed
// out last, has a number that is not later: the sender goes on from a frame that it
// takes for lost, which has come all the same. What follows would fit by its
// numbers, and refer to pictures that are not there.
func (b *Buffer) renumbered(f *frame) bool {
	l, d := &b.last, &f.desc
	return l.key && l.hasTL0 && f.described && !f.bad && !f.key && d.HasTL0PicIdx && d.HasTemporalID && d.TemporalID == 0 &&
		f.ts > l.ts && f.ts-l.ts < numbersWrap && int8(d.TL0PicIdx-l.tl0) <= 0
}

// candidate is the frame to be handed out next.
type candidate struct {
	index int  // into order, -1 for none
	skips bool // something before it is left out
}

// find looks for the first frame that can be decoded.
func (b *Buffer) find(now time.Time) candidate {
	for {
		q, ok := b.holds(b.next)
		if !ok || q.state != padding {
			break
		}
		q.state = absent
		b.next++
	}
	c := cursor{seq: b.next, hasPID: b.last.hasPID, pid: b.last.pid}
	skips := false
	for i := range b.count {
		f := &b.frames[b.order[i]]
		if b.renumbered(f) {
			b.last.key = false
			b.needKey(now)
		}
		if b.decodable(f, &c) {
			return candidate{i, skips || f.first != b.next && b.last.known && !(f.desc.HasPictureID && b.last.hasPID && f.desc.follows(b.last.pid))}
		}
		skips = true
		// A frame that nothing refers to may be left out.
		if f.described && f.desc.NonReference && f.desc.HasPictureID && c.hasPID && f.desc.follows(c.pid) {
			c.seq, c.pid = noSeq, f.desc.PictureID
			if f.last != noSeq {
				c.seq = f.last + 1
			}
		} else {
			c = cursor{seq: noSeq - 1}
		}
	}
	return candidate{index: -1}
}

// patience is how long a frame waits for those before it, at least.
func (b *Buffer) patience() time.Duration {
	return min(b.rtt+10*time.Millisecond, 50*time.Millisecond)
}

// missesBefore reports whether packets before seq may still come.
func (b *Buffer) missesBefore(seq int64) bool {
	for s := b.next; s < seq && b.asking > 0; s++ {
		if q, ok := b.holds(s); ok && q.state == missing {
			return true
		}
	}
	return false
}

// ready returns when the candidate may be handed out.
func (b *Buffer) ready(c candidate) time.Time {
	f := &b.frames[b.order[c.index]]
	at := b.timing.due(f.ts).Add(-b.timing.decode)
	if c.skips && b.last.key && b.missesBefore(f.first) {
		if wait := f.completeAt.Add(b.patience()); wait.After(at) {
			at = wait
		}
	}
	return at
}

// Next returns the next frame if one can be decoded and its time has come.
func (b *Buffer) Next(now time.Time) (Frame, bool) {
	c := b.find(now)
	if c.index < 0 {
		return Frame{}, false
	}
	if at := b.ready(c); now.Before(at) {
		return Frame{}, false
	}
	for range c.index {
		b.dropFrame(0)
	}
	f := b.frames[b.order[0]]
	b.removeFrame(0)
	out := Frame{
		Timestamp: f.ts, Due: b.timing.due(f.ts), Key: f.key, Dropped: c.index,
		HasPictureID: f.desc.HasPictureID, PictureID: f.desc.PictureID, TemporalID: f.desc.TemporalID,
	}
	b.out = b.out[:0]
	for s := f.first; s <= f.last; s++ {
		q, ok := b.holds(s)
		if !ok || q.state != present || q.ts != f.ts {
			// Packets overlap that cannot: the stream is not what it says.
			b.release(b.next, f.last)
			b.next = f.last + 1
			b.stats.FramesDropped++
			b.last.key = false
			b.needKey(now)
			return Frame{}, false
		}
		b.out = append(b.out, q.data...)
	}
	b.release(b.next, f.last)
	b.next = max(b.next, f.last+1)
	b.passed(&f, c.skips, now)
	out.Data = b.out
	return out, true
}

// passed brings the state behind the frame f, which is handed out now.
func (b *Buffer) passed(f *frame, skips bool, now time.Time) {
	l, d := &b.last, &f.desc
	// Whatever was missing: the stream goes on.
	b.wantKey = false
	l.known, l.ts = true, f.ts
	l.hasPID, l.pid = d.HasPictureID, d.PictureID
	switch {
	case f.key:
		l.key, l.broken = true, [4]bool{}
	case skips:
		l.broken = [4]bool{false, true, true, true}
	}
	if d.HasTemporalID && d.LayerSync {
		l.broken[d.TemporalID] = false
	}
	l.hasTL0 = d.HasTL0PicIdx && d.HasTemporalID
	if l.hasTL0 && d.TemporalID == 0 || f.key {
		l.tl0 = d.TL0PicIdx
	}
	l.hasKey, l.keyIdx = d.HasKeyIdx, d.KeyIdx

	s := &b.stats
	s.JitterBufferEmittedCount++
	s.JitterBufferDelay += max(now.Sub(f.firstAt), 0)
	s.JitterBufferTargetDelay += b.timing.target()
	s.JitterBufferMinimumDelay += min(b.timing.lateness()+b.timing.decode, b.cfg.MaxDelay)
	if now.After(b.timing.due(f.ts).Add(10 * time.Millisecond)) {
		s.FramesLate++
	}
	b.freezes.frame(now, s)
	b.timing.shown(f.ts)
}

// Decoded tells how decoding the frame returned last went, and how long it
// took. A frame that turned out damaged asks for a key frame.
func (b *Buffer) Decoded(ok bool, took time.Duration, now time.Time) {
	b.timing.decoded(took)
	if !ok {
		b.last.key = false
		b.needKey(now)
	}
}

// Stored tells that the frame with that PictureID has replaced a long-term
// reference in the decoder; it is acknowledged if Config.RPSI says so.
func (b *Buffer) Stored(pictureID uint16) {
	if b.cfg.RPSI && b.ackCount < len(b.acks) {
		b.acks[b.ackCount] = pictureID
		b.ackCount++
	}
}

// Broken tells that the decoder has been made anew or has lost its state.
func (b *Buffer) Broken(now time.Time) {
	b.last.key = false
	b.needKey(now)
}
