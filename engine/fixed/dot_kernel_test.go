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
