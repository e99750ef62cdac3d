package vp8

// encTokenCosts is the price of each kind of token in 1/256 bit, sign and extra
// bits included, and of the flag that a block does not end here.
type encTokenCosts struct {
	kinds [encTokenKinds]uint16
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
		c := t.kinds[s<<4:][:16]
		zero := func(i int) int { return encBitCost(false, pr[i]) }
		one := func(i int) int { return encBitCost(true, pr[i]) }
		c[tokenEOB] = uint16(zero(0))
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
		later := t.kinds[encTokenKinds/2+s<<4:][:16]
		for tok := range tokenEOB {
			c[tok] += encExtraCost[tok]
			// After a zero, that the block goes on costs nothing.
			later[tok] = c[tok] - uint16(one(0))
		}
	}
}

// trimBlock writes the tokens of a block to recs, up to where the block had
// better end: bits saved against error added. levels are in coding order, coef
// and dequant in raster order. base is the record of the block's type alone, ctx
// the context of its first token; lambda the price of 1/256 bit in squared
// coefficient error, times 256. It zeroes dequant behind the new end and returns
// that; every position from first on has one token, and unless the block is full
// an end token must follow.
func (t *encTokenCosts) trimBlock(recs *[16]uint32, levels, coef, dequant *[16]int16, first, eob int, base, ctx uint32, lambda int64) int {
	at := ctx<<tokSlotShift + base
	stop := at + encBandRecords[first&15] + tokenEOB<<tokTokenShift
	rate, gain := int64(0), int64(0) // the squared error taken away so far, times 256
	best, bestAt := lambda*int64(t.kinds[encTokenKind(stop)]), first
	for i := first; i < eob; i++ {
		at += encBandRecords[i&15]
		v := int32(levels[i&15])
		if v == 0 {
			recs[(i-first)&15] = at
			rate += int64(t.kinds[encTokenKind(at)])
			at = base | tokAfterZero
			continue
		}
		rec, next := encLevelRecord(v)
		rec |= at
		recs[(i-first)&15] = rec
		rate += int64(t.kinds[encTokenKind(rec)])
		at = base + next<<tokSlotShift
		r := zigzag[i&15] & 15
		c, d := int64(coef[r]), int64(dequant[r])
		gain += d * (2*c - d) << 8
		price := rate
		if i < 15 {
			stop = at + encBandRecords[i+1] + tokenEOB<<tokTokenShift
			price += int64(t.kinds[encTokenKind(stop)])
		}
		if j := lambda*price - gain; j <= best {
			best, bestAt = j, i+1
		}
	}
	for i := bestAt; i < eob; i++ {
		dequant[zigzag[i&15]&15] = 0
	}
	return bestAt
}

// trimFactor is the price of 1/256 bit in squared coefficient error, times 256:
// one bit costs sseQ4/16 in squared pixels; coefficients are twice the
// orthonormal ones, which makes four times that in squared coefficients.
func (l *lambdas) trimFactor() int64 { return int64(l.sseQ4) / 4 }
