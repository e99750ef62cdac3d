package netlab

import (
	"encoding/binary"
	"time"
)

// Trace delays the packets of sound of one stream as a recorded network did. A
// relay with it is for one client.
type Trace struct {
	// Delays are those of packets of 20 ms, below 0 for lost; after the last the
	// first comes again.
	Delays []time.Duration
	// PayloadTypes are those of sound, ClockHz the rate of its timestamps.
	PayloadTypes []uint8
	ClockHz      int

	started bool
	begin   time.Time // when timestamp first was sent
	first   uint32
}

// arrival returns when a packet arrives; mine is false for what is not sound.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|V=2|P|X|  CC   |M|     PT      |       sequence number         |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                           timestamp                           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// (RFC 3550 section 5.1; the header is not encrypted.)
func (t *Trace) arrival(b []byte, now time.Time) (at time.Time, lost, mine bool) {
	if len(b) < 12 || b[0]>>6 != 2 || len(t.Delays) == 0 || !t.sound(b[1]&0x7f) {
		return at, false, false
	}
	ts := binary.BigEndian.Uint32(b[4:])
	if !t.started {
		t.started, t.begin, t.first = true, now, ts
	}
	ticks := int64(int32(ts - t.first))
	n := max(int(ticks*50/int64(t.ClockHz)), 0)
	delay := t.Delays[n%len(t.Delays)]
	if delay < 0 {
		return at, true, true
	}
	// From the even beat of the stream, not from when the sender came round to it.
	at = t.begin.Add(time.Duration(ticks)*time.Second/time.Duration(t.ClockHz) + delay)
	if at.Before(now) {
		at = now
	}
	return at, false, true
}

func (t *Trace) sound(payloadType uint8) bool {
	for _, p := range t.PayloadTypes {
		if p == payloadType {
			return true
		}
	}
	return false
}
