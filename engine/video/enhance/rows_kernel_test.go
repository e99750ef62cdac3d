package enhance

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/edgecam/edgecam/internal/cpufeat"
	"github.com/edgecam/edgecam/internal/kerneltest"
)

// kernelSets are the sets of this processor that differ from the portable code.
func kernelSets() []cpufeat.Set {
	var sets []cpufeat.Set
	for _, s := range []cpufeat.Set{cpufeat.SSE2 | cpufeat.AVX2, cpufeat.NEON} {
		if cpufeat.Detected()&s == s && s != 0 {
			sets = append(sets, s)
		}
	}
	return sets
}

// rowInputs is one row's worth of everything the kernels read, at the end of
// mapped memory.
type rowInputs struct {
	cur, support []byte
	avg          []uint16
	diff, sum    []int16
	sumAbs       []int16
	rows         [5][]byte
	blend        blendTables
	smooth       smoothTables
}

func words[T int16 | uint16 | int32](b []byte) []T {
	var t T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(t)))
}

func (in *rowInputs) clone(t *testing.T) *rowInputs {
	n := len(in.cur)
	mem := func(size int) []byte { return kerneltest.NewGuarded(t, size).Tail(size) }
	out := *in
	out.cur, out.support = mem(n), mem(n)
	out.avg, out.diff = words[uint16](mem(2*n)), words[int16](mem(2*n))
	out.sum, out.sumAbs = words[int16](mem(2*(n+2*sidePad))), words[int16](mem(2*(n+2*sidePad)))
	copy(out.cur, in.cur)
	copy(out.support, in.support)
	copy(out.avg, in.avg)
	copy(out.diff, in.diff)
	copy(out.sum, in.sum)
	copy(out.sumAbs, in.sumAbs)
	for i := range out.rows {
		out.rows[i] = mem(n + 2*sidePad)
		copy(out.rows[i], in.rows[i])
	}
	return &out
}

// randomInputs makes inputs that the denoiser can meet: of extreme ones, of
// noise around one value, and of everything between.
func randomInputs(rng *rand.Rand, n, kind int) *rowInputs {
	d := newDenoiser(16, 16, DenoiseConfig{Sigma: sigmaLeast + rng.Float32()*(sigmaMost-sigmaLeast)})
	d.planes[0].estimate.correlation = 1 + 5*rng.Float32()
	d.setTables(&d.planes[0], 0)
	in := &rowInputs{
		cur: make([]byte, n), support: make([]byte, n), avg: make([]uint16, n), diff: make([]int16, n),
		sum: make([]int16, n+2*sidePad), sumAbs: make([]int16, n+2*sidePad), blend: d.blend, smooth: d.smooth,
	}
	centre, spread := rng.IntN(256), 1+rng.IntN(40)
	sample := func(i int) byte {
		switch kind {
		case 0:
			return byte(rng.Uint32())
		case 1:
			return 0
		case 2:
			return 255
		case 3:
			return byte(-(i & 1))
		}
		return byte(min(max(centre+rng.IntN(spread)-rng.IntN(spread), 0), 255))
	}
	for i := range n {
		in.cur[i] = sample(i)
		in.avg[i] = uint16(sample(i+1))<<7 | uint16(rng.IntN(128))
		if in.avg[i] > 255<<7 {
			in.avg[i] = 255 << 7
		}
		in.support[i] = byte(rng.IntN(levels))
		in.diff[i] = int16(rng.IntN(2*diffMax+1) - diffMax)
	}
	for i := range in.sum {
		in.sumAbs[i] = int16(rng.IntN(5*diffMax + 1))
		if kind > 3 {
			in.sumAbs[i] = int16(rng.IntN(60 * spread))
		}
		in.sum[i] = int16(rng.IntN(2*int(in.sumAbs[i])+1) - int(in.sumAbs[i]))
	}
	for i := range in.rows {
		in.rows[i] = make([]byte, n+2*sidePad)
		for j := range in.rows[i] {
			in.rows[i][j] = sample(i + j)
		}
	}
	return in
}

