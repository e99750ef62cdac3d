package dsp

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/edgecam/edgecam/internal/kerneltest"
)

func TestExtend(t *testing.T) {
	const w, h, n, stride = 5, 3, 4, 16
	buf := make([]byte, (h+2*n)*stride)
	off := n*stride + n
	for y := range h {
		for x := range w {
			buf[off+y*stride+x] = byte(10*y + x + 1)
		}
	}
	Extend(buf, off, stride, w, h, n)
	for y := -n; y < h+n; y++ {
		for x := -n; x < w+n; x++ {
			want := byte(10*min(max(y, 0), h-1) + min(max(x, 0), w-1) + 1)
			if got := buf[off+y*stride+x]; got != want {
				t.Fatalf("(%d,%d) = %d, want %d", x, y, got, want)
			}
		}
		for x := w + n; x < stride-n; x++ {
			if buf[off+y*stride+x] != 0 {
				t.Fatalf("(%d,%d), beyond the border, was written", x, y)
			}
		}
	}
}

// TestExtendRowsEqualsGeneric extends rows whose right border ends where memory
// ends; what lies between the borders of two rows must stay.
func TestExtendRowsEqualsGeneric(t *testing.T) {
	g := kerneltest.NewGuarded(t, 1<<17)
	forEachSet(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(17, 17))
		for round := range 300 {
			n, w, h := 24<<rng.IntN(2), 1+rng.IntN(70), 1+rng.IntN(9)
			stride := w + 2*n + rng.IntN(40)
			buf := g.Tail((h-1)*stride + w + 2*n)
			for i := range buf {
				buf[i] = byte(rng.Uint32())
			}
			want := slices.Clone(buf)
			generic(func() { ExtendRows(want, n, stride, w, h, n) })
			ExtendRows(buf, n, stride, w, h, n)
			if !slices.Equal(buf, want) {
				t.Fatalf("round %d (%dx%d, border %d, stride %d): wrong border", round, w, h, n, stride)
			}
		}
	})
}

func TestCopyPlane(t *testing.T) {
	src := []byte{1, 2, 3, 9, 4, 5, 6}
	dst := make([]byte, 7)
	CopyPlane(dst, 4, src, 4, 3, 2)
	if want := [7]byte{1, 2, 3, 0, 4, 5, 6}; [7]byte(dst) != want {
		t.Errorf("%v, want %v", dst, want)
	}
	copy(dst, make([]byte, 7))
	CopyPlane(dst, 3, src, 3, 3, 2)
	if want := [7]byte{1, 2, 3, 9, 4, 5, 0}; [7]byte(dst) != want {
		t.Errorf("whole: %v, want %v", dst, want)
	}
}

func TestPreconditions(t *testing.T) {
	short := make([]byte, 255)
	var off [4]int
	var out [4]uint32
	for name, f := range map[string]func(){
		"SAD":     func() { SAD16x16(short, 16, short, 16) },
		"SADx4":   func() { off[2] = 1; SAD16x16x4(make([]byte, 256), 16, make([]byte, 256), 16, &off, &out) },
		"stride":  func() { SSE16x16(make([]byte, 999), 8, make([]byte, 999), 16) },
		"FDCT":    func() { FDCT16x16(make([]int16, 255), make([]byte, 256), 16, make([]byte, 256), 16) },
		"six-tap": func() { SixTap(make([]byte, 256), 16, make([]byte, 999), 1, 32, 2, 0, 16, 16) },
		"size":    func() { Copy(make([]byte, 16), 16, short, 16, 16, 2); SixTap(short, 16, short, 0, 16, 0, 0, 5, 4) },
		"filter":  func() { FilterMB(&MBFilter{}, short, short, short, 4, 4, 16, 16, true, true) },
		"border":  func() { ExtendRows(short, 20, 64, 16, 2, 24) },
		"quantiser": func() {
			QuantizeBlocks(make([]int16, 15), make([]int16, 16), make([]int16, 16), make([]uint8, 1), &QuantMatrix{}, 0, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
