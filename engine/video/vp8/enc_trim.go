package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// encTokenCosts is the price of each token in each slot in 1/256 bit, sign and
// extra bits included, and of the flag that a block does not end here.
type encTokenCosts struct {
	token [encTokenSlots][numTokens]uint16
	// more is what token includes for "no end of block".
	more [encTokenSlots]uint16
}

// encExtraCost is the price of the sign and the extra bits by token, taken at
// the middle of each category.
var encExtraCost = func() (t [numTokens]uint16) {
	for tok := tokenOne; tok <= tokenCat6; tok++ {
		t[tok] = 256
		if tok >= tokenCat1 {
			c := &encCategories[tok-tokenCat1]
			for i := range c.nbits {
				p := c.probs[i]
				t[tok] += uint16((encBitCost(false, p)*int(p) + encBitCost(true, p)*(256-int(p))) >> 8)
			}
		}
	}
	return t
}()

// fill computes the prices for a frame's token probabilities.
func (t *encTokenCosts) fill(p *coeffProbs) {
	for s := range encTokenSlots {
		pr := &p[s/24][s/3%8][s%3]
		c := &t.token[s]
		zero := func(i int) int { return encBitCost(false, pr[i]) }
		one := func(i int) int { return encBitCost(true, pr[i]) }
		c[tokenEOB] = uint16(zero(0))
		t.more[s] = uint16(one(0))
		base := one(0)
		c[tokenZero] = uint16(base + zero(1))
		base += one(1)
		c[tokenOne] = uint16(base + zero(2))
		base += one(2)
		low, high := base+zero(3), base+one(3)
		c[tokenTwo] = uint16(low + zero(4))
		c[tokenThree] = uint16(low + one(4) + zero(5))
		c[tokenFour] = uint16(low + one(4) + one(5))
		c[tokenCat1] = uint16(high + zero(6) + zero(7))
		c[tokenCat2] = uint16(high + zero(6) + one(7))
		c[tokenCat3] = uint16(high + one(6) + zero(8) + zero(9))
		c[tokenCat4] = uint16(high + one(6) + zero(8) + one(9))
		c[tokenCat5] = uint16(high + one(6) + one(8) + zero(10))
		c[tokenCat6] = uint16(high + one(6) + one(8) + one(10))
		for tok := tokenOne; tok <= tokenCat6; tok++ {
			c[tok] += encExtraCost[tok]
		}
	}
}

// trimBlock finds where the block had better end: bits saved against error
// added. levels are in coding order, coef and dequant in raster order. It
// zeroes what lies behind the new end and returns it. lambda is the price of
// 1/256 bit in squared coefficient error, times 256.
func (t *encTokenCosts) trimBlock(levels, coef, dequant []int16, first, eob, blockType, ctx int, lambda int64) int {
	levels, coef, dequant = levels[:16], coef[:16], dequant[:16]
	base := blockType * 24
	slot := base + int(encBandSlot[first]) + ctx
	rate := int64(0)
	gain := int64(0) // squared error taken away so far, times 256
	best, bestAt := lambda*int64(t.token[slot][tokenEOB]), first
	noEOB := false
	for i := first; i < eob; i++ {
		slot = base + int(encBandSlot[i]) + ctx
		v := int(levels[i])
		mag := v
		if v < 0 {
			mag = -v
		}
		tok := tokenCat6
		if mag < len(encValueTokens) {
			tok = int(encValueTokens[mag])
		}
		rate += int64(t.token[slot][tok])
		if noEOB {
			rate -= int64(t.more[slot])
		}
		if v == 0 {
			noEOB, ctx = true, 0
			continue
		}
		noEOB = false
		ctx = min(mag, 2)
		r := zigzag[i] & 15
		c, d := int64(coef[r]), int64(dequant[r])
		gain += (c*c - (c-d)*(c-d)) << 8
		end := int64(0)
		if i < 15 {
			end = int64(t.token[base+int(encBandSlot[i+1])+ctx][tokenEOB])
		}
		if j := lambda*(rate+end) - gain; j <= best {
			best, bestAt = j, i+1
		}
	}
	for i := bestAt; i < eob; i++ {
		levels[i] = 0
		dequant[zigzag[i]&15] = 0
	}
	if bestAt <= first {
		return 0
	}
	return bestAt
}

// trimMB trims all blocks of a macroblock and returns the new mask
// of blocks that are not empty.
func (e *Encoder) trimMB(s *encScratch, nonZero uint32, above *encContext, hasY2 bool, z *encQuantizer) uint32 {
	lambda := newLambdas(z.q)
	// One bit costs sseQ4/16 in squared pixels; coefficients are twice the
	// orthonormal ones, so four times that in squared coefficients.
	l := int64(lambda.sseQ4) * 4 * 256 / 16 / 256
	first, yType := 0, blockYWithDC
	if hasY2 {
		first, yType = 1, blockYAfterY2
		if nonZero>>dsp.BlockY2&1 != 0 {
			// The second transform doubles the scale again.
			const o = dsp.BlockY2 * 16
			eob := e.tokens.trimBlock(s.levels[o:], s.coef[o:], s.dequant[o:], 0, int(s.eobs[dsp.BlockY2]), blockY2, int(above[8]+s.left[8]), 4*l)
			s.eobs[dsp.BlockY2] = uint8(eob)
			if eob == 0 {
				nonZero &^= 1 << dsp.BlockY2
			}
		}
	}
	for i := range dsp.BlockY2 {
		if nonZero>>i&1 == 0 {
			continue
		}
		o := 16 * i
		typ, from := yType, first
		if i >= dsp.BlockU {
			typ, from = blockChroma, 0
		}
		ctx := s.roughContext(i, above)
		s.eobs[i] = uint8(e.tokens.trimBlock(s.levels[o:], s.coef[o:], s.dequant[o:], from, int(s.eobs[i]), typ, ctx, l))
		if s.eobs[i] == 0 {
			nonZero &^= 1 << i
		}
	}
	return nonZero
}

// roughContext is the token context of block i as far as it is known while the
// macroblock's blocks are trimmed in order.
func (s *encScratch) roughContext(i int, above *encContext) int {
	nz := func(j int) int { return b2i(s.eobs[j] > 1) }
	if i < 16 {
		a, l := int(above[i&3]), int(s.left[i>>2])
		if i >= 4 {
			a = nz(i - 4)
		}
		if i&3 != 0 {
			l = nz(i - 1)
		}
		return a + l
	}
	base := 4 + (i-dsp.BlockU)>>2*2
	a, l := int(above[base+i&1]), int(s.left[base+i>>1&1])
	if i&2 != 0 {
		a = b2i(s.eobs[i-2] > 0)
	}
	if i&1 != 0 {
		l = b2i(s.eobs[i-1] > 0)
	}
	return a + l
}
