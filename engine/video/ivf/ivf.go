// Package ivf reads and writes IVF, the container in which libvpx and ffmpeg
// keep raw VP8 frames: a 32-byte header, then every frame behind 12 bytes that
// hold its size and time. All numbers are little-endian.
//
//	 0  "DKIF"              16  time base denominator (32 bits)
//	 4  version, 0 (16)     20  time base numerator (32)
//	 6  header size, 32     24  number of frames, 0 where unknown (32)
//	 8  codec, "VP80"       28  unused (32)
//	12  width (16)
//	14  height (16)
//
// Frame header: size in bytes (32), time in units of the time base (64).
package ivf

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors of this package, to be tested with errors.Is.
var (
	// ErrFormat is wrapped when the stream is not IVF.
	ErrFormat = errors.New("not an IVF stream")
	// ErrFrameTooLarge is wrapped when a frame exceeds the reader's limit.
	ErrFrameTooLarge = errors.New("frame too large")
)

const (
	headerBytes      = 32
	frameHeaderBytes = 12
	signature        = "DKIF"
)

// CodecVP8 is the four-character code of VP8 streams.
var CodecVP8 = [4]byte{'V', 'P', '8', '0'}

// Header is the stream's header.
type Header struct {
	Codec         [4]byte
	Width, Height int
	// One unit of time is TimebaseNum/TimebaseDen seconds.
	TimebaseNum, TimebaseDen uint32
	// FrameCount is what the header says: writers that cannot seek leave 0.
	FrameCount uint32
}

func (h Header) marshal() [headerBytes]byte {
	var b [headerBytes]byte
	copy(b[:], signature)
	binary.LittleEndian.PutUint16(b[6:], headerBytes)
	copy(b[8:], h.Codec[:])
	binary.LittleEndian.PutUint16(b[12:], uint16(h.Width))
	binary.LittleEndian.PutUint16(b[14:], uint16(h.Height))
	binary.LittleEndian.PutUint32(b[16:], h.TimebaseDen)
	binary.LittleEndian.PutUint32(b[20:], h.TimebaseNum)
	binary.LittleEndian.PutUint32(b[24:], h.FrameCount)
	return b
}

func unmarshalHeader(b *[headerBytes]byte) (h Header, size int, err error) {
	if string(b[:4]) != signature {
		return h, 0, fmt.Errorf("ivf: %w: it does not begin with %s", ErrFormat, signature)
	}
	if v := binary.LittleEndian.Uint16(b[4:]); v != 0 {
		return h, 0, fmt.Errorf("ivf: %w: version %d (only 0 is known)", ErrFormat, v)
	}
	size = int(binary.LittleEndian.Uint16(b[6:]))
	if size < headerBytes {
		return h, 0, fmt.Errorf("ivf: %w: header of %d bytes", ErrFormat, size)
	}
	copy(h.Codec[:], b[8:])
	h.Width = int(binary.LittleEndian.Uint16(b[12:]))
	h.Height = int(binary.LittleEndian.Uint16(b[14:]))
	h.TimebaseDen = binary.LittleEndian.Uint32(b[16:])
	h.TimebaseNum = binary.LittleEndian.Uint32(b[20:])
	h.FrameCount = binary.LittleEndian.Uint32(b[24:])
	return h, size, nil
}
