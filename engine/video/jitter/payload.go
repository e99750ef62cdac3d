package jitter

import (
	"errors"
	"fmt"
	"io"
)

// ErrPayload is wrapped by errors about payloads that are not VP8 payloads.
var ErrPayload = errors.New("jitter: bad VP8 payload")

// Descriptor is the VP8 payload descriptor (RFC 7741 section 4.2).
type Descriptor struct {
	// NonReference (N): no later frame refers to this one.
	NonReference bool
	// PartitionStart (S): the packet begins a partition; Partition (PID) is its
	// number, 0 to 7.
	PartitionStart bool
	Partition      uint8
	// PictureID is the frame's running number; LongPictureID says that it has 15
	// bits instead of 7.
	HasPictureID, LongPictureID bool
	PictureID                   uint16
	// TL0PicIdx is the running number of base layer frames.
	HasTL0PicIdx bool
	TL0PicIdx    uint8
	// TemporalID is the frame's layer, 0 the base; LayerSync (Y) says that it
	// refers to the base layer alone.
	HasTemporalID bool
	TemporalID    uint8
	LayerSync     bool
	// KeyIdx is the running number of the key frame that the frame goes back to.
	HasKeyIdx bool
	KeyIdx    uint8
}

// Parse reads the descriptor at the start of an RTP payload and returns its
// length in bytes. Errors wrap ErrPayload; for one that is cut short,
// io.ErrUnexpectedEOF too.
//
//	 0 1 2 3 4 5 6 7
//	+-+-+-+-+-+-+-+-+
//	|X|R|N|S|R| PID |
//	+-+-+-+-+-+-+-+-+
//	|I|L|T|K| RSV   |  if X
//	+-+-+-+-+-+-+-+-+
//	|M| PictureID   |  if I
//	+-+-+-+-+-+-+-+-+
//	|   PictureID   |  if M
//	+-+-+-+-+-+-+-+-+
//	|   TL0PICIDX   |  if L
//	+-+-+-+-+-+-+-+-+
//	|TID|Y| KEYIDX  |  if T or K
//	+-+-+-+-+-+-+-+-+
func (d *Descriptor) Parse(payload []byte) (int, error) {
	*d = Descriptor{}
	short := func() error {
		return fmt.Errorf("%w: descriptor of %d bytes is cut short: %w", ErrPayload, len(payload), io.ErrUnexpectedEOF)
	}
	if len(payload) == 0 {
		return 0, short()
	}
	first := payload[0]
	d.NonReference = first&0x20 != 0
	d.PartitionStart = first&0x10 != 0
	d.Partition = first & 0x07
	n := 1
	if first&0x80 == 0 {
		return n, nil
	}
	if len(payload) <= n {
		return 0, short()
	}
	ext := payload[n]
	n++
	if ext&0x80 != 0 {
		if len(payload) <= n {
			return 0, short()
		}
		d.HasPictureID = true
		d.PictureID = uint16(payload[n] & 0x7f)
		if payload[n]&0x80 != 0 {
			if n++; len(payload) <= n {
				return 0, short()
			}
			d.LongPictureID = true
			d.PictureID = d.PictureID<<8 | uint16(payload[n])
		}
		n++
	}
	if ext&0x40 != 0 {
		if len(payload) <= n {
			return 0, short()
		}
		d.HasTL0PicIdx, d.TL0PicIdx = true, payload[n]
		n++
	}
	if ext&0x30 != 0 {
		if len(payload) <= n {
			return 0, short()
		}
		if d.HasTemporalID = ext&0x20 != 0; d.HasTemporalID {
			d.TemporalID, d.LayerSync = payload[n]>>6, payload[n]&0x20 != 0
		}
		if d.HasKeyIdx = ext&0x10 != 0; d.HasKeyIdx {
			d.KeyIdx = payload[n] & 0x1f
		}
		n++
	}
	return n, nil
}

// keyFrame reports whether the bytes behind the descriptor of a frame's first
// packet begin a key frame (RFC 6386 section 9.1).
func keyFrame(data []byte) bool {
	return len(data) >= 10 && data[0]&1 == 0 && data[3] == 0x9d && data[4] == 0x01 && data[5] == 0x2a
}

// follows reports whether PictureID b is the one after a, in the width of b.
func (d *Descriptor) follows(a uint16) bool {
	if d.LongPictureID {
		return d.PictureID == (a+1)&0x7fff
	}
	return d.PictureID == (a+1)&0x7f
}
