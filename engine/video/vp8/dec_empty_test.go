package vp8

import (
	"math/rand/v2"
	"testing"
)

// TestEmptyRuns compares the table with bits read one by one: where it says that
// they are zero they are, the reader is left in the same state, and it says so
// of nearly all that are zero.
func TestEmptyRuns(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 1))
	var runs emptyRuns
	found, missed := 0, 0
	for round := range 4000 {
		prob := uint8(rng.IntN(256))
		if round&1 != 0 {
			prob = uint8(200 + rng.IntN(56))
		}
		runs.set(prob)
		data := make([]byte, rng.IntN(40))
		for i := range data {
			data[i] = byte(rng.IntN(256) >> rng.IntN(4))
		}
		var table, single boolReader
		table.reset(data)
		for range 80 {
			if table.avail < maxEmptyShift {
				table.value, table.avail = table.refill(table.value, table.avail)
			}
			single = table
			zero := true
			for range emptyRunBits {
				zero = !single.bit(prob) && zero
			}
			e := runs.run[table.rng&127]
			switch said := uint32(table.value>>32) < e.below; {
			case said && !zero:
				t.Fatalf("probability %d, range %d, value %x: not all zero", prob, table.rng, table.value)
			case said:
				found++
				table.value <<= e.shift
				table.rng = uint64(e.rng)
				table.avail -= int(e.shift)
				if table.avail < 0 || table.rng != single.rng || table.value>>56 != single.value>>56 || table.overrun() != single.overrun() {
					t.Fatalf("probability %d: %+v, want %+v", prob, table, single)
				}
			case zero:
				missed++
			}
			// One bit as well, so that all ranges come by.
			table = single
			table.bit(uint8(1 + rng.IntN(255)))
		}
	}
	if found < 50000 || missed > found/20 {
		t.Fatalf("%d runs found, %d missed", found, missed)
	}
}
