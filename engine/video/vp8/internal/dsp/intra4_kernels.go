//go:build !noasm && (amd64 || arm64)

package dsp

// intra4Table holds the byte shuffles of the 4x4 intra kernels. The first three
// take the edge, its samples 0 to 7 followed by 5 to 12, to where each sample
// (13 of them, outermost repeated; in lane 15 sample 0) has its predecessor and
// its successor beside it. The next three take the samples that DC adds, and
// those above and on the left for TM, from the edge. The others make the modes
// from VE on out of two vectors: entries below 16 are of the three-tap means,
// others of the two-tap means.
var intra4Table = func() (t [14][16]uint8) {
	at := func(i int) uint8 { // sample i of the edge
		if i = min(max(i, 0), 12); i >= 8 {
			i += 3
		}
		return uint8(i)
	}
	for i := range 16 {
		t[0][i], t[1][i], t[2][i] = at(i), at(i-1), at(i+1)
		t[3][i] = 0xff
		t[4][i], t[5][i] = uint8(5+i&3), uint8(3-i>>2)
	}
	t[0][15], t[2][15] = 0, 0
	copy(t[3][:], []uint8{0, 1, 2, 3, 5, 6, 7, 8})
	// The means at the positions of each mode's samples: x for three taps, y for
	// two, first the one nearest to sample 0.
	x := func(i int) uint8 { return uint8(i) }
	y := func(i int) uint8 { return uint8(16 + i) }
	sample0 := uint8(31)
	modes := [8][4][4]uint8{
		{{x(5), x(6), x(7), x(8)}, {x(5), x(6), x(7), x(8)}, {x(5), x(6), x(7), x(8)}, {x(5), x(6), x(7), x(8)}},
		{{x(3), x(3), x(3), x(3)}, {x(2), x(2), x(2), x(2)}, {x(1), x(1), x(1), x(1)}, {x(0), x(0), x(0), x(0)}},
		{{x(6), x(7), x(8), x(9)}, {x(7), x(8), x(9), x(10)}, {x(8), x(9), x(10), x(11)}, {x(9), x(10), x(11), x(12)}},
		{{x(4), x(5), x(6), x(7)}, {x(3), x(4), x(5), x(6)}, {x(2), x(3), x(4), x(5)}, {x(1), x(2), x(3), x(4)}},
		{{y(4), y(5), y(6), y(7)}, {x(4), x(5), x(6), x(7)}, {x(3), y(4), y(5), y(6)}, {x(2), x(4), x(5), x(6)}},
		{{y(5), y(6), y(7), y(8)}, {x(6), x(7), x(8), x(9)}, {y(6), y(7), y(8), x(10)}, {x(7), x(8), x(9), x(11)}},
		{{y(3), x(4), x(5), x(6)}, {y(2), x(3), y(3), x(4)}, {y(1), x(2), y(2), x(3)}, {y(0), x(1), y(1), x(2)}},
		{{y(2), x(2), y(1), x(1)}, {y(1), x(1), y(0), x(0)}, {y(0), x(0), sample0, sample0}, {sample0, sample0, sample0, sample0}},
	}
	for m := range modes {
		for i := range 16 {
			t[6+m][i] = modes[m][i>>2][i&3]
		}
	}
	return t
}()
