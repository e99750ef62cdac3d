package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// Loop filter level adjustments (section 9.6): by reference frame, then by mode
// (4x4 intra, zero vector, other vectors, split). Macroblocks that stay where
// they are were filtered when they were coded: filtering them again in every
// frame would wear the background away.
var (
	encRefDeltas  = [4]int{2, 0, -2, -2}
	encModeDeltas = [4]int{4, -30, 2, 4}
)

// chooseFilter sets the frame's loop filter level from its quantiser.
func (e *Encoder) chooseFilter(h *encHeader) {
	h.filterLevel = encLevelOfStep(encACStep(h.q), h.key)
	h.sharpness = 0
}

func encLevelOfStep(step int, key bool) int {
	level := step * 3 / 8
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

// applyFilter filters the whole of the current frame in place.
func (e *Encoder) applyFilter(h *encHeader) {
	if h.filterLevel == 0 {
		return
	}
	f := e.cur
	for y := range e.mbH {
		row := e.filters[y*e.mbW : (y+1)*e.mbW]
		for x := range row {
			m := e.mb(x, y)
			inner := !m.noCoeffs || m.yMode == modeB || m.yMode == modeSplit
			row[x].SetLevel(encFilterLevel(h, m), h.sharpness, h.key, inner)
		}
		dsp.FilterRow(row, f.y.pix, f.u.pix, f.v.pix, f.y.at(0, 16*y), f.u.at(0, 8*y), f.y.stride, f.u.stride, y > 0)
	}
}
