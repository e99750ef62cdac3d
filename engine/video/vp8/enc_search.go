package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// encSearch is the state of one macroblock's search for a vector.
type encSearch struct {
	predictor motionVector // of a new vector, clamped
	found     encCandidate
	// Allowed full-pel positions relative to the macroblock.
	minX, maxX, minY, maxY int
	// What kernels write to.
	off [4]int
	sad [4]uint32
	// fine is the best vector of the search below one sample.
	fine encFine
	// tried are the vectors of the base reference that were weighed before the
	// search, with the SATDs of their predictions.
	tried  [3]encTried
	nTried int
}

// encPlace is a position in whole samples relative to the macroblock, with its SAD
// and its cost.
type encPlace struct {
	x, y, cost int
	sad        uint32
}

// around returns the best of a place and its four neighbours at a distance, whose
// SADs stay in sr.sad. price is what a position costs beside its SAD. origin is the
// macroblock's own place in pix.
func (sr *encSearch) around(at encPlace, distance int, src, pix []byte, stride, origin int, price func(x, y int) int) encPlace {
	dsp.SAD16x16Cross(src, stride, pix, stride, origin+at.y*stride+at.x, distance, &sr.sad)
	best := at
	for i, d := range encDiamond {
		if int(sr.sad[i]) >= best.cost {
			continue
		}
		x, y := at.x+d[0]*distance, at.y+d[1]*distance
		if c := int(sr.sad[i]) + price(x, y); c < best.cost {
			best = encPlace{x, y, c, sr.sad[i]}
		}
	}
	return best
}

// encTried is a vector and the SATD of its prediction.
type encTried struct {
	mv   motionVector
	satd uint32
}

// encFine is a vector with the SATD of its prediction, its cost with its
// difference to the predictor, and the index of the prediction in the scratch,
// or -1 at full positions, which are read in place.
type encFine struct {
	mv   motionVector
	cost int
	satd uint32
	buf  int
}

// encReach is how far outside the frame a block may be fetched, in samples: the
// border less the taps of the filter and the block itself.
const encReach = lumaBorder - 16 - 8

// chooseInter picks the mode, the reference and the vector of a macroblock. last
// is the vector that it had in the last frame.
func (e *Encoder) chooseInter(s *encScratch, m *encMB, p *encMBPos, last motionVector) {
	sr := &s.search
	h := &e.header
	above, left, corner := e.mb(p.x, p.y-1), e.mb(p.x-1, p.y), e.mb(p.x-1, p.y-1)
	bounds := mvBoundsAt(p.x, p.y, e.mbW, e.mbH)
	sr.setReach(e, p)
	best := &sr.found
	*best = encCandidate{cost: 1 << 30, buf: -1}
	sr.nTried = 0
	s.rows.Forget()
	ref := e.base
	c := surveyNeighbours(&above.nb, &left.nb, &corner.nb, ref, &h.signBias)
	m.count, m.predictor = c.count, bounds.clamp(c.best)
	sr.predictor = m.predictor
	nearest, near := bounds.clamp(c.nearest), bounds.clamp(c.near)
	costs := encInterModeCosts(&c.count)
	zero := motionVector{}
	e.try(s, p, ref, modeZero, zero, costs[0])
	if nearest != zero {
		e.try(s, p, ref, modeNearest, nearest, costs[1])
	}
	if near != zero && near != nearest {
		e.try(s, p, ref, modeNear, near, costs[2])
	}
	if best.satd > e.lambda.goodSATD {
		e.searchVector(s, p, ref, [4]motionVector{zero, nearest, near, last})
		v := sr.fine.mv
		if c := sr.fine.cost + e.lambda.satd(costs[3]); c < best.cost && v != zero && v != nearest && v != near {
			*best = encCandidate{ref: ref, mode: modeNew, mv: v, cost: c, satd: sr.fine.satd, buf: sr.fine.buf}
		}
	}
	if g := e.refs[refGolden]; e.base == refLast && e.speed.golden && g != e.refs[refLast] && best.satd > e.lambda.goodSATD {
		// No reference has a sign bias: the census is the same for all.
		e.try(s, p, refGolden, modeZero, zero, costs[0]+encBitCost(true, 200))
	}
	if e.speed.splitSteps > 0 && best.ref == e.base && best.satd > max(e.lambda.goodSATD*e.speed.splitOver, e.noise.satd) {
		e.trySplit(s, m, p, above, left, costs[4])
	}
	m.nb = neighbour{mv: best.mv, ref: best.ref, split: best.mode == modeSplit}
	m.yMode = best.mode
	if best.satd > max(e.speed.intraOver, e.lambda.goodSATD, e.noise.satd) && e.intraMayWin(p, best.satd) {
		e.tryIntraInInter(s, m, p, best.cost)
		best.buf = -1 // intra prediction used the memory
	}
}

