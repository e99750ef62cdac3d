package session

import (
	"sync"
	"sync/atomic"

	"github.com/edgecam/edgecam/engine/media"
)

const (
	// mtu bounds the UDP payload of a media packet; what remains of 1280 bytes
	// (the least IPv6 MTU) is for IP, UDP and TURN headers.
	mtu = 1200
	// packetOverhead is what a packet carries besides the RTP payload: fixed
	// header 12, header extensions up to 24, SRTP tag up to 16.
	packetOverhead = 52
	// maxPayload bounds an RTP payload. A parity packet is longer by its headers.
	maxPayload = mtu - packetOverhead - fecHeader - levelHeader
)

// packet is one RTP payload, shared by all viewers.
type packet struct {
	refs   atomic.Int32
	index  uint64 // running number over all video packets
	frame  uint64 // number of its frame, 0 for sound
	place  uint16 // in its frame
	ts     uint32 // media clock, before the viewer's offset
	marker bool
	level  byte // audio level (RFC 6464 section 3)
	role   role // which of the session's payload types it has; VP8 has voice's, the first
	n      int
	buf    [maxPayload]byte
}

func (p *packet) payload() []byte { return p.buf[:p.n] }

// role is what a packet of sound is (codec.Types).
type role uint8

const (
	roleVoice role = iota
	roleNoise
	roleEvent
	roleRED
	roleH264
	roles
)

type frameKind uint8

const (
	kindVideo frameKind = iota
	kindAudio
)

// frame is the packets of one video frame or one packet of sound, which may be
// there a second time as redundant audio. It holds one reference on each of its
// packets while it has references itself.
type frame struct {
	refs   atomic.Int32
	kind   frameKind
	stream media.Stream
	key    bool
	sync   bool   // refers to the base layer alone
	tid    uint8  // temporal layer
	number uint64 // running number over the video frames of all streams, from 1
	base   uint64 // the frame it builds on, where that is not the one before it
	pkts   []*packet
}

// pool keeps packets and frames that are free. Its memory is bounded by limits
// on the free lists and by the queues and the history that hold the rest.
type pool struct {
	mu      sync.Mutex
	packets []*packet
	frames  []*frame
}

const (
	maxFreePackets = 512
	maxFreeFrames  = 256
)

// frame returns an empty frame with one reference.
func (pl *pool) frame(kind frameKind) *frame {
	pl.mu.Lock()
	var f *frame
	if n := len(pl.frames); n > 0 {
		f, pl.frames = pl.frames[n-1], pl.frames[:n-1]
	}
	pl.mu.Unlock()
	if f == nil {
		f = &frame{}
	}
	f.kind, f.stream, f.key, f.sync, f.tid, f.number, f.base = kind, media.StreamMain, false, false, 0, 0, 0
	f.refs.Store(1)
	return f
}

// packet returns a packet with one reference.
func (pl *pool) packet() *packet {
	pl.mu.Lock()
	var p *packet
	if n := len(pl.packets); n > 0 {
		p, pl.packets = pl.packets[n-1], pl.packets[:n-1]
	}
	pl.mu.Unlock()
	if p == nil {
		p = &packet{}
	}
	p.refs.Store(1)
	p.role, p.frame = roleVoice, 0
	return p
}

// releasePacket drops a reference.
func (pl *pool) releasePacket(p *packet) {
	if p.refs.Add(-1) != 0 {
		return
	}
	pl.mu.Lock()
	if len(pl.packets) < maxFreePackets {
		pl.packets = append(pl.packets, p)
	}
	pl.mu.Unlock()
}

// release drops a reference; the last one lets the packets go too.
func (pl *pool) release(f *frame) {
	if f.refs.Add(-1) != 0 {
		return
	}
	for i, p := range f.pkts {
		pl.releasePacket(p)
		f.pkts[i] = nil
	}
	f.pkts = f.pkts[:0]
	pl.mu.Lock()
	if len(pl.frames) < maxFreeFrames {
		pl.frames = append(pl.frames, f)
	}
	pl.mu.Unlock()
}
