package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// chooseFast is chooseInter for the fast levels: vectors are weighed by the SADs
// of whole samples, and only the prediction that is taken in the end is made.
// last is the vector that the macroblock had in the last frame. The candidates'
// satd is a SAD here.
func (e *Encoder) chooseFast(s *encScratch, m *encMB, p *encMBPos, last motionVector) {
	above, left, corner := e.mb(p.x, p.y-1), e.mb(p.x-1, p.y), e.mb(p.x-1, p.y-1)
	bounds := mvBoundsAt(p.x, p.y, e.mbW, e.mbH)
	c := surveyNeighbours(&above.nb, &left.nb, &corner.nb, e.base, &e.header.signBias)
	m.count, m.predictor = c.count, bounds.clamp(c.best)
	sr := &s.search
	sr.setReach(e, p)
	sr.predictor = m.predictor
	known := [3]motionVector{{}, bounds.clamp(c.nearest), bounds.clamp(c.near)}
	costs := encInterModeCosts(&c.count)
	e.searchFast(s, p, &known, last, &costs)

	best := &sr.found
	good := e.lambda.goodSATD / 2 // the SAD of a residual is about half its SATD
	if g := e.refs[refGolden]; best.satd > good && e.base == refLast && e.speed.golden && g != e.refs[refLast] {
		src := &e.source.y
		sad := dsp.SAD16x16(src.pix[p.yo:], src.stride, g.y.pix[p.yo:], src.stride)
		if c := int(sad) + e.lambda.satd(costs[0]+encBitCost(true, 200)); c < best.cost {
			*best = encCandidate{ref: refGolden, mode: modeZero, cost: c, satd: sad, buf: -1}
		}
	}
	m.nb, m.yMode = neighbour{mv: best.mv, ref: best.ref}, best.mode
	limit := max(e.speed.intraOver, e.lambda.goodSATD, e.noise.satd)
	if 2*best.satd <= limit || !e.intraMayWin(p, 2*best.satd) {
		return
	}
	// Now the prediction itself must be weighed.
	sr.fine, sr.nTried = encFine{cost: 1 << 30, buf: -1}, 0
	e.tryFine(s, p, best.ref, best.mv)
	satd := sr.fine.satd
	if satd > limit && e.intraMayWin(p, satd) {
		e.tryIntraInInter(s, m, p, int(satd)+best.cost-int(best.satd))
		best.buf = -1 // intra prediction used the memory
	}
}

// searchFast finds the mode and the vector of the least SAD and price among the
// known vectors, zero, nearest and near, the last frame's, and those that a
// diamond finds from the best of them.
func (e *Encoder) searchFast(s *encScratch, p *encMBPos, known *[3]motionVector, last motionVector, modeCosts *[5]int) {
	sr := &s.search
	src, plane := e.source.y.pix[p.yo:], &e.refs[e.base].y
	stride := plane.stride
	off, sad := &sr.off, &sr.sad
	starts := [4]motionVector{known[0], known[1], known[2], last}
	for i, v := range starts {
		x, y := sr.clamp((int(v.x)+2)>>2, (int(v.y)+2)>>2)
		starts[i] = motionVector{int16(x), int16(y)} // in whole samples from here on
		off[i] = p.yo + y*stride + x
	}
	dsp.SAD16x16x4(src, stride, plane.pix, stride, off, sad)
	best := &sr.found
	*best = encCandidate{ref: e.base, cost: 1 << 30, buf: -1}
	from := 0
	for i := range known {
		if c := int(sad[i]) + e.lambda.satd(modeCosts[i]); c < best.cost {
			*best = encCandidate{ref: e.base, mode: encKnownModes[i], mv: known[i], cost: c, satd: sad[i], buf: -1}
			from = i
		}
	}
	if best.satd <= e.lambda.goodSATD/2 {
		return
	}
	newCost := e.lambda.satd(modeCosts[3])
	price := func(x, y int) int {
		return newCost + e.lambda.satd(e.mvCosts.cost(4*y-int(sr.predictor.y), 4*x-int(sr.predictor.x)))
	}
	at := encPlace{x: int(starts[from].x), y: int(starts[from].y), sad: best.satd}
	at.cost = int(at.sad) + price(at.x, at.y)
	if x, y := int(starts[3].x), int(starts[3].y); int(sad[3]) < at.cost {
		if c := int(sad[3]) + price(x, y); c < at.cost {
			at = encPlace{x, y, c, sad[3]}
		}
	}
	size := e.speed.searchSize
	v := motionVector{int16(4 * at.x), int16(4 * at.y)}
	for range e.speed.searchSteps {
		if at.x-size < sr.minX || at.x+size > sr.maxX || at.y-size < sr.minY || at.y+size > sr.maxY {
			break
		}
		next := sr.around(at, size, src, plane.pix, stride, p.yo, price)
		v = motionVector{int16(4 * next.x), int16(4 * next.y)}
		if next == at {
			if size == 1 {
				v, _ = encFitVector(at.x, at.y, at.sad, sad)
				break
			}
			size >>= 1
		}
		at = next
	}
	if v == best.mv {
		return
	}
	mode, bits := uint8(modeNew), modeCosts[3]+e.mvCosts.cost(int(v.y)-int(sr.predictor.y), int(v.x)-int(sr.predictor.x))
	for i, k := range known {
		if k == v {
			mode, bits = encKnownModes[i], modeCosts[i]
			break
		}
	}
	fine, buf := e.predictFast(s, p, v, best.buf)
	cost := int(fine) + e.lambda.satd(bits)
	if (best.mv.x|best.mv.y)&3 != 0 {
		// What was found of it so far is of the whole sample next to it.
		d, b := e.predictFast(s, p, best.mv, buf)
		best.cost, best.satd, best.buf = best.cost+int(d)-int(best.satd), d, b
	}
	if cost < best.cost {
		*best = encCandidate{ref: e.base, mode: mode, mv: v, cost: cost, satd: fine, buf: buf}
	}
}

// predictFast returns the SAD of the prediction with vector v, and the index of
// the prediction in the scratch, another than used, or -1 if it is read in place.
func (e *Encoder) predictFast(s *encScratch, p *encMBPos, v motionVector, used int) (sad uint32, buf int) {
	plane, src := &e.refs[e.base].y, &e.source.y
	if (v.x|v.y)&3 == 0 {
		o := p.yo + int(v.y>>2)*plane.stride + int(v.x>>2)
		return dsp.SAD16x16(src.pix[p.yo:], src.stride, plane.pix[o:], plane.stride), -1
	}
	buf = encFreeBuffer(used, -1)
	encPredict(s.pred[buf][:], 16, plane, p.yo, v, 2, 16)
	return dsp.SAD16x16(src.pix[p.yo:], src.stride, s.pred[buf][:], 16), buf
}

var encKnownModes = [3]uint8{modeZero, modeNearest, modeNear}

// setReach sets the positions that a block may be fetched from.
func (sr *encSearch) setReach(e *Encoder, p *encMBPos) {
	sr.minX, sr.maxX = -16*p.x-encReach, 16*(e.mbW-p.x-1)+encReach
	sr.minY, sr.maxY = -16*p.y-encReach, 16*(e.mbH-p.y-1)+encReach
}

// clamp moves a whole-sample position inside the reach.
func (sr *encSearch) clamp(x, y int) (int, int) {
	return min(max(x, sr.minX), sr.maxX), min(max(y, sr.minY), sr.maxY)
}