// encCandidate is a way to predict a macroblock.
type encCandidate struct {
	ref, mode uint8
	mv        motionVector
	cost      int
	satd      uint32
	buf       int // index of the luma prediction in the scratch, or -1
}

// try takes a candidate if it is cheaper than what was found so far.
func (e *Encoder) try(s *encScratch, p *encMBPos, ref, mode uint8, v motionVector, bits int) {
	src := &e.source.y
	plane := &e.refs[ref].y
	best := &s.search.found
	var satd uint32
	buf := -1
	if (v.x|v.y)&3 == 0 {
		o := p.yo + int(v.y>>2)*plane.stride + int(v.x>>2)
		satd = dsp.SATD16x16(src.pix[p.yo:], src.stride, plane.pix[o:], plane.stride)
	} else {
		buf = encFreeBuffer(best.buf, -1)
		s.predict16(buf, plane, p.yo, v)
		satd = dsp.SATD16x16(src.pix[p.yo:], src.stride, s.pred[buf][:], 16)
	}
	if sr := &s.search; ref == e.base {
		sr.tried[sr.nTried] = encTried{v, satd}
		sr.nTried++
	}
	if c := int(satd) + e.lambda.satd(bits); c < best.cost {
		*best = encCandidate{ref: ref, mode: mode, mv: v, cost: c, satd: satd, buf: buf}
	}
}

// encFreeBuffer returns the first prediction buffer that is neither a nor b.
func encFreeBuffer(a, b int) int {
	for i := range 2 {
		if i != a && i != b {
			return i
		}
	}
	return 2
}

// intraMayWin reports whether a macroblock is plain enough for intra prediction
// to come near an inter prediction with the given SATD.
func (e *Encoder) intraMayWin(p *encMBPos, satd uint32) bool {
	// SATD is about 410 times the deviation of a residual; intra prediction
	// seldom takes away more than half or three quarters of the deviation.
	return 410*e.detail(p.x, p.y)/256 < satd*e.speed.intraShare
}

