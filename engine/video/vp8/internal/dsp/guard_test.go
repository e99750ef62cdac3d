package dsp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/internal/cpufeat"
	"github.com/edgecam/edgecam/internal/kerneltest"
)

// kernelSets are the sets that this processor can run, the widest last; the
// generic code they are compared with is not among them.
func kernelSets() []cpufeat.Set {
	var sets []cpufeat.Set
	for _, s := range []cpufeat.Set{cpufeat.SSE2, cpufeat.SSE2 | cpufeat.AVX2, cpufeat.NEON, cpufeat.NEON | cpufeat.DotProd} {
		if cpufeat.Detected()&s == s {
			sets = append(sets, s)
		}
	}
	return sets
}

// forEachSet runs f with every kernel set in turn.
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

// generic runs f with the portable code.
func generic(f func()) {
	defer SelectKernels(0)()
	f()
}

// fills are the contents that kernels are tried with. Each takes the position,
// so that "alternating" is a checkerboard in any stride.
var fills = []struct {
	name string
	at   func(rng *rand.Rand, i int) byte
}{
	{"random", func(rng *rand.Rand, _ int) byte { return byte(rng.Uint32()) }},
	{"min", func(*rand.Rand, int) byte { return 0 }},
	{"max", func(*rand.Rand, int) byte { return 255 }},
	{"alternating", func(_ *rand.Rand, i int) byte { return byte(-(i & 1)) }},
	{"extremes", func(rng *rand.Rand, _ int) byte { return byte(-(rng.Uint32() & 1)) }},
	{"smooth", func(rng *rand.Rand, i int) byte { return byte(100 + i%7 + int(rng.Uint32()%9)) }},
}

func fillBytes(b []byte, rng *rand.Rand, at func(*rand.Rand, int) byte) {
	for i := range b {
		b[i] = at(rng, i)
	}
}

// pairs of fills for two operands: equal kinds and the two opposite extremes.
func forFills(t *testing.T, seed uint64, f func(t *testing.T, a, b func([]byte))) {
	t.Helper()
	for i, fa := range fills {
		for j, fb := range fills {
			rng := rand.New(rand.NewPCG(seed, uint64(i*16+j)))
			t.Run(fmt.Sprintf("%s,%s", fa.name, fb.name), func(t *testing.T) {
				f(t, func(p []byte) { fillBytes(p, rng, fa.at) }, func(p []byte) { fillBytes(p, rng, fb.at) })
			})
		}
	}
}

// canvas is an output plane with canaries all round a block, to show stray
// writes.
type canvas struct {
	pix         []byte
	off, stride int
}

func newCanvas(g *kerneltest.Guarded, stride, w, h, before int) canvas {
	// The block ends where the memory ends; before it lie rows of canaries.
	n := before*stride + 16 + (h-1)*stride + w
	c := canvas{pix: g.Tail(n), off: before*stride + 16, stride: stride}
	for i := range c.pix {
		c.pix[i] = 0xa5
	}
	return c
}

func (c canvas) block() []byte { return c.pix[c.off:] }

func equal(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%s: byte %d is %d, portable code gives %d", what, i, got[i], want[i])
			}
		}
	}
}
