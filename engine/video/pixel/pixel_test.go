package pixel

import (
	"errors"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// sample is a test picture: smooth luma and chroma that differ everywhere.
func sampleY(x, y int) byte { return byte(16 + (3*x+5*y)%220) }
func sampleU(x, y int) byte { return byte(40 + (7*x+2*y)%170) }
func sampleV(x, y int) byte { return byte(50 + (2*x+9*y)%160) }

// build lays a frame out in a format, with rows of the given stride (0: none).
func build(format media.PixelFormat, w, h, stride int) *media.Frame {
	f := &media.Frame{Format: format, Width: w, Height: h, StrideBytes: stride, Sequence: 7, CapturedAt: time.Unix(9, 0)}
	cw, ch := (w+1)/2, (h+1)/2
	s := stride
	if s == 0 {
		s = w
	}
	plane := func(w, h, s int, at func(x, y int) byte) {
		o := len(f.Data)
		f.Data = append(f.Data, make([]byte, s*h)...)
		for y := range h {
			for x := range w {
				f.Data[o+y*s+x] = at(x, y)
			}
		}
	}
	switch format {
	case media.FormatYUYV, media.FormatUYVY, media.FormatYVYU, media.FormatVYUY:
		if s = stride; s == 0 {
			s = 4 * cw
		}
		plane(4*cw, h, s, func(x, y int) byte {
			if format == media.FormatUYVY || format == media.FormatVYUY {
				x ^= 1
			}
			if (format == media.FormatYVYU || format == media.FormatVYUY) && x&1 != 0 {
				x ^= 2
			}
			switch x & 3 {
			case 1:
				return sampleU(x/4, y/2)
			case 3:
				return sampleV(x/4, y/2)
			default:
				return sampleY(x/2, y)
			}
		})
	case media.FormatNV12, media.FormatNV21:
		plane(w, h, s, sampleY)
		plane(2*cw, ch, max(s, 2*cw), func(x, y int) byte {
			if (x&1 == 0) == (format == media.FormatNV12) {
				return sampleU(x/2, y)
			}
			return sampleV(x/2, y)
		})
	case media.FormatI420:
		plane(w, h, s, sampleY)
		plane(cw, ch, (s+1)/2, sampleU)
		plane(cw, ch, (s+1)/2, sampleV)
	case media.FormatYV12:
		plane(w, h, s, sampleY)
		plane(cw, ch, (s+1)/2, sampleV)
		plane(cw, ch, (s+1)/2, sampleU)
	case media.FormatGrey:
		plane(w, h, s, sampleY)
	}
	return f
}

var rawFormats = []media.PixelFormat{
	media.FormatYUYV, media.FormatUYVY, media.FormatYVYU, media.FormatVYUY, media.FormatNV12, media.FormatNV21, media.FormatI420, media.FormatYV12, media.FormatGrey,
}

func checkSample(t *testing.T, p *media.Picture, grey bool) {
	t.Helper()
	for y := range p.Height {
		for x := range p.Width {
			want := sampleY(x, y)
			if grey { // full range
				want = byte((16*255 + 219*int(want) + 127) / 255)
			}
			if got := p.Y[y*p.YStride+x]; got != want {
				t.Fatalf("Y(%d,%d) = %d, want %d", x, y, got, want)
			}
		}
	}
	cw, ch := p.ChromaSize()
	for y := range ch {
		for x := range cw {
			wu, wv := sampleU(x, y), sampleV(x, y)
			if grey {
				wu, wv = 128, 128
			}
			if u, v := p.U[y*p.UVStride+x], p.V[y*p.UVStride+x]; u != wu || v != wv {
				t.Fatalf("UV(%d,%d) = %d,%d, want %d,%d", x, y, u, v, wu, wv)
			}
		}
	}
}

func TestConvert(t *testing.T) {
	for _, format := range rawFormats {
		for _, size := range [][2]int{{1, 1}, {2, 2}, {3, 3}, {16, 8}, {37, 23}, {64, 4}, {641, 31}} {
			for _, pad := range []int{0, 6} {
				t.Run(fmt.Sprintf("%v %dx%d+%d", format, size[0], size[1], pad), func(t *testing.T) {
					w, h := size[0], size[1]
					stride := 0
					if pad != 0 {
						if stride = w + pad; format == media.FormatYUYV || format == media.FormatUYVY || format == media.FormatYVYU || format == media.FormatVYUY {
							stride = 2*w + 2 + pad
						}
					}
					f := build(format, w, h, stride)
					if n := format.FrameSize(w, h); stride == 0 && format != media.FormatI420 && format != media.FormatYV12 && len(f.Data) != n {
						t.Fatalf("test frame has %d bytes, FrameSize says %d", len(f.Data), n)
					}
					p := media.NewPicture(w, h)
					if err := Convert(p, f); err != nil {
						t.Fatal(err)
					}
					checkSample(t, p, format == media.FormatGrey)
					if p.Sequence != 7 || !p.CapturedAt.Equal(f.CapturedAt) {
						t.Error("times were not carried over")
					}
				})
			}
		}
	}
}

func TestConvertErrors(t *testing.T) {
	for _, format := range rawFormats {
		f := build(format, 32, 16, 0)
		for _, n := range []int{0, 1, len(f.Data) / 2, len(f.Data) - 1} {
			short := *build(format, 32, 16, 0)
			short.Data = f.Data[:n]
			if err := Convert(media.NewPicture(32, 16), &short); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%v with %d of %d bytes: %v, want io.ErrUnexpectedEOF", format, n, len(f.Data), err)
			}
		}
		if err := Convert(media.NewPicture(30, 16), f); !errors.Is(err, ErrSize) {
			t.Errorf("%v, other size: %v, want ErrSize", format, err)
		}
		f.StrideBytes = 5
		if err := Convert(media.NewPicture(32, 16), f); !errors.Is(err, ErrSize) {
			t.Errorf("%v, short stride: %v, want ErrSize", format, err)
		}
		f.StrideBytes = 1 << 40
		if err := Convert(media.NewPicture(32, 16), f); !errors.Is(err, ErrSize) {
			t.Errorf("%v, absurd stride: %v, want ErrSize", format, err)
		}
	}
	for _, format := range []media.PixelFormat{media.FormatVP8, media.FormatUnknown, 200} {
		f := &media.Frame{Format: format, Width: 2, Height: 2, Data: make([]byte, 99)}
		if err := Convert(media.NewPicture(2, 2), f); !errors.Is(err, ErrFormat) {
			t.Errorf("%v: %v, want ErrFormat", format, err)
		}
	}
}

