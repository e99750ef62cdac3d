package jitter

import (
	"time"
)

// Packet is an RTP packet as it came off the network.
type Packet struct {
	SequenceNumber uint16
	Timestamp      uint32
	Marker         bool
	// Payload is what follows the RTP header, padding removed. It is copied.
	Payload []byte
	// Resent says that it came by a retransmission stream (RFC 4588).
	Resent bool
}

// Frame is a complete frame that can be decoded now.
type Frame struct {
	// Data is the VP8 frame, valid until the next call of Next.
	Data []byte
	// Timestamp is the RTP timestamp, extended to 64 bits without wrapping.
	Timestamp int64
	// Due is when the frame is to be shown.
	Due time.Time
	// Key says that it is a key frame. HasPictureID and PictureID are the
	// descriptor's, as TemporalID.
	Key          bool
	HasPictureID bool
	PictureID    uint16
	TemporalID   uint8
	// Dropped is how many frames are known to have been passed over before it.
	Dropped int
}

type packetState uint8

const (
	absent  packetState = iota
	missing             // a gap: to be asked for
	present
	padding // arrived, but holds nothing
	lost    // given up
)

// packet is a place in the ring of packets.
type packet struct {
	state  packetState
	seq    int64 // extended
	ts     int64
	n      int
	data   []byte // payload without descriptor; its capacity is kept
	tries  int
	since  time.Time // when the gap was seen
	first  time.Time // when it was asked for first
	asked  time.Time // last time
	answer bool      // asked for at least once
}

// Buffer is the jitter buffer of one VP8 stream. Make one with New.
type Buffer struct {
	cfg Config
	rtt time.Duration

	started bool
	ring    []packet
	highest int64 // highest sequence number seen, extended
	next    int64 // sequence number after the last frame handed out
	newest  int64 // highest timestamp, extended
	stray   int   // sequence number that would confirm a jump, -1 for none

	frames [maxFrames]frame
	order  [maxFrames]int16 // indices of frames in use, by timestamp
	count  int
	spare  [maxFrames]int16

	last    lastFrame
	asking  int  // packets in state missing
	resends bool // what is sent again comes in a stream of its own
	reorder reordering

	wantKey   bool // the stream cannot go on without a key frame
	wantSince time.Time
	pliAt     time.Time
	acks      [8]uint16 // PictureIDs to acknowledge
	ackCount  int

	timing   timing
	clocks   clocks
	freezes  freezes
	out      []byte
	nacks    []uint16
	jitterQ4 int64
	transit  int64
	stats    Stats
}

// New returns an empty buffer.
func New(cfg Config) *Buffer {
	b := &Buffer{cfg: cfg.withDefaults(), stray: -1}
	b.rtt = b.cfg.RTT
	b.ring = make([]packet, b.cfg.Packets)
	b.nacks = make([]uint16, 0, maxMissing)
	b.timing.cfg = b.cfg
	b.reset()
	return b
}

// reset forgets the stream, but not the counts.
func (b *Buffer) reset() {
	b.started, b.stray = false, -1
	for i := range b.ring {
		b.ring[i].state = absent
	}
	b.count, b.asking = 0, 0
	for i := range b.spare {
		b.spare[i] = int16(i)
	}
	b.last = lastFrame{}
	b.timing = timing{cfg: b.cfg, sync: b.timing.sync, decode: b.timing.decode}
	b.clocks = clocks{}
	b.ackCount = 0
}

// SetRTT tells the round-trip time, from which retries are timed.
func (b *Buffer) SetRTT(rtt time.Duration) {
	b.rtt = min(max(rtt, time.Millisecond), 2*time.Second)
}

// SetRPSI says whether the sender understands acknowledgements of references.
func (b *Buffer) SetRPSI(on bool) { b.cfg.RPSI = on }

// SetDelay changes the bounds of the playout delay, as the header extension
// asks for them: 0 and 0 mean at once.
func (b *Buffer) SetDelay(least, most time.Duration) {
	most = max(most, 0)
	least = min(max(least, 0), most)
	b.cfg.MinDelay, b.cfg.MaxDelay = least, most
	b.timing.cfg = b.cfg
	b.timing.current = min(max(b.timing.current, least), most)
}

func (b *Buffer) at(seq int64) *packet {
	return &b.ring[int(seq)&(len(b.ring)-1)]
}

// holds returns the packet with that number if it is known.
func (b *Buffer) holds(seq int64) (*packet, bool) {
	p := b.at(seq)
	return p, p.state != absent && p.seq == seq
}

// extend makes a 16-bit sequence number part of the stream's.
func (b *Buffer) extend(seq uint16) int64 {
	return b.highest + int64(int16(seq-uint16(b.highest)))
}

func (b *Buffer) extendTS(ts uint32) int64 {
	return b.newest + int64(int32(ts-uint32(b.newest)))
}

