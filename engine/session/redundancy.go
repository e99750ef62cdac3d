package session

import (
	"time"

	"github.com/edgecam/edgecam/engine/voice/red"
)

const (
	// redundantLossQ8 is the loss, of 256, from which on packets of voice carry
	// the one before; redundantFor is how long they go on after the last report of
	// such loss. On a path that loses nothing redundancy is a waste.
	redundantLossQ8 = 3
	redundantFor    = 15 * time.Second
)

// withRedundancy returns the packet of a frame of sound to be sent, by the loss
// that the other side has reported. Called from the sending goroutine alone.
func (t *outTrack) withRedundancy(f *frame, lossQ8 uint32) *packet {
	if len(f.pkts) < 2 || !t.lossy(lossQ8, time.Now()) {
		return f.pkts[0]
	}
	return f.pkts[1]
}

func (t *outTrack) lossy(lossQ8 uint32, now time.Time) bool {
	if lossQ8 >= redundantLossQ8 {
		t.redundantUntil = now.Add(redundantFor)
	}
	return now.Before(t.redundantUntil)
}

// previous is the packet of voice sent before, to be carried once more by the
// next (RFC 2198).
type previous struct {
	ts  int64
	n   int // 0: there is none
	buf [red.MaxBlockBytes]byte
}

// keep remembers a packet of voice; one that cannot be carried is forgotten.
func (b *previous) keep(payload []byte, ts int64) {
	b.n = 0
	if len(payload) <= len(b.buf) {
		b.n, b.ts = copy(b.buf[:], payload), ts
	}
}

// put writes a payload of redundant audio with the previous packet and this one
// to dst, and reports whether it can be: whether the previous one was short ago,
// and both have room.
func (b *previous) put(dst []byte, payloadType uint8, payload []byte, ts int64) (n int, ok bool) {
	off := ts - b.ts
	if b.n == 0 || off <= 0 || off > red.MaxOffset {
		return 0, false
	}
	blocks := [2]red.Block{
		{PayloadType: payloadType, Offset: uint16(off), Data: b.buf[:b.n]},
		{PayloadType: payloadType, Data: payload},
	}
	n, err := red.Put(dst, blocks[:])
	return n, err == nil
}
