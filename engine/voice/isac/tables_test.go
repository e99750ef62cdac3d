package isac

import (
	"math"
	"testing"
)

// TestTables checks the generated tables against what the specification says
// of them.
func TestTables(t *testing.T) {
	models := map[string][]uint16{
		"frame length": frameLengthCDF[:], "bandwidth": bandwidthIndexCDF[:], "flag": flagCDF[:],
		"pitch gain": pitchGainCDF[:], "model": lpcModelCDF[:], "envelope gain": envelopeGainCDF[:],
	}
	add := func(name string, lists [][]uint16, sizes func(i int) int) {
		for i, c := range lists {
			if n := sizes(i); n != len(c)-1 {
				t.Errorf("%s %d: %d levels for %d symbols", name, i, n, len(c)-1)
			}
			models[name+string(rune('a'+i))] = c
		}
	}
	for m := range lpcModels {
		model := &lpcModels[m]
		add("shape", model.shapeCDF[:], func(i int) int { return len(model.shapeQ10[i]) })
		add("gain", model.gainCDF[:], func(i int) int { return len(model.gainQ17[i]) })
	}
	for i := range lagClasses {
		c := &lagClasses[i]
		add("lag", c.cdf[1:2], func(int) int { return len(c.slope) })
		add("lag", c.cdf[3:], func(int) int { return len(c.bend) })
	}
	for k := range envelopeRCCDF {
		add("reflection", [][]uint16{envelopeRCCDF[k][:]}, func(int) int { return len(envelopeRCLevelQ15[k]) })
	}
	for name, c := range models {
		if c[0] != 0 || c[len(c)-1] != 65535 {
			t.Errorf("%s: runs from %d to %d", name, c[0], c[len(c)-1])
		}
		for i := 1; i < len(c); i++ {
			if c[i] < c[i-1] {
				t.Errorf("%s: falls at %d", name, i)
			}
		}
	}
	for k := range envelopeCosQ9 {
		for n, c := range envelopeCosQ9[k] {
			if want := math.Round(512 * math.Cos(float64(k+1)*math.Pi*(float64(n)+0.5)/120)); float64(c) != want {
				t.Errorf("envelopeCosQ9[%d][%d] = %d, want %g", k, n, c, want)
			}
		}
	}
	for m, c := range dftCosQ14 {
		if want := math.Round(16384 * dftCos[m]); float64(c) != want {
			t.Errorf("dftCosQ14[%d] = %d, want %g", m, c, want)
		}
	}
	window := func(n int) float64 {
		s := math.Sin(math.Pi * (1 - math.Pow(1-float64(n+1)/257, 0.45)))
		return s * s * s
	}
	scale := lpcWindow[200] / window(200)
	for n, w := range lpcWindow {
		if math.Abs(w-scale*window(n)) > 1e-7 {
			t.Errorf("lpcWindow[%d] = %g, its formula gives %g", n, w, scale*window(n))
		}
	}
}