// Insert takes a packet. Packets that are malformed, late, doubled or out of
// place are counted and dropped.
func (b *Buffer) Insert(p Packet, now time.Time) {
	b.stats.PacketsReceived++
	var d Descriptor
	head := 0
	if len(p.Payload) > 0 {
		var err error
		head, err = d.Parse(p.Payload)
		if err != nil || len(p.Payload) == head || len(p.Payload) > MaxPayloadBytes {
			b.stats.PacketsMalformed++
			return
		}
	}
	if !b.started {
		if head == 0 {
			return // padding tells nothing
		}
		b.begin(p, now)
	}
	seq := b.extend(p.SequenceNumber)
	if jump := seq - b.highest; jump > maxJump || jump < -maxJump {
		if int(p.SequenceNumber) != b.stray {
			b.stray = int(p.SequenceNumber + 1)
			b.stats.PacketsDiscarded++
			return
		}
		// Two in a row: the sender has started anew.
		b.reset()
		if head == 0 {
			return
		}
		b.begin(p, now)
		seq = b.extend(p.SequenceNumber)
	}
	b.stray = -1
	ts := b.extendTS(p.Timestamp)
	b.newest = max(b.newest, ts)
	b.rfc3550(ts, now)
	if !b.place(seq, p.Resent, now) {
		return
	}
	q := b.at(seq)
	q.seq, q.ts = seq, ts
	if head == 0 {
		q.state = padding
		return
	}
	q.state, q.n = present, len(p.Payload)-head
	if cap(q.data) < q.n {
		q.data = make([]byte, MaxPayloadBytes)
	}
	q.data = q.data[:q.n]
	copy(q.data, p.Payload[head:])
	b.join(q, &d, p.Marker, now)
}

// begin starts the stream with a packet, which may be in the middle of a frame.
func (b *Buffer) begin(p Packet, now time.Time) {
	b.started = true
	b.highest = int64(p.SequenceNumber) + 1<<32
	b.next = b.highest
	b.newest = int64(p.Timestamp) + 1<<48
	b.transit = 0
	b.wantKey, b.wantSince = true, now
	// This packet is no gap.
	b.highest--
}

// rfc3550 follows the interarrival jitter (appendix A.8).
func (b *Buffer) rfc3550(ts int64, now time.Time) {
	transit := now.UnixNano()/1000*RateHz/1000000 - ts
	if b.transit != 0 {
		d := transit - b.transit
		if d < 0 {
			d = -d
		}
		if d < 10*RateHz {
			b.jitterQ4 += d - (b.jitterQ4+8)>>4
		}
	}
	b.transit = transit
}

// place makes room for a packet and reports whether it is wanted.
func (b *Buffer) place(seq int64, resent bool, now time.Time) bool {
	if seq > b.highest {
		if seq-b.next >= int64(len(b.ring)) {
			b.overflow(seq, now)
		}
		for s := b.highest + 1; s < seq; s++ {
			b.gap(s, now)
		}
		b.highest = seq
		b.at(seq).state = absent
		return true
	}
	if seq < b.next {
		// It may open the stream, if it is the start of the first frame.
		if b.last.known || b.highest-seq >= int64(len(b.ring)) {
			b.stats.PacketsDiscarded++
			return false
		}
		for s := seq + 1; s < b.next; s++ {
			b.gap(s, now)
		}
		b.next = seq
		b.at(seq).state = absent
		return true
	}
	q, known := b.holds(seq)
	switch {
	case !known:
		b.stats.PacketsDiscarded++
		return false
	case q.state == missing, q.state == lost:
		b.found(q, resent, now)
		return true
	default:
		b.stats.PacketsDuplicated++
		return false
	}
}

// gap notes a packet that has not come.
func (b *Buffer) gap(seq int64, now time.Time) {
	q := b.at(seq)
	q.state, q.seq, q.tries, q.since, q.answer = missing, seq, 0, now, false
	q.asked = time.Time{}
	b.asking++
}

// found takes note of a packet that had been missing.
func (b *Buffer) found(q *packet, resent bool, now time.Time) {
	if q.state == missing {
		b.asking--
	} else {
		b.stats.PacketsLost--
	}
	// Without a stream of their own, by time: an answer takes a round trip.
	b.resends = b.resends || resent
	if resent || !b.resends && q.answer && now.Sub(q.first) >= b.rtt*3/4 {
		b.stats.RetransmittedPacketsReceived++
		b.reorder.lost()
		return
	}
	b.stats.PacketsReordered++
	b.reorder.overtaken(now.Sub(q.since))
}

// overflow drops everything before the packet seq needs its place: the stream
// has run away from what it waits for.
func (b *Buffer) overflow(seq int64, now time.Time) {
	for b.count > 0 {
		b.dropFrame(0)
	}
	b.release(b.next, min(b.highest, b.next+int64(len(b.ring))-1))
	b.next, b.highest = seq, seq-1
	// What comes late is late, and what follows has lost its references.
	b.last.known, b.last.key = true, false
	b.needKey(now)
}

// release frees the packets of a range.
func (b *Buffer) release(from, to int64) {
	for s := from; s <= to; s++ {
		if q, ok := b.holds(s); ok {
			if q.state == missing {
				b.asking--
				b.stats.PacketsLost++
			}
			q.state = absent
		}
	}
}

// needKey says that the stream cannot go on without a key frame.
func (b *Buffer) needKey(now time.Time) {
	if !b.wantKey {
		b.wantKey, b.wantSince = true, now
	}
}
