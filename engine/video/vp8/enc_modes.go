package vp8

// encMB is what the encoder decided for one macroblock.
type encMB struct {
	// nb is the part that the neighbours' census reads. nb.mv is zero for
	// intra macroblocks and the last subblock's vector for split ones.
	nb        neighbour
	yMode     uint8
	uvMode    uint8
	segment   uint8
	partition uint8
	// noCoeffs says that all 25 blocks are empty.
	noCoeffs bool
	// kept says that the macroblock starts from the last frame's at its place,
	// which is copied already.
	kept bool
	// sub holds the intra modes of the subblocks; where yMode is not modeB,
	// what its neighbours in a key frame take for them.
	sub [16]uint8
	// mvs and splitModes are valid for modeSplit only.
	mvs        [16]motionVector
	splitModes [16]uint8
	// count and predictor are what the neighbours' census found for an inter
	// macroblock that was not kept: the predictor is clamped.
	count     [4]uint8
	predictor motionVector
}

// subMV returns the vector of subblock i, for the neighbours' contexts.
func (m *encMB) subMV(i int) motionVector {
	if m.yMode == modeSplit {
		return m.mvs[i]
	}
	return m.nb.mv
}

// encImpliedSub is the subblock mode that a whole-macroblock mode stands for in
// the contexts of key frames (section 11.3).
var encImpliedSub = [numYModes]uint8{modeDC: subDC, modeV: subVE, modeH: subHE, modeTM: subTM}

// encTreeCode is the path to one leaf of a tree: n bits, the first one lowest,
// and the probability index of each.
type encTreeCode struct {
	n     uint8
	bits  uint16
	probs [16]uint8
}

// encTreeCodes lists the paths to all leaves of tree.
func encTreeCodes(tree []int8, leaves int) []encTreeCode {
	codes := make([]encTreeCode, leaves)
	var walk func(at int, c encTreeCode)
	walk = func(at int, c encTreeCode) {
		for b := range 2 {
			d := c
			d.probs[d.n] = uint8(at / 2)
			d.bits |= uint16(b) << d.n
			d.n++
			if next := tree[at+b]; next > 0 {
				walk(int(next), d)
			} else {
				codes[-next] = d
			}
		}
	}
	walk(0, encTreeCode{})
	return codes
}

var (
	encKFYModeCodes    = encTreeCodes(kfYModeTree[:], numYModes)
	encYModeCodes      = encTreeCodes(yModeTree[:], numYModes)
	encUVModeCodes     = encTreeCodes(uvModeTree[:], numUVModes)
	encSubModeCodes    = encTreeCodes(subblockModeTree[:], numSubblockModes)
	encInterModeCodes  = encTreeCodes(interModeTree[:], modeSplit+1)
	encPartitionCodes  = encTreeCodes(partitionTree[:], numPartitionKinds)
	encSplitModeCodes  = encTreeCodes(splitModeTree[:], numSplitModes)
	encSubModeCostsKF  = encKFSubCosts()
	encSubModeCosts    = encCodeCosts(encSubModeCodes, subblockModeProbs[:])
	encKFYModeCosts    = encCodeCosts(encKFYModeCodes, kfYModeProbs[:])
	encKFUVModeCosts   = encCodeCosts(encUVModeCodes, kfUVModeProbs[:])
	encInterModeTables = encInterCosts()
)

// putCode writes a tree's leaf with the given probabilities.
func (w *boolWriter) putCode(c *encTreeCode, probs []uint8) {
	for i := range c.n {
		w.put(c.bits>>i&1 != 0, probs[c.probs[i]])
	}
}

func encCodeCost(c *encTreeCode, probs []uint8) int {
	cost := 0
	for i := range c.n {
		cost += encBitCost(c.bits>>i&1 != 0, probs[c.probs[i]])
	}
	return cost
}

// encCodeCosts is the price of each leaf in 1/256 bit.
func encCodeCosts(codes []encTreeCode, probs []uint8) (t [modeSplit + 1]uint16) {
	for i := range codes {
		t[i] = uint16(encCodeCost(&codes[i], probs))
	}
	return t
}

func encKFSubCosts() (t [numSubblockModes][numSubblockModes][modeSplit + 1]uint16) {
	for a := range t {
		for l := range t[a] {
			t[a][l] = encCodeCosts(encSubModeCodes, kfSubblockModeProbs[a][l][:])
		}
	}
	return t
}

// encInterCosts is the price of the two branches of each node of the inter mode
// tree by census.
func encInterCosts() (t [6][4][2]uint16) {
	for c := range t {
		for n := range t[c] {
			t[c][n] = [2]uint16{uint16(encBitCost(false, interModeProbs[c][n])), uint16(encBitCost(true, interModeProbs[c][n]))}
		}
	}
	return t
}

// encInterModeCosts prices zero, nearest, near, new and split (in this order)
// after the given census.
func encInterModeCosts(count *[4]uint8) (c [5]int) {
	base := 0
	for n := range 4 {
		t := &encInterModeTables[count[n]][n]
		c[n] = base + int(t[0])
		base += int(t[1])
	}
	c[4] = base
	return c
}

