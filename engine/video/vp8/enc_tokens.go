package vp8

import "math/bits"

// A token record holds one coefficient token until the frame's probabilities
// are known. From the lowest bit:
//
//	extra:11 | sign:1 | token:4 | slot:7 | noEOB:1
//
// slot is (block type*8+band)*3+context; noEOB says that an end of block
// cannot stand here because the token before was a zero.
const (
	tokSignShift  = 11
	tokTokenShift = 12
	tokSlotShift  = 16
	tokNoEOBShift = 23

	encTokenSlots = 4 * 8 * 3
)

// encTokenCounts counts what a frame's tokens need their probabilities for.
type encTokenCounts struct {
	tokens [encTokenSlots][numTokens]uint32
	noEOB  [encTokenSlots]uint32
}

func (c *encTokenCounts) add(o *encTokenCounts) {
	for s := range c.tokens {
		for t := range c.tokens[s] {
			c.tokens[s][t] += o.tokens[s][t]
		}
		c.noEOB[s] += o.noEOB[s]
	}
}

// branches returns how often each of the eleven nodes of the token tree was
// left by its zero and its one branch in slot s.
func (c *encTokenCounts) branches(s int) (n [11][2]uint32) {
	t := &c.tokens[s]
	cat34 := [2]uint32{t[tokenCat3] + t[tokenCat4], t[tokenCat5] + t[tokenCat6]}
	cat12 := [2]uint32{t[tokenCat1], t[tokenCat2]}
	low := [2]uint32{t[tokenTwo], t[tokenThree] + t[tokenFour]}
	high := cat34[0] + cat34[1]
	cats := cat12[0] + cat12[1] + high
	more := low[0] + low[1] + cats
	n[10] = [2]uint32{t[tokenCat5], t[tokenCat6]}
	n[9] = [2]uint32{t[tokenCat3], t[tokenCat4]}
	n[8] = cat34
	n[7] = cat12
	n[6] = [2]uint32{cat12[0] + cat12[1], high}
	n[5] = [2]uint32{t[tokenThree], t[tokenFour]}
	n[4] = low
	n[3] = [2]uint32{low[0] + low[1], cats}
	n[2] = [2]uint32{t[tokenOne], more}
	n[1] = [2]uint32{t[tokenZero], t[tokenOne] + more}
	n[0] = [2]uint32{t[tokenEOB], t[tokenZero] + t[tokenOne] + more - c.noEOB[s]}
	return n
}

// encCategory describes the tokens with extra bits: the least value, the
// number of bits and their probabilities (section 13.2).
type encCategory struct {
	base  uint16
	nbits uint8
	probs [11]uint8
}

var encCategories = [6]encCategory{
	{5, 1, [11]uint8{159}},
	{7, 2, [11]uint8{165, 145}},
	{11, 3, [11]uint8{173, 148, 140}},
	{19, 4, [11]uint8{176, 155, 140, 135}},
	{35, 5, [11]uint8{180, 157, 141, 134, 130}},
	{67, 11, [11]uint8{254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129}},
}

// encValueTokens maps magnitudes below 67 to tokens.
var encValueTokens = func() (t [67]uint8) {
	for v := range t {
		switch {
		case v <= 4:
			t[v] = uint8(v)
		default:
			c := 0
			for c < 5 && v >= int(encCategories[c+1].base) {
				c++
			}
			t[v] = uint8(tokenCat1 + c)
		}
	}
	return t
}()

// encBandSlot is three times the band of a position.
var encBandSlot = func() (t [17]uint8) {
	for i, b := range coeffBand {
		t[i] = 3 * b
	}
	return t
}()

