// Package raw makes pictures of what a sensor delivers: Bayer mosaics of 8 and 10
// bits, with black level, white balance, demosaicing and gamma, in fixed point.
// It is for cameras without a camera stack that would do this (and do more:
// lens shading, sharpening, a colour matrix per sensor). It also says how the
// sensor should expose.
//
// Colour gains follow the mean of the scene (the grey world assumption). The gamma
// curve is that of BT.709; the result is BT.601 limited range, as everywhere.
package raw

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/edgecam/edgecam/engine/media"
)

// Errors that Process wraps.
var (
	// ErrFormat: the frame is no raw picture.
	ErrFormat = errors.New("raw: not a Bayer format")
	// ErrSize: sizes differ, or are odd or too small for a mosaic.
	ErrSize = errors.New("raw: sizes do not agree")
)

const (
	depth = 10             // bits of a sample inside
	white = 1<<depth - 1   // the greatest sample
	unity = 1 << gainShift // a gain of 1
	// Gains are Q8.
	gainShift = 8
	gainLeast = unity / 2
	gainMost  = 4 * unity
)

// Options set a Processor up. The zero value is ready: no black level, automatic
// white balance, gamma on.
type Options struct {
	// Black is the sample of no light, of 10 bits; sensors have 16 to 64.
	Black int
	// RedGainQ8 and BlueGainQ8 fix the white balance; 0: automatic.
	RedGainQ8, BlueGainQ8 int
	// Linear leaves the gamma curve out, for samples that have one already.
	Linear bool
}

// Stats are the light of the last picture, before gains and gamma.
type Stats struct {
	// Mean is the mean of the green samples above black, 0 to 1023.
	Mean int
	// ClippedPermille is the part of the samples that are full.
	ClippedPermille int
	// RedGainQ8 and BlueGainQ8 were used.
	RedGainQ8, BlueGainQ8 int
}

// Processor makes pictures. It keeps row buffers and the white balance from one
// picture to the next, and is for one goroutine.
type Processor struct {
	opts    Options
	red     int // gains, Q8
	blue    int
	gamma   [white + 1]uint8
	rows    [4][]uint16 // unpacked rows with a mirrored sample at either end
	linear  []uint16    // a row of each colour, without gamma
	rgb     [2][]uint8  // two finished rows, a row of R, of G and of B each
	stats   Stats
	started bool
}

// New returns a Processor.
func New(o Options) *Processor {
	p := &Processor{opts: o, red: unity, blue: unity}
	if o.RedGainQ8 > 0 {
		p.red = o.RedGainQ8
	}
	if o.BlueGainQ8 > 0 {
		p.blue = o.BlueGainQ8
	}
	for i := range p.gamma {
		v := float64(i) / white
		if !o.Linear {
			// BT.709 section 1.2.
			if v < 0.018 {
				v *= 4.5
			} else {
				v = 1.099*math.Pow(v, 0.45) - 0.099
			}
		}
		p.gamma[i] = uint8(v*255 + 0.5)
	}
	return p
}

// Stats returns what the last picture told.
func (p *Processor) Stats() Stats { return p.stats }

// mosaic is a raw format's layout. The red sample of each 2x2 block is at (redX,
// redY), the blue one opposite.
type mosaic struct {
	redX, redY int
	bits       int
	packed     bool
}

func mosaicOf(f media.PixelFormat) (m mosaic, ok bool) {
	if !f.Raw() {
		return m, false
	}
	n := int(f - media.FormatRGGB8)
	m = mosaic{redX: n & 1, redY: n >> 1 & 1, bits: 8}
	if n >= 4 {
		m.bits = 10
	}
	m.packed = n >= 8
	return m, true
}

