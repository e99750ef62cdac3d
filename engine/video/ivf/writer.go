package ivf

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Writer writes frames to a stream. It is not safe for concurrent use.
type Writer struct {
	dst    io.Writer
	header Header
	buf    []byte
	frames uint32
	// bytes counts what was written, to find the header again.
	bytes int64
}

// NewWriter writes the stream's header to w. A time base of 0 becomes 1/30 s,
// an empty codec VP8.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	if h.Width < 1 || h.Height < 1 || h.Width > math.MaxUint16 || h.Height > math.MaxUint16 {
		return nil, fmt.Errorf("ivf: %w: size %dx%d (each side must be 1 to 65535)", ErrFormat, h.Width, h.Height)
	}
	if h.TimebaseNum == 0 || h.TimebaseDen == 0 {
		h.TimebaseNum, h.TimebaseDen = 1, 30
	}
	if h.Codec == ([4]byte{}) {
		h.Codec = CodecVP8
	}
	raw := h.marshal()
	if _, err := w.Write(raw[:]); err != nil {
		return nil, fmt.Errorf("ivf: writing the stream header: %w", err)
	}
	return &Writer{dst: w, header: h, bytes: headerBytes}, nil
}

// WriteFrame appends one frame, which may be empty, with one Write call.
func (w *Writer) WriteFrame(data []byte, timestamp uint64) error {
	if len(data) > math.MaxUint32 {
		return fmt.Errorf("ivf: %w: %d bytes do not fit the size field", ErrFrameTooLarge, len(data))
	}
	w.buf = binary.LittleEndian.AppendUint32(w.buf[:0], uint32(len(data)))
	w.buf = binary.LittleEndian.AppendUint64(w.buf, timestamp)
	w.buf = append(w.buf, data...)
	if _, err := w.dst.Write(w.buf); err != nil {
		return fmt.Errorf("ivf: writing frame %d: %w", w.frames, err)
	}
	w.frames++
	w.bytes += int64(len(w.buf))
	return nil
}

// Frames returns the number of frames written so far.
func (w *Writer) Frames() int { return int(w.frames) }

// Finish writes the number of frames into the header where the destination can
// seek; elsewhere (a pipe) the header keeps the count that NewWriter was
// given. It does not close the destination.
func (w *Writer) Finish() error {
	seeker, ok := w.dst.(io.WriteSeeker)
	if !ok {
		return nil
	}
	end, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		// Pipes and terminals are files that cannot seek.
		return nil //nolint:nilerr // it cannot be sought, which is no error here
	}
	start := end - w.bytes
	w.header.FrameCount = w.frames
	raw := w.header.marshal()
	if _, err := seeker.Seek(start, io.SeekStart); err != nil {
		return fmt.Errorf("ivf: finishing the header: %w", err)
	}
	if _, err := seeker.Write(raw[:]); err != nil {
		return fmt.Errorf("ivf: finishing the header: %w", err)
	}
	if _, err := seeker.Seek(end, io.SeekStart); err != nil {
		return fmt.Errorf("ivf: finishing the header: %w", err)
	}
	return nil
}
