package session

import "time"

const (
	// ledgerFrames is how many numbers of frames a ledger spans, ledgerPackets how
	// many packets: both more than may be under way for long.
	ledgerFrames  = 128
	ledgerPackets = 1024
	// ledgerPlaces bounds the packets of a frame whose arrival can be proven.
	ledgerPlaces = 256
	// ledgerPatience is how long a packet that nothing is heard of may be asked for
	// again, besides two round trips.
	ledgerPatience = 250 * time.Millisecond
)

// ledger follows which frames a viewer is able to decode: those of which every
// packet has arrived, by the transport-wide feedback, and of which the frame that
// they build on is one. Frames above the base layer do not count: nothing builds
// on them. The zero value is empty. path.mu guards it.
type ledger struct {
	frames [ledgerFrames]ledgerFrame
	sent   [ledgerPackets]sentPlace
	last   uint64 // frame of the base layer that was begun last
	heard  uint64 // newest frame of which anything has arrived
	since  uint64 // last frame that helps who missed those before it
	asks   bool   // the viewer asks for what it misses
}

// ledgerFrame is a frame of the base layer on its way to a viewer.
type ledgerFrame struct {
	number, base uint64 // base 0: it builds on none
	at           time.Duration
	label        label
	count, got   int
	has          [ledgerPlaces / 64]uint64
	left         [ledgerPlaces / 64]uint64 // packets that have been sent
	open         int                       // sent again, and not reported on yet
	whole        bool
	decoded      bool
	lost         bool          // a packet is reported not to have arrived
	asked        bool          // a packet was asked for again
	restart      bool          // it helps who misses those before it
	resent       time.Duration // last time that a packet was sent again, 0: never
	parity       bool          // who misses a packet may be able to make it
	cut          bool          // not all of it was sent
	doubted      bool          // the viewer asked for a key frame, perhaps because of it
}

// sentPlace is what a transport-wide sequence number was used for.
type sentPlace struct {
	frame      uint32 // low bits of its number
	seq, place uint16
	again      bool // the packet had been sent before, and nothing is reported yet
}

// begin notes that a frame is about to leave.
func (l *ledger) begin(now time.Duration, f *frame, as label, parity bool) {
	if f.tid > 0 {
		return
	}
	e := ledgerFrame{number: f.number, base: l.last, at: now, label: as, count: len(f.pkts), parity: parity}
	switch {
	case f.key:
		e.base, e.restart, l.since = 0, true, f.number
	case f.base != 0:
		e.base, e.restart, l.since = f.base, true, f.number
	}
	l.frames[f.number%ledgerFrames] = e
	l.last = f.number
}

// packet notes that a packet leaves under a transport-wide sequence number. Until
// the stream is open that is the same for several.
func (l *ledger) packet(seq uint16, p *packet) {
	at := &l.sent[seq%ledgerPackets]
	now := sentPlace{frame: uint32(p.frame), seq: seq, place: p.place}
	if at.frame == now.frame && at.seq == seq && at.place == now.place {
		return
	}
	if e := l.frame(p.frame); e != nil && p.place < ledgerPlaces {
		bit := uint64(1) << (p.place % 64)
		if now.again = e.left[p.place/64]&bit != 0; now.again {
			e.open++
		}
		e.left[p.place/64] |= bit
	}
	*at = now
}

func (l *ledger) frame(number uint64) *ledgerFrame {
	if e := &l.frames[number%ledgerFrames]; e.number == number && number != 0 {
		return e
	}
	return nil
}

// report takes what is said of a packet, and tells whether it is a loss of the
// picture's.
func (l *ledger) report(seq uint16, arrived bool) (loss bool) {
	p := &l.sent[seq%ledgerPackets]
	e := &l.frames[p.frame%ledgerFrames]
	if p.seq != seq || p.frame == 0 || uint32(e.number) != p.frame || p.place >= ledgerPlaces {
		return false
	}
	if p.again {
		p.again = false
		e.open--
	}
	if !arrived {
		e.lost = true
		return true
	}
	l.heard = max(l.heard, e.number)
	if bit := uint64(1) << (p.place % 64); e.has[p.place/64]&bit == 0 {
		e.has[p.place/64] |= bit
		if e.got++; e.got == e.count {
			e.whole = true
			l.settle(e)
		}
	}
	return false
}