// Process writes the raw frame src into dst, with its times. Sizes must be the
// same and even, at least 4 (ErrSize); a frame shorter than its format, size and
// stride ask for gives io.ErrUnexpectedEOF. After the first picture of a size
// nothing is allocated.
func (p *Processor) Process(dst *media.Picture, src *media.Frame) error {
	m, ok := mosaicOf(src.Format)
	w, h := src.Width, src.Height
	switch {
	case !ok:
		return fmt.Errorf("%w: %v", ErrFormat, src.Format)
	case w != dst.Width || h != dst.Height || w&1 != 0 || h&1 != 0 || w < 4 || h < 4:
		return fmt.Errorf("%w: frame %dx%d, picture %dx%d", ErrSize, w, h, dst.Width, dst.Height)
	}
	need := src.Format.FrameSize(w, 1)
	stride := src.StrideBytes
	if stride == 0 {
		stride = need
	}
	if stride < need || len(src.Data) < stride*(h-1)+need {
		return fmt.Errorf("raw: %w: %d bytes for %v %dx%d with stride %d", io.ErrUnexpectedEOF, len(src.Data), src.Format, w, h, stride)
	}
	p.measure(src.Data, stride, w, h, m)
	p.size(w)
	row := func(y int) []byte {
		// Mirrored about the first and the last row, which keeps the colours.
		if y < 0 {
			y = 1
		}
		if y >= h {
			y = h - 2
		}
		return src.Data[y*stride : y*stride+need]
	}
	for i := range 2 {
		p.unpack(p.rows[(i+3)&3], row(i-1), w, i-1, m)
	}
	for y := 0; y < h; y += 2 {
		for i := range 2 {
			p.unpack(p.rows[(y+i+1)&3], row(y+i+1), w, y+i+1, m)
		}
		for i := range 2 {
			p.demosaic(p.rgb[i], p.rows[(y+i+3)&3], p.rows[(y+i)&3], p.rows[(y+i+1)&3], w, y+i, m)
		}
		o, c := y*dst.YStride, y/2*dst.UVStride
		toYUV(dst.Y[o:o+w], dst.Y[o+dst.YStride:o+dst.YStride+w], dst.U[c:c+w/2], dst.V[c:c+w/2], p.rgb[0], p.rgb[1], w)
	}
	dst.CapturedAt, dst.Sequence = src.CapturedAt, src.Sequence
	return nil
}

func (p *Processor) size(w int) {
	if len(p.rows[0]) == w+2 {
		return
	}
	for i := range p.rows {
		p.rows[i] = make([]uint16, w+2)
	}
	p.linear = make([]uint16, 3*w)
	for i := range p.rgb {
		p.rgb[i] = make([]uint8, 3*w)
	}
}

// sample returns a sample of 10 bits.
func (m mosaic) sample(row []byte, x int) int {
	switch {
	case m.packed:
		o := x / 4 * 5
		return int(row[o+x&3])<<2 | int(row[o+4])>>(2*(x&3))&3
	case m.bits == 10:
		return (int(row[2*x]) | int(row[2*x+1])<<8) & white
	}
	return int(row[x])<<2 | int(row[x])>>6
}

// unpack takes the black level off, applies the colours' gains and adds a mirrored
// sample at either end.
func (p *Processor) unpack(out []uint16, row []byte, w, y int, m mosaic) {
	g := [2]int{unity, unity} // by the parity of x
	if y&1 == m.redY {
		g[m.redX] = p.red
	} else {
		g[1-m.redX] = p.blue
	}
	// What is left above black fills the whole range.
	black := min(max(p.opts.Black, 0), white/2)
	even, odd := g[0]*white/(white-black), g[1]*white/(white-black)
	in := out[1 : w+1]
	switch {
	case m.packed:
		for x := 0; x < w; x += 4 { // the last group may be half of one
			o := row[x/4*5 : x/4*5+5 : x/4*5+5]
			low := int(o[4])
			in[x] = level(int(o[0])<<2|low&3, black, even)
			in[x+1] = level(int(o[1])<<2|low>>2&3, black, odd)
			if x+3 < w {
				in[x+2] = level(int(o[2])<<2|low>>4&3, black, even)
				in[x+3] = level(int(o[3])<<2|low>>6, black, odd)
			}
		}
	case m.bits == 10:
		row = row[:2*w]
		for x := 0; x+1 < w; x += 2 {
			o := row[2*x : 2*x+4 : 2*x+4]
			in[x] = level((int(o[0])|int(o[1])<<8)&white, black, even)
			in[x+1] = level((int(o[2])|int(o[3])<<8)&white, black, odd)
		}
	default:
		row = row[:w]
		for x := 0; x+1 < w; x += 2 {
			in[x] = level(int(row[x])<<2|int(row[x])>>6, black, even)
			in[x+1] = level(int(row[x+1])<<2|int(row[x+1])>>6, black, odd)
		}
	}
	out[0], out[w+1] = out[2], out[w-1]
}

// level scales a sample above black.
func level(v, black, gain int) uint16 {
	return uint16(min(max((v-black)*gain>>gainShift, 0), white))
}

// demosaic interpolates the two colours that each place lacks from its
// neighbours, and applies the gamma curve. rgb receives a row of each colour.
func (p *Processor) demosaic(rgb []uint8, above, here, below []uint16, w, y int, m mosaic) {
	first, third := rgb[:w], rgb[2*w:3*w] // of the colour in this row beside green, and the other
	at := m.redX                          // where that colour is
	if y&1 != m.redY {
		first, third, at = third, first, 1-m.redX
	}
	interpolate(p.linear, above, here, below, w, at)
	for i, out := range [3][]uint8{first, rgb[w : 2*w], third} {
		in := p.linear[i*w : (i+1)*w]
		out = out[:len(in)]
		for x, v := range in {
			out[x] = p.gamma[v&white]
		}
	}
}
