package dsp

import (
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/internal/kerneltest"
)

type metric struct {
	name string
	w, h int
	f    func(a []byte, as int, b []byte, bs int) [8]int64
}

func one(f func(a []byte, as int, b []byte, bs int) uint32) func(a []byte, as int, b []byte, bs int) [8]int64 {
	return func(a []byte, as int, b []byte, bs int) [8]int64 { return [8]int64{int64(f(a, as, b, bs))} }
}

func two(f func(a []byte, as int, b []byte, bs int) (uint32, int32)) func(a []byte, as int, b []byte, bs int) [8]int64 {
	return func(a []byte, as int, b []byte, bs int) [8]int64 {
		sse, sum := f(a, as, b, bs)
		return [8]int64{int64(sse), int64(sum)}
	}
}

var metrics = []metric{
	{"SAD16x16", 16, 16, one(SAD16x16)},
	{"SAD16x8", 16, 8, one(SAD16x8)},
	{"SAD8x16", 8, 16, one(SAD8x16)},
	{"SAD8x8", 8, 8, one(SAD8x8)},
	{"SAD4x4", 4, 4, one(SAD4x4)},
	{"SSE4x4", 4, 4, one(SSE4x4)},
	{"SSE8x8", 8, 8, one(SSE8x8)},
	{"SSE16x16", 16, 16, one(SSE16x16)},
	{"Diff16x16", 16, 16, two(Diff16x16)},
	{"Diff8x8", 8, 8, two(Diff8x8)},
	{"SATD4x4", 4, 4, one(SATD4x4)},
	{"SATD8x8", 8, 8, one(SATD8x8)},
	{"SATD16x16", 16, 16, one(SATD16x16)},
	{"Quadrants", 16, 16, func(a []byte, as int, b []byte, bs int) (r [8]int64) {
		var sse [4]uint32
		var sum [4]int32
		Quadrants16x16(a, as, b, bs, &sse, &sum)
		for i := range 4 {
			r[i], r[4+i] = int64(sse[i]), int64(sum[i])
		}
		return r
	}},
	{"Stats", 16, 16, func(a []byte, as int, _ []byte, _ int) [8]int64 {
		q, s := Stats16x16(a, as)
		return [8]int64{int64(q), int64(s)}
	}},
	{"SSEPlane", 37, 19, func(a []byte, as int, b []byte, bs int) [8]int64 {
		return [8]int64{int64(SSEPlane(a, as, b, bs, 37, 19))}
	}},
}

func TestMetricsEqualGeneric(t *testing.T) {
	ga, gb := kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17)
	forEachSet(t, func(t *testing.T) {
		forFills(t, 1, func(t *testing.T, fa, fb func([]byte)) {
			for _, m := range metrics {
				for _, stride := range []int{m.w, m.w + 1, 64, 67} {
					n := (m.h-1)*stride + m.w
					// Both ends of the memory: no byte outside may be read.
					for _, ab := range [][2][]byte{{ga.Tail(n), gb.Tail(n)}, {ga.Head(n), gb.Head(n)}} {
						fa(ab[0])
						fb(ab[1])
						got := m.f(ab[0], stride, ab[1], stride)
						var want [8]int64
						generic(func() { want = m.f(ab[0], stride, ab[1], stride) })
						if got != want {
							t.Fatalf("%s, stride %d: %v, portable code gives %v", m.name, stride, got, want)
						}
					}
				}
			}
		})
	})
}

// Known answers keep the portable code honest.
func TestMetricsKnown(t *testing.T) {
	zero, full := make([]byte, 256), make([]byte, 256)
	for i := range full {
		full[i] = 255
	}
	if got := SAD16x16(full, 16, zero, 16); got != 255*256 {
		t.Errorf("SAD16x16 = %d, want %d", got, 255*256)
	}
	if sse, sum := Diff8x8(zero, 8, full, 8); sse != 255*255*64 || sum != -255*64 {
		t.Errorf("Diff8x8 = %d, %d, want %d, %d", sse, sum, 255*255*64, -255*64)
	}
	// A flat difference d has one Hadamard coefficient, 16d; half of it counts.
	if got := SATD4x4(full, 4, zero, 4); got != 8*255 {
		t.Errorf("SATD4x4 = %d, want %d", got, 8*255)
	}
	if got := SATD16x16(full, 16, zero, 16); got != 16*8*255 {
		t.Errorf("SATD16x16 = %d, want %d", got, 16*8*255)
	}
	one := make([]byte, 256)
	one[0] = 10 // every coefficient is +-10
	if got := SATD4x4(one, 4, zero, 4); got != 80 {
		t.Errorf("SATD4x4 of one sample = %d, want 80", got)
	}
}

