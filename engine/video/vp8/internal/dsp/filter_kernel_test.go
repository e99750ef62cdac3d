package dsp

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/edgecam/edgecam/internal/kerneltest"
)

// filterPlane fills a plane so that edges of all kinds occur: noise of growing
// amplitude round a level that steps now and then.
func filterPlane(p []byte, rng *rand.Rand) {
	amplitude := rng.IntN(40) + 1
	level := rng.IntN(256)
	for i := range p {
		if rng.IntN(6) == 0 {
			level = min(max(level+rng.IntN(61)-30, 0), 255)
		}
		p[i] = byte(min(max(level+rng.IntN(amplitude)-amplitude/2, 0), 255))
	}
}

func TestFilterEqualsGeneric(t *testing.T) {
	gy, gu, gv := kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17)
	forEachSet(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(12, 12))
		for round := range 1500 {
			left, top := round&1 != 0, round&2 != 0
			ys, us := 16+rng.IntN(40), 8+rng.IntN(40)
			if left {
				ys, us = ys+4, us+4
			}
			// The planes hold what the filter may read, and nothing behind it.
			yOff, uOff := 0, 0
			if left {
				yOff, uOff = 4, 4
			}
			if top {
				yOff, uOff = yOff+4*ys, uOff+4*us
			}
			y, u, v := gy.Tail(yOff+15*ys+16), gu.Tail(uOff+7*us+8), gv.Tail(uOff+7*us+8)
			if round%3 == 0 {
				y, u, v = gy.Head(len(y)), gu.Head(len(u)), gv.Head(len(v))
			}
			for _, p := range [][]byte{y, u, v} {
				if round%8 == 7 {
					fillBytes(p, rng, fills[rng.IntN(len(fills))].at)
				} else {
					filterPlane(p, rng)
				}
			}
			var f MBFilter
			f.SetLevel(1+rng.IntN(63), rng.IntN(8), round&4 != 0, round&8 != 0)
			y0, u0, v0 := slices.Clone(y), slices.Clone(u), slices.Clone(v)

			FilterMB(&f, y, u, v, yOff, uOff, ys, us, left, top)
			y1, u1, v1 := slices.Clone(y), slices.Clone(u), slices.Clone(v)
			copy(y, y0)
			copy(u, u0)
			copy(v, v0)
			generic(func() { FilterMB(&f, y, u, v, yOff, uOff, ys, us, left, top) })
			equal(t, "luma", y1, y)
			equal(t, "U", u1, u)
			equal(t, "V", v1, v)

			copy(y, y0)
			FilterMBSimple(&f, y, yOff, ys, left, top)
			y1 = slices.Clone(y)
			copy(y, y0)
			generic(func() { FilterMBSimple(&f, y, yOff, ys, left, top) })
			equal(t, "simple", y1, y)
		}
	})
}

// A row is its macroblocks one after the other, to the last sample that may be
// read and written.
func TestFilterRow(t *testing.T) {
	gy, gu, gv := kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17)
	forEachSet(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(13, 13))
		filtered := false
		for round := range 400 {
			n, top := 1+rng.IntN(6), round&1 != 0
			ys, us := 16*n+rng.IntN(40), 8*n+rng.IntN(40)
			yOff, uOff := 0, 0
			if top {
				yOff, uOff = 4*ys, 4*us
			}
			y, u, v := gy.Tail(yOff+15*ys+16*n), gu.Tail(uOff+7*us+8*n), gv.Tail(uOff+7*us+8*n)
			filterPlane(y, rng)
			filterPlane(u, rng)
			filterPlane(v, rng)
			mbs := make([]MBFilter, n)
			for i := range mbs {
				// Every fourth is left alone.
				mbs[i].SetLevel(max(0, rng.IntN(84)-20), rng.IntN(8), round&4 != 0, rng.IntN(2) != 0)
			}
			y0, u0, v0 := slices.Clone(y), slices.Clone(u), slices.Clone(v)
			y1, u1, v1 := slices.Clone(y), slices.Clone(u), slices.Clone(v)
			FilterRow(mbs, y, u, v, yOff, uOff, ys, us, top)
			generic(func() {
				for i := range mbs {
					if mbs[i].MBLimit != 0 {
						FilterMB(&mbs[i], y1, u1, v1, yOff+16*i, uOff+8*i, ys, us, i > 0, top)
					}
				}
			})
			equal(t, "row", y, y1)
			equal(t, "row U", u, u1)
			equal(t, "row V", v, v1)
			filtered = filtered || !slices.Equal(y, y0) && !slices.Equal(u, u0) && !slices.Equal(v, v0)
		}
		if !filtered {
			t.Fatal("nothing was filtered")
		}
	})
}

