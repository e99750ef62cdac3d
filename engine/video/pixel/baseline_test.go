package pixel

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// scene is a picture with edges, gradients and noise.
func scene(w, h int, ratio image.YCbCrSubsampleRatio, noise int) *image.YCbCr {
	rng := rand.New(rand.NewPCG(1, 2))
	m := image.NewYCbCr(image.Rect(0, 0, w, h), ratio)
	for y := range h {
		for x := range w {
			m.Y[m.YOffset(x, y)] = byte(min(max(x*255/w+40*((x/16+y/16)&1)+rng.IntN(noise+1), 0), 255))
			m.Cb[m.COffset(x, y)] = byte(60 + y*120/h)
			m.Cr[m.COffset(x, y)] = byte(90 + 70*((x/24)&1) + rng.IntN(noise+1)/2)
		}
	}
	return m
}

func coded(t testing.TB, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// complete decodes by the standard library.
func complete(t testing.TB, data []byte, w, h int) *media.Picture {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	p := media.NewPicture(w, h)
	fromYCbCr(p, img.(*image.YCbCr))
	return p
}

func worst(a, b []byte, as, bs, w, h int) (most int) {
	for y := range h {
		for x := range w {
			d := int(a[y*as+x]) - int(b[y*bs+x])
			most = max(most, d, -d)
		}
	}
	return most
}

// TestBaselineAgrees compares with the standard library's decoder: the transforms
// round differently, by a level or two.
func TestBaselineAgrees(t *testing.T) {
	for _, size := range [][2]int{{16, 16}, {64, 48}, {2, 2}, {90, 58}, {322, 178}} {
		for _, quality := range []int{5, 50, 92, 100} {
			w, h := size[0], size[1]
			data := coded(t, scene(w, h, image.YCbCrSubsampleRatio420, 40), quality)
			want := complete(t, data, w, h)
			got := media.NewPicture(w, h)
			if err := decodeBaseline(got, data); err != nil {
				t.Fatalf("%v, quality %d: %v", size, quality, err)
			}
			cw, ch := got.ChromaSize()
			for plane, d := range map[string]int{
				"Y": worst(got.Y, want.Y, got.YStride, want.YStride, w, h),
				"U": worst(got.U, want.U, got.UVStride, want.UVStride, cw, ch),
				"V": worst(got.V, want.V, got.UVStride, want.UVStride, cw, ch),
			} {
				if d > 2 {
					t.Errorf("%v, quality %d: %s differs by %d", size, quality, plane, d)
				}
			}
		}
	}
}

// writer makes JPEG streams that the standard library's encoder does not: other
// subsampling, restart markers. Every block is DC alone.
type writer struct {
	bytes.Buffer
	acc uint32
	n   uint
}

func (w *writer) bits(v, n uint32) {
	w.acc, w.n = w.acc<<n|v, w.n+uint(n)
	for w.n >= 8 {
		b := byte(w.acc >> (w.n - 8))
		w.WriteByte(b)
		if b == 0xff {
			w.WriteByte(0)
		}
		w.n -= 8
	}
}

func (w *writer) flush() {
	if w.n > 0 {
		w.bits(1<<(8-w.n)-1, uint32(8-w.n))
	}
}

// flat writes a frame whose MCU number i has luma, Cb and Cr of level i.
func flat(width, height, h, v, interval int, level func(mcu int) [3]int) []byte {
	w := &writer{}
	w.Write([]byte{0xff, 0xd8, 0xff, 0xdb, 0, 67, 0})
	w.Write(bytes.Repeat([]byte{8}, 64)) // DC of 1 is one level
	w.Write([]byte{0xff, 0xc0, 0, 17, 8, byte(height >> 8), byte(height), byte(width >> 8), byte(width), 3, 1, byte(h<<4 | v), 0, 2, 0x11, 0, 3, 0x11, 0})
	if interval > 0 {
		w.Write([]byte{0xff, 0xdd, 0, 4, byte(interval >> 8), byte(interval)})
	}
	// No tables: those of annex K. DC codes of luma and chroma by size, and EOB.
	w.Write([]byte{0xff, 0xda, 0, 12, 3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0})
	lumaDC := [][2]uint32{{0, 2}, {2, 3}, {3, 3}, {4, 3}, {5, 3}, {6, 3}, {14, 4}, {30, 5}, {62, 6}}
	chromaDC := [][2]uint32{{0, 2}, {1, 2}, {2, 2}, {6, 3}, {14, 4}, {30, 5}, {62, 6}, {126, 7}, {254, 8}}
	var pred [3]int
	block := func(c, value int) {
		diff := value - pred[c]
		pred[c] = value
		size := 0
		for a := max(diff, -diff); a > 0; a >>= 1 {
			size++
		}
		code, eob := lumaDC[size], [2]uint32{0b1010, 4}
		if c > 0 {
			code, eob = chromaDC[size], [2]uint32{0, 2}
		}
		w.bits(code[0], code[1])
		if diff < 0 {
			diff += 1<<size - 1
		}
		w.bits(uint32(diff), uint32(size))
		w.bits(eob[0], eob[1])
	}
	mcus := (width + 8*h - 1) / (8 * h) * ((height + 8*v - 1) / (8 * v))
	for i := range mcus {
		if interval > 0 && i > 0 && i%interval == 0 {
			w.flush()
			w.Write([]byte{0xff, byte(0xd0 + (i/interval-1)%8)})
			pred = [3]int{}
		}
		l := level(i)
		for range h * v {
			block(0, l[0]-128)
		}
		block(1, l[1]-128)
		block(2, l[2]-128)
	}
	w.flush()
	w.Write([]byte{0xff, 0xd9})
	return w.Bytes()
}

// TestBaselineSampling: each subsampling, with and without restart markers, puts
// every MCU where it belongs; the standard library agrees.
func TestBaselineSampling(t *testing.T) {
	level := func(i int) [3]int { return [3]int{20 + 5*i%200, 60 + 7*i%120, 200 - 3*i%120} }
	for _, s := range [][2]int{{1, 1}, {2, 1}, {1, 2}, {2, 2}} {
		for _, interval := range []int{0, 1, 3} {
			w, h := 74, 50
			data := flat(w, h, s[0], s[1], interval, level)
			got := media.NewPicture(w, h)
			if err := decodeBaseline(got, data); err != nil {
				t.Fatalf("%v, interval %d: %v", s, interval, err)
			}
			across := (w + 8*s[0] - 1) / (8 * s[0])
			for y := 0; y < h; y += 2 {
				for x := 0; x < w; x += 2 {
					l := level(y/(8*s[1])*across + x/(8*s[0]))
					yy, u, v := got.Y[y*got.YStride+x], got.U[y/2*got.UVStride+x/2], got.V[y/2*got.UVStride+x/2]
					if yy != lumaToLimited[l[0]] || u != chromaToLimited[l[1]] || v != chromaToLimited[l[2]] {
						t.Fatalf("%v, interval %d: (%d,%d) is %d %d %d, want of %v", s, interval, x, y, yy, u, v, l)
					}
				}
			}
		}
	}
}

// TestBaselineTransform holds the inverse transform to the definition.
func TestBaselineTransform(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for trial := range 300 {
		var in [64]int32
		for range 1 + rng.IntN(20) {
			in[rng.IntN(64)] = int32(rng.IntN(1+2*(1+trial)) - trial - 1)
		}
		var got [64]byte
		inverseDCT(&got, &in, 63)
		for y := range 8 {
			for x := range 8 {
				sum := 0.0
				for v := range 8 {
					for u := range 8 {
						c := 0.25 * float64(in[8*v+u])
						if u == 0 {
							c *= math.Sqrt2 / 2
						}
						if v == 0 {
							c *= math.Sqrt2 / 2
						}
						sum += c * math.Cos(float64(2*x+1)*float64(u)*math.Pi/16) * math.Cos(float64(2*y+1)*float64(v)*math.Pi/16)
					}
				}
				want := min(max(128+sum, 0), 255)
				if math.Abs(float64(got[8*y+x])-want) > 0.75 {
					t.Fatalf("trial %d: (%d,%d) is %d, want %.2f", trial, x, y, got[8*y+x], want)
				}
			}
		}
	}
}

// TestBaselineDamage: whatever is broken, the decoder says so and stays within the
// picture; nothing that the standard library refuses is taken for good, but for
// damage that hits no code.
func TestBaselineDamage(t *testing.T) {
	good := coded(t, scene(64, 48, image.YCbCrSubsampleRatio420, 30), 80)
	p := media.NewPicture(64, 48)
	for n := range len(good) - 3 {
		if err := decodeBaseline(p, good[:n]); err == nil && n < len(good)-2-2 {
			t.Fatalf("%d of %d bytes are taken for a picture", n, len(good))
		}
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		bad := bytes.Clone(good)
		for range 1 + rng.IntN(4) {
			bad[rng.IntN(len(bad))] = byte(rng.Uint32())
		}
		_ = decodeBaseline(p, bad) // must return, without a panic
	}
	grey := coded(t, image.NewGray(image.Rect(0, 0, 64, 48)), 80)
	odd := coded(t, scene(63, 48, image.YCbCrSubsampleRatio420, 0), 80)
	for name, data := range map[string][]byte{"grey": grey, "odd size": odd, "empty": nil} {
		if err := decodeBaseline(p, append([]byte{}, data...)); !errors.Is(err, errNotBaseline) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBaselineDoesNotAllocate(t *testing.T) {
	data := coded(t, scene(320, 240, image.YCbCrSubsampleRatio420, 30), 80)
	p := media.NewPicture(320, 240)
	if n := testing.AllocsPerRun(20, func() {
		if err := DecodeJPEG(p, data); err != nil {
			t.Fatal(err)
		}
	}); n > 0.5 { // the pool may be emptied in between
		t.Errorf("%v allocations a frame", n)
	}
}

func BenchmarkDecodeJPEG(b *testing.B) {
	data := coded(b, scene(640, 480, image.YCbCrSubsampleRatio420, 20), 80)
	p := media.NewPicture(640, 480)
	b.Run("baseline", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := DecodeJPEG(p, data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("standard library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			complete(b, data, 640, 480)
		}
	})
}
