package pixel

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// putColour writes pixel x, y of a packed RGB frame.
func putColour(f *media.Frame, x, y, stride int, r, g, b byte) {
	put := func(bytes ...byte) { copy(f.Data[y*stride+x*len(bytes):], bytes) }
	switch f.Format {
	case media.FormatRGB24:
		put(r, g, b)
	case media.FormatBGR24:
		put(b, g, r)
	case media.FormatRGBX32:
		put(r, g, b, 99)
	case media.FormatBGRX32:
		put(b, g, r, 99)
	case media.FormatXRGB32:
		put(99, r, g, b)
	case media.FormatXBGR32:
		put(99, b, g, r)
	case media.FormatRGB565:
		v := uint(r)>>3<<11 | uint(g)>>2<<5 | uint(b)>>3
		put(byte(v), byte(v>>8))
	}
}

var colourFormats = []media.PixelFormat{
	media.FormatRGB24, media.FormatBGR24, media.FormatRGBX32, media.FormatBGRX32, media.FormatXRGB32, media.FormatXBGR32, media.FormatRGB565,
}

// TestConvertColours compares with BT.601 in floating point.
func TestConvertColours(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, format := range colourFormats {
		for _, size := range [][2]int{{1, 1}, {2, 2}, {3, 5}, {33, 17}} {
			for _, pad := range []int{0, 7} {
				t.Run(fmt.Sprintf("%v %dx%d+%d", format, size[0], size[1], pad), func(t *testing.T) {
					w, h := size[0], size[1]
					stride := format.FrameSize(w, 1) + pad
					f := &media.Frame{Format: format, Width: w, Height: h, StrideBytes: stride, Data: make([]byte, stride*h)}
					rgb := make([][3]float64, w*h)
					for i := range rgb {
						c := [3]byte{byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32())}
						if i%5 == 0 {
							c = [3]byte{byte(255 * (i & 1)), byte(255 * (i >> 1 & 1)), byte(255 * (i >> 2 & 1))}
						}
						putColour(f, i%w, i/w, stride, c[0], c[1], c[2])
						if format == media.FormatRGB565 {
							c[0], c[1], c[2] = c[0]>>3<<3|c[0]>>5, c[1]>>2<<2|c[1]>>6, c[2]>>3<<3|c[2]>>5
						}
						rgb[i] = [3]float64{float64(c[0]), float64(c[1]), float64(c[2])}
					}
					p := media.NewPicture(w, h)
					if err := Convert(p, f); err != nil {
						t.Fatal(err)
					}
					near := func(what string, x, y int, got byte, want float64) {
						if math.Abs(float64(got)-want) > 0.52 {
							t.Errorf("%s(%d,%d) = %d, want %.2f", what, x, y, got, want)
						}
					}
					luma := func(c [3]float64) float64 { return 0.299*c[0] + 0.587*c[1] + 0.114*c[2] }
					for i, c := range rgb {
						near("Y", i%w, i/w, p.Y[i/w*p.YStride+i%w], 16+luma(c)*219/255)
					}
					cw, ch := p.ChromaSize()
					for y := range ch {
						for x := range cw {
							var m [3]float64
							for _, at := range [4][2]int{{2 * x, 2 * y}, {2*x + 1, 2 * y}, {2 * x, 2*y + 1}, {2*x + 1, 2*y + 1}} {
								for k := range m {
									m[k] += rgb[min(at[1], h-1)*w+min(at[0], w-1)][k] / 4
								}
							}
							near("U", x, y, p.U[y*p.UVStride+x], 128+(m[2]-luma(m))/1.772*224/255)
							near("V", x, y, p.V[y*p.UVStride+x], 128+(m[0]-luma(m))/1.402*224/255)
						}
					}
				})
			}
		}
		f := &media.Frame{Format: format, Width: 4, Height: 4, Data: make([]byte, format.FrameSize(4, 4)-1)}
		if err := Convert(media.NewPicture(4, 4), f); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v, a byte short: %v", format, err)
		}
	}
}

// TestConvertHalfVertical: in 4:2:2 chroma is the mean of two rows.
func TestConvertHalfVertical(t *testing.T) {
	luma := []byte{1, 2, 3, 4, 5, 6}
	for _, c := range []struct {
		format media.PixelFormat
		chroma []byte // of three rows of two pixels
	}{
		{media.FormatNV16, []byte{10, 20, 13, 20, 30, 40}},
		{media.FormatNV61, []byte{20, 10, 20, 13, 40, 30}},
		{media.FormatYUV422P, []byte{10, 13, 30, 20, 20, 40}},
	} {
		f := &media.Frame{Format: c.format, Width: 2, Height: 3, Data: append(append([]byte{}, luma...), c.chroma...)}
		p := media.NewPicture(2, 3)
		if err := Convert(p, f); err != nil {
			t.Fatalf("%v: %v", c.format, err)
		}
		if p.U[0] != 12 || p.V[0] != 20 || p.U[p.UVStride] != 30 || p.V[p.UVStride] != 40 || p.Y[p.YStride] != 3 || p.Y[2*p.YStride+1] != 6 {
			t.Errorf("%v: U %d %d, V %d %d", c.format, p.U[0], p.U[p.UVStride], p.V[0], p.V[p.UVStride])
		}
		f.Data = f.Data[:len(f.Data)-1]
		if err := Convert(p, f); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v, a byte short: %v", c.format, err)
		}
	}
}

func TestConvertDeepGrey(t *testing.T) {
	for format, full := range map[media.PixelFormat]uint{media.FormatY10: 1023, media.FormatY12: 4095, media.FormatY16: 65535} {
		f := &media.Frame{Format: format, Width: 2, Height: 1, Data: []byte{0, 0, byte(full), byte(full >> 8)}}
		p := media.NewPicture(2, 1)
		if err := Convert(p, f); err != nil {
			t.Fatal(err)
		}
		if p.Y[0] != 16 || p.Y[1] != 235 || p.U[0] != 128 || p.V[0] != 128 {
			t.Errorf("%v: black %d, white %d", format, p.Y[0], p.Y[1])
		}
	}
}