// acknowledge notes that the viewer says to have decoded a picture.
func (l *ledger) acknowledge(picture uint16) {
	for i := range l.frames {
		if e := &l.frames[i]; e.number != 0 && e.label.picture == picture {
			e.whole, e.decoded = true, true
			l.heard = max(l.heard, e.number)
			l.followers(e.number)
			return
		}
	}
}

// ask notes that a packet of a frame is asked for again.
func (l *ledger) ask(number uint64) {
	l.asks = true
	if e := l.frame(number); e != nil {
		e.asked = true
	}
}

// again notes that a packet of a frame is sent again.
func (l *ledger) again(now time.Duration, number uint64) {
	if e := l.frame(number); e != nil {
		e.resent = now
	}
}

// cut notes that the rest of a frame will not be sent.
func (l *ledger) cut(number uint64) {
	if e := l.frame(number); e != nil {
		e.cut = true
	}
}

// settle finds out whether a frame that is whole can be decoded, and those that
// waited for it.
func (l *ledger) settle(e *ledgerFrame) {
	if e.base != 0 {
		if b := l.frame(e.base); b == nil || !b.decoded {
			return
		}
	}
	e.decoded = true
	l.followers(e.number)
}

// followers settles what builds on a frame: frames build on earlier ones.
func (l *ledger) followers(number uint64) {
	for n := number + 1; n <= l.last && n <= number+ledgerFrames; n++ {
		e := l.frame(n)
		if e == nil || !e.whole || e.decoded {
			continue
		}
		if b := l.frame(e.base); b != nil && b.decoded {
			e.decoded = true
		}
	}
}

// complain notes that the viewer asks for a key frame. What was sent long before
// is not why: who missed that would have asked sooner. So where a report was lost
// and then a packet, it is certain after all what is missing. Were that taken
// wrongly, what mends it would not help a viewer that stands still further back,
// and it would ask again.
func (l *ledger) complain(now, rtt time.Duration) {
	patience := ledgerPatience + 2*rtt
	for n := l.last; n > 0 && n+ledgerFrames > l.last; n-- {
		e := l.frame(n)
		if e == nil {
			continue
		}
		if now-e.at >= patience {
			break
		}
		e.doubted = true
	}
	l.presumeAfter(now, patience)
}

// presume takes frames for whole of which a report was lost, not a packet, or
// which parity has mended: who missed something would have asked for it by now, or
// for a key frame.
func (l *ledger) presume(now, rtt time.Duration) {
	patience := ledgerPatience + 2*rtt
	if !l.asks {
		patience += ledgerPatience
	}
	l.presumeAfter(now, patience)
}

func (l *ledger) presumeAfter(now, patience time.Duration) {
	for n := l.heard - min(l.heard, ledgerFrames-1); n < l.heard; n++ {
		e := l.frame(n)
		if e == nil || e.whole || e.cut || e.asked || e.lost && !e.parity || now-e.at < patience || e.doubted {
			continue
		}
		e.whole = true
		l.settle(e)
	}
}

// decoded reports whether the viewer is able to decode a frame, as far as known.
func (l *ledger) decoded(number uint64) bool {
	e := l.frame(number)
	return e != nil && e.decoded
}

// missing finds the frame at which the viewer stands still, if that is certain: the
// one behind the last that it could decode, which has not arrived and will not, and
// nothing is on its way that would help it on.
func (l *ledger) missing(now, rtt time.Duration) (*ledgerFrame, bool) {
	var first *ledgerFrame
	for n := l.last; n > 0 && n+ledgerFrames > l.last; n-- {
		e := l.frame(n)
		switch {
		case e == nil:
			continue
		case e.decoded:
			return first, first != nil && first.gone(now, rtt)
		case e.restart && !e.gone(now, rtt):
			return nil, false
		}
		first = e
	}
	return nil, false
}

// gone reports whether a frame will not arrive any more. What was sent again may
// have arrived until a report says that it has not: a viewer that has the frame
// after all would take what follows for something else, since the numbers of what
// mends it are those of the frame. Where the report itself was lost that remains
// unknown, and a key frame helps.
func (e *ledgerFrame) gone(now, rtt time.Duration) bool {
	if e.cut {
		return true
	}
	again := e.resent != 0 && now-e.resent < rtt+rtt/4
	return !e.whole && e.lost && e.open == 0 && !again && (e.asked || !e.parity)
}
