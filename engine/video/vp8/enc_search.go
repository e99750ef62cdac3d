package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// encSearch is the state of one macroblock's search for a vector.
type encSearch struct {
	census        [numRefs]mvCensus
	nearest, near [numRefs]motionVector
	best          [numRefs]motionVector // predictor, clamped
	// Allowed full-pel positions relative to the macroblock.
	minX, maxX, minY, maxY int
}

// encReach is how far outside the frame a block may be fetched, in samples: the
// border less the taps of the filter and the block itself.
const encReach = lumaBorder - 16 - 8

// chooseInter picks the mode, the reference and the vector of a macroblock.
func (e *Encoder) chooseInter(s *encScratch, m *encMB, p *encMBPos) {
	sr := &s.search
	h := &e.header
	above, left, corner := e.mb(p.x, p.y-1), e.mb(p.x-1, p.y), e.mb(p.x-1, p.y-1)
	bounds := mvBoundsAt(p.x, p.y, e.mbW, e.mbH)
	sr.minX, sr.maxX = -16*p.x-encReach, 16*(e.mbW-p.x-1)+encReach
	sr.minY, sr.maxY = -16*p.y-encReach, 16*(e.mbH-p.y-1)+encReach

	type choice struct {
		ref  uint8
		mode uint8
		mv   motionVector
		cost int
		satd uint32
	}
	best := choice{cost: 1 << 30}
	src := e.source.y.pix[p.yo:]
	stride := e.source.y.stride
	at := 0 // candidate buffer in use
	try := func(ref, mode uint8, v motionVector, bits int) {
		encPredict(s.pred[at][:], 16, &e.refs[ref].y, p.yo, v, 2, 16)
		satd := dsp.SATD16x16(src, stride, s.pred[at][:], 16)
		if c := int(satd) + e.lambda.satd(bits); c < best.cost {
			best = choice{ref: ref, mode: mode, mv: v, cost: c, satd: satd}
		}
	}
	ref := uint8(refLast)
	c := surveyNeighbours(&above.nb, &left.nb, &corner.nb, ref, &h.signBias)
	sr.census[ref] = c
	nearest, near := bounds.clamp(c.nearest), bounds.clamp(c.near)
	sr.nearest[ref], sr.near[ref], sr.best[ref] = nearest, near, bounds.clamp(c.best)
	costs := encInterModeCosts(&c.count)
	zero := motionVector{}
	try(ref, modeZero, zero, costs[0])
	if nearest != zero {
		try(ref, modeNearest, nearest, costs[1])
	}
	if near != zero && near != nearest {
		try(ref, modeNear, near, costs[2])
	}
	v, ok := e.searchVector(sr, p, ref, [3]motionVector{zero, nearest, near})
	if ok && v != zero && v != nearest && v != near {
		pred := sr.best[ref]
		bits := costs[3] + e.mvCosts.cost(int(v.y)-int(pred.y), int(v.x)-int(pred.x))
		try(ref, modeNew, v, bits)
	}
	if g := e.refs[refGolden]; e.speed.golden && g != e.refs[refLast] {
		ref = refGolden
		c := surveyNeighbours(&above.nb, &left.nb, &corner.nb, ref, &h.signBias)
		sr.census[ref] = c
		sr.best[ref] = bounds.clamp(c.best)
		costs := encInterModeCosts(&c.count)
		try(ref, modeZero, zero, costs[0]+encBitCost(true, 200))
	}
	m.nb = neighbour{mv: best.mv, ref: best.ref}
	m.yMode = best.mode
	if best.satd > e.speed.intraOver {
		e.tryIntraInInter(s, m, p, best.cost)
	}
}

// searchVector looks for the vector of the least SAD, first in whole samples,
// then finer. It reports false where nothing better than the start was found.
func (e *Encoder) searchVector(sr *encSearch, p *encMBPos, ref uint8, starts [3]motionVector) (motionVector, bool) {
	plane := &e.refs[ref].y
	src := e.source.y.pix[p.yo:]
	stride := plane.stride
	pred := sr.best[ref]
	cost := func(x, y int, sad uint32) int {
		return int(sad) + e.lambda.satd(e.mvCosts.cost(4*y-int(pred.y), 4*x-int(pred.x)))
	}
	inside := func(x, y int) bool { return x >= sr.minX && x <= sr.maxX && y >= sr.minY && y <= sr.maxY }
	bx, by, bc := 0, 0, 1<<30
	for i, v := range starts {
		x, y := (int(v.x)+2)>>2, (int(v.y)+2)>>2
		if i > 0 && x == 0 && y == 0 || !inside(x, y) {
			continue
		}
		sad := dsp.SAD16x16(src, stride, plane.pix[p.yo+y*stride+x:], stride)
		if c := cost(x, y, sad); c < bc {
			bx, by, bc = x, y, c
		}
	}
	var off [4]int
	var sad [4]uint32
	// A diamond that shrinks when its centre is best.
	size := 4
	for range e.speed.searchSteps {
		if !inside(bx-size, by-size) || !inside(bx+size, by+size) {
			if size >>= 1; size == 0 {
				break
			}
			continue
		}
		for i, d := range encDiamond {
			off[i] = p.yo + (by+d[1]*size)*stride + bx + d[0]*size
		}
		dsp.SAD16x16x4(src, stride, plane.pix, stride, &off, &sad)
		cx, cy := bx, by
		for i, d := range encDiamond {
			x, y := cx+d[0]*size, cy+d[1]*size
			if c := cost(x, y, sad[i]); c < bc {
				bx, by, bc = x, y, c
			}
		}
		if bx == cx && by == cy {
			if size >>= 1; size == 0 {
				break
			}
		}
	}
	v := motionVector{int16(4 * bx), int16(4 * by)}
	if !e.speed.halfPel {
		return v, true
	}
	return e.refineVector(sr, p, ref, v), true
}

var encDiamond = [4][2]int{{0, -1}, {-1, 0}, {1, 0}, {0, 1}}

// refineVector improves v below one sample by the SATD of real predictions.
func (e *Encoder) refineVector(sr *encSearch, p *encMBPos, ref uint8, v motionVector) motionVector {
	plane := &e.refs[ref].y
	src, stride := e.source.y.pix[p.yo:], e.source.y.stride
	pred := sr.best[ref]
	var buf [256]byte
	cost := func(v motionVector) int {
		encPredict(buf[:], 16, plane, p.yo, v, 2, 16)
		return int(dsp.SATD16x16(src, stride, buf[:], 16)) +
			e.lambda.satd(e.mvCosts.cost(int(v.y)-int(pred.y), int(v.x)-int(pred.x)))
	}
	best := cost(v)
	for step := int16(2); step >= 1; step >>= 1 {
		if step == 1 && !e.speed.quarterPel {
			break
		}
		c := v
		var side [4]int
		for i, d := range encDiamond {
			n := motionVector{c.x + int16(d[0])*step, c.y + int16(d[1])*step}
			side[i] = cost(n)
			if side[i] < best {
				best, v = side[i], n
			}
		}
		// The diagonal between the two better sides.
		n := motionVector{c.x + step, c.y + step}
		if side[1] < side[2] {
			n.x = c.x - step
		}
		if side[0] < side[3] {
			n.y = c.y - step
		}
		if k := cost(n); k < best {
			best, v = k, n
		}
	}
	return v
}
