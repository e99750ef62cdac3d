package neteq

import "time"

// Insert takes a packet of voice off the network: RTP sequence number, timestamp
// and payload, which is copied. It goes to the decoder given to New. The time of
// its arrival is that of the call.
func (q *NetEQ) Insert(seq uint16, timestamp uint32, payload []byte, _ time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.insert(q.any, Packet{SequenceNumber: seq, Timestamp: timestamp, Payload: payload})
}

// InsertPacket takes a packet off the network.
func (q *NetEQ) InsertPacket(p Packet) {
	q.mu.Lock()
	c := q.codecOf(p.PayloadType)
	q.events.toldN = 0
	told := q.insert(c, p)
	events, n := q.events.told, q.events.toldN
	q.mu.Unlock()
	if told && q.cfg.OnEvent != nil {
		for _, e := range events[:n] {
			q.cfg.OnEvent(e)
		}
	}
}

// insert reports whether there are events to tell.
func (q *NetEQ) insert(c *codec, p Packet) bool {
	q.stats.PacketsReceived++
	if c == nil || len(p.Payload) == 0 || len(p.Payload) > MaxPayloadBytes {
		q.stats.PacketsDiscarded++
		return false
	}
	if c.red {
		return q.insertRED(p)
	}
	pos, ok := q.place(c, p.SequenceNumber, p.Timestamp)
	if !ok {
		q.stats.PacketsDiscarded++
		return false
	}
	if c.events {
		return q.insertEvent(c, p, pos)
	}
	q.store(c, p, pos, 0)
	return false
}

// store puts a packet, primary or redundant, at its place.
func (q *NetEQ) store(c *codec, p Packet, pos int64, rank int8) {
	e := entry{pos: pos, arrived: q.clock, seq: p.SequenceNumber, codec: c, rank: rank}
	discarded := &q.stats.PacketsDiscarded
	if rank > 0 {
		q.stats.FECPacketsReceived++
		discarded = &q.stats.FECPacketsDiscarded
	}
	if c.dec != nil {
		samples := c.dec.Samples(p.Payload)
		if samples <= 0 {
			*discarded++
			return
		}
		e.length = int64(samples) * int64(unitHz/c.rateHz)
		// A copy that comes in place of a packet that did not is its arrival: the
		// target waits for redundancy as for packets.
		if q.counted(p.SequenceNumber) {
			q.arrive(pos, e.length)
		}
		if rank == 0 && c.fec != nil && c.knowsFEC != nil && c.knowsFEC.HasFEC(p.Payload) && q.counted(p.SequenceNumber-1) {
			q.arrive(pos-e.length, e.length)
		}
	}
	// What has been played is late; what was concealed may still be wanted.
	if q.playing && e.pos+max(e.length, 1) <= q.content {
		*discarded++
		return
	}
	if q.packets.full() {
		q.packets.drop()
		q.stats.PacketsDiscarded++
	}
	if !q.packets.insert(e, p.Payload) {
		*discarded++
	}
}

// counted notes that a packet has arrived, itself or as a copy, and reports whether
// it is the first time, as far as is known.
func (q *NetEQ) counted(seq uint16) bool {
	back := int(int16(uint16(q.highestSeq) - seq))
	if back < 0 || back >= seenPackets {
		return true
	}
	bit := uint64(1) << back
	first := q.seen&bit == 0
	q.seen |= bit
	return first
}

// arrive enters a packet into the statistics of delay.
func (q *NetEQ) arrive(pos, length int64) {
	q.lastLength = length
	if q.clock == 0 {
		// Nobody has pulled yet: time stands still.
		q.delay.restart()
	}
	q.delay.add(q.clock, pos, length)
}

// place maps a packet into the stream. Packets far from all others are refused, but
// two that agree begin a new stream.
func (q *NetEQ) place(c *codec, seq uint16, ts uint32) (pos int64, ok bool) {
	if !q.anchored {
		q.anchor(c, seq, ts, q.clock)
		return q.anchorPos, true
	}
	ahead := int64(int16(seq - uint16(q.highestSeq)))
	if c.clockHz == q.anchorClockHz {
		pos = q.anchorPos + int64(int32(ts-q.anchorTS))*int64(unitHz/c.clockHz)
	} else {
		// Another clock (RFC 7160): only the sequence goes on.
		pos = q.anchorPos + ahead*max(q.lastLength, tick)
	}
	if far := pos - q.anchorPos; far > jump || far < -jump || ahead < -3000 || ahead > 3000 {
		again := q.suspect && int16(seq-q.suspectSeq) > 0 && int16(seq-q.suspectSeq) < 50 &&
			ts-q.suspectTS < uint32(c.clockHz)*2
		q.suspect, q.suspectSeq, q.suspectTS = true, seq, ts
		// After long silence a jump in time alone is no surprise.
		resumed := ahead > 0 && ahead < 50 && far > 0 && !q.playing
		if !again && !resumed {
			return 0, false
		}
		q.restart()
		q.anchor(c, seq, ts, q.clock)
		return q.anchorPos, true
	}
	q.suspect = false
	q.streamPackets++
	q.firstSeq = min(q.firstSeq, q.highestSeq+ahead)
	if ahead > 0 {
		q.highestSeq += ahead
		q.seen <<= min(uint64(ahead), seenPackets)
		q.anchorTS, q.anchorPos, q.anchorClockHz = ts, pos, c.clockHz
	}
	return pos, true
}

// anchor begins a stream with a packet.
func (q *NetEQ) anchor(c *codec, seq uint16, ts uint32, pos int64) {
	q.anchored, q.suspect = true, false
	q.anchorTS, q.anchorPos, q.anchorClockHz = ts, pos, c.clockHz
	// 2^16 below the first are left for those that come out of order.
	q.firstSeq = int64(seq) + 1<<16
	q.highestSeq = q.firstSeq
	q.streamPackets = 1
	q.seen = ^uint64(1) // what was before is of no interest
	q.delay.restart()
}

// Reset begins anew, as for another stream. Statistics go on.
func (q *NetEQ) Reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.restart()
}

func (q *NetEQ) restart() {
	if q.anchored {
		q.earlierLost += q.highestSeq - q.firstSeq + 1 - int64(q.streamPackets)
		q.stats.BufferResets++
	}
	q.packets.clear()
	q.events.clear()
	q.delay.reset()
	q.anchored, q.playing, q.noise = false, false, nil
	q.quietTicks, q.concealed, q.expanding = 0, 0, false
}
