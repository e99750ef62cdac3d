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

// trimBlock takes tokenizeBlock's tokens and ends the block where it had
// better end: bits saved against error added. coef and dequant are the block's, in
// raster order; lambda is the price of 1/256 bit in squared coefficient error,
// times 256. It zeroes dequant behind the new end, puts the end's token
// there, and returns it.
func (t *encTokenCosts) trimBlock(recs *[17]uint32, coef, dequant *[16]int16, first, eob int, lambda int64) int {
	if first < 0 || eob > 16 {
		return eob // not reached; it tells the compiler that all indices fit
	}
	_, _, _, _ = t.kinds[0], recs[0], coef[0], dequant[0]
	const slot = encTokenKinds - 1 - 15
	best, bestAt := lambda*int64(t.kinds[recs[first]>>tokTokenShift&slot|tokenEOB]), first
	cost := int64(0)
	for i := first; i < eob; i++ {
		rec := recs[i]
		cost += lambda * int64(t.kinds[encTokenKind(rec)])
		if rec>>tokTokenShift&15 == tokenZero {
			continue
		}
		r := zigzag[i] & 15
		c, d := int64(coef[r]), int64(dequant[r])
		cost -= d * (2*c - d) << 8
		end := cost
		if i < 15 {
			// What follows has the context that the end would have.
			end += lambda * int64(t.kinds[recs[i+1]>>tokTokenShift&slot|tokenEOB])
		}
		if end <= best {
			best, bestAt = end, i+1
		}
	}
	if bestAt < eob {
		recs[bestAt] = recs[bestAt]&(slot<<tokTokenShift) | tokenEOB<<tokTokenShift
		for i := bestAt; i < eob; i++ {
			dequant[zigzag[i]&15] = 0
		}
	}
	return bestAt
}

// trimFactor is the price of 1/256 bit in squared coefficient error, times 256:
// one bit costs sseQ4/16 in squared pixels; coefficients are twice the
// orthonormal ones, which makes four times that in squared coefficients.
func (l *lambdas) trimFactor() int64 { return int64(l.sseQ4) / 4 }
