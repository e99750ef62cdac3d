//go:build linux && cgo

package alsa

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRing holds the ring against a plain slice through random traffic.
func TestRing(t *testing.T) {
	r := newRing(100)
	var model []int16
	rng := rand.New(rand.NewPCG(1, 2))
	next := int16(0)
	for range 20000 {
		if rng.IntN(2) == 0 {
			in := make([]int16, rng.IntN(130))
			for i := range in {
				in[i] = next
				next++
			}
			lost := r.push(in)
			model = append(model, in...)
			over := max(len(model)-100, 0)
			model = model[over:]
			if lost != over {
				t.Fatalf("lost %d, want %d", lost, over)
			}
		} else {
			out := make([]int16, rng.IntN(130))
			n := r.pop(out)
			want := min(len(out), len(model))
			if n != want || !slices.Equal(out[:n], model[:n]) {
				t.Fatalf("popped %d %v, want %d %v", n, out[:n], want, model[:want])
			}
			model = model[n:]
		}
		if r.n != len(model) || r.free() != 100-len(model) {
			t.Fatalf("holds %d, free %d; want %d", r.n, r.free(), len(model))
		}
	}
}
