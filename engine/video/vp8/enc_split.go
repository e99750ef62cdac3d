package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// encSplitScratch is the memory of one macroblock's search for several vectors.
type encSplitScratch struct {
	// found are the best whole-sample vectors of the quarters, and last that of
	// the macroblock as a whole; fine are the same to a quarter of a sample, as
	// far as that is known.
	found, fine [5]motionVector
	// parts are the vectors of the parts to refine.
	parts [4]motionVector
	// sads are the quarters' SADs with each of found.
	sads [4][5]uint32
	off  [4]int
	sad  [4]uint32
	mb   encMB // the attempt
}

// encSplitParts are the quarters of each part of a split macroblock, as a mask,
// by partition.
var encSplitParts = [3][4]uint8{
	partitionTopBottom: {0b0011, 0b1100},
	partitionLeftRight: {0b0101, 0b1010},
	partitionQuarters:  {1, 2, 4, 8},
}

var (
	encPartitionCosts = encCodeCosts(encPartitionCodes, partitionProbs[:])
	encSplitModeCosts = encSplitCosts()
)

// encSplitCosts is the price of each way to code a part's vector, by context.
func encSplitCosts() (t [numSplitContexts][modeSplit + 1]uint16) {
	for c := range t {
		t[c] = encCodeCosts(encSplitModeCodes, splitModeProbs[c][:])
	}
	return t
}

// A quarter is not searched if its SAD is less than the price of encQuarterBits.
// Vectors of neighbours further than encNearPart quarters of a sample from what
// was found are not tried for a part.
const (
	encQuarterBits = 16
	encNearPart    = 12
)

// trySplit looks for vectors of halves or quarters of a macroblock that cost
// less together than the best way found so far, and takes them into m.
// modeCost is the price of the mode alone.
func (e *Encoder) trySplit(s *encScratch, m *encMB, p *encMBPos, above, left *encMB, modeCost int) {
	sp, best := &s.split, &s.search.found
	e.searchQuarters(s, p, above, left)
	kind, ok := e.choosePartition(s)
	if !ok {
		return
	}
	t := &sp.mb
	t.partition, t.yMode = kind, modeSplit
	total := e.lambda.satd(modeCost + int(encPartitionCosts[kind]))
	buf := encFreeBuffer(best.buf, -1)
	satd := uint32(0)
	for i := range int(partitionCount[kind]) {
		c, d := e.choosePartVector(s, t, p, above, left, i, buf)
		total += c
		satd += d
		if total >= best.cost {
			return
		}
	}
	*best = encCandidate{ref: e.base, mode: modeSplit, mv: t.mvs[15], cost: total, satd: satd, buf: buf}
	m.partition, m.mvs, m.splitModes = t.partition, t.mvs, t.splitModes
}

// searchQuarters finds the best whole-sample vector of each quarter.
func (e *Encoder) searchQuarters(s *encScratch, p *encMBPos, above, left *encMB) {
	sp, sr := &s.split, &s.search
	plane := &e.refs[e.base].y
	src, stride := e.source.y.pix, plane.stride
	pred := sr.predictor
	full := func(v motionVector) motionVector {
		x, y := (int(v.x)+2)>>2, (int(v.y)+2)>>2
		x, y = min(max(x, sr.minX+1), sr.maxX-1), min(max(y, sr.minY+1), sr.maxY-1)
		return motionVector{int16(4 * x), int16(4 * y)}
	}
	cost := func(v motionVector) int {
		return e.lambda.satd(e.mvCosts.cost(int(v.y)-int(pred.y), int(v.x)-int(pred.x)))
	}
	whole := full(sr.found.mv)
	sp.found[4], sp.fine[4] = whole, sr.found.mv
	for q := range 4 {
		qo := p.yo + q>>1*8*stride + q&1*8
		block := q>>1*8 + q&1*2
		at := func(v motionVector) int { return qo + int(v.y>>2)*stride + int(v.x>>2) }
		starts := [4]motionVector{whole, {}, full(left.subMV(block | 3)), full(above.subMV(block&3 | 12))}
		for i, v := range starts {
			sp.off[i] = at(v)
		}
		dsp.SAD8x8x4(src[qo:], stride, plane.pix, stride, &sp.off, &sp.sad)
		sp.sads[q][4] = sp.sad[0]
		v, c, centre := whole, 1<<30, uint32(0)
		for i, n := range sp.sad {
			if int(n) >= c {
				continue
			}
			if k := int(n) + cost(starts[i]); k < c {
				v, c, centre = starts[i], k, n
			}
		}
		sp.fine[q] = v
		if int(centre) < e.lambda.satd(encQuarterBits<<8) {
			sp.found[q] = v
			continue
		}
		size := int16(8)
		for range e.speed.splitSteps {
			x, y := int(v.x>>2), int(v.y>>2)
			if n := int(size >> 2); x-n < sr.minX || x+n > sr.maxX || y-n < sr.minY || y+n > sr.maxY {
				break
			}
			dsp.SAD8x8Cross(src[qo:], stride, plane.pix, stride, at(v), int(size>>2), &sp.sad)
			was := v
			for i, n := range sp.sad {
				if int(n) >= c {
					continue
				}
				trial := motionVector{was.x + int16(encDiamond[i][0])*size, was.y + int16(encDiamond[i][1])*size}
				if k := int(n) + cost(trial); k < c {
					v, c, centre = trial, k, n
				}
			}
			if v == was {
				if size == 4 {
					sp.fine[q], _ = encFitVector(int(v.x>>2), int(v.y>>2), centre, &sp.sad)
					break
				}
				size >>= 1
			} else {
				sp.fine[q] = v
			}
		}
		sp.found[q] = v
	}
	// What each of the vectors would do for the other quarters.
	for q := range 4 {
		qo := p.yo + q>>1*8*stride + q&1*8
		for i, v := range sp.found[:4] {
			sp.off[i] = qo + int(v.y>>2)*stride + int(v.x>>2)
		}
		dsp.SAD8x8x4(src[qo:], stride, plane.pix, stride, &sp.off, (*[4]uint32)(sp.sads[q][:4]))
	}
}

