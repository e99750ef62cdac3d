package raw

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// mosaicked makes a raw frame of a scene: colour returns R, G and B of 10 bits.
func mosaicked(f media.PixelFormat, w, h, pad int, colour func(x, y int) [3]int) *media.Frame {
	m, ok := mosaicOf(f)
	if !ok {
		panic("not raw")
	}
	stride := f.FrameSize(w, 1) + pad
	src := &media.Frame{Format: f, Width: w, Height: h, StrideBytes: stride, Data: make([]byte, stride*h)}
	for y := range h {
		row := src.Data[y*stride:]
		for x := range w {
			// The name tells the colours of the first two rows.
			v := colour(x, y)[strings.IndexByte("RGB", f.String()[y&1*2+x&1])]
			switch {
			case m.packed:
				row[x/4*5+x&3] = byte(v >> 2)
				row[x/4*5+4] |= byte(v&3) << (2 * (x & 3))
			case m.bits == 10:
				row[2*x], row[2*x+1] = byte(v), byte(v>>8)
			default:
				row[x] = byte(v >> 2)
			}
		}
	}
	return src
}

var formats = []media.PixelFormat{
	media.FormatRGGB8, media.FormatGRBG8, media.FormatGBRG8, media.FormatBGGR8,
	media.FormatRGGB10, media.FormatGRBG10, media.FormatGBRG10, media.FormatBGGR10,
	media.FormatRGGB10P, media.FormatGRBG10P, media.FormatGBRG10P, media.FormatBGGR10P,
}

// fixed leaves samples as they are.
var fixed = Options{RedGainQ8: unity, BlueGainQ8: unity, Linear: true}

// TestBars looks at saturated colours in every order and packing, as a grabber of
// test patterns would: a wrong order shows as a wrong colour.
func TestBars(t *testing.T) {
	bars := [8][3]int{{767, 767, 767}, {767, 767, 0}, {0, 767, 767}, {0, 767, 0}, {767, 0, 767}, {767, 0, 0}, {0, 0, 767}, {0, 0, 0}}
	want := [8][3]int{{180, 128, 128}, {162, 44, 142}, {131, 156, 44}, {112, 72, 58}, {84, 184, 198}, {65, 100, 212}, {35, 212, 114}, {16, 128, 128}}
	for _, f := range formats {
		src := mosaicked(f, 64, 16, 6, func(x, _ int) [3]int { return bars[x/8] })
		dst := media.NewPicture(64, 16)
		if err := New(fixed).Process(dst, src); err != nil {
			t.Fatal(err)
		}
		for i, c := range want {
			x, y := 8*i+4, 8
			got := [3]int{int(dst.Y[y*dst.YStride+x]), int(dst.U[y/2*dst.UVStride+x/2]), int(dst.V[y/2*dst.UVStride+x/2])}
			for k := range c {
				if got[k]-c[k] > 2 || c[k]-got[k] > 2 {
					t.Errorf("%v: bar %d is %v, want %v", f, i, got, c)
					break
				}
			}
		}
	}
}

// TestDetail holds demosaicing of a smooth scene to the scene itself, corners and
// edges too.
func TestDetail(t *testing.T) {
	const w, h = 96, 64
	scene := func(x, y int) [3]int {
		wave := func(k float64) int { return int(512 + 300*math.Sin(k+float64(x)/9)*math.Cos(float64(y)/7)) }
		return [3]int{wave(0), wave(0.3), wave(0.6)}
	}
	for _, f := range formats {
		dst := media.NewPicture(w, h)
		if err := New(fixed).Process(dst, mosaicked(f, w, h, 0, scene)); err != nil {
			t.Fatal(err)
		}
		sum, worst := 0.0, 0.0
		for y := range h {
			for x := range w {
				c := scene(x, y)
				want := float64(16) + (66*float64(c[0])+129*float64(c[1])+25*float64(c[2]))/4/256
				d := math.Abs(want - float64(dst.Y[y*dst.YStride+x]))
				sum += d * d
				worst = max(worst, d)
			}
		}
		if psnr := 10 * math.Log10(255*255*w*h/sum); psnr < 42 || worst > 12 {
			t.Errorf("%v: %.1f dB, worst error %.0f", f, psnr, worst)
		}
	}
}

