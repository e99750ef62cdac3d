package sim

import (
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// planes is an unpadded I420 picture of even size.
type planes struct {
	w, h    int
	y, u, v []byte
}

func newPlanes(w, h int) *planes {
	b := make([]byte, w*h*3/2)
	return &planes{w: w, h: h, y: b[:w*h], u: b[w*h : w*h*5/4], v: b[w*h*5/4:]}
}

// restore copies a box of src, whose corners are even pixels.
func (p *planes) restore(src *planes, x0, y0, x1, y1 int) {
	for y := y0; y < y1; y++ {
		copy(p.y[y*p.w+x0:y*p.w+x1], src.y[y*p.w+x0:])
	}
	for y := y0 / 2; y < y1/2; y++ {
		a, b := y*(p.w/2)+x0/2, y*(p.w/2)+x1/2
		copy(p.u[a:b], src.u[a:])
		copy(p.v[a:b], src.v[a:])
	}
}

// scene draws frames. The still picture is painted once; each frame restores
// what moved, draws what moves, and adds noise on the way out.
type scene struct {
	still, now *planes
	tree       *tree
	visitor    *visitor
	clock      *clockFace
	code       bool

	noise []byte // values 0 to 2*peak
	peak  byte
	rng   uint64
}

// noiseSamples is the length of the noise that rows take stretches of, from a
// random place each.
const noiseSamples = 1 << 15

// unitLeft is the x coordinate, in units, of a picture's left edge.
func unitLeft(w, h int) float32 { return (640 - float32(w)*480/float32(h)) / 2 }

// newScene makes a scene. still is the painted still picture of an earlier
// scene of the same size and options, which is the costly part; nil paints it.
func newScene(mode hal.VideoMode, opts CameraOptions, still *planes) *scene {
	w, h := mode.Width, mode.Height
	s := &scene{
		still: still, now: newPlanes(w, h), tree: newTree(w, h), visitor: newVisitor(w, h),
		code: !opts.HideCode && w >= minCodeWidth && h >= minCodeHeight,
		peak: byte(opts.Noise), rng: opts.Seed*2 + 0x9E3779B97F4A7C15,
	}
	if !opts.HideClock {
		s.clock = newClockFace(w, h)
	}
	if s.still == nil {
		s.still = newPlanes(w, h)
		s.paintStill()
	}
	s.now.restore(s.still, 0, 0, w, h)
	s.noise = make([]byte, noiseSamples+w+8)
	for i := range s.noise {
		r := s.random()
		n := int(2*s.peak) + 1 // the mean of two dice: a triangle
		s.noise[i] = byte((int(r>>8&0xFFFF)%n + int(r>>32&0xFFFF)%n) / 2)
	}
	return s
}

func (s *scene) random() uint64 {
	s.rng ^= s.rng << 13
	s.rng ^= s.rng >> 7
	s.rng ^= s.rng << 17
	return s.rng
}

// paintStill paints the picture in bands, on all processors: opening must not
// hold up the start of a node.
func (s *scene) paintStill() {
	const bandRows = 32
	var next atomic.Int32
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			c := &canvas{pix: make([]rgb, s.still.w*bandRows), w: s.still.w, unit: float32(s.still.h) / 480, left: unitLeft(s.still.w, s.still.h)}
			for {
				c.y0 = int(next.Add(1)-1) * bandRows
				if c.y0 >= s.still.h {
					return
				}
				c.rows = min(bandRows, s.still.h-c.y0)
				s.paintBand(c)
			}
		})
	}
	wg.Wait()
	p := s.still
	if s.code { // its cells have no colour
		for i := range codeRows / 2 * (p.w / 2) {
			p.u[i], p.v[i] = 128, 128
		}
	}
}

func (s *scene) paintBand(c *canvas) {
	paintBackdrop(c)
	s.paintPlate(c)
	p := s.still
	for y := range c.rows {
		for x := range p.w {
			luma, u, v := c.pix[y*p.w+x].yuv()
			p.y[(c.y0+y)*p.w+x] = byte(min(max(luma+0.5, 20), 232))
			if x&1 == 0 && y&1 == 0 {
				i := (c.y0+y)/2*(p.w/2) + x/2
				p.u[i], p.v[i] = byte(u+0.5), byte(v+0.5)
			}
		}
	}
}

