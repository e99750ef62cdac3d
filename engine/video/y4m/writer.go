package y4m

import (
	"fmt"
	"io"

	"github.com/edgecam/edgecam/engine/media"
)

// Writer writes frames to a stream, one Write call each. It is not safe for
// concurrent use.
type Writer struct {
	dst    io.Writer
	header Header
	buf    []byte
	frames int
}

// NewWriter writes the stream's header to w. Where h leaves the rate open, 30
// frames per second are written, since readers refuse a stream without one;
// an open pixel aspect ratio is written as 1:1, an open chroma variant as
// 420jpeg.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	if h.RateNum == 0 || h.RateDen == 0 {
		h.RateNum, h.RateDen = 30, 1
	}
	if h.AspectNum == 0 || h.AspectDen == 0 {
		h.AspectNum, h.AspectDen = 1, 1
	}
	if h.Chroma == "" {
		h.Chroma = "420jpeg"
	}
	if err := h.validate(); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(w, h.String()+"\n"); err != nil {
		return nil, fmt.Errorf("y4m: writing the stream header: %w", err)
	}
	return &Writer{dst: w, header: h}, nil
}

// Header returns the header as it was written.
func (w *Writer) Header() Header { return w.header }

// Frames returns the number of frames written so far.
func (w *Writer) Frames() int { return w.frames }

// WritePicture appends one frame. p must have the stream's size.
func (w *Writer) WritePicture(p *media.Picture) error {
	if p.Width != w.header.Width || p.Height != w.header.Height {
		return fmt.Errorf("y4m: %w: picture %dx%d, stream %dx%d", ErrSize, p.Width, p.Height, w.header.Width, w.header.Height)
	}
	cw, ch := p.ChromaSize()
	b := append(w.buf[:0], "FRAME\n"...)
	b = appendPlane(b, p.Y, p.YStride, p.Width, p.Height)
	b = appendPlane(b, p.U, p.UVStride, cw, ch)
	b = appendPlane(b, p.V, p.UVStride, cw, ch)
	w.buf = b
	if _, err := w.dst.Write(b); err != nil {
		return fmt.Errorf("y4m: writing frame %d: %w", w.frames, err)
	}
	w.frames++
	return nil
}

func appendPlane(b, src []byte, stride, w, h int) []byte {
	for y := range h {
		b = append(b, src[y*stride:y*stride+w]...)
	}
	return b
}
