package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// Loop filter level adjustments (section 9.6): by reference frame, then by mode
// (4x4 intra, zero vector, other vectors, split).
var (
	encRefDeltas  = [4]int{2, 0, -2, -2}
	encModeDeltas = [4]int{encZeroDelta: encZeroAtRest, 0: 4, 2: 2, 3: 4}
)

// The adjustment for the zero vector. Macroblocks that stay as they are were
// filtered when they were coded: filtering them again in every frame would wear
// the background away, and takes time. Those that are coded anew want the filter
// like others, and get it where they are more than one in the level's zeroShare.
const (
	encZeroDelta  = 1
	encZeroAtRest = -30
	encZeroInWork = -2
)

// chooseDeltas sets the adjustments of an inter frame by what the frame before
// was made of: rows are filtered while others are still coded.
func (e *Encoder) chooseDeltas(h *encHeader, t *encTally) {
	h.modeDeltas[encZeroDelta] = encZeroAtRest
	if t.zeroCoded*e.speed.zeroShare > t.zeroCoded+t.zeroLeft {
		h.modeDeltas[encZeroDelta] = encZeroInWork
	}
	// A decoder that lacks some frames may hold another value.
	h.updateDeltas = h.resend != nil || e.partial() || h.modeDeltas[encZeroDelta] != e.zeroDelta
}

// partial reports whether decoders are to go on without having all frames.
func (e *Encoder) partial() bool { return e.cfg.TemporalLayers > 1 || e.cfg.IntraRefresh > 0 }

// encZeroUnknown stands for an adjustment that some decoders lack.
const encZeroUnknown = 64

// chooseFilter sets the frame's loop filter level from its quantiser.
func (e *Encoder) chooseFilter(h *encHeader) {
	h.filterLevel = encLevelOfStep(encACStep(h.q), h.key)
	h.sharpness = 0
}

func encLevelOfStep(step int, key bool) int {
	level := step / 4
	if key {
		level = step * 5 / 16
	}
	return min(level, 63)
}

// encFilterLevel is the level of one macroblock after all adjustments
// (section 9.6).
func encFilterLevel(h *encHeader, m *encMB) int {
	level := h.filterLevel
	if h.segmented {
		level = h.segmentLevel[m.segment]
	}
	if !h.deltasEnabled {
		return level
	}
	level += h.refDeltas[m.nb.ref]
	switch {
	case m.nb.ref == refIntra:
		if m.yMode == modeB {
			level += h.modeDeltas[0]
		}
	case m.yMode == modeZero:
		level += h.modeDeltas[1]
	case m.yMode == modeSplit:
		level += h.modeDeltas[3]
	default:
		level += h.modeDeltas[2]
	}
	return min(max(level, 0), 63)
}

// fillFilterTable makes the loop filter's limits by segment, reference and kind
// of mode.
func (e *Encoder) fillFilterTable(h *encHeader) {
	for seg := range e.filterTable {
		for ref := range e.filterTable[seg] {
			for kind, mode := range [...]uint8{modeDC, modeB, modeZero, modeNew, modeSplit} {
				m := encMB{segment: uint8(seg), nb: neighbour{ref: uint8(ref)}, yMode: mode}
				e.filterTable[seg][ref][kind].SetLevel(encFilterLevel(h, &m), h.sharpness, h.key, true)
			}
		}
	}
}

// encFilterKind is the column of the filter table by luma mode.
var encFilterKind = [modeSplit + 1]uint8{modeB: 1, modeZero: 2, modeNearest: 3, modeNear: 3, modeNew: 3, modeSplit: 4}

// finishRow filters a row of macroblocks in place and fills the borders of the
// lines that are final then: the next row's filter changes up to three more lines
// above it, luma and chroma alike.
//
// The row below must have been coded, since intra prediction wants what the
// filter has not touched. Workers finish what they coded before, and have then
// coded a later row.
func (e *Encoder) finishRow(w *encWorkers, y int) {
	e.filterRow(w, y)
	f := e.cur
	for _, p := range [3]*plane{&f.y, &f.u, &f.v} {
		size := p.height / e.mbH
		from, to := max(0, y*size-4), (y+1)*size-4
		if y == e.mbH-1 {
			to = p.height
		}
		p.extendSides(from, to)
		if y == 0 {
			p.extendTop()
		}
		if y == e.mbH-1 {
			p.extendBottom()
		}
	}
}

// filterRow filters a row of macroblocks: each after its neighbours on the left,
// above, and above on the right, whose left edge lies in the one above.
func (e *Encoder) filterRow(w *encWorkers, y int) {
	f := e.cur
	yo, uvo := f.y.at(0, 16*y), f.u.at(0, 8*y)
	above := w.behind(y, e.mbW)
	for x := range e.mbW {
		if need := min(x+2, e.mbW); above < need {
			above = w.filtered[y-1].wait(w, need, e.mbW, false)
		}
		m := e.mb(x, y)
		limits := e.filterTable[m.segment&3][m.nb.ref&3][encFilterKind[m.yMode]]
		if e.header.filterLevel > 0 && limits.MBLimit != 0 {
			limits.Inner = !m.noCoeffs || m.yMode == modeB || m.yMode == modeSplit
			dsp.FilterMB(&limits, f.y.pix, f.u.pix, f.v.pix, yo+16*x, uvo+8*x, f.y.stride, f.u.stride, x > 0, y > 0)
		}
		if len(w.helpers) > 0 {
			w.filtered[y].reached(x+1, e.mbW, false)
		}
	}
}
