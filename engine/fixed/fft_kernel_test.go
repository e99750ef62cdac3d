package fixed

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/edgecam/edgecam/internal/cpufeat"
	"github.com/edgecam/edgecam/internal/kerneltest"
)

// kernelSets are the sets of this processor that differ from the portable code.
func kernelSets() []cpufeat.Set {
	var sets []cpufeat.Set
	for _, s := range []cpufeat.Set{cpufeat.AVX2, cpufeat.NEON} {
		if cpufeat.Detected()&s == s {
			sets = append(sets, s)
		}
	}
	return sets
}

// forEachSet runs f with each kernel set; f compares with the portable code.
func forEachSet(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if checking {
		t.Skip("range checks are in the portable code only")
	}
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

var fills = map[string]func(rng *rand.Rand, i int) int32{
	"random":      func(rng *rand.Rand, _ int) int32 { return int32(rng.Uint32()) },
	"small":       func(rng *rand.Rand, _ int) int32 { return int32(rng.IntN(9) - 4) },
	"min":         func(*rand.Rand, int) int32 { return math.MinInt32 },
	"max":         func(*rand.Rand, int) int32 { return math.MaxInt32 },
	"alternating": func(_ *rand.Rand, i int) int32 { return math.MaxInt32 ^ -int32(i&1) },
}

// complexAt makes n numbers that end at an unmapped page, or slack numbers
// before it.
func complexAt(g *kerneltest.Guarded, n, slack int) []Complex32 {
	b := g.Tail(8 * (n + slack))
	return pairs(int32sOf(b))[:n]
}

func fillComplex(x []Complex32, rng *rand.Rand, at func(*rand.Rand, int) int32) {
	for i := range x {
		x[i] = Complex32{at(rng, 2*i), at(rng, 2*i+1)}
	}
}

// TestFFTEqualsGeneric compares whole transforms, whatever their input: what
// does not fit wraps alike.
func TestFFTEqualsGeneric(t *testing.T) {
	gi, gw, gout := kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17)
	forEachSet(t, func(t *testing.T) {
		for size := 8; size <= 2048; size *= 2 {
			f, err := NewRealFFT(size)
			if err != nil {
				t.Fatal(err)
			}
			for name, at := range fills {
				for slack := range 2 {
					rng := rand.New(rand.NewPCG(uint64(size), 1))
					in, work, out := complexAt(gi, size/2, slack), complexAt(gw, size/2, slack), complexAt(gout, size/2+1, slack)
					fillComplex(in, rng, at)
					samples := int32sOf(bytesOf(in))
					before := slices.Clone(in)
					f.Forward(out, samples, work)
					got := slices.Clone(out)
					if !slices.Equal(in, before) {
						t.Fatalf("size %d, %s: Forward changes its input", size, name)
					}
					fillComplex(out, rng, at)
					spec := slices.Clone(out)
					f.Inverse(samples, out, work)
					back := slices.Clone(in)
					if !slices.Equal(out, spec) {
						t.Fatalf("size %d, %s: Inverse changes its input", size, name)
					}
					restore := SelectKernels(0)
					f.Forward(out, int32sOf(bytesOf(before)), work)
					if !slices.Equal(out, got) {
						t.Errorf("size %d, %s: Forward differs from portable code", size, name)
					}
					f.Inverse(samples, spec, work)
					if !slices.Equal(in, back) {
						t.Errorf("size %d, %s: Inverse differs from portable code", size, name)
					}
					restore()
				}
			}
		}
	})
}

// TestFFTKernelsWriteTheirOwn looks at what lies beside the outputs.
func TestFFTKernelsWriteTheirOwn(t *testing.T) {
	forEachSet(t, func(t *testing.T) {
		const size, canary = 512, 0x5A5A5A5A
		f, err := NewRealFFT(size)
		if err != nil {
			t.Fatal(err)
		}
		out := make([]Complex32, size/2+1+16)
		work := make([]Complex32, size/2+16)
		back := make([]int32, size+16)
		for i := range out {
			out[i] = Complex32{canary, canary}
		}
		for i := range work {
			work[i] = Complex32{canary, canary}
		}
		for i := range back {
			back[i] = canary
		}
		f.Forward(out[8:8+size/2+1], make([]int32, size), work[8:])
		f.Inverse(back[8:], out[8:8+size/2+1], work[8:])
		for i := range 8 {
			for _, v := range []int32{out[i].Re, out[size/2+1+8+i].Im, work[i].Im, work[size/2+8+i].Re, back[i], back[size+8+i]} {
				if v != canary {
					t.Fatalf("something beside an output was written (%d)", i)
				}
			}
		}
	})
}

func FuzzFFTEqualsGeneric(f *testing.F) {
	f.Add(uint64(1), uint8(5), uint8(3))
	f.Fuzz(func(t *testing.T, seed uint64, log, shift uint8) {
		if checking {
			t.Skip("range checks are in the portable code only")
		}
		size := 8 << (log % 9)
		fft, err := NewRealFFT(size)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(seed, 1))
		in, work := make([]int32, size), make([]Complex32, size/2)
		for i := range in {
			in[i] = int32(rng.Uint32()) >> (shift % 32)
		}
		var spec [2][]Complex32
		var back [2][]int32
		for i, set := range []cpufeat.Set{cpufeat.Detected(), 0} {
			restore := SelectKernels(set)
			spec[i], back[i] = make([]Complex32, size/2+1), make([]int32, size)
			fft.Forward(spec[i], in, work)
			fft.Inverse(back[i], spec[i], work)
			restore()
		}
		if !slices.Equal(spec[0], spec[1]) || !slices.Equal(back[0], back[1]) {
			t.Fatal("kernels and portable code differ")
		}
	})
}
