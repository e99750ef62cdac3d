package vp8

import "math"

// mbInfo is what the first partition says of one macroblock.
type mbInfo struct {
	neighbour          // reference, vector (of the last subblock, if split), split
	yMode     uint8    // mode*
	uvMode    uint8    // modeDC to modeTM
	segment   uint8    // 0 to 3
	partition uint8    // kind of partition, if split
	skip      bool     // no residue in the stream
	coded     bool     // there are coefficients
	inner     bool     // the loop filter takes the edges inside, too
	zero      uint8    // 1 if inter with the vector zero (of the last subblock, if split)
	_         [2]uint8 // 16 bytes in all
}

// hasY2 reports whether the luma DC coefficients come through a Y2 block.
func (m *mbInfo) hasY2() bool { return m.yMode != modeB && m.yMode != modeSplit }

// still reports whether the prediction is what the reference has in the same place.
func (m *mbInfo) still() bool { return m.zero != 0 && !m.split }

// modeReader reads the macroblock modes of a frame (sections 11, 16 and 17)
// row by row.
type modeReader struct {
	r    *boolReader
	h    *frameHeader
	s    *headerState
	grid *mbGrid
	// segments is the persistent segment map.
	segments []uint8
	// aboveModes and leftModes are the contexts of subblock modes, which key
	// frames alone have.
	aboveModes []uint8
	leftModes  [4]uint8
	// canConceal says that there is a last frame of this size to conceal with.
	canConceal bool
	// concealed counts macroblocks replaced because the partition had ended.
	concealed int
}

// mbGrid holds the modes of a frame's macroblocks. Column and row 0 of mbs are
// the neighbours outside the frame: always intra.
type mbGrid struct {
	w, h   int
	stride int
	mbs    []mbInfo
	// vectors and modes of subblocks, valid for split and modeB macroblocks;
	// same layout as mbs.
	vectors []subblockVectors
	modes   []subblockModes
}

type (
	subblockVectors [16]motionVector
	subblockModes   [16]uint8
)

func newMBGrid(w, h int) *mbGrid {
	g := &mbGrid{w: w, h: h, stride: w + 1}
	n := g.stride * (h + 1)
	g.mbs = make([]mbInfo, n)
	g.vectors = make([]subblockVectors, n)
	g.modes = make([]subblockModes, n)
	return g
}

// at returns the index of the macroblock in column x and row y.
func (g *mbGrid) at(x, y int) int { return (y+1)*g.stride + x + 1 }

// readRow reads the modes of row y.
func (m *modeReader) readRow(y int) {
	if !m.h.key {
		m.readInterRow(y)
		return
	}
	m.leftModes = [4]uint8{}
	g := m.grid
	i := g.at(0, y)
	segments := m.segments[y*g.w : (y+1)*g.w]
	for x := range g.w {
		mb := &g.mbs[i]
		if m.canConceal && m.r.overrun() {
			m.conceal(mb, segments[x])
			i++
			continue
		}
		if m.s.seg.updateMap {
			segments[x] = uint8(m.r.tree(segmentTree[:], m.s.seg.treeProbs[:]))
		}
		skip := m.h.skipEnabled && m.r.bit(m.h.probSkip)
		*mb = mbInfo{segment: segments[x], skip: skip}
		m.readKeyModes(mb, i, x)
		i++
	}
}

// conceal has a macroblock that the data do not tell of be that of the last frame.
func (m *modeReader) conceal(mb *mbInfo, segment uint8) {
	*mb = mbInfo{neighbour: neighbour{ref: refLast}, yMode: modeZero, segment: segment, skip: true, zero: 1}
	m.concealed++
}

