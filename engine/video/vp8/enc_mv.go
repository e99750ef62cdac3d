package vp8

import "math/bits"

// encMVMaxComponent is the largest difference that can be coded, in quarter
// samples (section 17.1).
const encMVMaxComponent = 1<<mvLongWidth - 1

// putMVComponent codes the difference v, in quarter samples.
func (w *boolWriter) putMVComponent(v int, p *[numMVProbs]uint8) {
	a := v
	if a < 0 {
		a = -a
	}
	if a < 8 {
		w.put(false, p[mvIsShort])
		w.put(a&4 != 0, p[mvShort])
		n := mvShort + 1 + 3*(a>>2)
		w.put(a&2 != 0, p[n])
		w.put(a&1 != 0, p[n+1+a>>1&1])
		if a == 0 {
			return
		}
	} else {
		w.put(true, p[mvIsShort])
		for i := range 3 {
			w.put(a>>i&1 != 0, p[mvLongBits+i])
		}
		for i := mvLongWidth - 1; i > 3; i-- {
			w.put(a>>i&1 != 0, p[mvLongBits+i])
		}
		if a > 15 {
			w.put(a&8 != 0, p[mvLongBits+3])
		}
	}
	w.put(v < 0, p[mvSign])
}

// encMVCounts counts the branches that a frame's vectors took.
type encMVCounts [2][numMVProbs][2]uint32

func (c *encMVCounts) addComponent(axis, v int) {
	t := &c[axis]
	a := v
	if a < 0 {
		a = -a
	}
	if a < 8 {
		t[mvIsShort][0]++
		t[mvShort][a>>2]++
		n := mvShort + 1 + 3*(a>>2)
		t[n][a>>1&1]++
		t[n+1+a>>1&1][a&1]++
		if a == 0 {
			return
		}
	} else {
		t[mvIsShort][1]++
		for i := range 3 {
			t[mvLongBits+i][a>>i&1]++
		}
		for i := mvLongWidth - 1; i > 3; i-- {
			t[mvLongBits+i][a>>i&1]++
		}
		if a > 15 {
			t[mvLongBits+3][a>>3&1]++
		}
	}
	t[mvSign][b2i(v < 0)]++
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// encMVComponentCost is what putMVComponent would write, in 1/256 bit.
func encMVComponentCost(v int, p *[numMVProbs]uint8) int {
	a := v
	if a < 0 {
		a = -a
	}
	var c int
	if a < 8 {
		n := mvShort + 1 + 3*(a>>2)
		c = encBitCost(false, p[mvIsShort]) + encBitCost(a&4 != 0, p[mvShort]) +
			encBitCost(a&2 != 0, p[n]) + encBitCost(a&1 != 0, p[n+1+a>>1&1])
		if a == 0 {
			return c
		}
	} else {
		c = encBitCost(true, p[mvIsShort])
		for i := range 3 {
			c += encBitCost(a>>i&1 != 0, p[mvLongBits+i])
		}
		for i := mvLongWidth - 1; i > 3; i-- {
			c += encBitCost(a>>i&1 != 0, p[mvLongBits+i])
		}
		if a > 15 {
			c += encBitCost(a&8 != 0, p[mvLongBits+3])
		}
	}
	return c + encBitCost(v < 0, p[mvSign])
}

// encMVCostTable holds the costs of all components of one frame's
// probabilities, by axis and difference.
type encMVCostTable [2][2*encMVMaxComponent + 1]uint16

func (t *encMVCostTable) fill(p *mvProbs) {
	for axis := range t {
		t[axis] = encMVComponentCosts(&p[axis])
	}
}

// encMVComponentCosts is encMVComponentCost of all differences. The bits of a
// long one are independent of each other, all but the fourth: sums over some of
// them are made once.
func encMVComponentCosts(p *[numMVProbs]uint8) (t [2*encMVMaxComponent + 1]uint16) {
	for v := -15; v <= 15; v++ {
		t[v+encMVMaxComponent] = uint16(encMVComponentCost(v, p))
	}
	var low [16]int
	for a := range low {
		low[a] = encBitCost(true, p[mvIsShort]) + encBitCost(a&8 != 0, p[mvLongBits+3])
		for i := range 3 {
			low[a] += encBitCost(a>>i&1 != 0, p[mvLongBits+i])
		}
	}
	minus, plus := encBitCost(true, p[mvSign]), encBitCost(false, p[mvSign])
	for a := 16; a <= encMVMaxComponent; a += 16 {
		high := 0
		for i := 4; i < mvLongWidth; i++ {
			high += encBitCost(a>>i&1 != 0, p[mvLongBits+i])
		}
		for k, c := range low {
			t[encMVMaxComponent+a+k] = uint16(c + high + plus)
			t[encMVMaxComponent-a-k] = uint16(c + high + minus)
		}
	}
	return t
}

// cost is the price of the difference dy, dx in quarter samples.
func (t *encMVCostTable) cost(dy, dx int) int {
	dy = min(max(dy, -encMVMaxComponent), encMVMaxComponent)
	dx = min(max(dx, -encMVMaxComponent), encMVMaxComponent)
	return int(t[0][dy+encMVMaxComponent]) + int(t[1][dx+encMVMaxComponent])
}

// encMVProb rounds a best probability to the 7 bits that the header carries.
func encMVProb(n [2]uint32) uint8 {
	p := encBestProb(n)
	return max(p&^1, 1)
}

// encLog2 is the number of bits of v.
func encLog2(v uint32) int { return bits.Len32(v) }
