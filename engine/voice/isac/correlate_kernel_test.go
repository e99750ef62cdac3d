package isac

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/edgecam/edgecam/internal/cpufeat"
	"github.com/edgecam/edgecam/internal/kerneltest"
)

// kernelSets are the sets of this processor with a kernel of their own.
func kernelSets(tb testing.TB) []cpufeat.Set {
	tb.Helper()
	restore := cpufeat.Override(cpufeat.Detected())
	defer restore()
	if !haveKernel() {
		tb.Skip("this build has portable code only: nothing to compare")
	}
	if cpufeat.Has(cpufeat.AVX2) {
		return []cpufeat.Set{cpufeat.AVX2 | cpufeat.SSE2, cpufeat.SSE2}
	}
	return []cpufeat.Set{cpufeat.Detected()}
}

func float64sOf(b []byte) []float64 {
	return unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/8)
}

// sameBits reports whether a and b are the same numbers, or both none.
func sameBits(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b
}

var correlateFills = map[string]func(r *rand.Rand, i int) float64{
	"random":      func(r *rand.Rand, _ int) float64 { return r.NormFloat64() * math.Exp(10*r.NormFloat64()) },
	"zero":        func(*rand.Rand, int) float64 { return 0 },
	"largest":     func(*rand.Rand, int) float64 { return math.MaxFloat64 },
	"smallest":    func(*rand.Rand, int) float64 { return -math.SmallestNonzeroFloat64 },
	"alternating": func(_ *rand.Rand, i int) float64 { return 32767 * float64(1-2*(i&1)) },
}

// TestCorrelateEqualsGeneric compares kernels with the portable code to the bit, in
// memory between untouchable pages.
func TestCorrelateEqualsGeneric(t *testing.T) {
	gx, gy, gd := kerneltest.NewGuarded(t, 1<<16), kerneltest.NewGuarded(t, 1<<16), kerneltest.NewGuarded(t, 1<<16)
	sizes := []int{120, 240, 256}
	for n := range 65 {
		sizes = append(sizes, n)
	}
	for _, set := range kernelSets(t) {
		t.Run(set.String(), func(t *testing.T) {
			defer cpufeat.Override(set)()
			for name, fill := range correlateFills {
				r := rand.New(rand.NewPCG(1, 2))
				for _, n := range sizes {
					for _, lags := range []int{0, 1, 7, 8, 9, 15, 16, 17, 24, 31, 40, 64, lagCount} {
						x, y := float64sOf(gx.Tail(8*n)), float64sOf(gy.Tail(8*max(n+lags-1, 0)))
						if lags%2 == 1 {
							x = float64sOf(gx.Head(8 * n))
						}
						for i := range x {
							x[i] = fill(r, i)
						}
						for i := range y {
							y[i] = fill(r, i+1)
						}
						got, want := float64sOf(gd.Tail(8*lags)), make([]float64, lags)
						for i := range got {
							got[i] = math.Pi
						}
						correlate(got, x, y)
						if n > 0 {
							correlateGeneric(want, x, y)
						}
						for k := range want {
							if !sameBits(got[k], want[k]) {
								t.Fatalf("%s, %d samples, lag %d of %d: %g, portable code says %g", name, n, k, lags, got[k], want[k])
							}
						}
					}
				}
			}
		})
	}
}

// TestEncoderEqualsGeneric codes speech with every kernel set: the payloads are the
// same bytes.
func TestEncoderEqualsGeneric(t *testing.T) {
	in := chord(48000)
	code := func(set cpufeat.Set) string {
		defer cpufeat.Override(set)()
		return fmt.Sprintf("%x %x", encodeAll(t, EncoderConfig{}, in), encodeSuper(t, EncoderConfig{}, in))
	}
	want := code(0)
	for _, set := range kernelSets(t) {
		if code(set) != want {
			t.Errorf("%v: other payloads than by the portable code", set)
		}
	}
}

// TestAutocorrelate compares with the definition.
func TestAutocorrelate(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var a autocorrelator
	for _, c := range []struct{ n, lags int }{{256, 14}, {256, 7}, {240, 7}, {256, 5}, {256, 16}} {
		w, x, got := make([]float64, c.n), make([]float64, c.n), make([]float64, c.lags)
		for i := range x {
			w[i], x[i] = r.Float64(), r.NormFloat64()
		}
		a.correlate(got, w, x)
		for lag := range got {
			var want float64
			for i := lag; i < c.n; i++ {
				want += w[i] * x[i] * w[i-lag] * x[i-lag]
			}
			if math.Abs(got[lag]-want) > 1e-9 {
				t.Errorf("%d samples, lag %d: %g, want %g", c.n, lag, got[lag], want)
			}
		}
	}
}

func FuzzCorrelate(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"), uint8(9))
	f.Fuzz(func(t *testing.T, raw []byte, lags uint8) {
		y := make([]float64, len(raw)/8)
		for i := range y {
			y[i] = float64sOf(raw[8*i : 8*i+8 : 8*i+8])[0]
		}
		n := len(y) - int(lags) + 1
		if lags == 0 || n < 1 {
			return
		}
		got, want := make([]float64, lags), make([]float64, lags)
		correlate(got, y[:n], y)
		correlateGeneric(want, y[:n], y)
		for k := range want {
			if !sameBits(got[k], want[k]) {
				t.Fatalf("lag %d: %g, portable code says %g", k, got[k], want[k])
			}
		}
	})
}

// BenchmarkCorrelate is the pitch search's: 121 lags of a half-frame.
func BenchmarkCorrelate(b *testing.B) {
	x, dst := make([]float64, halfFrame+lagCount-1), make([]float64, lagCount)
	for i := range x {
		x[i] = math.Sin(float64(i * i))
	}
	for _, set := range append(kernelSets(b), 0) {
		b.Run(set.String(), func(b *testing.B) {
			defer cpufeat.Override(set)()
			for b.Loop() {
				correlate(dst, x[:halfFrame], x)
			}
		})
	}
}