// paintPlate darkens what is behind the clock.
func (s *scene) paintPlate(c *canvas) {
	if s.clock == nil {
		return
	}
	x0, y0, x1, y1 := s.clock.plate()
	u := func(px int) float32 { return float32(px) / c.unit }
	c.fill(u(x0)+c.left, u(y0), u(x1)+c.left, u(y1), func(x, y float32) (rgb, float32) {
		return hex(0x2B2E30), 0.72 * c.cover(u(x0)+c.left, u(x1)+c.left, x) * c.cover(u(y0), u(y1), y)
	})
}

// draw renders the scene as it is at time at after the start, without the
// clocks.
func (s *scene) draw(f *media.Frame, at time.Duration) {
	sec := at.Seconds()
	if v := s.visitor; v.x1 > v.x0 {
		s.now.restore(s.still, v.x0, v.y0, v.x1, v.y1)
	}
	if t := s.tree; t != nil {
		s.now.restore(s.still, t.x, t.y, t.x+t.w, t.y+t.h)
		t.draw(s.now, sec)
	}
	s.visitor.draw(s.now, sec)
	s.deliver(f)
}

// stamp draws the clocks of the frame's time.
func (s *scene) stamp(f *media.Frame) {
	step := 1
	if f.Format == media.FormatYUYV {
		step = 2
	}
	if s.code {
		StampClock(f.Data, step, f.StrideBytes, f.Width, f.Height, f.CapturedAt)
	}
	if s.clock != nil {
		text := f.CapturedAt.AppendFormat(s.clock.text[:0], clockLayout)
		s.clock.draw(f.Data, step, f.StrideBytes, text)
	}
}

// deliver copies the picture into the frame in its format, with noise.
func (s *scene) deliver(f *media.Frame) {
	p, d := s.now, f.Data
	n, c := p.w*p.h, p.w*p.h/4
	switch f.Format {
	case media.FormatYUYV:
		s.deliverYUYV(d)
	case media.FormatNV12:
		s.deliverLuma(d[:n])
		d = d[n:][:2*c]
		for i, u := range p.u {
			d[2*i], d[2*i+1] = u, p.v[i]
		}
	default:
		s.deliverLuma(d[:n])
		copy(d[n:], p.u)
		copy(d[n+c:], p.v)
	}
}

const everyByte = 0x0101010101010101

// deliverLuma adds noise to eight pixels at once. Luma lies in 16..240 and the
// peak is at most 16, so that no sum leaves its byte.
func (s *scene) deliverLuma(dst []byte) {
	p := s.now
	if s.peak == 0 {
		copy(dst, p.y)
		return
	}
	offset := uint64(s.peak) * everyByte
	for y := range p.h {
		src, out := p.y[y*p.w:][:p.w], dst[y*p.w:][:p.w]
		noise := s.noise[s.random()%noiseSamples:][:p.w]
		x := 0
		for ; x+8 <= len(out); x += 8 {
			v := binary.LittleEndian.Uint64(src[x:]) - offset + binary.LittleEndian.Uint64(noise[x:])
			binary.LittleEndian.PutUint64(out[x:], v)
		}
		for ; x < len(out); x++ {
			out[x] = src[x] - s.peak + noise[x]
		}
	}
}

func (s *scene) deliverYUYV(dst []byte) {
	p := s.now
	for y := range p.h {
		src, out := p.y[y*p.w:][:p.w], dst[y*p.w*2:][:p.w*2]
		u, v := p.u[y/2*(p.w/2):][:p.w/2], p.v[y/2*(p.w/2):][:p.w/2]
		noise := s.noise[s.random()%noiseSamples:][:p.w]
		for i := range u {
			a := uint32(src[2*i] - s.peak + noise[2*i])
			b := uint32(src[2*i+1] - s.peak + noise[2*i+1])
			binary.LittleEndian.PutUint32(out[4*i:], a|uint32(u[i])<<8|b<<16|uint32(v[i])<<24)
		}
	}
}