// searchVector looks for the vector of the least SAD in whole samples, then
// finer, and leaves what it found in s.search.fine.
func (e *Encoder) searchVector(s *encScratch, p *encMBPos, ref uint8, starts [4]motionVector) {
	sr := &s.search
	plane := &e.refs[ref].y
	src := e.source.y.pix[p.yo:]
	stride := plane.stride
	pred := sr.predictor
	price := func(x, y int) int {
		return e.lambda.satd(e.mvCosts.cost(4*y-int(pred.y), 4*x-int(pred.x)))
	}
	inside := func(x, y int) bool { return x >= sr.minX && x <= sr.maxX && y >= sr.minY && y <= sr.maxY }
	at := encPlace{cost: 1 << 30}
	for i, v := range starts {
		x, y := (int(v.x)+2)>>2, (int(v.y)+2)>>2
		if i > 0 && x == 0 && y == 0 || i > 1 && v == starts[1] || i == 3 && v == starts[2] || !inside(x, y) {
			continue
		}
		sad := dsp.SAD16x16(src, stride, plane.pix[p.yo+y*stride+x:], stride)
		if c := int(sad) + price(x, y); c < at.cost {
			at = encPlace{x, y, c, sad}
		}
	}
	// A diamond that shrinks when its centre is best.
	size := e.speed.searchSize
	fit := false
	var guess, toward motionVector
	for range e.speed.searchSteps {
		if !inside(at.x-size, at.y-size) || !inside(at.x+size, at.y+size) {
			if size >>= 1; size == 0 {
				break
			}
			continue
		}
		next := sr.around(at, size, src, plane.pix, stride, p.yo, price)
		if next == at {
			if size == 1 {
				if e.speed.subPel == subPelFit || e.speed.subPel == subPelGuess {
					fit = true
					guess, toward = encFitVector(at.x, at.y, at.sad, &sr.sad)
				}
				break
			}
			size >>= 1
		}
		at = next
	}
	full := motionVector{int16(4 * at.x), int16(4 * at.y)}
	sr.fine = encFine{cost: 1 << 30, buf: -1}
	e.tryFine(s, p, ref, full)
	switch e.speed.subPel {
	case subPelGuess, subPelFit:
		if fit && guess != full {
			e.tryFine(s, p, ref, guess)
		}
		switch {
		case e.speed.subPel == subPelGuess:
		case e.speed.refineShare > 0 && e.blocks[p.y*e.mbW+p.x].quiet && sr.fine.cost > sr.found.cost+sr.found.cost/e.speed.refineShare:
			// Background that differs by noise and light.
		case e.speed.axes:
			e.refineAxes(s, p, ref)
		case fit:
			if sr.fine.mv == full {
				toward = encLead(full, guess, toward)
			}
			e.refineFit(s, p, ref, toward)
		default:
			e.refineStep(s, p, ref, 1)
		}
	case subPelHalf:
		e.refineStep(s, p, ref, 2)
	case subPelQuarter:
		e.refineStep(s, p, ref, 2)
		e.refineStep(s, p, ref, 1)
	}
}

var encDiamond = [4][2]int{{0, -1}, {-1, 0}, {1, 0}, {0, 1}}

// encFitVector guesses, to a quarter of a sample, where the SAD is least from
// its values at a best full position and around it: on both sides of the
// minimum it rises about evenly. toward has the signs of what rounding to quarters
// left out.
func encFitVector(x, y int, centre uint32, side *[4]uint32) (guess, toward motionVector) {
	fit := func(a, b uint32) (n int, toward int16) {
		toward = 1
		if a < b {
			toward = -1
		}
		high := int(max(a, b)) - int(centre)
		if high <= 0 {
			return 0, toward
		}
		twice := 4 * (int(a) - int(b)) // twice the offset in quarters, times high
		// A side that is better still, but for the price of its vector, would
		// lead further than half a sample.
		twice = min(max(twice, -4*high), 4*high)
		if twice >= 0 {
			n = (twice + high) / (2 * high)
		} else {
			n = -((high - twice) / (2 * high))
		}
		if rest := twice - 2*high*n; rest > 0 {
			toward = 1
		} else if rest < 0 {
			toward = -1
		}
		return n, toward
	}
	nx, tx := fit(side[1], side[2])
	ny, ty := fit(side[0], side[3])
	return motionVector{int16(4*x + nx), int16(4*y + ny)}, motionVector{tx, ty}
}

// encLead is toward, but where guess lies off full it points there.
func encLead(full, guess, toward motionVector) motionVector {
	lead := func(from, to, otherwise int16) int16 {
		switch {
		case to > from:
			return 1
		case to < from:
			return -1
		}
		return otherwise
	}
	return motionVector{lead(full.x, guess.x, toward.x), lead(full.y, guess.y, toward.y)}
}