// TestWhiteBalanceAndBlack: a grey scene under warm light becomes grey, and black
// stays black.
func TestWhiteBalanceAndBlack(t *testing.T) {
	const black = 64
	p := New(Options{Black: black})
	dst := media.NewPicture(64, 48)
	scene := func(x, _ int) [3]int {
		level := 40 + 6*x
		if x < 8 {
			level = 0
		}
		return [3]int{black + level*3/2, black + level, black + level/2}
	}
	if err := p.Process(dst, mosaicked(media.FormatGRBG10, 64, 48, 0, scene)); err != nil {
		t.Fatal(err)
	}
	s := p.Stats()
	if math.Abs(float64(s.RedGainQ8)-unity/1.5) > 8 || math.Abs(float64(s.BlueGainQ8)-2*unity) > 16 {
		t.Errorf("gains %d and %d", s.RedGainQ8, s.BlueGainQ8)
	}
	if y := dst.Y[10*dst.YStride+2]; y != 16 {
		t.Errorf("black is %d", y)
	}
	for _, x := range []int{16, 30, 60} {
		u, v := dst.U[10*dst.UVStride+x/2], dst.V[10*dst.UVStride+x/2]
		if u < 125 || u > 131 || v < 125 || v > 131 {
			t.Errorf("grey at %d is %d, %d", x, u, v)
		}
	}
	// Another light: the gains follow, and arrive.
	cold := mosaicked(media.FormatGRBG10, 64, 48, 0, func(int, int) [3]int { return [3]int{black + 100, black + 200, black + 200} })
	for i := range 60 {
		if err := p.Process(dst, cold); err != nil {
			t.Fatal(err)
		}
		if i == 0 && p.Stats().RedGainQ8 > unity {
			t.Error("the white balance jumps")
		}
	}
	if s := p.Stats(); s.RedGainQ8 != 2*unity || s.BlueGainQ8 != unity || s.Mean < 205 || s.Mean > 220 {
		t.Errorf("%+v", s)
	}
}

// TestExposure closes the loop over a sensor: it settles within a few steps at the
// wanted mean, wherever it begins, prefers time to gain, and then stays.
func TestExposure(t *testing.T) {
	for _, light := range []float64{0.002, 0.02, 0.3, 5} {
		for _, start := range [][2]int{{1, 16}, {1000, 16}, {1000, 256}} {
			e := Exposure{Time: Range{1, 1000}, Gain: Range{16, 256}}
			e.Start(start[0], start[1])
			time, gain := start[0], start[1]
			changes := 0
			for i := range 40 {
				mean := light * float64(time) * float64(gain) / 16
				s := Stats{Mean: int(min(mean, white))}
				if mean > white {
					s.ClippedPermille = 1000
				}
				var changed bool
				if time, gain, changed = e.Next(s); changed && i > 25 {
					changes++
				}
			}
			mean := light * float64(time) * float64(gain) / 16
			if changes > 0 {
				t.Errorf("light %v from %v: still changing", light, start)
			}
			if full := time == 1000 && gain == 256; !full && math.Abs(mean-wantedMean) > 0.2*wantedMean && time > 20 {
				t.Errorf("light %v from %v: mean %.0f with time %d, gain %d", light, start, mean, time, gain)
			}
			if gain > 16 && time < 1000 {
				t.Errorf("light %v: gain %d although time %d can grow", light, gain, time)
			}
		}
	}
}

func TestProcessRefuses(t *testing.T) {
	good := mosaicked(media.FormatRGGB10P, 16, 8, 0, func(int, int) [3]int { return [3]int{} })
	for name, c := range map[string]struct {
		change func(*media.Frame)
		w, h   int
		want   error
	}{
		"short":     {func(f *media.Frame) { f.Data = f.Data[:len(f.Data)-1] }, 16, 8, io.ErrUnexpectedEOF},
		"stride":    {func(f *media.Frame) { f.StrideBytes = 19 }, 16, 8, io.ErrUnexpectedEOF},
		"size":      {func(*media.Frame) {}, 16, 10, ErrSize},
		"odd":       {func(f *media.Frame) { f.Width = 15 }, 15, 8, ErrSize},
		"not Bayer": {func(f *media.Frame) { f.Format = media.FormatYUYV }, 16, 8, ErrFormat},
	} {
		f := &media.Frame{Format: good.Format, Width: 16, Height: 8, StrideBytes: good.StrideBytes, Data: good.Data}
		c.change(f)
		if err := New(fixed).Process(media.NewPicture(c.w, c.h), f); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProcessDoesNotAllocate(t *testing.T) {
	src := mosaicked(media.FormatGBRG10P, 64, 32, 0, func(int, int) [3]int { return [3]int{rand.IntN(white), 500, 20} })
	dst, p := media.NewPicture(64, 32), New(Options{})
	if n := testing.AllocsPerRun(20, func() {
		if err := p.Process(dst, src); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func BenchmarkProcess(b *testing.B) {
	src := mosaicked(media.FormatRGGB10P, 640, 480, 0, func(x, y int) [3]int { return [3]int{x, y, x + y&511} })
	dst, p := media.NewPicture(640, 480), New(Options{Black: 64})
	for b.Loop() {
		if err := p.Process(dst, src); err != nil {
			b.Fatal(err)
		}
	}
}
