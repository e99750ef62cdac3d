package vp8

import (
	"errors"
	"fmt"
)

// frameTag is the uncompressed start of a frame (section 9.1): three bytes, and
// seven more in key frames.
//
//	 0                   1                   2
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3    (bit 0 is the lowest)
//	+-+-----+-+-------------------------------------+
//	|K| ver |S|     size of the first partition     |
//	+-+-----+-+-------------------------------------+
//	|      0x9d     |      0x01     |      0x2a     |   key frames (K = 0)
//	+---------------+-----------+---+---------------+
//	|           width           |sc.|                   14 bits, 2 bits scale
//	+---------------------------+---+
//	|           height          |sc.|
//	+---------------------------+---+
type frameTag struct {
	key, show       bool
	version         int
	firstPartition  int
	width, height   int // key frames only
	scaleX, scaleY  int
	compressedStart int // where the first partition begins
}

var errShortTag = errors.New("frame tag cut short")

func parseFrameTag(data []byte) (t frameTag, err error) {
	if len(data) < 3 {
		return t, errShortTag
	}
	t.key = data[0]&1 == 0
	t.version = int(data[0] >> 1 & 7)
	t.show = data[0]>>4&1 != 0
	t.firstPartition = int(data[0])>>5 | int(data[1])<<3 | int(data[2])<<11
	t.compressedStart = 3
	if !t.key {
		return t, nil
	}
	if len(data) < 10 {
		return t, errShortTag
	}
	if data[3] != 0x9d || data[4] != 0x01 || data[5] != 0x2a {
		return t, fmt.Errorf("key frame without start code (% x)", data[3:6])
	}
	w, h := int(data[6])|int(data[7])<<8, int(data[8])|int(data[9])<<8
	t.width, t.scaleX = w&0x3fff, w>>14
	t.height, t.scaleY = h&0x3fff, h>>14
	t.compressedStart = 10
	if t.width == 0 || t.height == 0 {
		return t, fmt.Errorf("key frame of size %dx%d", t.width, t.height)
	}
	return t, nil
}

// segmentation is the state of section 9.3. It holds until a frame changes it
// or a key frame resets it; enabled and updateMap are each frame's own.
type segmentation struct {
	enabled, updateMap bool
	// absolute says that quant and filter replace the frame's values instead
	// of being added to them.
	absolute bool
	quant    [4]int
	filter   [4]int
	// treeProbs are valid while updateMap is set.
	treeProbs [3]uint8
}

// filterHeader is the state of section 9.4 (sections 9.6 and 15.2 in the RFC's
// syntax): the deltas hold until changed or reset by a key frame.
type filterHeader struct {
	simple           bool
	level, sharpness int
	deltas           bool
	refDelta         [numRefs]int
	modeDelta        [4]int // subblock intra, zero, other whole-block inter, split
}

// copySource says from where a reference frame is replaced (section 9.7).
const (
	copyNone  = 0
	copyLast  = 1
	copyOther = 2 // golden from altref, altref from golden
)

// frameHeader is what the first partition says before the macroblocks
// (section 9.2 to 9.11, 19.2).
type frameHeader struct {
	frameTag
	colorSpace, clampingType   int
	partitions                 int
	quantIndex                 int
	quantDeltas                quantDeltas
	refreshGolden, refreshAlt  bool
	copyToGolden, copyToAlt    int
	refreshEntropy             bool
	refreshLast                bool
	skipEnabled                bool
	probSkip                   uint8
	probIntra, probLast, probG uint8
}

// headerState is what persists from frame to frame apart from pictures.
type headerState struct {
	entropy  entropy
	saved    entropy // what to go back to after a frame with refreshEntropy false
	seg      segmentation
	filter   filterHeader
	signBias [numRefs]bool
}

// resetForKey restores the defaults of a key frame.
func (s *headerState) resetForKey() {
	s.entropy.reset()
	s.seg = segmentation{}
	s.filter.refDelta = [numRefs]int{}
	s.filter.modeDelta = [4]int{}
	s.signBias = [numRefs]bool{}
}

