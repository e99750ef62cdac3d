package vp8

import "math/bits"

// A token record holds one coefficient token until the frame's probabilities
// are known. From the lowest bit:
//
//	extra:11 | sign:1 | token:4 | slot:7 | afterZero:1
//
// slot is (block type*8+band)*3+context; afterZero says that an end of block
// cannot stand here because the token before was a zero. What lies above the
// sign is the token's kind: counts and prices are found by it.
const (
	tokSignShift      = 11
	tokTokenShift     = 12
	tokSlotShift      = 16
	tokAfterZeroShift = 23

	tokAfterZero = 1 << tokAfterZeroShift

	encTokenSlots = 4 * 8 * 3
	encTokenKinds = 1 << 12
	// encMBTokens is the largest number of tokens of a macroblock: all
	// coefficients, since a full block has no end token; and one that is not kept.
	encMBTokens = 25*16 + 1
	// encLargestLevel is the largest magnitude that a token can tell.
	encLargestLevel = 67 + 1<<11 - 1
)

// encTokenKind is the kind of a token record.
func encTokenKind(rec uint32) uint32 { return rec >> tokTokenShift & (encTokenKinds - 1) }

// encTokenCounts counts what a frame's tokens need their probabilities for, by
// kind.
type encTokenCounts struct {
	kinds [encTokenKinds]uint32
}

func (c *encTokenCounts) add(o *encTokenCounts) {
	for k := range c.kinds {
		c.kinds[k] += o.kinds[k]
	}
}

// addRecords counts token records.
func (c *encTokenCounts) addRecords(recs []uint32) {
	for len(recs) >= 4 {
		r := (*[4]uint32)(recs)
		c.kinds[encTokenKind(r[0])]++
		c.kinds[encTokenKind(r[1])]++
		c.kinds[encTokenKind(r[2])]++
		c.kinds[encTokenKind(r[3])]++
		recs = recs[4:]
	}
	for _, r := range recs {
		c.kinds[encTokenKind(r)]++
	}
}