// putKeyModes writes the modes of an intra macroblock of a key frame.
func (w *boolWriter) putKeyModes(m, above, left *encMB) {
	w.putCode(&encKFYModeCodes[m.yMode], kfYModeProbs[:])
	if m.yMode == modeB {
		for i := range 16 {
			a, l := encSubAbove(m, above, i), encSubLeft(m, left, i)
			w.putCode(&encSubModeCodes[m.sub[i]], kfSubblockModeProbs[a][l][:])
		}
	}
	w.putCode(&encUVModeCodes[m.uvMode], kfUVModeProbs[:])
}

func encSubAbove(m, above *encMB, i int) uint8 {
	if i < 4 {
		return above.sub[i+12]
	}
	return m.sub[i-4]
}

func encSubLeft(m, left *encMB, i int) uint8 {
	if i&3 == 0 {
		return left.sub[i+3]
	}
	return m.sub[i-1]
}

// putSegment writes the leaf of the segment tree (section 10).
func (w *boolWriter) putSegment(segment uint8, probs *[3]uint8) {
	high, low := uint32(segment>>1&1), uint32(segment&1)
	l, less, pending := boolStep(w.low, w.less, w.pending, high, probs[0])
	w.low, w.less, w.pending = boolStep(l, less, pending, low, probs[1+high])
	w.room()
}

// putZero writes all of a macroblock of LAST with the zero vector, whose census
// needs no vectors.
func (w *boolWriter) putZero(h *encHeader, m, above, left, aboveLeft *encMB) {
	count := 2*b2i(above.nb.still()) + 2*b2i(left.nb.still()) + b2i(aboveLeft.nb.still())
	low, less, pending := boolStep(w.low, w.less, w.pending, uint32(b2i(m.noCoeffs)), h.probSkip)
	low, less, pending = boolStep(low, less, pending, 1, h.probIntra)
	low, less, pending = boolStep(low, less, pending, 0, h.probLast)
	if pending >= 32 {
		low, pending = w.spillFrom(low, pending)
	}
	w.low, w.less, w.pending = boolStep(low, less, pending, 0, interModeProbs[count][0])
	w.room()
}

// still reports whether an inter macroblock has the zero vector.
func (n *neighbour) still() bool { return n.ref != refIntra && n.mv == motionVector{} }

// putInterModes writes the modes of a macroblock of an inter frame.
func (w *boolWriter) putInterModes(h *encHeader, m, above, left, aboveLeft *encMB) {
	w.step(m.nb.ref != refIntra, h.probIntra)
	if m.nb.ref == refIntra {
		w.room()
		w.putCode(&encYModeCodes[m.yMode], h.entropy.yMode[:])
		if m.yMode == modeB {
			for i := range 16 {
				w.putCode(&encSubModeCodes[m.sub[i]], subblockModeProbs[:])
			}
		}
		w.putCode(&encUVModeCodes[m.uvMode], h.entropy.uvMode[:])
		return
	}
	w.step(m.nb.ref != refLast, h.probLast)
	w.room()
	if m.nb.ref != refLast {
		w.put(m.nb.ref == refAltRef, h.probGolden)
	}
	count := &m.count
	if m.kept {
		c := surveyNeighbours(&above.nb, &left.nb, &aboveLeft.nb, m.nb.ref, &h.signBias)
		count = &c.count
	}
	if m.yMode == modeZero {
		w.put(false, interModeProbs[count[0]][0])
		return
	}
	code := &encInterModeCodes[m.yMode]
	for i := range code.n {
		n := code.probs[i]
		w.put(code.bits>>i&1 != 0, interModeProbs[count[n]][n])
	}
	switch m.yMode {
	case modeNew:
		w.putMV(m.nb.mv, m.predictor, &h.entropy.mv)
	case modeSplit:
		w.putSplit(h, m, above, left, m.predictor)
	}
}

func (w *boolWriter) putMV(v, best motionVector, p *mvProbs) {
	w.putMVComponent(int(v.y)-int(best.y), &p[0])
	w.putMVComponent(int(v.x)-int(best.x), &p[1])
}

// putSplit writes the partition of a split macroblock and its vectors.
func (w *boolWriter) putSplit(h *encHeader, m, above, left *encMB, best motionVector) {
	w.putCode(&encPartitionCodes[m.partition], partitionProbs[:])
	for i := range int(partitionCount[m.partition]) {
		k := int(partitionFirst[m.partition][i])
		l, a := encNeighbourMVs(m, above, left, k)
		w.putCode(&encSplitModeCodes[m.splitModes[i]], splitModeProbs[splitContext(l, a)][:])
		if m.splitModes[i] == splitNew {
			w.putMV(m.mvs[k], best, &h.entropy.mv)
		}
	}
}

// encNeighbourMVs returns the vectors of the subblocks left of and above
// subblock k.
func encNeighbourMVs(m, above, left *encMB, k int) (l, a motionVector) {
	if k&3 == 0 {
		l = left.subMV(k + 3)
	} else {
		l = m.mvs[k-1]
	}
	if k < 4 {
		a = above.subMV(k + 12)
	} else {
		a = m.mvs[k-4]
	}
	return l, a
}
