package ivf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// DefaultMaxFrameBytes is the frame size limit of a new Reader. A VP8 frame of
// 1920x1080 at the finest quantiser stays below it.
const DefaultMaxFrameBytes = 16 << 20

// readStep is how far the buffer grows before the bytes are there, so that a
// size field alone costs no memory.
const readStep = 256 << 10

// Frame is one frame of a stream.
type Frame struct {
	// Data is valid until the next call of Next. It may be empty: encoders
	// write empty frames for those they dropped.
	Data []byte
	// Timestamp counts units of the header's time base.
	Timestamp uint64
}

// Reader reads the frames of a stream in order. It is not safe for concurrent
// use.
type Reader struct {
	// MaxFrameBytes limits the size of a frame; it may be changed at any time.
	MaxFrameBytes int

	src    *bufio.Reader
	header Header
	buf    []byte
	frames int
}

// NewReader reads the stream's header. The error wraps ErrFormat or is what r
// returned.
func NewReader(r io.Reader) (*Reader, error) {
	src := bufio.NewReaderSize(r, 64<<10)
	var raw [headerBytes]byte
	if _, err := io.ReadFull(src, raw[:]); err != nil {
		return nil, fmt.Errorf("ivf: reading the stream header: %w", unexpected(err))
	}
	h, size, err := unmarshalHeader(&raw)
	if err != nil {
		return nil, err
	}
	if _, err := src.Discard(size - headerBytes); err != nil {
		return nil, fmt.Errorf("ivf: reading the stream header: %w", unexpected(err))
	}
	return &Reader{MaxFrameBytes: DefaultMaxFrameBytes, src: src, header: h}, nil
}

// Header returns the stream's header.
func (r *Reader) Header() Header { return r.header }

// Frames returns the number of frames read so far.
func (r *Reader) Frames() int { return r.frames }

// Next returns the next frame. It returns io.EOF itself at the end of the
// stream; a frame cut short gives an error that wraps io.ErrUnexpectedEOF.
func (r *Reader) Next() (Frame, error) {
	var f Frame
	raw, err := r.src.Peek(frameHeaderBytes)
	if err != nil {
		if len(raw) == 0 && err == io.EOF {
			return f, io.EOF
		}
		return f, fmt.Errorf("ivf: header of frame %d: %w", r.frames, unexpected(err))
	}
	size := int64(binary.LittleEndian.Uint32(raw))
	f.Timestamp = binary.LittleEndian.Uint64(raw[4:])
	if size > int64(r.MaxFrameBytes) {
		return f, fmt.Errorf("ivf: %w: frame %d has %d bytes, the limit is %d", ErrFrameTooLarge, r.frames, size, r.MaxFrameBytes)
	}
	// Peek left at least these bytes in the buffer, so Discard cannot fail.
	_, _ = r.src.Discard(frameHeaderBytes)
	if err := r.fill(int(size)); err != nil {
		return f, fmt.Errorf("ivf: frame %d: %w", r.frames, err)
	}
	f.Data = r.buf
	r.frames++
	return f, nil
}

// fill reads size bytes into r.buf.
func (r *Reader) fill(size int) error {
	r.buf = r.buf[:0]
	for len(r.buf) < size {
		have := len(r.buf)
		want := min(size, max(cap(r.buf), have+readStep))
		if cap(r.buf) < want {
			grown := make([]byte, have, want+want/2)
			copy(grown, r.buf)
			r.buf = grown
		}
		r.buf = r.buf[:want]
		if _, err := io.ReadFull(r.src, r.buf[have:want]); err != nil {
			return unexpected(err)
		}
	}
	return nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