// branches returns how often each of the eleven nodes of the token tree was
// left by its zero and its one branch in slot s.
func (c *encTokenCounts) branches(s int) (n [11][2]uint32) {
	var t [16]uint32
	afterZero := uint32(0)
	for i, later := range c.kinds[encTokenKinds/2+s<<4:][:16] {
		t[i] = c.kinds[s<<4+i] + later
		afterZero += later
	}
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
	n[0] = [2]uint32{t[tokenEOB], t[tokenZero] + t[tokenOne] + more - afterZero}
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

// encValueRecords maps magnitudes to the part of a record that they decide:
// token and extra bits.
var encValueRecords = func() (t [encLargestLevel + 1]uint16) {
	for v := range t {
		if v <= 4 {
			t[v] = uint16(v << tokTokenShift)
			continue
		}
		c := 0
		for c < 5 && v >= int(encCategories[c+1].base) {
			c++
		}
		t[v] = uint16((tokenCat1+c)<<tokTokenShift | v - int(encCategories[c].base))
	}
	return t
}()

// encBandRecords is the part of a record that the band of a position decides.
var encBandRecords = func() (t [17]uint32) {
	for i, b := range coeffBand {
		t[i] = uint32(3*b) << tokSlotShift
	}
	return t
}()

// encEndRecords is what the end of a block at a position adds to the record of its
// type and context.
var encEndRecords = func() (t [17]uint32) {
	for i, b := range encBandRecords {
		t[i] = b + tokenEOB<<tokTokenShift
	}
	return t
}()

// encLevel is what a level adds to its record, and from bit 32 on to the next one:
// the context behind it.
//
//go:noinline
func encLevel(v int32) uint64 {
	if v == 0 {
		return tokAfterZero << 32
	}
	sign := uint32(v) >> 31
	mag := uint32(max(v, -v))
	return uint64(uint32(encValueRecords[min(mag, encLargestLevel)])|sign<<tokSignShift) | uint64(min(mag, 2))<<(32+tokSlotShift)
}

// encLevels are the levels from -encSmallLevels on, which nearly all are among.
var encLevels = func() (t [2 * encSmallLevels]uint64) {
	for i := range t {
		t[i] = encLevel(int32(i - encSmallLevels))
	}
	return t
}()

const encSmallLevels = 64

// tokenizeBlock writes the tokens of one block to recs, one for every position
// from first to eob-1, and unless the block is full one for its end. levels has the
// levels in coding order, eob is one more than the position of the last that is
// not zero, and more than first. base is the record of the block's type alone, at
// that with the context of its first token.
func tokenizeBlock(recs *[17]uint32, levels *[16]int16, first, eob int, at, base uint32) {
	if first < 0 || eob > 16 {
		return // not reached; it tells the compiler that all indices fit
	}
	_, _ = recs[0], levels[0]
	for i := first; i < eob; i++ {
		at += encBandRecords[i]
		var l uint64
		if k := uint32(int32(levels[i])) + encSmallLevels; k < 2*encSmallLevels {
			l = encLevels[k]
		} else {
			l = encLevel(int32(levels[i]))
		}
		recs[i] = at | uint32(l)
		at = base + uint32(l>>32)
	}
	recs[eob] = at + encEndRecords[eob] // behind a full block it is in nobody's way
}

// encTypeRecord is the record of a block type alone.
func encTypeRecord(blockType int) uint32 { return uint32(blockType*24) << tokSlotShift }

// encTokenCodes are the paths through the token tree, in a table that four bits
// index.
var encTokenCodes = func() (t [16]encTreeCode) {
	copy(t[:], encTreeCodes(coeffTree[:], numTokens))
	return t
}()

// putTokens codes token records with the frame's probabilities.
func (w *boolWriter) putTokens(recs []uint32, probs *[128][16]uint8) {
	low, less, pending := w.low, w.less, w.pending
	var shift uint
	for _, r := range recs {
		// Up to three branches and a sign: 22 bits at most.
		if pending >= 32 {
			low, pending = w.spillFrom(low, pending)
		}
		p := &probs[r>>tokSlotShift&127]
		tok := r >> tokTokenShift & 15
		// After a zero the first branch, end of block or not, is left out.
		if r&tokAfterZero == 0 {
			split := less * uint32(p[0]) >> 8
			if tok == tokenEOB {
				less, shift = boolNorm(split)
				low, pending = low<<(shift&63), pending+shift
				continue
			}
			low += uint64(split + 1)
			less, shift = boolNorm(less - split - 1)
			low, pending = low<<(shift&63), pending+shift
		}
		split := less * uint32(p[1]) >> 8
		if tok == tokenZero {
			less, shift = boolNorm(split)
			low, pending = low<<(shift&63), pending+shift
			continue
		}
		low += uint64(split + 1)
		less, shift = boolNorm(less - split - 1)
		low, pending = low<<(shift&63), pending+shift

		split = less * uint32(p[2]) >> 8
		if tok == tokenOne {
			less, shift = boolNorm(split)
			low, pending = low<<(shift&63), pending+shift
		} else {
			low += uint64(split + 1)
			less, shift = boolNorm(less - split - 1)
			low, less, pending = w.putLarge(low<<(shift&63), less, pending+shift, r, p)
		}
		// The sign is as likely one as zero: no more than a bit is shifted.
		split = less >> 1
		if r>>tokSignShift&1 != 0 {
			low += uint64(split + 1)
			split = less - split - 1
		}
		less, shift = boolNorm(split)
		low, pending = low<<(shift&63), pending+shift
	}
	w.low, w.less, w.pending = low, less, pending
}

// putLarge codes what tells a token of value two or more from others of that
// kind, and its extra bits, for a state held in registers. It leaves room for a
// sign.
func (w *boolWriter) putLarge(low uint64, less uint32, pending uint, r uint32, p *[16]uint8) (uint64, uint32, uint) {
	tok := r >> tokTokenShift & 15
	code := &encTokenCodes[tok]
	for i := uint8(3); i < code.n; i++ {
		if pending >= 32 {
			low, pending = w.spillFrom(low, pending)
		}
		low, less, pending = boolStep(low, less, pending, uint32(code.bits>>(i&15)&1), p[code.probs[i&15]&15])
	}
	if tok >= tokenCat1 {
		c := &encCategories[(tok-tokenCat1)%6]
		for n := uint32(c.nbits); n > 0; n-- {
			if pending >= 32 {
				low, pending = w.spillFrom(low, pending)
			}
			low, less, pending = boolStep(low, less, pending, r>>((n-1)&31)&1, c.probs[uint32(c.nbits)-n])
		}
	}
	if pending >= 32 {
		low, pending = w.spillFrom(low, pending)
	}
	return low, less, pending
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
