package vp8

// encHeader is everything that a frame header says (section 9).
type encHeader struct {
	key           bool
	show          bool
	width, height int

	segmented      bool
	updateMap      bool
	updateSegments bool
	segmentQ       [4]int // absolute indices
	segmentLevel   [4]int // absolute levels
	segmentProbs   [3]uint8
	filterLevel    int
	sharpness      int
	deltasEnabled  bool
	updateDeltas   bool
	refDeltas      [4]int
	modeDeltas     [4]int
	log2Partitions uint
	q              int
	refreshGolden  bool
	refreshAltRef  bool
	copyToGolden   int
	copyToAltRef   int
	signBias       [numRefs]bool
	refreshEntropy bool
	refreshLast    bool
	probSkip       uint8
	probIntra      uint8
	probLast       uint8
	probGolden     uint8
	entropy        entropy
	previous       entropy      // what the decoder holds before this frame
	resend         *probChanges // what to send whether it changes or not, or nil
	newYModeProbs  bool
	newUVModeProbs bool
}

// Values of copyToGolden and copyToAltRef (section 9.7).
const (
	encCopyNone  = 0
	encCopyLast  = 1
	encCopyOther = 2 // golden takes altref, altref takes golden
)

// encFrameTagSize is the size of the uncompressed part (section 9.1).
func encFrameTagSize(key bool) int {
	if key {
		return 10
	}
	return 3
}

// putTag writes the uncompressed part of the header to
// dst; firstPart is the size
// of the first partition.
func (h *encHeader) putTag(dst []byte, firstPart int) {
	tag := uint32(firstPart) << 5
	if !h.key {
		tag |= 1
	}
	if h.show {
		tag |= 1 << 4
	}
	dst[0], dst[1], dst[2] = byte(tag), byte(tag>>8), byte(tag>>16)
	if h.key {
		dst[3], dst[4], dst[5] = 0x9d, 0x01, 0x2a
		dst[6], dst[7] = byte(h.width), byte(h.width>>8)
		dst[8], dst[9] = byte(h.height), byte(h.height>>8)
	}
}

// putHeader writes the frame header into the first partition.
func (w *boolWriter) putHeader(h *encHeader) {
	if h.key {
		w.putFlag(false) // colour space: BT.601
		w.putFlag(false) // the decoder clamps
	}
	w.putSegmentation(h)
	w.putFlag(false) // normal loop filter
	w.putLiteral(uint32(h.filterLevel), 6)
	w.putLiteral(uint32(h.sharpness), 3)
	w.putFlag(h.deltasEnabled)
	if h.deltasEnabled {
		w.putFlag(h.updateDeltas)
		if h.updateDeltas {
			// One of them alone changes between key frames.
			for _, v := range h.refDeltas {
				w.putChanged(v, 6, h.key)
			}
			for i, v := range h.modeDeltas {
				w.putChanged(v, 6, h.key || i == encZeroDelta)
			}
		}
	}
	w.putLiteral(uint32(h.log2Partitions), 2)
	w.putLiteral(uint32(h.q), 7)
	for range 5 {
		w.putFlag(false) // no quantiser deltas
	}
	if h.key {
		w.putFlag(h.refreshEntropy)
	} else {
		w.putReferenceUpdates(h)
	}
	w.putCoeffProbs(h)
	w.putFlag(true) // macroblocks carry a skip flag
	w.putLiteral(uint32(h.probSkip), 8)
	if h.key {
		return
	}
	w.putLiteral(uint32(h.probIntra), 8)
	w.putLiteral(uint32(h.probLast), 8)
	w.putLiteral(uint32(h.probGolden), 8)
	w.putFlag(h.newYModeProbs)
	if h.newYModeProbs {
		for _, p := range h.entropy.yMode {
			w.putLiteral(uint32(p), 8)
		}
	}
	w.putFlag(h.newUVModeProbs)
	if h.newUVModeProbs {
		for _, p := range h.entropy.uvMode {
			w.putLiteral(uint32(p), 8)
		}
	}
	for axis := range h.entropy.mv {
		for i, p := range h.entropy.mv[axis] {
			changed := p != h.previous.mv[axis][i] || h.resend != nil && h.resend.mv[axis][i]
			w.put(changed, mvUpdateProbs[axis][i])
			if changed {
				w.putLiteral(uint32(p>>1), 7)
			}
		}
	}
}

// putChanged writes a value that replaces the decoder's, or that it stays.
func (w *boolWriter) putChanged(v int, n uint, changed bool) {
	if changed {
		w.putUpdate(v, n)
	} else {
		w.putFlag(false)
	}
}

// putUpdate writes a value that replaces the decoder's, zero included.
func (w *boolWriter) putUpdate(v int, n uint) {
	w.putFlag(true)
	if v < 0 {
		w.putLiteral(uint32(-v), n)
	} else {
		w.putLiteral(uint32(v), n)
	}
	w.putFlag(v < 0)
}

