package vp8

// motionVector is a displacement in quarter luma pixels; the same number is a
// displacement in eighths of a chroma pixel.
type motionVector struct {
	x, y int16
}

func (v motionVector) add(w motionVector) motionVector { return motionVector{v.x + w.x, v.y + w.y} }
func (v motionVector) neg() motionVector               { return motionVector{-v.x, -v.y} }

// entropy is the part of the decoder's and encoder's state that a frame may
// change for itself alone or for all that follow (section 9.11,
// refresh_entropy_probs).
type entropy struct {
	coeff  coeffProbs
	mv     mvProbs
	yMode  [numYModes - 1]uint8
	uvMode [numUVModes - 1]uint8
}

// reset restores the defaults, as every key frame does.
func (e *entropy) reset() {
	e.coeff = defaultCoeffProbs
	e.mv = defaultMVProbs
	e.yMode = defaultYModeProbs
	e.uvMode = defaultUVProbs
}

// splitContext returns the context of a split subblock mode from the vectors
// of the subblocks left of it and above it (section 16.4).
func splitContext(left, above motionVector) int {
	switch {
	case left == above && left == motionVector{}:
		return splitContextBothZero
	case left == above:
		return splitContextSame
	case above == motionVector{}:
		return splitContextAboveZero
	case left == motionVector{}:
		return splitContextLeftZero
	}
	return splitContextNormal
}

// neighbour is what the census of vectors needs to know of a macroblock. Those
// outside the frame count as intra.
type neighbour struct {
	mv    motionVector // zero for intra
	ref   uint8
	split bool
}

// mvCensus is the outcome of the census of the three neighbours' vectors
// (section 16.3). The vectors are not clamped yet.
type mvCensus struct {
	nearest, near, best motionVector
	// count selects the probabilities of interModeTree's nodes.
	count [4]uint8
}

// surveyNeighbours takes the census for a macroblock that refers to ref;
// signBias says for every reference frame whether its vectors point the other
// way.
func surveyNeighbours(above, left, aboveLeft *neighbour, ref uint8, signBias *[numRefs]bool) mvCensus {
	if above.mv == (motionVector{}) && left.mv == (motionVector{}) && aboveLeft.mv == (motionVector{}) {
		return surveyStill(above, left, aboveLeft)
	}
	// Slot 0 is the zero vector; others are filled in order of appearance.
	var mv [4]motionVector
	var count [4]uint8
	last := 0
	bias := signBias[ref&3]
	for i, n := range [3]*neighbour{above, left, aboveLeft} {
		if n.ref == refIntra {
			continue
		}
		weight := uint8(2)
		if i == 2 {
			weight = 1
		}
		if n.mv == (motionVector{}) {
			count[0] += weight
			continue
		}
		v := n.mv
		if signBias[n.ref&3] != bias {
			v = v.neg()
		}
		// Only the vector found last is compared, so the first slot may be
		// repeated in the third; slot 0 never equals a vector here.
		if last == 0 || v != mv[last] {
			last++
			mv[last] = v
		}
		count[last] += weight
	}
	// Three vectors in all, and the third repeats the first.
	if count[3] > 0 && mv[3] == mv[1] {
		count[1]++
	}
	count[3] = 0
	if above.split {
		count[3] += 2
	}
	if left.split {
		count[3] += 2
	}
	if aboveLeft.split {
		count[3]++
	}
	if count[2] > count[1] {
		count[1], count[2] = count[2], count[1]
		mv[1], mv[2] = mv[2], mv[1]
	}
	if count[1] >= count[0] {
		mv[0] = mv[1]
	}
	return mvCensus{nearest: mv[1], near: mv[2], best: mv[0], count: count}
}

// surveyStill is surveyNeighbours where none of the vectors is other than zero,
// as nearly everywhere under a fixed camera.
func surveyStill(above, left, aboveLeft *neighbour) (c mvCensus) {
	for i, n := range [3]*neighbour{above, left, aboveLeft} {
		weight := uint8(2 - i>>1)
		if n.ref != refIntra {
			c.count[0] += weight
		}
		if n.split {
			c.count[3] += weight
		}
	}
	// With nothing found, the best vector is the nearest: zero as well.
	return c
}

// mvBounds limits predicted vectors so that the macroblock they fetch lies at
// most one macroblock outside the frame. Quarter pixels; more than 16 bits,
// since a frame may be 1024 macroblocks wide.
type mvBounds struct {
	minX, maxX, minY, maxY int32
}

// mvBoundsAt returns the bounds of the macroblock in column x and row y of a
// frame of w by h macroblocks (section 16.3).
func mvBoundsAt(x, y, w, h int) mvBounds {
	const side = 16 * 4
	return mvBounds{
		minX: int32(-(x + 1) * side), maxX: int32((w - x) * side),
		minY: int32(-(y + 1) * side), maxY: int32((h - y) * side),
	}
}

func (b *mvBounds) clamp(v motionVector) motionVector {
	return motionVector{
		x: int16(max(b.minX, min(int32(v.x), b.maxX))),
		y: int16(max(b.minY, min(int32(v.y), b.maxY))),
	}
}
