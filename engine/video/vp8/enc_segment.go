package vp8

// Segments: what moves (and all else) has the frame's quantiser; still
// macroblocks that are being improved have a finer one, since what is spent on
// them lasts.
// Regions of interest and busy texture have one each, where they are asked for.
const (
	segmentMoving = iota
	segmentRefine
	segmentInterest
	segmentBusy
)

// segmentState plans the improvement of still macroblocks. It happens in every
// period-th frame: a segment map costs bits whenever it is sent.
type segmentState struct {
	refineQ int
	count   int // macroblocks to be refined in this frame
	since   int
	// bitsPerMB is what a refined macroblock cost lately.
	bitsPerMB float64
	// sorted says that blocks have segments of their own; counts are the
	// macroblocks in each.
	sorted bool
	counts [4]uint32
	// held says that the last frame was segmented: the decoder still has its
	// map, quantisers and levels (section 9.3).
	held      bool
	heldQ     [4]int
	heldLevel [4]int
}

func (s *segmentState) reset() { *s = segmentState{bitsPerMB: 100} }

// encRefinePeriod is the distance of refining frames.
func (e *Encoder) encRefinePeriod() int { return max(int(e.rc.fps/8+0.5), 1) }

// planRefinement chooses the still macroblocks that this frame improves, those
// with the largest error first, as many as the budget in bits allows.
func (e *Encoder) planRefinement(q int, budget float64) {
	s := &e.segment
	s.count = 0
	s.since++
	if s.since < e.encRefinePeriod() {
		return
	}
	step := encACStep(q) * encRefineStepPercent / 100
	// Steps below 8 are for streams whose rate nothing else can use.
	idle := q <= e.cfg.MinQuantizer+2
	finest := max(e.cfg.MinQuantizer, encRefineFinest)
	if idle {
		finest = e.cfg.MinQuantizer
	}
	s.refineQ = min(max(encIndexOfStep(step), finest), e.cfg.MaxQuantizer)
	fine := encACStep(s.refineQ)
	least := uint32(fine * fine * 256 / 24)
	if idle {
		least /= 2
	}
	// Errors by their logarithm, in quarters of an octave.
	var histogram [160]int
	for i := range e.blocks {
		b := &e.blocks[i]
		if b.still >= e.stillBeforeRefine() && b.sse > least {
			histogram[encLogQ2(b.sse)]++
		}
	}
	limit := int(budget / s.bitsPerMB)
	n, level := 0, len(histogram)-1
	for ; level >= 0 && n < limit; level-- {
		n += histogram[level]
	}
	if n == 0 {
		return
	}
	left := limit
	for i := range e.blocks {
		b := &e.blocks[i]
		if left > 0 && b.still >= e.stillBeforeRefine() && b.sse > least && encLogQ2(b.sse) > level {
			b.refine = true
			s.count++
			left--
		}
	}
	s.since = 0
}

// encRefineFinest is the finest index of refined macroblocks while others want
// the rate.
const encRefineFinest = 4

// encRefineStepPercent is the step of refined macroblocks relative to the
// frame's.
const encRefineStepPercent = 26

// stillBeforeRefine is how long a macroblock must have been still: with a noisy
// camera its average has to settle first.
func (e *Encoder) stillBeforeRefine() uint16 {
	if e.noise.filtering {
		return 6
	}
	return encStillFrames
}

// encLogQ2 is four times the binary logarithm of v+1.
func encLogQ2(v uint32) int {
	v++
	n := encLog2(v) - 1
	frac := 0
	if n >= 2 {
		frac = int(v>>(n-2)) & 3
	}
	return 4*n + frac
}

