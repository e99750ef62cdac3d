package dsp

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/edgecam/edgecam/internal/kerneltest"
)

// TestRowCacheEqualsSixTap walks as a search does, at the very ends of the plane too,
// and changes the plane where the cache is told to forget.
func TestRowCacheEqualsSixTap(t *testing.T) {
	guarded, gd := kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17)
	forEachSet(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(16, 16))
		const ss, rows = 26, 30
		plane := guarded.Tail((rows-1)*ss + ss)
		var cache RowCache
		want := make([]byte, 16*16)
		for round := range 3000 {
			if round%25 == 0 {
				cache.Forget()
				for i := range plane {
					plane[i] = byte(rng.Uint32())
				}
			}
			x, y := 2+rng.IntN(ss-16-2-3+1), 2+rng.IntN(rows-16-2-3+1)
			mx, my := rng.IntN(8), rng.IntN(8)
			got := gd.Tail(16 * 16)
			SixTap16x16(got, 16, plane, y*ss+x, ss, mx, my, &cache)
			sixTapGeneric(want, 16, plane, y*ss+x, ss, mx, my, 16, 16)
			if mx|my == 0 {
				Copy(want, 16, plane[y*ss+x:], ss, 16, 16)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("round %d: block at %d,%d, fraction %d,%d differs", round, x, y, mx, my)
			}
		}
	})
}