func TestSADx4(t *testing.T) {
	gs, gr := kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17)
	tests := []struct {
		name string
		w, h int
		x4   func(src []byte, ss int, ref []byte, rs int, off *[4]int, out *[4]uint32)
		one  func(a []byte, as int, b []byte, bs int) uint32
	}{
		{"16x16", 16, 16, SAD16x16x4, SAD16x16},
		{"16x8", 16, 8, SAD16x8x4, SAD16x8},
		{"8x16", 8, 16, SAD8x16x4, SAD8x16},
		{"8x8", 8, 8, SAD8x8x4, SAD8x8},
		{"4x4", 4, 4, SAD4x4x4, SAD4x4},
	}
	forEachSet(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 2))
		for _, tt := range tests {
			for range 50 {
				const rs = 61
				src := gs.Tail((tt.h-1)*23 + tt.w)
				ref := gr.Tail(40 * rs)
				fillBytes(src, rng, fills[0].at)
				fillBytes(ref, rng, fills[0].at)
				last := len(ref) - ((tt.h-1)*rs + tt.w)
				off := [4]int{0, last, rng.IntN(last), rng.IntN(last)}
				var out [4]uint32
				tt.x4(src, 23, ref, rs, &off, &out)
				for i, o := range off {
					var want uint32
					generic(func() { want = tt.one(src, 23, ref[o:], rs) })
					if out[i] != want {
						t.Fatalf("%s: candidate %d is %d, want %d", tt.name, i, out[i], want)
					}
				}
			}
		}
	})
}

// TestSADCross has the four neighbours end where memory ends, and one step
// further out.
func TestSADCross(t *testing.T) {
	gs, gr := kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17)
	tests := []struct {
		size  int
		cross func(src []byte, ss int, ref []byte, rs, at, n int, out *[4]uint32)
		one   func(a []byte, as int, b []byte, bs int) uint32
	}{{16, SAD16x16Cross, SAD16x16}, {8, SAD8x8Cross, SAD8x8}}
	forEachSet(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(4, 4))
		for _, tt := range tests {
			for n := range 9 {
				const rs = 61
				src := gs.Tail((tt.size-1)*23 + tt.size)
				ref := gr.Tail(50 * rs)
				fillBytes(src, rng, fills[0].at)
				fillBytes(ref, rng, fills[0].at)
				least, most := n*rs, len(ref)-((tt.size-1+n)*rs+tt.size)
				for _, at := range []int{least, most, least + rng.IntN(most-least)} {
					var out [4]uint32
					tt.cross(src, 23, ref, rs, at, n, &out)
					for i, o := range [4]int{at - n*rs, at - n, at + n, at + n*rs} {
						var want uint32
						generic(func() { want = tt.one(src, 23, ref[o:], rs) })
						if out[i] != want {
							t.Fatalf("size %d, distance %d: neighbour %d is %d, want %d", tt.size, n, i, out[i], want)
						}
					}
				}
				for _, at := range []int{least - 1, most + 1} {
					if n > 0 && !panics(func() { tt.cross(src, 23, ref, rs, at, n, new([4]uint32)) }) {
						t.Fatalf("size %d, distance %d: a neighbour outside the plane passed", tt.size, n)
					}
				}
			}
		}
	})
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

// TestSSEPlaneHigh: planes higher than what kernels take at a time, with the
// largest differences there are.
func TestSSEPlaneHigh(t *testing.T) {
	const w, h = 40, 150
	a, b := make([]byte, w*h), make([]byte, w*h)
	rng := rand.New(rand.NewPCG(17, 17))
	forEachSet(t, func(t *testing.T) {
		for round := range 4 {
			want := uint64(0)
			for i := range a {
				a[i], b[i] = byte(255*(round&1)), byte(255*(round>>1))
				if round == 3 {
					a[i], b[i] = byte(rng.Uint32()), byte(rng.Uint32())
				}
				d := int64(a[i]) - int64(b[i])
				want += uint64(d * d)
			}
			if got := SSEPlane(a, w, b, w, w, h); got != want {
				t.Errorf("round %d: %d, want %d", round, got, want)
			}
		}
	})
}
