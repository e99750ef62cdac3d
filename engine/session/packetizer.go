package session

import (
	"encoding/binary"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/h264"
)

// descriptorBytes is the length of the payload descriptor that this packetizer
// writes: mandatory byte, extension byte, 15-bit PictureID, TL0PICIDX, TID.
const descriptorBytes = 6

// packetizer writes the VP8 payload descriptor (RFC 7741 section 4.2):
//
//	 0 1 2 3 4 5 6 7
//	+-+-+-+-+-+-+-+-+
//	|X|R|N|S|R| PID |
//	+-+-+-+-+-+-+-+-+
//	|I|L|T|K| RSV   |
//	+-+-+-+-+-+-+-+-+
//	|M| PictureID   |
//	+-+-+-+-+-+-+-+-+
//	|   PictureID   |
//	+-+-+-+-+-+-+-+-+
//	|   TL0PICIDX   |
//	+-+-+-+-+-+-+-+-+
//	|TID|Y| KEYIDX  |
//	+-+-+-+-+-+-+-+-+
//
// PictureID and TL0PICIDX are left 0: they differ from viewer to viewer and are
// written when a packet leaves (label). TL0PICIDX and TID are there even while
// the stream has one temporal layer only, so that a second one may begin and end
// between any two frames.
type packetizer struct {
	pool      *pool
	nextIndex uint64
	lastFrame uint64
	h264      h264.Packetizer
}

// number takes the number of the next frame.
func (pz *packetizer) number() uint64 {
	pz.lastFrame++
	return pz.lastFrame
}

// frame cuts a VP8 frame into packets of one size, so that no tiny one costs a whole
// packet's overhead and the kernel may cut them; the last is shorter by some bytes.
// The result has one reference.
func (pz *packetizer) frame(f *media.EncodedVideo, ts uint32) *frame {
	desc := descriptor(f)
	out := pz.pool.frame(kindVideo)
	out.stream, out.key, out.number, out.base = f.Stream, f.Key, pz.number(), f.Base
	out.tid, out.sync = f.TemporalID&3, f.LayerSync
	const room = maxPayload - descriptorBytes
	count := (len(f.Data) + room - 1) / room
	size := (len(f.Data) + count - 1) / count
	count = (len(f.Data) + size - 1) / size // a huge frame may need one less
	for i := range count {
		from, to := i*size, min((i+1)*size, len(f.Data))
		p := pz.pool.packet()
		copy(p.buf[:], desc[:])
		if i == 0 {
			p.buf[0] |= 0x10 // S: start of partition 0
		}
		p.n = descriptorBytes + copy(p.buf[descriptorBytes:], f.Data[from:to])
		p.ts, p.marker, p.index = ts, i == count-1, pz.nextIndex
		p.frame, p.place = out.number, uint16(min(i, ledgerPlaces))
		pz.nextIndex++
		out.pkts = append(out.pkts, p)
	}
	return out
}

func descriptor(f *media.EncodedVideo) (d [descriptorBytes]byte) {
	d[0] = 0x80 // X
	if f.NonReference {
		d[0] |= 0x20 // N
	}
	d[1] = 0xe0 // I, L, T
	d[2] = 0x80 // M
	d[5] = f.TemporalID & 3 << 6
	if f.LayerSync {
		d[5] |= 0x20 // Y
	}
	return d
}

// label is what numbers a frame in one viewer's stream.
type label struct {
	picture uint16 // PictureID, 15 bits
	tl0     uint8  // TL0PICIDX
}

// follow returns the label of a frame of a temporal layer after l: without a gap,
// whatever was left out between them.
func (l label) follow(tid uint8) label {
	l.picture = (l.picture + 1) & 0x7fff
	if tid == 0 {
		l.tl0++
	}
	return l
}

// write puts a label into a payload that begins with a descriptor.
func (l label) write(payload []byte) {
	if len(payload) >= descriptorBytes {
		binary.BigEndian.PutUint16(payload[2:], 0x8000|l.picture)
		payload[4] = l.tl0
	}
}
