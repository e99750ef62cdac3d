package vp8

import (
	"encoding/binary"
	"math/bits"
)

// positionProbs are the token probabilities by block type, coefficient
// position (instead of band) and context (of which there are three). Rows are
// padded to 16 bytes, and contexts to 4, so that addresses are shifts; the seventeenth position lets loops prepare the next
// coefficient behind the last one.
type (
	positionProbs [numBlockTypes]blockProbs
	blockProbs    [17][4][16]uint8
)

// set expands the bands of p.
func (t *positionProbs) set(p *coeffProbs) {
	for i := range t {
		for n := range t[i] {
			for c := range numCoeffContexts {
				copy(t[i][n][c][:], p[i][coeffBand[n]][c][:])
			}
		}
	}
}

// tokenProbs is what the reader of tokens wants to know of a frame's probabilities.
type tokenProbs struct {
	at    positionProbs
	empty [numBlockTypes]emptyRuns
}

func (t *tokenProbs) set(p *coeffProbs) {
	t.at.set(p)
	t.empty[blockYAfterY2].set(t.at[blockYAfterY2][1][0][0])
	t.empty[blockChroma].set(t.at[blockChroma][0][0][0])
	t.empty[blockYWithDC].set(t.at[blockYWithDC][0][0][0])
}

// nonZeroContext remembers which blocks beside or above had coefficients: four
// luma blocks, two U, two V, and Y2 (section 13.3).
type nonZeroContext [16]uint8

const (
	contextU  = 4
	contextV  = 6
	contextY2 = 8
)

// clear marks a macroblock without coefficients. Macroblocks without a Y2
// block leave its context alone.
func (c *nonZeroContext) clear(withY2 bool) {
	binary.LittleEndian.PutUint64(c[:contextY2], 0)
	if withY2 {
		c[contextY2] = 0
	}
}

// residue is the dequantised residue of one macroblock: 25 blocks of 16
// coefficients in raster order (16 luma, 4 U, 4 V, Y2), and for each how many
// tokens came before its end. All coefficients are zero between macroblocks.
type residue struct {
	coeff [25 * 16]int16
	eob   [25]uint8
}

func (c *residue) block(i int) *[16]int16 { return (*[16]int16)(c.coeff[i*16:]) }

// readResidue reads the tokens of a macroblock (section 13) and reports
// whether there was any coefficient. Most blocks are empty: that is found out
// here, with the reader's state in locals and, where no neighbour has
// coefficients either, for four blocks at a time.
func (r *boolReader) readResidue(c *residue, probs *tokenProbs, q *quantFactors, above, left *nonZeroContext, withY2 bool) bool {
	kind, first := blockYWithDC, 0
	var any uint8
	if withY2 {
		kind, first = blockYAfterY2, 1
		p := &probs.at[blockY2][0][(above[contextY2]+left[contextY2])&3]
		if r.bit(p[0]) {
			any = r.readTokens(&probs.at[blockY2], p, 0, &q.y2, c.block(24))
		}
		c.eob[24] = any
		above[contextY2] = min(any, 1)
		left[contextY2] = above[contextY2]
	}
	any |= r.readRows(c, &probs.at[kind], &probs.empty[kind], &q.y1, above, left, first)
	return any|r.readPlanes(c, &probs.at[blockChroma], &probs.empty[blockChroma], &q.uv, above, left) != 0
}

// readRows reads the 16 luma blocks of a macroblock, which begin at coefficient
// first, and returns 0 if all are empty.
func (r *boolReader) readRows(c *residue, probs *blockProbs, empty *emptyRuns, q *[2]int16, above, left *nonZeroContext, first int) uint8 {
	var any uint8
	value, rng, avail := r.value, r.rng, r.avail
	start := &probs[first&1]
	for y := range 4 {
		l := left[y]
		if uint32(l)|binary.LittleEndian.Uint32(above[:4]) == 0 {
			if avail < maxEmptyShift {
				value, avail = r.refill(value, avail)
			}
			if e := &empty.run[rng&127]; uint32(value>>32) < e.below {
				value, rng, avail = value<<(e.shift&31), uint64(e.rng), avail-int(e.shift)
				binary.LittleEndian.PutUint32(c.eob[4*y:4*y+4], 0)
				continue
			}
		}
		for x := range 4 {
			p := &start[(above[x]+l)&3]
			if avail < 7 {
				value, avail = r.refill(value, avail)
			}
			var n uint8
			var shift int
			var some bool
			value, rng, shift, some = boolBit(value, rng, p[0])
			avail -= shift
			if some {
				r.value, r.rng, r.avail = value, rng, avail
				n = r.readTokens(probs, p, uint(first), q, c.block(4*y+x))
				value, rng, avail = r.value, r.rng, r.avail
				any |= n
				l = 1
			} else {
				l = 0
			}
			c.eob[4*y+x], above[x] = n, l
		}
		left[y] = l
	}
	r.value, r.rng, r.avail = value, rng, avail
	return any
}

