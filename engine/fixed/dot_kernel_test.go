package fixed

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/internal/kerneltest"
)

func TestDot16EqualsGeneric(t *testing.T) {
	ga, gb := kerneltest.NewGuarded(t, 1<<17), kerneltest.NewGuarded(t, 1<<17)
	forEachSet(t, func(t *testing.T) {
		for name, at := range fills {
			r := rand.New(rand.NewPCG(1, 2))
			for n := 0; n <= 200; n++ {
				a, b := int16sOf(ga.Tail(2*n)), int16sOf(gb.Tail(2*n))
				for i := range a {
					a[i], b[i] = int16(at(r, i)), int16(at(r, i+1)>>16)
				}
				if got, want := Dot16(a, b), dotGeneric(a, b); got != want {
					t.Fatalf("%s, %d numbers: %d, portable code says %d", name, n, got, want)
				}
				if got, want := Dot64(a, b), dot64Generic(a, b); got != want {
					t.Fatalf("%s, %d numbers in 64 bits: %d, portable code says %d", name, n, got, want)
				}
			}
		}
	})
}

func TestDot16(t *testing.T) {
	a := []int16{1, -2, 3, math.MinInt16}
	if got := Dot16(a, []int16{5, 6, 7, math.MinInt16, 9}); got != 5-12+21+1<<30 {
		t.Errorf("Dot16 = %d", got)
	}
	if Dot16(nil, a) != 0 {
		t.Error("Dot16 of nothing is not 0")
	}
}

// TestDot64 has sums beyond 32 bits, and more numbers than are added at a time.
func TestDot64(t *testing.T) {
	for _, n := range []int{4, 64, 1<<19 - 16, 1<<19 + 32} {
		low, high := make([]int16, n), make([]int16, n)
		for i := range low {
			low[i], high[i] = math.MinInt16, math.MaxInt16
		}
		if got, want := Dot64(low, low), int64(n)<<30; got != want {
			t.Errorf("%d numbers: %d, want %d", n, got, want)
		}
		if got, want := Dot64(low, high), -int64(n)*32768*32767; got != want {
			t.Errorf("%d numbers: %d, want %d", n, got, want)
		}
	}
	if Dot64(nil, []int16{1}) != 0 {
		t.Error("Dot64 of nothing is not 0")
	}
}