// index finds a vector among those tried before the search, or -1.
func (sr *encSearch) index(v motionVector) int {
	for i := range sr.nTried {
		if sr.tried[i].mv == v {
			return i
		}
	}
	return -1
}

// refineStep tries the four positions step quarters away from the best vector
// and the diagonal between the two better sides.
func (e *Encoder) refineStep(s *encScratch, p *encMBPos, ref uint8, step int16) {
	c := s.search.fine.mv
	var side [4]int
	for i, d := range encDiamond {
		side[i] = e.tryFine(s, p, ref, motionVector{c.x + int16(d[0])*step, c.y + int16(d[1])*step})
	}
	n := motionVector{c.x + step, c.y + step}
	if side[1] < side[2] {
		n.x = c.x - step
	}
	if side[0] < side[3] {
		n.y = c.y - step
	}
	e.tryFine(s, p, ref, n)
}

// refineFit moves the best vector by a quarter along each axis where that helps,
// the way of toward first, and then by both at once. Up and down come first: they
// share the first pass of the prediction with the vector itself.
func (e *Encoder) refineFit(s *encScratch, p *encMBPos, ref uint8, toward motionVector) {
	c, least := s.search.fine.mv, s.search.fine.cost
	y := e.tryFine(s, p, ref, motionVector{c.x, c.y + toward.y})
	if y >= least {
		if y = e.tryFine(s, p, ref, motionVector{c.x, c.y - toward.y}); y < least {
			toward.y = -toward.y
		}
	}
	x := e.tryFine(s, p, ref, motionVector{c.x + toward.x, c.y})
	if x >= least {
		if x = e.tryFine(s, p, ref, motionVector{c.x - toward.x, c.y}); x < least {
			toward.x = -toward.x
		}
	}
	if x < least && y < least {
		e.tryFine(s, p, ref, motionVector{c.x + toward.x, c.y + toward.y})
	}
}

// refineAxes moves the best vector by a quarter along each axis where that
// helps: fewer trials than refineStep, for a vector that is nearly right.
func (e *Encoder) refineAxes(s *encScratch, p *encMBPos, ref uint8) {
	f := &s.search.fine
	for _, d := range [2]motionVector{{x: 1}, {y: 1}} {
		c, was := f.mv, f.cost
		e.tryFine(s, p, ref, motionVector{x: c.x + d.x, y: c.y + d.y})
		if f.cost == was {
			e.tryFine(s, p, ref, motionVector{x: c.x - d.x, y: c.y - d.y})
		}
	}
}

// tryFine takes v if the SATD of its prediction and the price of coding it are
// less than the best vector's, and returns their sum.
func (e *Encoder) tryFine(s *encScratch, p *encMBPos, ref uint8, v motionVector) int {
	sr := &s.search
	plane := &e.refs[ref].y
	src, stride := e.source.y.pix[p.yo:], e.source.y.stride
	pred := sr.predictor
	var satd uint32
	buf := -1
	if i := sr.index(v); i >= 0 {
		// It was weighed where it costs less: its prediction is not wanted.
		satd = sr.tried[i].satd
	} else if (v.x|v.y)&3 == 0 {
		satd = dsp.SATD16x16(src, stride, plane.pix[p.yo+int(v.y>>2)*plane.stride+int(v.x>>2):], plane.stride)
	} else {
		buf = encFreeBuffer(sr.found.buf, sr.fine.buf)
		s.predict16(buf, plane, p.yo, v)
		satd = dsp.SATD16x16(src, stride, s.pred[buf][:], 16)
	}
	cost := int(satd) + e.lambda.satd(e.mvCosts.cost(int(v.y)-int(pred.y), int(v.x)-int(pred.x)))
	if cost < sr.fine.cost {
		sr.fine = encFine{mv: v, cost: cost, satd: satd, buf: buf}
	}
	return cost
}
