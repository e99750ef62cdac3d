package dsp

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/edgecam/edgecam/internal/kerneltest"
)

func TestFDCTEqualsGeneric(t *testing.T) {
	ga, gb := kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17)
	sizes := []struct {
		n int
		f func(coef []int16, src []byte, ss int, pred []byte, ps int)
	}{{4, FDCT4x4}, {8, FDCT8x8}, {16, FDCT16x16}}
	forEachSet(t, func(t *testing.T) {
		forFills(t, 3, func(t *testing.T, fa, fb func([]byte)) {
			for _, s := range sizes {
				for _, stride := range []int{s.n, 16, 33} {
					if stride < s.n {
						continue
					}
					n := (s.n-1)*stride + s.n
					a, b := ga.Tail(n), gb.Tail(n)
					fa(a)
					fb(b)
					got, want := make([]int16, s.n*s.n+1), make([]int16, s.n*s.n+1)
					got[s.n*s.n], want[s.n*s.n] = 12345, 12345
					s.f(got, a, stride, b, stride)
					generic(func() { s.f(want, a, stride, b, stride) })
					if !slices.Equal(got, want) {
						t.Fatalf("%dx%d: got %v\nwant %v", s.n, s.n, got, want)
					}
				}
			}
		})
	})
}

// coefficients fills c with values in +-limit, sparse or dense.
func coefficients(rng *rand.Rand, c []int16, limit int, density uint32) {
	for i := range c {
		c[i] = 0
		if rng.Uint32()%8 < density {
			c[i] = int16(rng.IntN(2*limit+1) - limit)
		}
	}
}

func TestIDCTEqualsGeneric(t *testing.T) {
	gd, gp := kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17)
	rng := rand.New(rand.NewPCG(4, 4))
	sizes := []struct {
		n int
		f func(dst []byte, ds int, pred []byte, ps int, coef []int16, eobs []uint8)
	}{
		{8, IDCTAdd8x8},
		{16, IDCTAdd16x16},
		{4, func(dst []byte, ds int, pred []byte, ps int, coef []int16, _ []uint8) {
			IDCTAdd(dst, ds, pred, ps, coef)
		}},
	}
	forEachSet(t, func(t *testing.T) {
		for _, s := range sizes {
			blocks := s.n * s.n / 16
			for round := range 400 {
				coef, eobs := make([]int16, 16*blocks), make([]uint8, blocks)
				limit := []int{3, 300, 2047, 32767}[round%4]
				for i := range blocks {
					b := coef[16*i : 16*i+16]
					switch (round / 4) % 4 {
					case 0: // nothing
					case 1:
						b[0], eobs[i] = int16(rng.IntN(2*limit)-limit), uint8(rng.IntN(2))
					case 2:
						coefficients(rng, b, limit, 8)
						eobs[i] = 16
					default:
						coefficients(rng, b, limit, uint32(rng.IntN(3)))
						if eobs[i] = 16; rng.IntN(2) == 0 {
							clear(b[1:])
							eobs[i] = uint8(rng.IntN(2))
						}
					}
				}
				stride := s.n + rng.IntN(20)
				c := newCanvas(gd, stride, s.n, s.n, 2)
				pred := gp.Tail((s.n-1)*17 + s.n)
				if s.n == 16 {
					pred = gp.Tail(15*19 + 16)
				}
				ps := (len(pred) - s.n) / (s.n - 1)
				fillBytes(pred, rng, fills[round%len(fills)].at)
				s.f(c.block(), stride, pred, ps, coef, eobs)
				got := slices.Clone(c.pix)
				c = newCanvas(gd, stride, s.n, s.n, 2)
				generic(func() { s.f(c.block(), stride, pred, ps, coef, eobs) })
				equal(t, "IDCT", got, c.pix)

				// In place.
				fillBytes(c.pix, rng, fills[0].at)
				before := slices.Clone(c.pix)
				s.f(c.block(), stride, c.block(), stride, coef, eobs)
				got = slices.Clone(c.pix)
				copy(c.pix, before)
				generic(func() { s.f(c.block(), stride, c.block(), stride, coef, eobs) })
				equal(t, "IDCT in place", got, c.pix)
			}
		}
	})
}

func TestWHTEqualsGeneric(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	forEachSet(t, func(t *testing.T) {
		for round := range 500 {
			coef := make([]int16, 256)
			coefficients(rng, coef, []int{1, 2047, 32767}[round%3], 8)
			var got, want [16]int16
			FWHT(got[:], coef)
			generic(func() { FWHT(want[:], coef) })
			if got != want {
				t.Fatalf("FWHT: got %v, want %v", got, want)
			}
			g, w := slices.Clone(coef), slices.Clone(coef)
			IWHT(g, want[:])
			generic(func() { IWHT(w, want[:]) })
			if !slices.Equal(g, w) {
				t.Fatalf("IWHT: got %v, want %v", g, w)
			}
		}
	})
}

// The forward transforms must fit the decoder's inverse: without quantisation
// a block comes back within a unit or two.
func TestTransformRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	worst, sum, n := 0, 0, 0
	for round := range 3000 {
		src, pred, dst := make([]byte, 256), make([]byte, 256), make([]byte, 256)
		fillBytes(src, rng, fills[round%len(fills)].at)
		fillBytes(pred, rng, fills[(round/7)%len(fills)].at)
		coef, y2, eobs := make([]int16, 256), make([]int16, 16), make([]uint8, 16)
		FDCT16x16(coef, src, 16, pred, 16)
		FWHT(y2, coef)
		IWHT(coef, y2)
		for i := range eobs {
			eobs[i] = 16
		}
		IDCTAdd16x16(dst, 16, pred, 16, coef, eobs)
		for i := range dst {
			d := int(dst[i]) - int(src[i])
			worst = max(worst, abs(d))
			sum += d
			n++
		}
	}
	if worst > 3 {
		t.Errorf("a sample is off by %d after the round trip", worst)
	}
	if mean := float64(sum) / float64(n); mean > 0.05 || mean < -0.05 {
		t.Errorf("mean error %.4f: the transform is biased", mean)
	}
}

func TestIDCTDC(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for range 200 {
		pred := make([]byte, 16)
		fillBytes(pred, rng, fills[0].at)
		coef := make([]int16, 16)
		coef[0] = int16(rng.IntN(4096) - 2048)
		a, b := make([]byte, 16), make([]byte, 16)
		IDCTAdd(a, 4, pred, 4, coef)
		IDCTAddDC(b, 4, pred, 4, coef[0])
		equal(t, "DC alone", b, a)
	}
	var y2 [16]int16
	y2[0] = -1234
	a, b := make([]int16, 256), make([]int16, 256)
	IWHT(a, y2[:])
	IWHTDC(b, y2[0])
	if !slices.Equal(a, b) {
		t.Errorf("IWHTDC differs from IWHT")
	}
}
