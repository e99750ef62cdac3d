package y4m

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/edgecam/edgecam/engine/media"
)

// Reader reads the frames of a stream in order. It is not safe for concurrent
// use.
type Reader struct {
	src    *bufio.Reader
	header Header
	frames int
}

// NewReader reads the stream's header. It allocates nothing by what the header
// says, so the caller may look at the size before making a picture of it.
// The error wraps ErrFormat or ErrUnsupported, or is what r returned.
func NewReader(r io.Reader) (*Reader, error) {
	src := bufio.NewReaderSize(r, 64<<10)
	line, err := readLine(src)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("y4m: reading the stream header: %w", err)
	}
	h, err := parseHeader(string(line))
	if err != nil {
		return nil, err
	}
	return &Reader{src: src, header: h}, nil
}

// Header returns the stream's header.
func (r *Reader) Header() Header { return r.header }

// Frames returns the number of frames read so far.
func (r *Reader) Frames() int { return r.frames }

// ReadPicture reads the next frame into p, which must have the stream's size;
// only its planes are changed. It returns io.EOF itself at the end of the
// stream; a frame cut short gives an error that wraps io.ErrUnexpectedEOF.
func (r *Reader) ReadPicture(p *media.Picture) error {
	if p.Width != r.header.Width || p.Height != r.header.Height {
		return fmt.Errorf("y4m: %w: picture %dx%d, stream %dx%d", ErrSize, p.Width, p.Height, r.header.Width, r.header.Height)
	}
	line, err := readLine(r.src)
	if err != nil {
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return io.EOF
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("y4m: header of frame %d: %w", r.frames, err)
	}
	const tag = "FRAME"
	if len(line) < len(tag) || string(line[:len(tag)]) != tag || len(line) > len(tag) && line[len(tag)] != ' ' {
		return fmt.Errorf("y4m: %w: header of frame %d is %q", ErrFormat, r.frames, clip(line))
	}
	cw, ch := p.ChromaSize()
	err = readPlane(r.src, p.Y, p.YStride, p.Width, p.Height)
	if err == nil {
		err = readPlane(r.src, p.U, p.UVStride, cw, ch)
	}
	if err == nil {
		err = readPlane(r.src, p.V, p.UVStride, cw, ch)
	}
	if err != nil {
		return fmt.Errorf("y4m: frame %d: %w", r.frames, err)
	}
	r.frames++
	return nil
}

func readPlane(src io.Reader, dst []byte, stride, w, h int) error {
	for y := range h {
		if _, err := io.ReadFull(src, dst[y*stride:y*stride+w]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// readLine returns a line without its line feed, valid until the next read. On
// an error it returns what there was of the line.
func readLine(src *bufio.Reader) ([]byte, error) {
	line, err := src.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) || len(line) > maxLineBytes {
		return line, fmt.Errorf("%w: header line longer than %d bytes", ErrFormat, maxLineBytes)
	}
	if err != nil {
		return line, err
	}
	return line[:len(line)-1], nil
}

// clip makes a short printable excerpt for an error.
func clip(line []byte) string {
	return strings.ToValidUTF8(string(line[:min(len(line), 32)]), "?")
}