// readPlanes reads the four blocks of each chroma plane and returns 0 if all are
// empty.
func (r *boolReader) readPlanes(c *residue, probs *blockProbs, empty *emptyRuns, q *[2]int16, above, left *nonZeroContext) uint8 {
	var any uint8
	value, rng, avail := r.value, r.rng, r.avail
	for plane := range 2 {
		a, l := above[contextU+2*plane:][:2], left[contextU+2*plane:][:2]
		eob := c.eob[16+4*plane:][:4]
		if a[0]|a[1]|l[0]|l[1] == 0 {
			if avail < maxEmptyShift {
				value, avail = r.refill(value, avail)
			}
			if e := &empty.run[rng&127]; uint32(value>>32) < e.below {
				value, rng, avail = value<<(e.shift&31), uint64(e.rng), avail-int(e.shift)
				binary.LittleEndian.PutUint32(eob, 0)
				continue
			}
		}
		for b := range 4 {
			p := &probs[0][(a[b&1]+l[b>>1])&3]
			if avail < 7 {
				value, avail = r.refill(value, avail)
			}
			var n uint8
			var shift int
			var some bool
			value, rng, shift, some = boolBit(value, rng, p[0])
			avail -= shift
			if some {
				r.value, r.rng, r.avail = value, rng, avail
				n = r.readTokens(probs, p, 0, q, c.block(16+4*plane+b))
				value, rng, avail = r.value, r.rng, r.avail
				any |= n
			}
			eob[b] = n
			a[b&1] = min(n, 1)
			l[b>>1] = a[b&1]
		}
	}
	r.value, r.rng, r.avail = value, rng, avail
	return any
}

// readTokens reads the tokens of a block that is not empty from coefficient n
// on, p being the probabilities of the first. It stores the dequantised
// coefficients in out, which must be all zero, and returns the position behind
// the last token.
//
// This is the decoder's innermost loop: the reader's state stays in locals,
// and one check for 24 bits covers the tokens up to the value one.
func (r *boolReader) readTokens(probs *blockProbs, p *[16]uint8, n uint, q *[2]int16, out *[16]int16) uint8 {
	value, rng, avail := r.value, r.rng, r.avail
	_, _ = *probs, *out // not nil: seen once, not for each token
	if avail < 24 {
		value, avail = r.refill(value, avail)
	}
	for {
		split := 1 + ((rng-1)*uint64(p[1]))>>8
		for value < split<<56 {
			// A zero, which no end of block can follow.
			shift := boolShift(uint32(split))
			value, rng, avail = value<<shift, split<<shift, avail-int(shift)
			n++
			if n >= 16 {
				r.value, r.rng, r.avail = value, rng, avail
				return 16
			}
			p = &probs[n][0]
			if avail < 24 {
				value, avail = r.refill(value, avail)
			}
			split = 1 + ((rng-1)*uint64(p[1]))>>8
		}
		value -= split << 56
		rng -= split
		shift := boolShift(uint32(rng))
		value, rng, avail = value<<shift, rng<<shift, avail-int(shift)

		v := 1
		next := 1
		split = 1 + ((rng-1)*uint64(p[2]))>>8
		if value < split<<56 {
			shift = boolShift(uint32(split))
			value, rng, avail = value<<shift, split<<shift, avail-int(shift)
		} else {
			value -= split << 56
			rng -= split
			shift = boolShift(uint32(rng))
			r.value, r.rng, r.avail = value<<shift, rng<<shift, avail-int(shift)
			v = r.readLarge(p)
			value, rng, avail = r.value, r.rng, r.avail
			next = 2
		}
		// The sign is as likely one as zero: no branch. The range is at most 254,
		// as it is behind the first bit of all, so either half of it needs one shift.
		split = (rng + 1) >> 1
		_, below := bits.Sub64(value, split<<56, 0)
		mask := below - 1
		value = (value - split<<56&mask) << 1
		rng = 2 * (split + (rng-2*split)&mask)
		avail--
		v = (v ^ int(mask)) - int(mask)

		step := q[1]
		if n == 0 {
			step = q[0]
		}
		// Products keep 16 bits (section 14.1).
		out[zigzag[n&15]&15] = int16(v * int(step))
		n++
		if n >= 16 {
			r.value, r.rng, r.avail = value, rng, avail
			return 16
		}
		if avail < 24 {
			value, avail = r.refill(value, avail)
		}
		p = &probs[n][next]
		split = 1 + ((rng-1)*uint64(p[0]))>>8
		if value < split<<56 {
			shift = boolShift(uint32(split))
			r.value, r.rng, r.avail = value<<shift, split<<shift, avail-int(shift)
			return uint8(n)
		}
		value -= split << 56
		rng -= split
		shift = boolShift(uint32(rng))
		value, rng, avail = value<<shift, rng<<shift, avail-int(shift)
	}
}

// readLarge reads the rest of a token of value two or more and its extra bits,
// and leaves at least one bit for the sign.
func (r *boolReader) readLarge(p *[16]uint8) int {
	v := 0
	switch {
	case !r.bit(p[3]):
		if !r.bit(p[4]) {
			v = 2
		} else if v = 3; r.bit(p[5]) {
			v = 4
		}
	case !r.bit(p[6]):
		if !r.bit(p[7]) {
			v = 5
			if r.bit(159) {
				v = 6
			}
		} else {
			v = 7
			if r.bit(165) {
				v = 9
			}
			if r.bit(145) {
				v++
			}
		}
	default:
		cat := 2
		if r.bit(p[8]) {
			cat = 4
			if r.bit(p[10]) {
				cat = 5
			}
		} else if r.bit(p[9]) {
			cat = 3
		}
		for _, prob := range tokenCatProbs[cat] {
			v <<= 1
			if r.bit(prob) {
				v |= 1
			}
		}
		v += tokenCatBase[cat]
	}
	if r.avail < 8 {
		r.value, r.avail = r.refill(r.value, r.avail)
	}
	return v
}
