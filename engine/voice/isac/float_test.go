package isac

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/edgecam/edgecam/internal/testdata"
)

func TestDFT(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var d dft
	var x [240]complex128
	for i := range x {
		x[i] = complex(r.NormFloat64(), r.NormFloat64())
		d.re[i], d.im[i] = real(x[i]), imag(x[i])
	}
	d.inverse()
	for n := range 240 {
		var sum complex128
		for b, v := range x {
			sum += v * cmplx.Exp(complex(0, 2*math.Pi*float64(b*n)/240))
		}
		if got := complex(d.outRe[n], d.outIm[n]); cmplx.Abs(got-sum) > 1e-9 {
			t.Fatalf("output %d is %v, want %v", n, got, sum)
		}
	}
}

// TestTransformInverts sees that the forward transform is the inverse one's
// inverse.
func TestTransformInverts(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var tr transform
	var low, high, re, im, low2, high2 [240]float64
	for n := range low {
		low[n], high[n] = r.NormFloat64(), r.NormFloat64()
	}
	tr.forward(&low, &high, &re, &im)
	tr.inverse(&re, &im, &low2, &high2)
	for n := range low {
		if math.Abs(low[n]-low2[n]) > 1e-9 || math.Abs(high[n]-high2[n]) > 1e-9 {
			t.Fatalf("sample %d: %g %g became %g %g", n, low[n], high[n], low2[n], high2[n])
		}
	}
}

func TestLatticeInverts(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var a, s lattice
	for range 10 {
		var x, y [40]float64
		var rho [12]float64
		for k := range rho {
			rho[k] = 1.6*r.Float64() - 0.8
		}
		for n := range x {
			x[n] = r.NormFloat64()
		}
		y = x
		a.analyze(y[:], rho[:], 3)
		s.synthesize(y[:], rho[:], 3)
		for n := range x {
			if math.Abs(x[n]-y[n]) > 1e-6 {
				t.Fatalf("sample %d: %g became %g", n, x[n], y[n])
			}
		}
	}
}

func TestAreaRatioInverts(t *testing.T) {
	for _, m := range []larMap{exactMap, piecewiseMap} {
		for rho := -0.99; rho < 0.99; rho += 0.01 {
			if got := m.reflection(m.areaRatio(rho)); math.Abs(got-rho) > 0.002 {
				t.Errorf("piecewise %v: %g became %g", m, rho, got)
			}
		}
	}
}

// worst returns the largest difference and the signal-to-noise ratio in dB.
func worst(got, want []int16) (diff int, snr float64) {
	var signal, noise float64
	for i := range want {
		d := int(got[i]) - int(want[i])
		diff = max(diff, d, -d)
		signal += float64(want[i]) * float64(want[i])
		noise += float64(d * d)
	}
	return diff, 10 * math.Log10(signal/(noise+1e-9))
}

// TestFloatVectors compares the floating-point synthesis with the deployed
// floating-point decoder's output.
func TestFloatVectors(t *testing.T) {
	compared := 0
	for _, name := range streams(t, "wb") {
		path := testdata.Shared(t, "vectors", "isac", "wb")
		if _, err := os.Stat(path + "/" + name + ".main.pcm"); err != nil {
			continue // this output is recorded for some streams only
		}
		want := readPCM(t, "wb", name+".main.pcm")
		var d rangeDecoder
		p, s := new(packet), new(synthesis)
		s.reset()
		var got []int16
		pcm := make([]int16, 480)
		for i, raw := range readPackets(t, "wb", name+".isac") {
			if err := p.read(&d, raw); err != nil {
				t.Fatalf("%s packet %d: %v", name, i, err)
			}
			for j := range p.blocks {
				s.synthesize(&p.block[j], pcm)
				got = append(got, pcm...)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d samples, want %d", name, len(got), len(want))
			continue
		}
		diff, snr := worst(got, want)
		t.Logf("%s: largest difference %d, SNR %.1f dB", name, diff, snr)
		if diff > 2 {
			t.Errorf("%s: off by %d", name, diff)
		}
		compared++
	}
	if compared < 6 {
		t.Errorf("%d streams compared only", compared)
	}
}
