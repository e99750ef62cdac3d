package dsp

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/edgecam/edgecam/internal/kerneltest"
)

func TestInterEqualsGeneric(t *testing.T) {
	gs, gd := kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17)
	filters := []struct {
		name          string
		before, after int
		f             func(dst []byte, ds int, src []byte, off, ss int, mx, my, w, h int)
	}{{"six-tap", 2, 3, SixTap}, {"bilinear", 0, 1, Bilinear}}
	sizes := [][2]int{{16, 16}, {16, 8}, {8, 16}, {8, 8}, {8, 4}, {4, 8}, {4, 4}}
	forEachSet(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(10, 10))
		for _, fl := range filters {
			for _, fill := range fills {
				for _, s := range sizes {
					for xy := range 64 {
						mx, my, w, h := xy&7, xy>>3, s[0], s[1]
						// The plane is what the filter may read, and no more.
						l, r, u, d := 0, 0, 0, 0
						if mx != 0 {
							l, r = fl.before, fl.after
						}
						if my != 0 {
							u, d = fl.before, fl.after
						}
						ss := w + l + r + rng.IntN(5)
						src := gs.Tail((h+u+d-1)*ss + l + w + r)
						if xy&1 == 0 {
							src = gs.Head((h+u+d-1)*ss + l + w + r)
						}
						fillBytes(src, rng, fill.at)
						ds := w + rng.IntN(9)
						c := newCanvas(gd, ds, w, h, 1)
						fl.f(c.block(), ds, src, u*ss+l, ss, mx, my, w, h)
						got := slices.Clone(c.pix)
						c = newCanvas(gd, ds, w, h, 1)
						generic(func() { fl.f(c.block(), ds, src, u*ss+l, ss, mx, my, w, h) })
						equal(t, fl.name, got, c.pix)
					}
				}
			}
		}
	})
}

// Flat areas stay flat, and a full-sample step copies.
func TestInterKnown(t *testing.T) {
	src := make([]byte, 32*32)
	for i := range src {
		src[i] = 201
	}
	dst := make([]byte, 256)
	for xy := range 64 {
		SixTap(dst, 16, src, 5*32+5, 32, xy&7, xy>>3, 16, 16)
		Bilinear(dst, 16, src, 5*32+5, 32, xy&7, xy>>3, 16, 16)
		for _, v := range dst {
			if v != 201 {
				t.Fatalf("flat area became %d at fraction %d,%d", v, xy&7, xy>>3)
			}
		}
	}
	// A step edge at half a sample: taps 3 -16 77 77 -16 3.
	clear(src)
	for y := range 32 {
		for x := 8; x < 32; x++ {
			src[y*32+x] = 128
		}
	}
	SixTap(dst, 16, src, 5*32+4, 32, 4, 0, 4, 4)
	if want := []byte{0, 0, 0, 64}; dst[3] != want[3] {
		t.Errorf("half a sample before a step: %d, want %d", dst[3], want[3])
	}
}

func TestIntraBlockEqualsGeneric(t *testing.T) {
	gd, ga, gl := kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17)
	forEachSet(t, func(t *testing.T) {
		forFills(t, 11, func(t *testing.T, fa, fb func([]byte)) {
			for _, n := range []int{8, 16} {
				above, left := ga.Tail(n), gl.Tail(n)
				fa(above)
				fb(left)
				f := Intra8x8
				if n == 16 {
					f = Intra16x16
				}
				for i := range 16 {
					mode, corner := IntraMode(i&3), []byte{0, 127, 129, 255}[i>>2]
					above, left := above, left
					if i%5 == 1 {
						above = nil
					}
					if i%7 == 2 {
						left = nil
					}
					c := newCanvas(gd, n+3, n, n, 1)
					f(c.block(), n+3, mode, above, left, corner)
					got := slices.Clone(c.pix)
					c = newCanvas(gd, n+3, n, n, 1)
					generic(func() { f(c.block(), n+3, mode, above, left, corner) })
					equal(t, "intra", got, c.pix)
				}
			}
		})
	})
}