// encIndexOfStep is the finest quantiser index whose luma AC step is at least
// step.
func encIndexOfStep(step int) int {
	lo, hi := 0, maxQuantIndex
	for lo < hi {
		m := (lo + hi) / 2
		if encACStep(m) < step {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// fillSegments puts the segmentation of the coming frame into its header.
func (e *Encoder) fillSegments(h *encHeader) {
	s := &e.segment
	refines := s.count > 0 && !h.key
	h.segmented = refines || s.sorted
	if !h.segmented {
		return
	}
	h.updateMap = h.key || refines || e.mapOutdated()
	n := [4]uint32{uint32(len(e.blocks) - s.count), uint32(s.count)}
	h.segmentQ = [4]int{h.q, h.q, h.q, h.q}
	if s.sorted {
		n = s.counts
		h.segmentQ[segmentInterest] = min(max(h.q+e.interest.delta, e.cfg.MinQuantizer), e.cfg.MaxQuantizer)
		h.segmentQ[segmentBusy] = min(encIndexOfStep(encACStep(h.q)*encBusyStepPercent/100), e.cfg.MaxQuantizer)
	}
	if refines || !h.updateMap {
		h.segmentQ[segmentRefine] = max(s.refineQ, e.cfg.MinQuantizer)
	}
	for i, q := range h.segmentQ {
		h.segmentLevel[i] = encLevelOfStep(encACStep(q), h.key)
	}
	h.updateSegments = h.key || !e.mapPersists() || h.segmentQ != s.heldQ || h.segmentLevel != s.heldLevel
	h.segmentProbs = [3]uint8{
		encSegmentProb(n[0]+n[1], n[2]+n[3]), encSegmentProb(n[0], n[1]), encSegmentProb(n[2], n[3]),
	}
}

// mapPersists reports whether a decoder that can decode this frame is sure to
// have the segment map of the last one: not where it may have missed that.
func (e *Encoder) mapPersists() bool {
	return e.segment.held && e.cfg.TemporalLayers == 1 && e.cfg.IntraRefresh == 0 && e.resend == nil
}

// mapOutdated reports whether the decoder's map differs from what is wanted by
// more than a new one costs. What was refined and still stands still keeps its
// segment: most likely nothing is coded there.
func (e *Encoder) mapOutdated() bool {
	if !e.mapPersists() {
		return true
	}
	few := 0
	for i := range e.blocks {
		switch b := &e.blocks[i]; {
		case b.held == b.segment, b.held == segmentRefine && b.still >= encStillFrames:
		case max(b.held, b.segment) == segmentBusy && min(b.held, b.segment) == segmentMoving:
			if few++; few*encMapShare > len(e.blocks) {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// encMapShare: where fewer than one macroblock in encMapShare became busy or
// plain, the map stays.
const encMapShare = 24

// segmentOf is the segment that a macroblock is coded with.
func (e *Encoder) segmentOf(b *encBlockStats) uint8 {
	if e.header.segmented && !e.header.updateMap {
		return b.held
	}
	return b.segment
}

// keepSegments remembers what the decoder holds after the frame.
func (e *Encoder) keepSegments(h *encHeader) {
	s := &e.segment
	s.held = h.segmented && e.cfg.TemporalLayers == 1 // of an upper layer's, some receivers have none
	if !h.segmented {
		return
	}
	s.heldQ, s.heldLevel = h.segmentQ, h.segmentLevel
	for y := range e.mbH {
		for x := range e.mbW {
			e.blocks[y*e.mbW+x].held = e.mb(x, y).segment
		}
	}
}

// encSegmentProb is the best probability of a branch of the segment tree, 255
// where only one side is taken: that one is not sent.
func encSegmentProb(zeros, ones uint32) uint8 {
	if ones == 0 {
		return 255
	}
	return encBestProb([2]uint32{zeros, ones})
}

// refineBudget is how many bits a refining frame may spend on still
// macroblocks.
func (e *Encoder) refineBudget() float64 {
	return e.rc.target() * float64(e.encRefinePeriod()) * encRefineShare / 100
}

// encRefineShare is the part of the rate that may go into still macroblocks, in
// percent.
const encRefineShare = 75
