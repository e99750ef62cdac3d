package neteq

import "github.com/edgecam/edgecam/engine/voice/red"

// insertRED takes a packet with redundancy apart. It reports whether there are
// events to tell.
func (q *NetEQ) insertRED(p Packet) bool {
	blocks, err := red.Parse(q.blocks[:0], p.Payload)
	if err != nil {
		q.stats.PacketsDiscarded++
		return false
	}
	primary := blocks[len(blocks)-1]
	c := q.codecOf(primary.PayloadType)
	if c == nil || c.red || len(primary.Data) == 0 {
		q.stats.PacketsDiscarded++
		return false
	}
	pos, ok := q.place(c, p.SequenceNumber, p.Timestamp)
	if !ok {
		q.stats.PacketsDiscarded++
		return false
	}
	inner := Packet{SequenceNumber: p.SequenceNumber, Timestamp: p.Timestamp, PayloadType: primary.PayloadType, Payload: primary.Data}
	told := false
	if c.events {
		told = q.insertEvent(c, inner, pos)
	} else {
		q.store(c, inner, pos, 0)
	}
	for i, b := range blocks[:len(blocks)-1] {
		r := q.codecOf(b.PayloadType)
		if r == nil || r.dec == nil || r.clockHz != c.clockHz || b.Offset == 0 || len(b.Data) == 0 {
			continue
		}
		rank := len(blocks) - 1 - i
		inner = Packet{SequenceNumber: p.SequenceNumber - uint16(rank), PayloadType: b.PayloadType, Payload: b.Data}
		q.store(r, inner, pos-int64(b.Offset)*int64(unitHz/c.clockHz), int8(rank))
	}
	return told
}
