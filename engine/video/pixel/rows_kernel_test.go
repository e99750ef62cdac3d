package pixel

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/edgecam/edgecam/internal/cpufeat"
	"github.com/edgecam/edgecam/internal/kerneltest"
)

// kernelSets are the sets of this processor that differ from the portable code.
func kernelSets() []cpufeat.Set {
	var sets []cpufeat.Set
	for _, s := range []cpufeat.Set{cpufeat.SSE2, cpufeat.NEON} {
		if cpufeat.Detected()&s == s {
			sets = append(sets, s)
		}
	}
	return sets
}

func forEachSet(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if len(kernelSets()) == 0 {
		t.Skip("this build has portable code only: nothing to compare")
	}
	for _, s := range kernelSets() {
		t.Run(s.String(), func(t *testing.T) {
			defer SelectKernels(s)()
			f(t)
		})
	}
}

var fills = map[string]func(rng *rand.Rand, i int) byte{
	"random":      func(rng *rand.Rand, _ int) byte { return byte(rng.Uint32()) },
	"min":         func(*rand.Rand, int) byte { return 0 },
	"max":         func(*rand.Rand, int) byte { return 255 },
	"alternating": func(_ *rand.Rand, i int) byte { return byte(-(i & 1)) },
}

// lengths of rows: every small one and real ones.
func lengths() []int {
	var n []int
	for i := 1; i <= 64; i++ {
		n = append(n, i)
	}
	return append(n, 320, 639, 640, 1280, 1921)
}

// Rows end at an unmapped page; output rows are followed by canaries in a
// second run with slack.
func TestRowsEqualGeneric(t *testing.T) {
	in0, in1, out0, out1, out2, out3 := kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17)
	forEachSet(t, func(t *testing.T) {
		for name, at := range fills {
			rng := rand.New(rand.NewPCG(1, 1))
			fill := func(b []byte) []byte {
				for i := range b {
					b[i] = at(rng, i)
				}
				return b
			}
			for _, w := range lengths() {
				cw := (w + 1) / 2
				r0, r1 := fill(in0.Tail(4*cw)), fill(in1.Tail(4*cw))
				y0, y1, u, v := out0.Tail(w), out1.Tail(w), out2.Tail(cw), out3.Tail(cw)
				wy0, wy1, wu, wv := make([]byte, w), make([]byte, w), make([]byte, cw), make([]byte, cw)
				for lumaAt := range 2 {
					packedRows(y0, y1, u, v, r0, r1, lumaAt)
					packedRowsGeneric(wy0, wy1, wu, wv, r0, r1, lumaAt)
					if !slices.Equal(y0, wy0) || !slices.Equal(y1, wy1) || !slices.Equal(u, wu) || !slices.Equal(v, wv) {
						t.Fatalf("packedRows %s, width %d, luma at %d: differs from portable code", name, w, lumaAt)
					}
				}
				su, sv := out0.Tail(cw), out1.Tail(cw)
				splitRow(su, sv, r0[:2*cw])
				splitRowGeneric(wu, wv, r0[:2*cw])
				if !slices.Equal(su, wu) || !slices.Equal(sv, wv) {
					t.Fatalf("splitRow %s, %d: differs from portable code", name, cw)
				}
				h := out0.Tail(cw)
				halveRow(h, in0.Tail(2*cw), in1.Tail(2*cw))
				halveRowGeneric(wu, in0.Tail(2*cw), in1.Tail(2*cw))
				if !slices.Equal(h, wu) {
					t.Fatalf("halveRow %s, %d: differs from portable code", name, cw)
				}
				row, want := make([]uint16, w+1), make([]uint16, w+1)
				row[w], want[w] = 999, 999
				p := slices.Concat(r0[:w], r1[:w])
				for _, wa := range []uint16{1, 8192, 5000, 16383} {
					weights := []uint16{wa, 16384 - wa}
					verticalQ7(row[:w], p, w, 0, weights)
					restore := SelectKernels(0)
					verticalQ7(want[:w], p, w, 0, weights)
					restore()
					if !slices.Equal(row, want) {
						t.Fatalf("verticalQ7 %s, %d: differs from portable code", name, w)
					}
				}
			}
		}
	})
}

func FuzzRows(f *testing.F) {
	f.Add([]byte{0, 255, 3, 9}, uint16(33), false)
	f.Fuzz(func(t *testing.T, data []byte, width uint16, uyvy bool) {
		w := int(width%200) + 1
		cw := (w + 1) / 2
		src := make([]byte, 8*cw)
		for i := range src {
			if len(data) > 0 {
				src[i] = data[i%len(data)] + byte(i/len(data))
			}
		}
		lumaAt := 0
		if uyvy {
			lumaAt = 1
		}
		run := func() []byte {
			out := make([]byte, 2*w+2*cw)
			packedRows(out[:w], out[w:2*w], out[2*w:2*w+cw], out[2*w+cw:], src[:4*cw], src[4*cw:], lumaAt)
			return out
		}
		restore := SelectKernels(0)
		want := run()
		restore()
		for _, s := range kernelSets() {
			restore := SelectKernels(s)
			if got := run(); !slices.Equal(got, want) {
				t.Errorf("%v differs from portable code at width %d", s, w)
			}
			restore()
		}
	})
}
