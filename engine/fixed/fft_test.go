package fixed

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

func TestRealFFTAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, size := range []int{8, 16, 32, 64, 128, 256, 512, 1024} {
		f, err := NewRealFFT(size)
		if err != nil {
			t.Fatal(err)
		}
		limit := int32(1 << 30 / size)
		in, back := make([]int32, size), make([]int32, size)
		for _, kind := range []string{"random", "maximum", "alternating", "impulse"} {
			for i := range in {
				switch kind {
				case "random":
					in[i] = int32(r.Int64N(int64(2*limit)+1)) - limit
				case "maximum":
					in[i] = limit
				case "alternating":
					in[i] = limit * int32(1-2*(i&1))
				case "impulse":
					in[i] = 0
					if i == 3 {
						in[i] = -limit
					}
				}
			}
			out, work := make([]Complex32, f.Bins()), make([]Complex32, size/2)
			f.Forward(out, in, work)
			for k := 0; k <= size/2; k += 1 + size/64 {
				var want complex128
				for n, v := range in {
					want += complex(float64(v), 0) * cmplx.Rect(1, -2*math.Pi*float64(k*n%size)/float64(size))
				}
				got := complex(float64(out[k].Re), float64(out[k].Im))
				if cmplx.Abs(got-want) > 4+float64(limit)*float64(size)*1e-8 {
					t.Fatalf("size %d %s bin %d: %v, want %v", size, kind, k, got, want)
				}
			}
			for k := range out { // keep within Inverse's limit
				out[k].Re >>= 1
				out[k].Im >>= 1
			}
			f.Inverse(back, out, work)
			for i := range in {
				if d := back[i] - in[i]>>1; d < -8 || d > 8 {
					t.Fatalf("size %d %s: sample %d comes back as %d, want %d", size, kind, i, back[i], in[i]>>1)
				}
			}
		}
	}
}

func TestRealFFTSizes(t *testing.T) {
	for _, size := range []int{-1, 0, 4, 12, 4096} {
		if _, err := NewRealFFT(size); err == nil {
			t.Errorf("NewRealFFT(%d) succeeded", size)
		}
	}
}

func TestSin(t *testing.T) {
	for i := range 5000 {
		turn := uint32(i) * 858993
		want := math.Sin(float64(turn) / (1 << 32) * 2 * math.Pi)
		if got := float64(SinQ30(turn)) / (1 << 30); math.Abs(got-want) > 2e-6 {
			t.Fatalf("SinQ30(%d) = %v, want %v", turn, got, want)
		}
	}
}

func BenchmarkRealFFT512(b *testing.B) {
	f, _ := NewRealFFT(512)
	in, out, work := make([]int32, 512), make([]Complex32, 257), make([]Complex32, 256)
	for i := range in {
		in[i] = int32(i * 991 % 60000)
	}
	for b.Loop() {
		f.Forward(out, in, work)
	}
}