func TestSetLevel(t *testing.T) {
	for _, tt := range []struct {
		level, sharpness int
		key              bool
		want             MBFilter
	}{
		{0, 0, true, MBFilter{}},
		{1, 7, true, MBFilter{MBLimit: 7, SubLimit: 3, Interior: 1, Inner: true}},
		{63, 0, true, MBFilter{MBLimit: 193, SubLimit: 189, Interior: 63, HEVThreshold: 2, Inner: true}},
		{63, 3, false, MBFilter{MBLimit: 136, SubLimit: 132, Interior: 6, HEVThreshold: 3, Inner: true}},
		{20, 5, false, MBFilter{MBLimit: 48, SubLimit: 44, Interior: 4, HEVThreshold: 2, Inner: true}},
		{15, 1, true, MBFilter{MBLimit: 41, SubLimit: 37, Interior: 7, HEVThreshold: 1, Inner: true}},
	} {
		var f MBFilter
		f.SetLevel(tt.level, tt.sharpness, tt.key, true)
		if f != tt.want {
			t.Errorf("level %d, sharpness %d: %+v, want %+v", tt.level, tt.sharpness, f, tt.want)
		}
	}
}

// One position of an edge, worked out by hand from 15.2 and 15.3.
func TestFilterKnown(t *testing.T) {
	plane := func(p, q byte) []byte {
		b := make([]byte, 16*24)
		for i := range b {
			if b[i] = p; i%24 >= 8 {
				b[i] = q
			}
		}
		return b
	}
	f := MBFilter{MBLimit: 100, SubLimit: 100, Interior: 10, HEVThreshold: 0}
	// Step of 8: w = clamp(-8 + 24) = 16; (27*16+63)>>7 = 3, 18 -> 2, 9 -> 1.
	b := plane(100, 108)
	filterMBGeneric(b, 8, 1, 24, 1, &f)
	if want := []byte{100, 101, 102, 103, 105, 106, 107, 108}; !slices.Equal(b[4:12], want) {
		t.Errorf("macroblock edge: %v, want %v", b[4:12], want)
	}
	// No high variance: a = clamp(24); q0 -= 28>>3, p0 += 27>>3, then (3+1)>>1.
	b = plane(100, 108)
	filterSubGeneric(b, 8, 1, 24, 1, &f)
	if want := []byte{100, 100, 102, 103, 105, 106, 108, 108}; !slices.Equal(b[4:12], want) {
		t.Errorf("inner edge: %v, want %v", b[4:12], want)
	}
	// a = clamp(-8+24) = 16: q0 -= 20>>3, p0 += 19>>3.
	b = plane(100, 108)
	filterSimpleGeneric(b, 8, 1, 24, 1, 20)
	if want := []byte{100, 100, 100, 102, 106, 108, 108, 108}; !slices.Equal(b[4:12], want) {
		t.Errorf("simple edge: %v, want %v", b[4:12], want)
	}
	// 8*2 + 8/2 = 20 is above 19.
	b = plane(100, 108)
	filterSimpleGeneric(b, 8, 1, 24, 1, 19)
	if b[7] != 100 || b[8] != 108 {
		t.Error("simple edge above its limit was filtered")
	}
}
