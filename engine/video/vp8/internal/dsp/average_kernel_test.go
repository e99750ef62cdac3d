package dsp

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/edgecam/edgecam/internal/kerneltest"
)

func TestAverageEqualsGeneric(t *testing.T) {
	gp := kerneltest.NewGuarded(t, 1<<17)
	forEachSet(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(14, 14))
		for round := range 800 {
			w, h := 8<<(round&1), 8<<(round>>1&1)
			stride := w + rng.IntN(9)
			n := (h-1)*stride + w
			pix, avg := gp.Tail(n), make([]uint16, n+1)
			fillBytes(pix, rng, fills[round%len(fills)].at)
			for i := range avg {
				switch round % 3 {
				case 0:
					avg[i] = uint16(rng.IntN(255<<7 + 1))
				case 1:
					avg[i] = uint16(rng.IntN(2) * 255 << 7)
				default:
					avg[i] = uint16(min(max(int(pix[min(i, n-1)])<<7+rng.IntN(1024)-512, 0), 255<<7))
				}
			}
			shift, limit := uint(rng.IntN(8)), 1+rng.IntN(255)
			if round%4 == 0 {
				limit = 1 + rng.IntN(6)
			}
			start := round%7 == 0
			run := func(a []uint16, p []byte) {
				if start {
					AverageStart(a, p, stride, w, h)
				} else {
					Average(a, p, stride, w, h, shift, limit)
				}
			}
			wa, wp := slices.Clone(avg), slices.Clone(pix)
			generic(func() { run(wa, wp) })
			run(avg, pix)
			if !slices.Equal(avg, wa) || !slices.Equal(pix, wp) {
				t.Fatalf("round %d (%dx%d, shift %d, limit %d, start %v): differs from portable code", round, w, h, shift, limit, start)
			}
		}
	})
}

func TestAverageKnown(t *testing.T) {
	avg, pix := make([]uint16, 64), make([]byte, 64)
	for i := range pix {
		avg[i], pix[i] = 100<<7, 104
	}
	pix[5] = 120 // further than 10 away: starts anew
	Average(avg, pix, 8, 8, 8, 1, 10)
	if avg[0] != 102<<7 || pix[0] != 102 || avg[5] != 120<<7 || pix[5] != 120 {
		t.Errorf("average %d, sample %d; far sample: %d, %d", avg[0], pix[0], avg[5], pix[5])
	}
}
