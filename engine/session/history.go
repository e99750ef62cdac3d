package session

import "sync"

// historyPackets is how many video packets can still be sent again. At 1 Mbit/s
// that is about eight seconds, at 8 Mbit/s one; in memory 1.2 MB at most, for
// all viewers together.
const historyPackets = 1024

// history is the ring of the last video packets, by running number.
type history struct {
	mu   sync.Mutex
	ring [historyPackets]*packet
}

// add keeps the packets of a frame and lets older ones go.
func (h *history) add(pl *pool, f *frame) {
	h.mu.Lock()
	for _, p := range f.pkts {
		p.refs.Add(1)
		slot := &h.ring[p.index%historyPackets]
		if *slot != nil {
			pl.releasePacket(*slot)
		}
		*slot = p
	}
	h.mu.Unlock()
}

// get returns the packet whose number ends in index, with a reference for the
// caller, or nil when it is no longer there.
func (h *history) get(index uint32) *packet {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.ring[index%historyPackets]
	if p == nil || uint32(p.index) != index {
		return nil
	}
	p.refs.Add(1)
	return p
}

// clear lets everything go.
func (h *history) clear(pl *pool) {
	h.mu.Lock()
	for i, p := range h.ring {
		if p != nil {
			pl.releasePacket(p)
			h.ring[i] = nil
		}
	}
	h.mu.Unlock()
}
