package dsp

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/edgecam/edgecam/internal/kerneltest"
)

// TestCopyEqualsGeneric copies blocks that end where memory ends.
func TestCopyEqualsGeneric(t *testing.T) {
	gs, gd := kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17)
	forEachSet(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(15, 15))
		for round := range 400 {
			w, h, f := 4<<rng.IntN(3), 4<<rng.IntN(3), Copy
			if round&1 != 0 {
				w, f = 8+8*rng.IntN(16), CopyRun
			}
			if round%10 == 3 {
				w, h = w+rng.IntN(8), h+rng.IntN(4) // none of the kernels'
			}
			ss, ds := w+rng.IntN(20), w+rng.IntN(20)
			src, dst := gs.Tail((h-1)*ss+w), gd.Tail((h-1)*ds+w)
			for i := range src {
				src[i] = byte(rng.Uint32())
			}
			for i := range dst {
				dst[i] = byte(rng.Uint32())
			}
			want := slices.Clone(dst)
			for y := range h {
				copy(want[y*ds:y*ds+w], src[y*ss:])
			}
			f(dst, ds, src, ss, w, h)
			if !slices.Equal(dst, want) {
				t.Fatalf("round %d (%dx%d, strides %d and %d): wrong copy", round, w, h, ss, ds)
			}
		}
	})
}