// choosePartition weighs halves against quarters by the SADs of whole-sample
// vectors and leaves each part's vector in parts. It reports whether the best
// partition is better than one vector for all.
func (e *Encoder) choosePartition(s *encScratch) (kind uint8, ok bool) {
	sp := &s.split
	pred := s.search.predictor
	// The least cost of each part, in the order of encPartFirst, above the number
	// of its vector: of equal ones the first counts.
	least := [8]int{}
	for i := range least {
		least[i] = 1 << 40
	}
	single := 0
	for i, v := range sp.found {
		q0, q1, q2, q3 := int(sp.sads[0][i]), int(sp.sads[1][i]), int(sp.sads[2][i]), int(sp.sads[3][i])
		single = q0 + q1 + q2 + q3 // with the last: the macroblock's own
		price := e.lambda.satd(e.mvCosts.cost(int(v.y)-int(pred.y), int(v.x)-int(pred.x)))
		least[0] = min(least[0], (price+q0+q1)<<3|i)
		least[1] = min(least[1], (price+q2+q3)<<3|i)
		least[2] = min(least[2], (price+q0+q2)<<3|i)
		least[3] = min(least[3], (price+q1+q3)<<3|i)
		least[4] = min(least[4], (price+q0)<<3|i)
		least[5] = min(least[5], (price+q1)<<3|i)
		least[6] = min(least[6], (price+q2)<<3|i)
		least[7] = min(least[7], (price+q3)<<3|i)
	}
	best := single
	for k, first := range encPartFirst {
		total := e.lambda.satd(int(encPartitionCosts[k]))
		for _, c := range least[first:][:partitionCount[k]] {
			total += c >> 3
		}
		if total < best {
			best, kind = total, uint8(k)
		}
	}
	if best >= single {
		return 0, false
	}
	for i, c := range least[encPartFirst[kind]:][:partitionCount[kind]] {
		sp.parts[i] = sp.fine[c&7]
	}
	return kind, true
}

// encPartFirst is where choosePartition keeps the parts of each partition.
var encPartFirst = [3]uint8{partitionTopBottom: 0, partitionLeftRight: 2, partitionQuarters: 4}

