package aec

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/engine/fixed"
)

// turning is a search filter whose weights turn as those of an echo path do that
// grows longer, with some noise on them.
type turning struct {
	f      *filter
	weight []complex128
	r      *rand.Rand
	late   float64 // samples of coreRate
	noise  float64
}

func newTurning(t *testing.T, seed uint64, noise float64) *turning {
	h, err := newHistory(searchSize, searchHop, 12)
	if err != nil {
		t.Fatal(err)
	}
	x := &turning{f: newFilter(h, 4, searchStart, searchFloor, 8), r: rand.New(rand.NewPCG(seed, 51)), noise: noise}
	x.renew()
	return x
}

// renew makes another path.
func (x *turning) renew() {
	x.weight = x.weight[:0]
	for range x.f.weight {
		x.weight = append(x.weight, complex(x.r.NormFloat64(), x.r.NormFloat64()))
	}
}

// look has the drift look after driftEvery hops in which the path grew by ppm
// less what the drift makes up for.
func (x *turning) look(d *drift, ppm float64) {
	x.late += (ppm - float64(d.ppmQ8)/256) * driftEvery * hop / 1e6
	for i, w := range x.weight {
		k := i % x.f.stride
		w *= cmplx.Exp(complex(0, -2*math.Pi*float64(k)*x.late/fftSize))
		w += complex(x.noise*x.r.NormFloat64(), x.noise*x.r.NormFloat64())
		x.f.weight[i] = fixed.Complex32{Re: int32(real(w) * (1 << 20)), Im: int32(imag(w) * (1 << 20))}
	}
	for range driftEvery {
		d.look(x.f, 0)
	}
}

func TestDriftIsMeasured(t *testing.T) {
	for _, ppm := range []float64{-300, -100, -20, 0, 20, 100, 300} {
		x := newTurning(t, 1, 0.03)
		d := newDrift(len(x.f.weight))
		if d.still() {
			t.Error("before the first look the clocks are taken to keep pace")
		}
		for range 13 {
			x.look(d, ppm)
		}
		if ppm >= 100 && !d.known || ppm <= -100 && !d.known {
			t.Errorf("%v ppm are not believed in three seconds", ppm)
		}
		if d.still() != (ppm == 0) && math.Abs(ppm) != 20 {
			t.Errorf("%v ppm: still is %v", ppm, d.still())
		}
		for range 40 {
			x.look(d, ppm)
		}
		if got := float64(d.ppmQ8) / 256; math.Abs(got-ppm) > 3 {
			t.Errorf("%.1f ppm, want %v", got, ppm)
		}
		// Another path is no drift, whatever the phases between the two are.
		for range 3 {
			x.renew()
			x.look(d, ppm)
		}
		for range 8 {
			x.look(d, ppm)
		}
		if got := float64(d.ppmQ8) / 256; math.Abs(got-ppm) > 8 {
			t.Errorf("after other paths %.1f ppm, want %v", got, ppm)
		}
	}
}

// TestDriftIsNotImagined has a path whose weights only tremble.
func TestDriftIsNotImagined(t *testing.T) {
	imagined := 0
	for seed := range uint64(40) {
		x := newTurning(t, seed, 0.3)
		d := newDrift(len(x.f.weight))
		for range 60 {
			x.look(d, 0)
		}
		if d.known && max(d.ppmQ8, -d.ppmQ8) > 10<<8 {
			imagined++
		}
	}
	if imagined > 1 {
		t.Errorf("of 40 paths that do not drift, %d do", imagined)
	}
}
