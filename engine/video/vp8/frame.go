package vp8

import (
	"encoding/binary"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"
)

// Borders around a reference frame, in pixels, so that most vectors that point
// out of the frame can be followed without looking at coordinates.
const (
	lumaBorder   = 48
	chromaBorder = lumaBorder / 2
	// The left border is stored wider than needed: pixel 0 of a row then lies
	// on a 64-byte (luma) or 32-byte (chroma) line.
	lumaLeft   = 64
	chromaLeft = lumaLeft / 2
	// planeTail are bytes behind the last row that kernels may read.
	planeTail = 64
)

// plane is one component of a reference frame.
type plane struct {
	// pix holds all rows with borders; the pixel in column x and row y is
	// pix[origin+y*stride+x], x and y from -border.
	pix            []byte
	stride, origin int
	// width and height are the size without borders: whole macroblocks.
	width, height, border int
}

// refFrame is a frame that others may refer to: three planes whose size is
// rounded up to whole macroblocks, with borders. The picture that viewers see
// is its upper left part.
type refFrame struct {
	y, u, v plane
	// picture shows the visible part of the planes, without a copy.
	picture media.Picture
	mbW     int
	mbH     int
}

// newRefFrame allocates a frame for pictures of width by height pixels.
func newRefFrame(width, height int) *refFrame {
	f := &refFrame{mbW: (width + 15) / 16, mbH: (height + 15) / 16}
	f.y = newPlane(f.mbW*16, f.mbH*16, lumaBorder, lumaLeft)
	f.u = newPlane(f.mbW*8, f.mbH*8, chromaBorder, chromaLeft)
	f.v = newPlane(f.mbW*8, f.mbH*8, chromaBorder, chromaLeft)
	p := &f.picture
	p.Width, p.Height = width, height
	p.YStride, p.UVStride = f.y.stride, f.u.stride
	p.Y = f.y.pix[f.y.origin:]
	p.U = f.u.pix[f.u.origin:]
	p.V = f.v.pix[f.v.origin:]
	p.Retain()
	return f
}

func newPlane(width, height, border, left int) plane {
	stride := (left + width + border + left - 1) / left * left
	rows := height + 2*border
	return plane{
		pix:    make([]byte, rows*stride+planeTail),
		stride: stride, origin: border*stride + left,
		width: width, height: height, border: border,
	}
}

// at returns the index of a pixel in pix.
func (p *plane) at(x, y int) int { return p.origin + y*p.stride + x }

// extendSides fills the left and right borders of rows y0 to y1-1.
func (p *plane) extendSides(y0, y1 int) {
	dsp.ExtendRows(p.pix, p.at(0, y0), p.stride, p.width, y1-y0, p.border)
}

// extendTop copies the first row, with its borders, into the rows above.
func (p *plane) extendTop() {
	n := p.width + 2*p.border
	src := p.pix[p.at(-p.border, 0):][:n]
	for y := -p.border; y < 0; y++ {
		copy(p.pix[p.at(-p.border, y):][:n], src)
	}
}

// extendBottom copies the last row, with its borders, into the rows below.
func (p *plane) extendBottom() {
	n := p.width + 2*p.border
	src := p.pix[p.at(-p.border, p.height-1):][:n]
	for y := p.height; y < p.height+p.border; y++ {
		copy(p.pix[p.at(-p.border, y):][:n], src)
	}
}

// fill sets all bytes of b to v, eight at a time.
func fill(b []byte, v byte) {
	word := uint64(v) * 0x0101010101010101
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, word)
		b = b[8:]
	}
	for i := range b {
		b[i] = v
	}
}