// parse reads the header of a frame from its first partition and updates s.
func (s *headerState) parse(r *boolReader, h *frameHeader) {
	if h.key {
		s.resetForKey()
		h.colorSpace = r.literal(1)
		h.clampingType = r.literal(1)
	}
	s.parseSegmentation(r)
	s.parseFilter(r)
	h.partitions = 1 << r.literal(2)
	h.quantIndex = r.literal(7)
	h.quantDeltas = quantDeltas{
		y1DC: r.optional(4), y2DC: r.optional(4), y2AC: r.optional(4), uvDC: r.optional(4), uvAC: r.optional(4),
	}
	if h.key {
		h.refreshGolden, h.refreshAlt, h.refreshLast = true, true, true
		h.copyToGolden, h.copyToAlt = copyNone, copyNone
		h.refreshEntropy = r.flag()
	} else {
		s.parseReferences(r, h)
	}
	if !h.refreshEntropy {
		s.saved = s.entropy
	}
	s.parseCoeffProbs(r)
	h.skipEnabled = r.flag()
	h.probSkip = 0
	if h.skipEnabled {
		h.probSkip = uint8(r.literal(8))
	}
	if !h.key {
		s.parseInterProbs(r, h)
	}
}

func (s *headerState) parseSegmentation(r *boolReader) {
	g := &s.seg
	g.enabled = r.flag()
	g.updateMap = false
	if !g.enabled {
		return
	}
	g.updateMap = r.flag()
	if r.flag() {
		g.absolute = r.flag()
		for i := range g.quant {
			g.quant[i] = r.optional(7)
		}
		for i := range g.filter {
			g.filter[i] = r.optional(6)
		}
	}
	if !g.updateMap {
		return
	}
	for i := range g.treeProbs {
		g.treeProbs[i] = 255
		if r.flag() {
			g.treeProbs[i] = uint8(r.literal(8))
		}
	}
}

func (s *headerState) parseFilter(r *boolReader) {
	f := &s.filter
	f.simple = r.flag()
	f.level = r.literal(6)
	f.sharpness = r.literal(3)
	f.deltas = r.flag()
	if !f.deltas || !r.flag() {
		return
	}
	for _, deltas := range [2]*[4]int{&f.refDelta, &f.modeDelta} {
		for i := range deltas {
			if r.flag() {
				deltas[i] = r.signed(6)
			}
		}
	}
}

func (s *headerState) parseReferences(r *boolReader, h *frameHeader) {
	h.refreshGolden = r.flag()
	h.refreshAlt = r.flag()
	h.copyToGolden, h.copyToAlt = copyNone, copyNone
	if !h.refreshGolden {
		h.copyToGolden = r.literal(2)
	}
	if !h.refreshAlt {
		h.copyToAlt = r.literal(2)
	}
	s.signBias[refGolden] = r.flag()
	s.signBias[refAltRef] = r.flag()
	h.refreshEntropy = r.flag()
	h.refreshLast = r.flag()
}

// parseCoeffProbs reads which of the 1056 probabilities change: few, so the reader's
// state is in locals.
func (s *headerState) parseCoeffProbs(r *boolReader) {
	value, rng, avail := r.value, r.rng, r.avail
	for i := range s.entropy.coeff {
		for j := range s.entropy.coeff[i] {
			for k := range s.entropy.coeff[i][j] {
				probs, update := &s.entropy.coeff[i][j][k], &coeffUpdateProbs[i][j][k]
				for t := range probs {
					if avail < 7 {
						value, avail = r.refill(value, avail)
					}
					var n int
					var one bool
					value, rng, n, one = boolBit(value, rng, update[t])
					avail -= n
					if one {
						r.value, r.rng, r.avail = value, rng, avail
						probs[t] = uint8(r.literal(8))
						value, rng, avail = r.value, r.rng, r.avail
					}
				}
			}
		}
	}
	r.value, r.rng, r.avail = value, rng, avail
}

func (s *headerState) parseInterProbs(r *boolReader, h *frameHeader) {
	h.probIntra = uint8(r.literal(8))
	h.probLast = uint8(r.literal(8))
	h.probG = uint8(r.literal(8))
	if r.flag() {
		for i := range s.entropy.yMode {
			s.entropy.yMode[i] = uint8(r.literal(8))
		}
	}
	if r.flag() {
		for i := range s.entropy.uvMode {
			s.entropy.uvMode[i] = uint8(r.literal(8))
		}
	}
	for i := range s.entropy.mv {
		for j := range s.entropy.mv[i] {
			if r.bit(mvUpdateProbs[i][j]) {
				// Seven bits, and never zero.
				s.entropy.mv[i][j] = uint8(max(r.literal(7)<<1, 1))
			}
		}
	}
}
