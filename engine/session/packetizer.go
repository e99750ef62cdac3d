package session

import "github.com/edgecam/edgecam/engine/media"

// maxDescriptor is the longest payload descriptor this packetizer writes:
// mandatory byte, extension byte, 15-bit PictureID, TL0PICIDX, TID/Y/KEYIDX.
const maxDescriptor = 6

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
// PictureID is always there, in its 15-bit form. TL0PICIDX, TID and Y are there
// when the stream has temporal layers; whether it does is decided at key frames
// only, from the frames before, since a receiver cannot follow layers that
// begin between them.
type packetizer struct {
	pool      *pool
	pictureID uint16
	tl0       uint8
	layered   bool // descriptors carry layers
	sawLayers bool // a frame since the last key frame was above the base layer
	nextIndex uint64
	nextFrame uint64
}

// frame cuts a VP8 frame into packets of about equal size, so that no tiny one
// costs a whole packet's overhead. The result has one reference.
func (pz *packetizer) frame(f *media.EncodedVideo, ts uint32) *frame {
	if f.Key {
		pz.layered, pz.sawLayers = pz.sawLayers, false
	}
	if f.TemporalID > 0 {
		pz.sawLayers = true
	}
	if pz.layered && f.TemporalID == 0 {
		pz.tl0++
	}
	var desc [maxDescriptor]byte
	n := pz.descriptor(&desc, f)
	pz.pictureID = (pz.pictureID + 1) & 0x7fff

	out := pz.pool.frame(kindVideo)
	out.key, out.number = f.Key, pz.nextFrame
	pz.nextFrame++
	room := maxPayload - n
	count := (len(f.Data) + room - 1) / room
	for i := range count {
		from, to := len(f.Data)*i/count, len(f.Data)*(i+1)/count
		p := pz.pool.packet()
		copy(p.buf[:n], desc[:n])
		if i == 0 {
			p.buf[0] |= 0x10 // S: start of partition 0
		}
		p.n = n + copy(p.buf[n:], f.Data[from:to])
		p.ts, p.marker, p.index = ts, i == count-1, pz.nextIndex
		pz.nextIndex++
		out.pkts = append(out.pkts, p)
	}
	return out
}

func (pz *packetizer) descriptor(d *[maxDescriptor]byte, f *media.EncodedVideo) int {
	d[0] = 0x80 // X
	if f.NonReference {
		d[0] |= 0x20 // N
	}
	d[1] = 0x80                         // I
	d[2] = 0x80 | byte(pz.pictureID>>8) // M, upper bits
	d[3] = byte(pz.pictureID)
	if !pz.layered {
		return 4
	}
	d[1] |= 0x60 // L, T
	d[4] = pz.tl0
	d[5] = f.TemporalID & 3 << 6
	if f.LayerSync {
		d[5] |= 0x20 // Y
	}
	return 6
}