func TestIntraBlock(t *testing.T) {
	above := []byte{10, 20, 30, 40, 50, 60, 70, 80}
	left := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	dst := make([]byte, 64)
	for _, tt := range []struct {
		name        string
		mode        IntraMode
		above, left []byte
		at0, at63   byte
	}{
		{"DC both", IntraDC, above, left, 25, 25}, // (360+36+8)>>4
		{"DC above", IntraDC, above, nil, 45, 45},
		{"DC left", IntraDC, nil, left, 5, 5}, // (36+4)>>3
		{"DC none", IntraDC, nil, nil, 128, 128},
		{"V", IntraV, above, left, 10, 80},
		{"V outside", IntraV, nil, left, 127, 127},
		{"H", IntraH, above, left, 1, 8},
		{"H outside", IntraH, above, nil, 129, 129},
		{"TM", IntraTM, above, left, 6, 83}, // corner 5
		{"TM outside", IntraTM, nil, nil, 251, 251},
	} {
		Intra8x8(dst, 8, tt.mode, tt.above, tt.left, 5)
		if dst[0] != tt.at0 || dst[63] != tt.at63 {
			t.Errorf("%s: corners %d, %d, want %d, %d", tt.name, dst[0], dst[63], tt.at0, tt.at63)
		}
	}
}

// Every 4x4 mode keeps a flat border flat; the directional ones carry a ramp
// along their direction.
func TestIntra4(t *testing.T) {
	var e Edge4
	for i := range e {
		e[i] = 90
	}
	var all [160]byte
	Intra4x4All(&all, &e)
	for i, v := range all {
		if v != 90 {
			t.Fatalf("mode %d, sample %d: %d from a flat border", i/16, i%16, v)
		}
	}
	for i := range e {
		e[i] = byte(10 * i)
	}
	// Along a ramp the (1 2 1) filter is the identity, so diagonals hold the
	// border's own values: RD row 0 is P A0 A1 A2, LD row 0 is A1 A2 A3 A4.
	Intra4x4All(&all, &e)
	for mode, want := range map[IntraMode4][]byte{
		Intra4RD: {40, 50, 60, 70, 30, 40, 50, 60, 20, 30, 40, 50, 10, 20, 30, 40},
		Intra4LD: {60, 70, 80, 90, 70, 80, 90, 100, 80, 90, 100, 110, 90, 100, 110, 118},
		Intra4VE: {50, 60, 70, 80, 50, 60, 70, 80, 50, 60, 70, 80, 50, 60, 70, 80},
		Intra4HE: {30, 30, 30, 30, 20, 20, 20, 20, 10, 10, 10, 10, 3, 3, 3, 3},
		Intra4HU: {25, 20, 15, 10, 15, 10, 5, 3, 5, 3, 0, 0, 0, 0, 0, 0},
		Intra4VR: {45, 55, 65, 75, 40, 50, 60, 70, 30, 45, 55, 65, 20, 40, 50, 60},
		Intra4HD: {35, 40, 50, 60, 25, 30, 35, 40, 15, 20, 25, 30, 5, 10, 15, 20},
		Intra4VL: {55, 65, 75, 85, 60, 70, 80, 90, 65, 75, 85, 100, 70, 80, 90, 110},
	} {
		if got := all[16*int(mode) : 16*int(mode)+16]; !slices.Equal(got, want) {
			t.Errorf("mode %d: %v, want %v", mode, got, want)
		}
	}
}

// TestIntra4SearchEqualsGeneric compares predictions and measures with those made
// one by one, with the source at the end of memory.
func TestIntra4SearchEqualsGeneric(t *testing.T) {
	g := kerneltest.NewGuarded(t, 1<<17)
	forEachSet(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(16, 4))
		for round := range 3000 {
			var e Edge4
			stride := 4 + rng.IntN(30)
			src := g.Tail(3*stride + 4)
			extreme := rng.IntN(3) == 0
			draw := func() byte {
				if extreme {
					return byte(255 * rng.IntN(2))
				}
				return byte(rng.Uint32())
			}
			for i := range e {
				e[i] = draw()
			}
			for i := range src {
				src[i] = draw()
			}
			var preds, want [16 * NumIntra4]byte
			var satd [NumIntra4]uint32
			Intra4x4Search(&satd, &preds, &e, src, stride)
			Intra4x4All(&want, &e)
			for m := range satd {
				if !slices.Equal(preds[16*m:16*m+16], want[16*m:16*m+16]) {
					t.Fatalf("round %d, mode %d, edge %v: %v, want %v", round, m, e, preds[16*m:16*m+16], want[16*m:16*m+16])
				}
				if w := satdBlockGeneric(src, stride, want[16*m:], 4); satd[m] != w {
					t.Fatalf("round %d, mode %d: SATD %d, want %d", round, m, satd[m], w)
				}
			}
		}
	})
}