// choosePartVector refines the vector of part i of a split macroblock, weighs it
// against those that cost less to tell, and fills it in. The prediction is left
// in buffer buf. It returns its cost with the SATD, and the SATD.
func (e *Encoder) choosePartVector(s *encScratch, t *encMB, p *encMBPos, above, left *encMB, i, buf int) (cost int, satd uint32) {
	sp, sr := &s.split, &s.search
	kind := t.partition
	mask := encSplitParts[kind][i]
	first := int(partitionFirst[kind][i])
	l, a := encNeighbourMVs(t, above, left, first)
	codes := &encSplitModeCosts[splitContext(l, a)]
	pred := sr.predictor
	spare := encFreeBuffer(sr.found.buf, buf)
	best, bestMV, bestMode, bestSATD := 1<<30, motionVector{}, uint8(splitNew), uint32(0)
	try := func(v motionVector, mode uint8, bits int) int {
		d := e.predictPart(s, p, v, mask, spare)
		c := int(d) + e.lambda.satd(bits)
		if c < best {
			best, bestMV, bestMode, bestSATD = c, v, mode, d
			copyPart(s.pred[buf][:], s.pred[spare][:], mask)
		}
		return c
	}
	inside := func(v motionVector) bool {
		x, y := int(v.x>>2), int(v.y>>2)
		return x > sr.minX && x < sr.maxX && y > sr.minY && y < sr.maxY
	}
	v := sp.parts[i]
	near := func(w motionVector) bool {
		dx, dy := w.x-v.x, w.y-v.y
		return max(dx, -dx, dy, -dy) <= encNearPart && inside(w)
	}
	if near(l) {
		try(l, splitLeft, int(codes[splitLeft]))
	}
	if a != l && near(a) {
		try(a, splitAbove, int(codes[splitAbove]))
	}
	zero := motionVector{}
	if l != zero && a != zero && near(zero) {
		try(zero, splitZero, int(codes[splitZero]))
	}
	tryNew := func(v motionVector) int {
		return try(v, splitNew, int(codes[splitNew])+e.mvCosts.cost(int(v.y)-int(pred.y), int(v.x)-int(pred.x)))
	}
	c := tryNew(v)
	for step := e.speed.splitFine; step > 0; step >>= 1 {
		for _, d := range [2]motionVector{{x: step}, {y: step}} {
			from := v
			if n := tryNew(motionVector{from.x + d.x, from.y + d.y}); n < c {
				v, c = motionVector{from.x + d.x, from.y + d.y}, n
			} else if n := tryNew(motionVector{from.x - d.x, from.y - d.y}); n < c {
				v, c = motionVector{from.x - d.x, from.y - d.y}, n
			}
		}
	}
	t.splitModes[i] = bestMode
	for b, part := range partitionMap[kind] {
		if int(part) == i {
			t.mvs[b] = bestMV
		}
	}
	return best, bestSATD
}

// predictPart predicts the quarters in mask with vector v into a buffer and
// returns the SATD.
func (e *Encoder) predictPart(s *encScratch, p *encMBPos, v motionVector, mask uint8, buf int) (satd uint32) {
	plane, src := &e.refs[e.base].y, &e.source.y
	for q := range 4 {
		if mask>>q&1 == 0 {
			continue
		}
		o := p.yo + q>>1*8*plane.stride + q&1*8
		dst := s.pred[buf][q>>1*128+q&1*8:]
		encPredict(dst, 16, plane, o, v, 2, 8)
		satd += dsp.SATD8x8(src.pix[o:], src.stride, dst, 16)
	}
	return satd
}

func copyPart(dst, src []byte, mask uint8) {
	for q := range 4 {
		if mask>>q&1 != 0 {
			o := q>>1*128 + q&1*8
			dsp.Copy(dst[o:], 16, src[o:], 16, 8, 8)
		}
	}
}

// predictQuarters puts the luma prediction of a split macroblock into the
// current frame.
func (e *Encoder) predictQuarters(m *encMB, p *encMBPos, ref *refFrame) {
	f := e.cur
	for q := range 4 {
		o := p.yo + q>>1*8*f.y.stride + q&1*8
		encPredict(f.y.pix[o:], f.y.stride, &ref.y, o, m.mvs[q>>1*8+q&1*2], 2, 8)
	}
}

// predictSplitChroma puts the chroma prediction of a split macroblock into the
// current frame: a 4x4 block of each plane has the vector of its quarter, the
// mean of four equal ones (section 18.1).
func (e *Encoder) predictSplitChroma(m *encMB, p *encMBPos, ref *refFrame) {
	f := e.cur
	for q := range 4 {
		v := m.mvs[q>>1*8+q&1*2]
		o := p.uvo + q>>1*4*f.u.stride + q&1*4
		encPredict(f.u.pix[o:], f.u.stride, &ref.u, o, v, 3, 4)
		encPredict(f.v.pix[o:], f.v.stride, &ref.v, o, v, 3, 4)
	}
}

// countSplit counts a split macroblock and the vectors that it tells.
func (t *encTally) countSplit(m *encMB, best motionVector) {
	t.split++
	for i := range int(partitionCount[m.partition]) {
		if m.splitModes[i] == splitNew {
			v := m.mvs[partitionFirst[m.partition][i]]
			t.mv.addComponent(0, int(v.y)-int(best.y))
			t.mv.addComponent(1, int(v.x)-int(best.x))
		}
	}
}
