package pixel

import (
	"fmt"
	"math"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

func paint(p *media.Picture, y, c func(x, y int) byte) {
	for j := range p.Height {
		for i := range p.Width {
			p.Y[j*p.YStride+i] = y(i, j)
		}
	}
	cw, ch := p.ChromaSize()
	for j := range ch {
		for i := range cw {
			p.U[j*p.UVStride+i], p.V[j*p.UVStride+i] = c(i, j), 255-c(i, j)
		}
	}
}

var scaleSizes = [][4]int{
	{640, 480, 320, 240},
	{640, 480, 160, 120},
	{1280, 720, 640, 360},
	{640, 480, 426, 320},
	{320, 240, 640, 480},
	{33, 17, 100, 50},
	{100, 50, 33, 17},
	{1, 1, 16, 16},
	{16, 16, 1, 1},
	{641, 481, 320, 240},
	{64, 64, 32, 128},
}

// Flat pictures stay flat at every level, in every ratio, with every set.
func TestScaleFlat(t *testing.T) {
	for _, s := range scaleSizes {
		for _, level := range []byte{0, 1, 16, 128, 254, 255} {
			src, dst := media.NewPicture(s[0], s[1]), media.NewPicture(s[2], s[3])
			paint(src, func(int, int) byte { return level }, func(int, int) byte { return level })
			Scale(dst, src)
			for y := range dst.Height {
				for x, v := range dst.Y[y*dst.YStride:][:dst.Width] {
					if v != level {
						t.Fatalf("%v, level %d: Y(%d,%d) = %d", s, level, x, y, v)
					}
				}
			}
			cw, ch := dst.ChromaSize()
			for y := range ch {
				for x := range cw {
					if u, v := dst.U[y*dst.UVStride+x], dst.V[y*dst.UVStride+x]; u != level || v != 255-level {
						t.Fatalf("%v, level %d: UV(%d,%d) = %d,%d", s, level, x, y, u, v)
					}
				}
			}
		}
	}
}

// A slope comes out as the same slope, within rounding: no shift, no ringing.
func TestScaleSlope(t *testing.T) {
	slope := func(w, h int) func(x, y int) float64 {
		return func(x, y int) float64 {
			return 20 + 150*(float64(x)+0.5)/float64(w) + 60*(float64(y)+0.5)/float64(h)
		}
	}
	for _, s := range scaleSizes {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			src, dst := media.NewPicture(s[0], s[1]), media.NewPicture(s[2], s[3])
			in, want := slope(s[0], s[1]), slope(s[2], s[3])
			paint(src, func(x, y int) byte { return byte(math.Round(in(x, y))) }, func(int, int) byte { return 9 })
			Scale(dst, src)
			// At the rim of an enlargement the outermost sample is repeated.
			rimX, rimY := dst.Width/src.Width+1, dst.Height/src.Height+1
			for y := rimY; y < dst.Height-rimY; y++ {
				for x := rimX; x < dst.Width-rimX; x++ {
					if got := float64(dst.Y[y*dst.YStride+x]); math.Abs(got-want(x, y)) > 1.6 {
						t.Fatalf("(%d,%d) = %v, want %.2f", x, y, got, want(x, y))
					}
				}
			}
		})
	}
}

// Half size is the plain mean of four.
func TestScaleHalf(t *testing.T) {
	src, dst := media.NewPicture(4, 4), media.NewPicture(2, 2)
	paint(src, func(x, y int) byte { return byte(10*y + x) }, func(x, y int) byte { return byte(x + 2*y) })
	Scale(dst, src)
	// 0 1 10 11 -> 22/4 = 5.5 -> 6.
	if got := [4]byte{dst.Y[0], dst.Y[1], dst.Y[dst.YStride], dst.Y[dst.YStride+1]}; got != [4]byte{6, 8, 26, 28} {
		t.Errorf("luma %v", got)
	}
	if dst.U[0] != 2 { // (0+1+2+3)/4 = 1.5
		t.Errorf("chroma %d, want 2", dst.U[0])
	}
}

func TestTapsAddUp(t *testing.T) {
	var k taps
	for in := 1; in < 120; in += 7 {
		for out := 1; out < 120; out += 5 {
			k.set(in, out)
			for i := range out {
				sum := 0
				for _, w := range k.of(i) {
					sum += int(w)
				}
				if sum != 1<<14 || int(k.first[i])+len(k.of(i)) > in {
					t.Fatalf("%d to %d, sample %d: weights %v from %d", in, out, i, k.of(i), k.first[i])
				}
			}
		}
	}
}

func TestScaleAllocations(t *testing.T) {
	src, dst := media.NewPicture(640, 480), media.NewPicture(426, 320)
	if n := testing.AllocsPerRun(20, func() { Scale(dst, src) }); n >= 1 {
		t.Errorf("%v allocations per picture", n)
	}
}

func BenchmarkScale(b *testing.B) {
	for _, s := range [][4]int{{1280, 720, 640, 360}, {1280, 720, 854, 480}, {640, 480, 320, 240}} {
		src, dst := media.NewPicture(s[0], s[1]), media.NewPicture(s[2], s[3])
		for _, set := range append(kernelSets(), 0) {
			b.Run(fmt.Sprintf("%dx%d-%dx%d/%v", s[0], s[1], s[2], s[3], set), func(b *testing.B) {
				defer SelectKernels(set)()
				for b.Loop() {
					Scale(dst, src)
				}
			})
		}
	}
}
