package aec

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/edgecam/edgecam/engine/fixed"
	"github.com/edgecam/edgecam/internal/cpufeat"
	"github.com/edgecam/edgecam/internal/kerneltest"
)

// forEachSet runs f with each kernel set of this processor.
func forEachSet(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if fixedcheck {
		t.Skip("range checks are in the portable code only")
	}
	found := false
	for _, s := range []cpufeat.Set{cpufeat.AVX2, cpufeat.NEON} {
		if cpufeat.Detected()&s != s {
			continue
		}
		found = true
		t.Run(s.String(), func(t *testing.T) {
			defer SelectKernels(s)()
			f(t)
		})
	}
	if !found {
		t.Skip("this build has portable code only: nothing to compare")
	}
}

// at returns n values of 4-byte parts that end slack bytes before an unmapped
// page.
func at[T any](g *kerneltest.Guarded, n, slack int) []T {
	var zero T
	b := g.Tail(n*int(unsafe.Sizeof(zero)) + slack)
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// partition is what the kernels work on.
type partition struct {
	x, w     []fixed.Complex32
	u, power []int32
	gains    gains
	sums     sums
	shift    int
}

var numbers = map[string]func(r *rand.Rand, bits int) int64{
	"random":  func(r *rand.Rand, bits int) int64 { return r.Int64N(1 << bits) },
	"minimum": func(*rand.Rand, int) int64 { return 0 },
	"maximum": func(_ *rand.Rand, bits int) int64 { return 1<<bits - 1 },
	"mixed":   func(r *rand.Rand, bits int) int64 { return r.Int64N(1<<bits) >> r.IntN(bits) },
	"alternating": func(r *rand.Rand, bits int) int64 {
		return (1<<bits - 1) * int64(r.IntN(2))
	},
}

// fillPartition draws numbers within the formats' ranges.
func (p *partition) fill(r *rand.Rand, number func(*rand.Rand, int) int64) {
	signed := func(bits int) int32 { return int32(number(r, bits) * (1 - 2*r.Int64N(2))) }
	for i := range p.x {
		p.x[i] = fixed.Complex32{Re: signed(28), Im: signed(28)}
		p.w[i] = fixed.Complex32{Re: signed(29), Im: signed(29)}
		p.u[i] = int32(number(r, 30))
		p.power[i] = int32(number(r, 30))
	}
	g := &p.gains
	for k := range g.gain {
		g.gain[k] = fixed.Complex32{Re: signed(30), Im: signed(30)}
		g.recip[k] = uint32(number(r, 31))
		g.ratio[k] = r.Int64N(60) - 4
		step := 1 + r.Int64N(62)
		g.step[k], g.back[k], g.offset[k] = step, 1<<uint(62-step), 1<<62+1<<uint(step-1)
	}
	g.floor, g.noiseShift = number(r, 20), 28+5*r.Int64N(2)
	p.shift = r.IntN(28)
	for k := range p.sums.re {
		p.sums.re[k], p.sums.im[k], p.sums.expect[k] = r.Int64(), -r.Int64(), r.Int64()
	}
}

func (p *partition) clone() *partition {
	c := *p
	c.x, c.w, c.u, c.power = slices.Clone(p.x), slices.Clone(p.w), slices.Clone(p.u), slices.Clone(p.power)
	return &c
}

func TestPartitionKernelsEqualGeneric(t *testing.T) {
	gx, gw, gu, gp := kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17)
	forEachSet(t, func(t *testing.T) {
		for name, number := range numbers {
			r := rand.New(rand.NewPCG(5, 6))
			lengths := []int{68, 260}
			for n := 4; n <= 64; n += 4 {
				lengths = append(lengths, n)
			}
			for _, n := range lengths {
				for slack := range 2 {
					p := &partition{
						x: at[fixed.Complex32](gx, n, 4*slack), w: at[fixed.Complex32](gw, n, 4*slack),
						u: at[int32](gu, n, 4*slack), power: at[int32](gp, n, 4*slack),
					}
					p.fill(r, number)
					want := p.clone()
					accumulate(&p.sums, p.x, p.w, p.u, p.power, p.shift)
					accumulateGeneric(&want.sums, want.x, want.w, want.u, want.power, want.shift)
					if p.sums != want.sums {
						t.Fatalf("accumulate, %s, %d bins: differs from portable code", name, n)
					}
					update(&p.gains, p.x, p.w, p.u, p.power, p.shift)
					updateGeneric(&want.gains, want.x, want.w, want.u, want.power, want.shift)
					if p.gains != want.gains || !slices.Equal(p.w, want.w) || !slices.Equal(p.u, want.u) || !slices.Equal(p.x, want.x) || !slices.Equal(p.power, want.power) {
						t.Fatalf("update, %s, %d bins: differs from portable code", name, n)
					}
				}
			}
		}
	})
}

func FuzzPartitionKernels(f *testing.F) {
	f.Add(uint64(1), uint8(2))
	f.Fuzz(func(t *testing.T, seed uint64, quads uint8) {
		if fixedcheck {
			t.Skip("range checks are in the portable code only")
		}
		n := 4 * (int(quads)%(maxStride/4) + 1)
		r := rand.New(rand.NewPCG(seed, 6))
		p := &partition{x: make([]fixed.Complex32, n), w: make([]fixed.Complex32, n), u: make([]int32, n), power: make([]int32, n)}
		p.fill(r, numbers["mixed"])
		want := p.clone()
		update(&p.gains, p.x, p.w, p.u, p.power, p.shift)
		updateGeneric(&want.gains, want.x, want.w, want.u, want.power, want.shift)
		if p.gains != want.gains || !slices.Equal(p.w, want.w) || !slices.Equal(p.u, want.u) {
			t.Fatal("update differs from portable code")
		}
	})
}

// TestCancellerIsTheSameEverywhere runs whole cancellers with and without
// kernels.
func TestCancellerIsTheSameEverywhere(t *testing.T) {
	forEachSet(t, func(t *testing.T) {
		for _, rate := range []int{16000, 48000} {
			a, b := mustNew(t, Config{RateHz: rate}), mustNew(t, Config{RateHz: rate})
			voice, near := newTalker(9, rate), newTalker(8, rate)
			path := newRoom(4, rate, 0, 0.5)
			n := rate / 100
			far, one, two, echo := make([]int16, n), make([]int16, n), make([]int16, n), make([]float64, n)
			for f := range 120 {
				voice.frame(far, 12000)
				near.frame(one, 4000)
				path.frame(echo, far)
				for i, e := range echo {
					one[i] = int16(max(min(float64(one[i])+e, math.MaxInt16), math.MinInt16))
				}
				copy(two, one)
				a.ProcessFarEnd(far)
				a.ProcessCapture(one)
				restore := SelectKernels(0)
				restoreFixed := fixed.SelectKernels(0)
				b.ProcessFarEnd(far)
				b.ProcessCapture(two)
				restoreFixed()
				restore()
				if !slices.Equal(one, two) {
					t.Fatalf("rate %d, frame %d: differs from portable code", rate, f)
				}
			}
		}
	})
}