func TestKernelsEqualGeneric(t *testing.T) {
	if len(kernelSets()) == 0 {
		t.Skip("this build has portable code only: nothing to compare")
	}
	for _, set := range kernelSets() {
		t.Run(set.String(), func(t *testing.T) {
			defer SelectKernels(set)()
			rng := rand.New(rand.NewPCG(1, 2))
			for round := range 200 {
				n := []int{32, 64, 96, 352, 640}[round%5]
				compareRows(t, randomInputs(rng, n, round%9))
			}
		})
	}
}

func compareRows(t *testing.T, in *rowInputs) {
	t.Helper()
	n := len(in.cur)
	a, b := in.clone(t), in.clone(t)
	differences(a.diff, a.sum[:n], a.sumAbs[:n], a.cur, a.avg)
	differencesGeneric(b.diff, b.sum[:n], b.sumAbs[:n], b.cur, b.avg)
	if !slices.Equal(a.diff, b.diff) || !slices.Equal(a.sum, b.sum) || !slices.Equal(a.sumAbs, b.sumAbs) {
		t.Fatalf("differences, %d samples: differs from portable code", n)
	}
	a, b = in.clone(t), in.clone(t)
	outA, outB := kerneltest.NewGuarded(t, n).Tail(n), make([]byte, n)
	blend(outA, a.avg, a.support, a.cur, a.sum, a.sumAbs, &a.blend)
	blendGeneric(outB, b.avg, b.support, b.cur, b.sum, b.sumAbs, &b.blend)
	if !slices.Equal(outA, outB) || !slices.Equal(a.avg, b.avg) || !slices.Equal(a.support, b.support) {
		t.Fatalf("blend, %d samples: differs from portable code", n)
	}
	for i := range a.support {
		a.support[i] = max(a.support[i], 1) // what blend leaves
	}
	smooth(outA, &a.rows, a.support, &a.smooth)
	smoothGeneric(outB, &a.rows, a.support, &a.smooth)
	if !slices.Equal(outA, outB) {
		for i := range outA {
			if outA[i] != outB[i] {
				t.Fatalf("smooth, %d samples: %d at %d, portable code %d (was %d, support %d)", n, outA[i], i, outB[i], a.rows[2][i+sidePad], a.support[i])
			}
		}
	}
}

func FuzzKernels(f *testing.F) {
	f.Add(uint64(1), uint64(2), 4)
	f.Fuzz(func(t *testing.T, seed1, seed2 uint64, kind int) {
		rng := rand.New(rand.NewPCG(seed1, seed2))
		in := randomInputs(rng, 32*(1+rng.IntN(8)), kind&7)
		for _, set := range kernelSets() {
			restore := SelectKernels(set)
			compareRows(t, in)
			restore()
		}
	})
}

// Rows of pictures have any length: kernels take the most of it, the portable
// code the rest.
func TestToneRowsEqualGeneric(t *testing.T) {
	for _, set := range kernelSets() {
		t.Run(set.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			for round := range 400 {
				n := rng.IntN(200)
				in, gains := kerneltest.NewGuarded(t, 4096).Tail(n), words[int16](kerneltest.NewGuarded(t, 4096).Tail(2*n))
				for i := range in {
					in[i], gains[i] = byte(rng.Uint32()), int16(rng.Uint32())
					if round%4 == 0 {
						in[i], gains[i] = byte(-(i & 1)), 32767
					}
				}
				black, gain := uint16(rng.IntN(64<<8)), uint16(rng.Uint32())
				from, to := rng.IntN(256), rng.IntN(256)
				for i := range gains {
					gains[i] &= 32767 >> (round % 5)
				}
				a, b := slices.Clone(in), slices.Clone(in)
				restore := SelectKernels(set)
				toneRow(in, gains, black, gain)
				scaleRow(a, gains, from, to)
				restore()
				want := slices.Clone(b)
				toneGeneric(b, gains, black, gain)
				scaleGeneric(want, gains, from, to)
				if !slices.Equal(in, b) || !slices.Equal(a, want) {
					t.Fatalf("%d samples: differs from portable code", n)
				}
			}
		})
	}
}
