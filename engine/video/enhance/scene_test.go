package enhance

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// drawScene fills p with a still ground of edges and texture and, unless at is
// negative, a figure whose left edge is there.
func drawScene(p *media.Picture, at int) {
	for y := range p.Height {
		row := p.Y[y*p.YStride:]
		for x := range p.Width {
			v := 60 + 80*x/p.Width + 30*y/p.Height
			if (x/24+y/16)%3 == 0 {
				v += 28
			}
			if at >= 0 && x >= at && x < at+p.Width/6 && y > p.Height/4 {
				v = 190 - 40*(x-at)/(p.Width/6) + (x*7+y*3)%9
			}
			row[x] = byte(v)
		}
	}
	cw, ch := p.ChromaSize()
	for y := range ch {
		for x := range cw {
			p.U[y*p.UVStride+x], p.V[y*p.UVStride+x] = byte(118+20*x/cw), byte(122+16*y/ch)
		}
	}
}

// addNoise adds white noise of the given deviation to luma, half of it to
// chroma.
func addNoise(p *media.Picture, rng *rand.Rand, sigma float64) {
	cw, ch := p.ChromaSize()
	for _, pl := range []struct {
		pix          []byte
		stride, w, h int
		sigma        float64
	}{{p.Y, p.YStride, p.Width, p.Height, sigma}, {p.U, p.UVStride, cw, ch, sigma / 2}, {p.V, p.UVStride, cw, ch, sigma / 2}} {
		for y := range pl.h {
			row := pl.pix[y*pl.stride : y*pl.stride+pl.w]
			for x, v := range row {
				row[x] = byte(min(max(math.Round(float64(v)+rng.NormFloat64()*pl.sigma), 0), 255))
			}
		}
	}
}

func clonePicture(p *media.Picture) *media.Picture {
	q := media.NewPicture(p.Width, p.Height)
	q.CopyFrom(p)
	return q
}

// meanSquare returns the mean squared difference of luma.
func meanSquare(a, b *media.Picture) float64 {
	var sum float64
	for y := range a.Height {
		for x := range a.Width {
			d := float64(a.Y[y*a.YStride+x]) - float64(b.Y[y*b.YStride+x])
			sum += d * d
		}
	}
	return sum / float64(a.Width*a.Height)
}

func meanLuma(p *media.Picture) float64 {
	var sum float64
	for y := range p.Height {
		for _, v := range p.Y[y*p.YStride : y*p.YStride+p.Width] {
			sum += float64(v)
		}
	}
	return sum / float64(p.Width*p.Height)
}

func samePicture(a, b *media.Picture) bool {
	if a.Width != b.Width || a.Height != b.Height {
		return false
	}
	cw, ch := a.ChromaSize()
	same := func(p, q []byte, ps, qs, w, h int) bool {
		for y := range h {
			if string(p[y*ps:y*ps+w]) != string(q[y*qs:y*qs+w]) {
				return false
			}
		}
		return true
	}
	return same(a.Y, b.Y, a.YStride, b.YStride, a.Width, a.Height) &&
		same(a.U, b.U, a.UVStride, b.UVStride, cw, ch) && same(a.V, b.V, a.UVStride, b.UVStride, cw, ch)
}

func mustNew(t testing.TB, cfg Config, fps float64) *Chain {
	t.Helper()
	c, err := New(cfg, Options{FrameRate: fps})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// long marks tests of behaviour that does not depend on the processor: they are
// left out where it is emulated.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("long")
	}
}
