package raw

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/internal/cpufeat"
	"github.com/edgecam/edgecam/internal/kerneltest"
)

// TestNEONWords: what a reader of the assembly sees is what runs.
func TestNEONWords(t *testing.T) { kerneltest.NEONWords(t) }

func needKernels(t *testing.T) {
	t.Helper()
	if cpufeat.Detected()&cpufeat.NEON == 0 {
		t.Skip("this processor has no kernels of this package")
	}
}

// tail returns n samples that end where mapped memory does.
func tail[T uint8 | uint16](t *testing.T, n int) []T {
	var v T
	size := n * int(unsafe.Sizeof(v))
	b := kerneltest.NewGuarded(t, max(size, 1)).Tail(size)
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// fill makes what sensors deliver, and what they do not: extremes, alternating.
func fill[T uint8 | uint16](s []T, kind int, most T) {
	for i := range s {
		switch kind {
		case 0:
			s[i] = T(rand.IntN(int(most) + 1))
		case 1:
			s[i] = 0
		case 2:
			s[i] = most
		default:
			s[i] = most * T(i&1)
		}
	}
}

func widths() []int {
	var w []int
	for n := 2; n <= 66; n += 2 {
		w = append(w, n)
	}
	return append(w, 320, 638, 640, 1640)
}

func TestInterpolateEqualsGeneric(t *testing.T) {
	needKernels(t)
	for _, w := range widths() {
		for kind := range 4 {
			for at := range 2 {
				rows := [3][]uint16{tail[uint16](t, w+2), tail[uint16](t, w+2), tail[uint16](t, w+2)}
				for _, r := range rows {
					fill(r, kind, white)
				}
				got, want := tail[uint16](t, 3*w), make([]uint16, 3*w)
				interpolate(got, rows[0], rows[1], rows[2], w, at)
				interpolateGeneric(want, rows[0], rows[1], rows[2], w, at, 0)
				if !slices.Equal(got, want) {
					t.Fatalf("width %d, samples %d, parity %d: differs", w, kind, at)
				}
			}
		}
	}
}

func TestToYUVEqualsGeneric(t *testing.T) {
	needKernels(t)
	for _, w := range widths() {
		for kind := range 4 {
			a, b := tail[uint8](t, 3*w), tail[uint8](t, 3*w)
			fill(a, kind, 255)
			fill(b, kind, 255)
			got, want := [4][]uint8{tail[uint8](t, w), tail[uint8](t, w), tail[uint8](t, w/2), tail[uint8](t, w/2)}, [4][]uint8{}
			for i := range want {
				want[i] = make([]uint8, len(got[i]))
			}
			toYUV(got[0], got[1], got[2], got[3], a, b, w)
			toYUVGeneric(want[0], want[1], want[2], want[3], a, b, w, 0)
			for i := range want {
				if !slices.Equal(got[i], want[i]) {
					t.Fatalf("width %d, samples %d, plane %d: differs", w, kind, i)
				}
			}
		}
	}
}

// Whole pictures, of every order and packing, are the same bits with kernels and
// without.
func TestPicturesEqualGeneric(t *testing.T) {
	needKernels(t)
	for _, f := range formats {
		for _, size := range [][2]int{{4, 4}, {34, 6}, {162, 20}} {
			src := mosaicked(f, size[0], size[1], 0, func(int, int) [3]int { return [3]int{rand.IntN(white), rand.IntN(white), rand.IntN(white)} })
			var sums [2]string
			for i, set := range []cpufeat.Set{0, cpufeat.NEON} {
				restore := SelectKernels(set)
				dst := media.NewPicture(size[0], size[1])
				err := New(Options{Black: 64}).Process(dst, src)
				restore()
				if err != nil {
					t.Fatal(err)
				}
				sums[i] = fmt.Sprint(dst.Y, dst.U, dst.V)
			}
			if sums[0] != sums[1] {
				t.Errorf("%v %dx%d: kernels give other bits", f, size[0], size[1])
			}
		}
	}
}