// tokenizeBlock appends the tokens of one block to dst and counts them. q has
// the levels in zigzag order, eob is one more than the position of the last
// that is not zero, first the first position coded, ctx how many of the left
// and upper neighbours have coefficients.
func (c *encTokenCounts) tokenizeBlock(dst []uint32, q []int16, first, eob, blockType, ctx int) []uint32 {
	base := uint32(blockType * 24)
	noEOB := uint32(0)
	q = q[:16]
	for i := first; i < eob; i++ {
		v := int32(q[i])
		slot := base + uint32(encBandSlot[i]) + uint32(ctx)
		c.noEOB[slot] += noEOB
		if v == 0 {
			c.tokens[slot][tokenZero]++
			dst = append(dst, slot<<tokSlotShift|noEOB<<tokNoEOBShift)
			noEOB, ctx = 1, 0
			continue
		}
		sign := uint32(v) >> 31
		if v < 0 {
			v = -v
		}
		rec := slot<<tokSlotShift | noEOB<<tokNoEOBShift | sign<<tokSignShift
		noEOB = 0
		ctx = 2
		if v == 1 {
			ctx = 1
			c.tokens[slot][tokenOne]++
			dst = append(dst, rec|tokenOne<<tokTokenShift)
			continue
		}
		tok := uint32(tokenCat6)
		if v < 67 {
			tok = uint32(encValueTokens[v])
		}
		if tok >= tokenCat1 {
			rec |= uint32(v) - uint32(encCategories[tok-tokenCat1].base)
		}
		c.tokens[slot][tok]++
		dst = append(dst, rec|tok<<tokTokenShift)
	}
	if eob < 16 {
		if eob < first {
			eob = first
		}
		slot := base + uint32(encBandSlot[eob]) + uint32(ctx)
		c.tokens[slot][tokenEOB]++
		dst = append(dst, slot<<tokSlotShift|tokenEOB<<tokTokenShift)
	}
	return dst
}

// encTokenCodes are the paths through the token tree, in a table that four bits
// index.
var encTokenCodes = func() (t [16]encTreeCode) {
	copy(t[:], encTreeCodes(coeffTree[:], numTokens))
	return t
}()

// putTokens codes token records with the frame's probabilities.
func (w *boolWriter) putTokens(recs []uint32, probs *[128][16]uint8) {
	low, rng, pending := w.low, w.rng, w.pending
	for _, r := range recs {
		p := &probs[r>>tokSlotShift&127]
		tok := r >> tokTokenShift & 15
		code := &encTokenCodes[tok]
		path := uint32(code.bits)
		// After a zero the first branch, end of block or not, is left out.
		for i := r >> tokNoEOBShift & 1; i < uint32(code.n); i++ {
			low, rng, pending = boolStep(low, rng, pending, path>>(i&15)&1, p[code.probs[i&15]&15])
			if pending >= 48 {
				low, pending = w.spillFrom(low, pending)
			}
		}
		if tok == tokenZero || tok == tokenEOB {
			continue
		}
		if tok >= tokenCat1 {
			c := &encCategories[tok-tokenCat1]
			n := uint32(c.nbits)
			for i := range n {
				low, rng, pending = boolStep(low, rng, pending, r>>((n-1-i)&31)&1, c.probs[i])
				if pending >= 48 {
					low, pending = w.spillFrom(low, pending)
				}
			}
		}
		low, rng, pending = boolStep(low, rng, pending, r>>tokSignShift&1, 128)
		if pending >= 48 {
			low, pending = w.spillFrom(low, pending)
		}
	}
	w.low, w.rng, w.pending = low, rng, pending
}

// spillFrom is spill for a state held in registers.
func (w *boolWriter) spillFrom(low uint64, pending uint) (uint64, uint) {
	w.low, w.pending = low, pending
	w.spill()
	return w.low, w.pending
}

// encCost is what a zero costs, in 1/256 bit, where it has probability p/256;
// a one costs encCost[256-p].
var encCost = func() (t [257]uint16) {
	// Fixed point on purpose: the logarithm by repeated squaring gives the
	// same table on every machine.
	for p := 1; p <= 256; p++ {
		lz := uint(bits.LeadingZeros32(uint32(p)))
		x := uint64(p) << lz // 1.31
		frac := uint32(0)
		for i := 0; i < 10; i++ {
			x = x * x >> 31
			frac <<= 1
			if x >= 1<<32 {
				x >>= 1
				frac |= 1
			}
		}
		log := uint32(31-lz)<<10 | frac
		t[p] = uint16((8<<10 - log + 2) >> 2)
	}
	t[0] = t[1]
	return t
}()

func encBitCost(bit bool, prob uint8) int {
	if bit {
		return int(encCost[256-int(prob)])
	}
	return int(encCost[prob])
}

// encBranchCost is what n[0] zeros and n[1] ones cost at probability prob.
func encBranchCost(n [2]uint32, prob uint8) int64 {
	return int64(n[0])*int64(encCost[prob]) + int64(n[1])*int64(encCost[256-int(prob)])
}

// encBestProb is the probability that codes the branch counts n most cheaply.
func encBestProb(n [2]uint32) uint8 {
	total := uint64(n[0]) + uint64(n[1])
	if total == 0 {
		return 128
	}
	return uint8(min(max((uint64(n[0])*256+total/2)/total, 1), 255))
}
