package dsp

import (
	"math/rand/v2"
	"testing"
)

func randomMatrix(rng *rand.Rand) *QuantMatrix {
	var m QuantMatrix
	m.Set(4+rng.IntN(310), 4+rng.IntN(436), 64+rng.IntN(64), rng.IntN(65))
	if rng.IntN(8) == 0 {
		m.ZeroBin[0] = 32767
	}
	return &m
}

func TestQuantizeEqualsGeneric(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	forEachSet(t, func(t *testing.T) {
		for round := range 1000 {
			var coef, lg, dg, lw, dw [MBCoefs]int16
			var eg, ew [MBBlocks]uint8
			coefficients(rng, coef[:], []int{5, 100, 2047, 32200}[round%4], uint32(round%9))
			y1, uv, y2 := randomMatrix(rng), randomMatrix(rng), randomMatrix(rng)
			if round&1 == 0 {
				y2 = nil
			}
			for i := range lg {
				lg[i], lw[i], dg[i], dw[i] = 77, 77, 78, 78
			}
			got := QuantizeMB(&lg, &dg, &coef, &eg, y1, uv, y2)
			var want uint32
			generic(func() { want = QuantizeMB(&lw, &dw, &coef, &ew, y1, uv, y2) })
			if got != want || lg != lw || dg != dw || eg != ew {
				t.Fatalf("round %d: mask %x, want %x\nlevels %v\n  want %v\neobs %v\nwant %v", round, got, want, lg, lw, eg, ew)
			}
		}
	})
}

// The definition, computed in another way.
func TestQuantizeBlock(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for range 500 {
		m := randomMatrix(rng)
		first := rng.IntN(2)
		var coef, levels, dequant [16]int16
		coefficients(rng, coef[:], 2047, 5)
		eob := QuantizeBlock(levels[:], dequant[:], coef[:], m, first)
		last := 0
		for n, i := range ZigZag {
			v := int(coef[i])
			l := (abs(v) + int(m.Round[i])) * int(m.MulQ16[i]) / 65536
			if abs(v) < int(m.ZeroBin[i]) || n < first {
				l = 0
			}
			if v < 0 {
				l = -l
			}
			if l != 0 {
				last = n + 1
			}
			if int(levels[n]) != l || int(dequant[i]) != l*int(m.Dequant[i]) {
				t.Fatalf("coefficient %d: level %d, dequantised %d, want %d, %d", n, levels[n], dequant[i], l, l*int(m.Dequant[i]))
			}
		}
		if eob != last {
			t.Fatalf("eob %d, want %d", eob, last)
		}
	}
}

func TestReciprocal(t *testing.T) {
	for step := 4; step <= 440; step++ {
		r := int(Reciprocal(step))
		for v := 0; v <= 2040; v++ {
			if got, want := v*r>>16, v/step; got != want && got != want+1 {
				t.Fatalf("%d/%d = %d, want %d", v, step, got, want)
			}
		}
	}
}