// readInterRow reads the modes of row y of an inter frame. Most macroblocks have
// the vector zero: what tells of that is read here, with the reader's state in
// locals.
func (m *modeReader) readInterRow(y int) {
	r, g, h := m.r, m.grid, m.h
	i := g.at(0, y)
	segments := m.segments[y*g.w:][:g.w]
	above, row := g.mbs[i-g.stride-1:][:g.w+1], g.mbs[i-1:][:g.w+1]
	updateMap := m.s.seg.updateMap
	end := len(r.data)*8 + 8
	if !m.canConceal {
		end = math.MaxInt
	}
	value, rng, avail := r.value, r.rng, r.avail
	for x := range segments {
		mb := &row[x+1]
		if r.pos*8-avail > end {
			m.conceal(mb, segments[x])
			continue
		}
		if updateMap {
			r.value, r.rng, r.avail = value, rng, avail
			segments[x] = uint8(r.tree(segmentTree[:], m.s.seg.treeProbs[:]))
			value, rng, avail = r.value, r.rng, r.avail
		}
		// Four bits, of seven bits of the value each at most.
		if avail < 28 {
			value, avail = r.refill(value, avail)
		}
		var n int
		var skip, one bool
		if h.skipEnabled {
			value, rng, n, skip = boolBit(value, rng, h.probSkip)
			avail -= n
		}
		value, rng, n, one = boolBit(value, rng, h.probIntra)
		avail -= n
		if !one {
			*mb = mbInfo{segment: segments[x], skip: skip}
			r.value, r.rng, r.avail = value, rng, avail
			m.readIntraModes(mb, i+x)
			value, rng, avail = r.value, r.rng, r.avail
			continue
		}
		value, rng, n, one = boolBit(value, rng, h.probLast)
		avail -= n
		ref := uint8(refLast)
		if one {
			value, rng, n, one = boolBit(value, rng, h.probG)
			avail -= n
			ref = refGolden
			if one {
				ref = refAltRef
			}
		}
		// How often the survey would find the vector zero.
		zeros := 2*(above[x+1].zero+row[x].zero) + above[x].zero
		if avail < 7 {
			value, avail = r.refill(value, avail)
		}
		value, rng, n, one = boolBit(value, rng, interModeProbs[zeros&7][0])
		avail -= n
		mb.mv, mb.ref, mb.split = motionVector{}, ref, false
		mb.yMode, mb.uvMode, mb.segment, mb.skip, mb.zero = modeZero, modeDC, segments[x], skip, 1
		if one {
			r.value, r.rng, r.avail = value, rng, avail
			m.readInterModes(mb, i+x, x, y)
			value, rng, avail = r.value, r.rng, r.avail
		}
	}
	r.value, r.rng, r.avail = value, rng, avail
}

// readKeyModes reads the modes of a macroblock of a key frame (section 11).
func (m *modeReader) readKeyModes(mb *mbInfo, i, x int) {
	r := m.r
	mb.yMode = uint8(r.tree(kfYModeTree[:], kfYModeProbs[:]))
	above := (*[4]uint8)(m.aboveModes[4*x:])
	if mb.yMode == modeB {
		modes := &m.grid.modes[i]
		for y := range 4 {
			left := m.leftModes[y]
			for x := range 4 {
				left = uint8(r.tree(subblockModeTree[:], kfSubblockModeProbs[above[x]][left][:]))
				above[x] = left
				modes[4*y+x] = left
			}
			m.leftModes[y] = left
		}
	} else {
		implied := impliedSubblockMode[mb.yMode]
		for i := range 4 {
			above[i], m.leftModes[i] = implied, implied
		}
	}
	mb.uvMode = uint8(r.tree(uvModeTree[:], kfUVModeProbs[:]))
}

// impliedSubblockMode is the context that whole-block modes leave (section
// 11.3).
var impliedSubblockMode = [4]uint8{modeDC: subDC, modeV: subVE, modeH: subHE, modeTM: subTM}

// readIntraModes reads the modes of an intra macroblock of an inter frame
// (section 16.1).
func (m *modeReader) readIntraModes(mb *mbInfo, i int) {
	r := m.r
	mb.yMode = uint8(r.tree(yModeTree[:], m.s.entropy.yMode[:]))
	if mb.yMode == modeB {
		modes := &m.grid.modes[i]
		for b := range modes {
			modes[b] = uint8(r.tree(subblockModeTree[:], subblockModeProbs[:]))
		}
	}
	mb.uvMode = uint8(r.tree(uvModeTree[:], m.s.entropy.uvMode[:]))
}

