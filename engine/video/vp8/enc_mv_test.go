package vp8

import (
	"math/rand/v2"
	"testing"
)

// TestMVCostTable compares the table with the price of each difference alone.
func TestMVCostTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var table encMVCostTable
	for round := range 20 {
		p := defaultMVProbs
		for axis := range p {
			for i := range p[axis] {
				if round > 0 {
					p[axis][i] = uint8(1 + rng.IntN(255))
				}
			}
		}
		table.fill(&p)
		for v := -encMVMaxComponent; v <= encMVMaxComponent; v++ {
			want := encMVComponentCost(v, &p[0]) + encMVComponentCost(-v, &p[1])
			if got := table.cost(v, -v); got != want {
				t.Fatalf("difference %d costs %d, the table says %d", v, want, got)
			}
		}
	}
}
