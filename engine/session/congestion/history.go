package congestion

import "time"

// historySize is how many packets may be under way: more than a second of 8 Mbit/s.
const historySize = 1024

type packetState uint8

const (
	packetUnknown packetState = iota
	packetFlying
	packetArrived
	packetLost
)

// sentPacket is what is remembered of a packet until it falls out of the
// history.
type sentPacket struct {
	number int64 // unwrapped sequence number
	at     time.Duration
	bytes  int32
	burst  uint32
	state  packetState
}

// history remembers what was sent, by transport-wide sequence number.
type history struct {
	ring [historySize]sentPacket
	next int64 // unwrapped number that follows the highest sent
	any  bool
}

// put remembers a packet. A sequence number that is not ahead of all before is
// ignored: the caller counts upwards.
func (h *history) put(at time.Duration, seq uint16, bytes int, burst uint32) {
	n := int64(seq)
	if h.any {
		n = unwrap(h.next-1, seq)
		if n < h.next {
			return
		}
	}
	h.any, h.next = true, n+1
	h.ring[n%historySize] = sentPacket{number: n, at: at, bytes: int32(bytes), burst: burst, state: packetFlying}
}

// get finds a packet, nil when it was never sent or too long ago.
func (h *history) get(seq uint16) *sentPacket {
	if !h.any {
		return nil
	}
	n := unwrap(h.next-1, seq)
	if n < 0 {
		return nil
	}
	p := &h.ring[n%historySize]
	if p.number != n || p.state == packetUnknown {
		return nil
	}
	return p
}

// unwrap returns the number nearest to last whose low 16 bits are seq.
func unwrap(last int64, seq uint16) int64 {
	return last + int64(int16(seq-uint16(last)))
}