// readInterModes reads mode and vectors of an inter macroblock whose vector is not
// simply zero (section 16.3 and 16.4). The reference is known.
func (m *modeReader) readInterModes(mb *mbInfo, i, x, y int) {
	r, g := m.r, m.grid
	c := surveyNeighbours(&g.mbs[i-g.stride].neighbour, &g.mbs[i-1].neighbour, &g.mbs[i-g.stride-1].neighbour, mb.ref, &m.s.signBias)
	bounds := mvBoundsAt(x, y, g.w, g.h)
	switch {
	case !r.bit(interModeProbs[c.count[1]][1]):
		mb.yMode, mb.mv = modeNearest, bounds.clamp(c.nearest)
	case !r.bit(interModeProbs[c.count[2]][2]):
		mb.yMode, mb.mv = modeNear, bounds.clamp(c.near)
	case !r.bit(interModeProbs[c.count[3]][3]):
		mb.yMode, mb.mv = modeNew, bounds.clamp(c.best).add(m.readVector())
	default:
		mb.yMode, mb.split = modeSplit, true
		m.readSplit(mb, i, bounds.clamp(c.best))
	}
	if mb.mv != (motionVector{}) {
		mb.zero = 0
	}
}

// readSplit reads the vectors of a split macroblock (section 16.4).
func (m *modeReader) readSplit(mb *mbInfo, i int, best motionVector) {
	r, g := m.r, m.grid
	kind := r.tree(partitionTree[:], partitionProbs[:])
	mb.partition = uint8(kind)
	vectors := &g.vectors[i]
	parts := &partitionMap[kind]
	for part := range partitionCount[kind] {
		b := int(partitionFirst[kind][part])
		var left, above motionVector
		if b&3 == 0 {
			left = g.subblockVector(i-1, b+3)
		} else {
			left = vectors[b-1]
		}
		if b < 4 {
			above = g.subblockVector(i-g.stride, b+12)
		} else {
			above = vectors[b-4]
		}
		var v motionVector
		switch r.tree(splitModeTree[:], splitModeProbs[splitContext(left, above)][:]) {
		case splitLeft:
			v = left
		case splitAbove:
			v = above
		case splitNew:
			v = best.add(m.readVector())
		}
		for j := b; j < 16; j++ {
			if parts[j] == part {
				vectors[j] = v
			}
		}
	}
	mb.mv = vectors[15]
}

// subblockVector returns the vector of subblock b of macroblock i: zero for
// intra, the macroblock's own unless it is split.
func (g *mbGrid) subblockVector(i, b int) motionVector {
	if g.mbs[i].split {
		return g.vectors[i][b&15]
	}
	return g.mbs[i].mv
}

// readVector reads a vector: the row first (section 17).
func (m *modeReader) readVector() motionVector {
	y := m.r.mvComponent(&m.s.entropy.mv[0])
	x := m.r.mvComponent(&m.s.entropy.mv[1])
	return motionVector{x: int16(x), y: int16(y)}
}

// mvComponent reads one component of a vector (section 17.1).
func (r *boolReader) mvComponent(p *[numMVProbs]uint8) int {
	v := 0
	if !r.bit(p[mvIsShort]) {
		v = r.tree(mvShortTree[:], p[mvShort:mvLongBits])
	} else {
		bit := func(i int) {
			if r.bit(p[mvLongBits+i]) {
				v |= 1 << i
			}
		}
		for i := range 3 {
			bit(i)
		}
		for i := mvLongWidth - 1; i > 3; i-- {
			bit(i)
		}
		// A long value is at least 8: bit 3 is sent only where it is not known.
		if v > 15 {
			bit(3)
		} else {
			v |= 8
		}
	}
	if v != 0 && r.bit(p[mvSign]) {
		return -v
	}
	return v
}