func (w *boolWriter) putSegmentation(h *encHeader) {
	w.putFlag(h.segmented)
	if !h.segmented {
		return
	}
	w.putFlag(h.updateMap)
	w.putFlag(h.updateSegments)
	if h.updateSegments {
		w.putFlag(true) // absolute values
		for _, v := range h.segmentQ {
			w.putOptional(v, 7)
		}
		for _, v := range h.segmentLevel {
			w.putOptional(v, 6)
		}
	}
	if h.updateMap {
		for _, p := range h.segmentProbs {
			w.putFlag(p != 255)
			if p != 255 {
				w.putLiteral(uint32(p), 8)
			}
		}
	}
}

func (w *boolWriter) putReferenceUpdates(h *encHeader) {
	w.putFlag(h.refreshGolden)
	w.putFlag(h.refreshAltRef)
	if !h.refreshGolden {
		w.putLiteral(uint32(h.copyToGolden), 2)
	}
	if !h.refreshAltRef {
		w.putLiteral(uint32(h.copyToAltRef), 2)
	}
	w.putFlag(h.signBias[refGolden])
	w.putFlag(h.signBias[refAltRef])
	w.putFlag(h.refreshEntropy)
	w.putFlag(h.refreshLast)
}

func (w *boolWriter) putCoeffProbs(h *encHeader) {
	for t := range h.entropy.coeff {
		for b := range h.entropy.coeff[t] {
			for c := range h.entropy.coeff[t][b] {
				p, old, up := &h.entropy.coeff[t][b][c], &h.previous.coeff[t][b][c], &coeffUpdateProbs[t][b][c]
				if *p != *old || h.resend != nil {
					w.putSlotProbs(h, t, b, c)
					continue
				}
				low, less, pending := w.low, w.less, w.pending
				for _, prob := range up {
					if low, less, pending = boolStep(low, less, pending, 0, prob); pending >= 32 {
						low, pending = w.spillFrom(low, pending)
					}
				}
				w.low, w.less, w.pending = low, less, pending
			}
		}
	}
}

// putSlotProbs writes the probabilities of one slot, some of which change.
func (w *boolWriter) putSlotProbs(h *encHeader, t, b, c int) {
	for n, p := range h.entropy.coeff[t][b][c] {
		changed := p != h.previous.coeff[t][b][c][n] || h.resend != nil && h.resend.coeff[t][b][c][n]
		w.put(changed, coeffUpdateProbs[t][b][c][n])
		if changed {
			w.putLiteral(uint32(p), 8)
		}
	}
}

// chooseCoeffProbs takes each token probability to its optimum where that saves
// more than the update costs.
func (h *encHeader) chooseCoeffProbs(counts *encTokenCounts) {
	for s := range encTokenSlots {
		t, b, c := s/24, s/3%8, s%3
		n := counts.branches(s)
		for i := range n {
			if n[i][0]|n[i][1] == 0 {
				continue
			}
			old, up := h.entropy.coeff[t][b][c][i], coeffUpdateProbs[t][b][c][i]
			price := int64(8<<8 + encBitCost(true, up) - encBitCost(false, up))
			now := encBranchCost(n[i], old)
			if now <= price {
				continue // most branches are rare
			}
			if best := encBestProb(n[i]); best != old && now-encBranchCost(n[i], best) > price {
				h.entropy.coeff[t][b][c][i] = best
			}
		}
	}
}

// chooseMVProbs is chooseCoeffProbs for the vectors' probabilities.
func (h *encHeader) chooseMVProbs(counts *encMVCounts) {
	for axis := range counts {
		for i, n := range counts[axis] {
			if h.resend != nil && h.resend.mv[axis][i] {
				// What is sent has seven bits; a default may have eight.
				h.entropy.mv[axis][i] = max(h.entropy.mv[axis][i]&^1, 1)
			}
			if n[0]|n[1] == 0 {
				continue
			}
			old, best := h.entropy.mv[axis][i], encMVProb(n)
			if best == old {
				continue
			}
			up := mvUpdateProbs[axis][i]
			price := int64(7<<8 + encBitCost(true, up) - encBitCost(false, up))
			if encBranchCost(n, old)-encBranchCost(n, best) > price {
				h.entropy.mv[axis][i] = best
			}
		}
	}
}

// chooseModeProbs does the same for the intra modes of an inter frame.
func (h *encHeader) chooseModeProbs(y *[numYModes]uint32, uv *[numUVModes]uint32) {
	h.newYModeProbs = chooseTreeProbs(encYModeCodes, y[:], h.entropy.yMode[:])
	h.newUVModeProbs = chooseTreeProbs(encUVModeCodes, uv[:], h.entropy.uvMode[:])
	if h.resend != nil {
		h.newYModeProbs = h.newYModeProbs || h.resend.yMode
		h.newUVModeProbs = h.newUVModeProbs || h.resend.uvMode
	}
}

func chooseTreeProbs(codes []encTreeCode, counts []uint32, probs []uint8) bool {
	var n [4][2]uint32
	for i, c := range counts {
		for k := range codes[i].n {
			n[codes[i].probs[k]][codes[i].bits>>k&1] += c
		}
	}
	var saved int64
	var best [4]uint8
	for i := range probs {
		best[i] = probs[i]
		if n[i][0]|n[i][1] != 0 {
			best[i] = encBestProb(n[i])
		}
		saved += encBranchCost(n[i], probs[i]) - encBranchCost(n[i], best[i])
	}
	if saved <= int64(len(probs))*8<<8 {
		return false
	}
	copy(probs, best[:len(probs)])
	return true
}