// The chroma of packed 4:2:2 is the mean of two rows.
func TestConvertPackedChroma(t *testing.T) {
	f := &media.Frame{Format: media.FormatYUYV, Width: 2, Height: 2, Data: []byte{1, 10, 2, 20, 3, 13, 4, 20}}
	p := media.NewPicture(2, 2)
	if err := Convert(p, f); err != nil {
		t.Fatal(err)
	}
	if p.U[0] != 12 || p.V[0] != 20 || p.Y[0] != 1 || p.Y[1] != 2 || p.Y[p.YStride] != 3 || p.Y[p.YStride+1] != 4 {
		t.Errorf("Y %v %v, U %d, V %d", p.Y[:2], p.Y[p.YStride:p.YStride+2], p.U[0], p.V[0])
	}
}

func TestConvertAllocations(t *testing.T) {
	for _, format := range rawFormats {
		f, p := build(format, 320, 240, 0), media.NewPicture(320, 240)
		if n := testing.AllocsPerRun(10, func() {
			if err := Convert(p, f); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v: %v allocations per frame", format, n)
		}
	}
}

func FuzzConvert(f *testing.F) {
	f.Add(uint8(1), uint16(16), uint16(16), 0, []byte{1, 2, 3})
	f.Add(uint8(8), uint16(16), uint16(16), 0, []byte{0xff, 0xd8, 0xff, 0xda})
	f.Add(uint8(media.FormatMJPEG), uint16(63), uint16(47), 0, coded(f, scene(64, 48, image.YCbCrSubsampleRatio420, 4), 80))
	f.Fuzz(func(t *testing.T, format uint8, w, h uint16, stride int, data []byte) {
		fr := &media.Frame{
			Format: media.PixelFormat(format % 24), Width: int(w%96) + 1, Height: int(h%96) + 1,
			StrideBytes: stride, Data: data,
		}
		_ = Convert(media.NewPicture(fr.Width, fr.Height), fr) // may fail, must not panic
	})
}

func BenchmarkConvert(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, format := range rawFormats {
		f, p := build(format, 1280, 720, 0), media.NewPicture(1280, 720)
		for i := range f.Data {
			f.Data[i] = byte(rng.Uint32())
		}
		for _, set := range append(kernelSets(), 0) {
			b.Run(fmt.Sprintf("%v/%v", format, set), func(b *testing.B) {
				defer SelectKernels(set)()
				for b.Loop() {
					if err := Convert(p, f); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
