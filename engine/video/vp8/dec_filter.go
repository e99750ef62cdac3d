package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// Mode classes of the loop filter's deltas (section 9.3 of the syntax: the
// four mode deltas). Whole-block intra modes have no delta of their own.
const (
	filterClassSubblock = iota // modeB
	filterClassZero
	filterClassInter
	filterClassSplit
	filterClassIntra
	numFilterClasses
)

var filterClass = [16]uint8{
	modeDC: filterClassIntra, modeV: filterClassIntra, modeH: filterClassIntra, modeTM: filterClassIntra,
	modeB:    filterClassSubblock,
	modeZero: filterClassZero, modeNearest: filterClassInter, modeNear: filterClassInter, modeNew: filterClassInter,
	modeSplit: filterClassSplit,
}

// loopFilter applies the loop filter of a frame row by row (section 15).
type loopFilter struct {
	enabled, simple bool
	// table has the limits by segment, reference and class.
	table [4][numRefs][8]dsp.MBFilter
	row   []dsp.MBFilter
}

// prepare computes the limits of a frame (section 9.6 and 15.2 to 15.4).
func (lf *loopFilter) prepare(s *headerState, key bool, mbw int) {
	f := &s.filter
	lf.enabled, lf.simple = f.level > 0, f.simple
	if !lf.enabled {
		return
	}
	if len(lf.row) != mbw {
		lf.row = make([]dsp.MBFilter, mbw)
	}
	for seg := range lf.table {
		level := f.level
		if s.seg.enabled {
			if s.seg.absolute {
				level = s.seg.filter[seg]
			} else {
				level += s.seg.filter[seg]
			}
			level = clampFilterLevel(level)
		}
		for ref := range lf.table[seg] {
			for class := range numFilterClasses {
				l := level
				if f.deltas {
					l += f.refDelta[ref]
					if class != filterClassIntra {
						l += f.modeDelta[class]
					}
					l = clampFilterLevel(l)
				}
				lf.table[seg][ref][class].SetLevel(l, f.sharpness, key, false)
			}
		}
	}
}

func clampFilterLevel(l int) int { return max(0, min(l, 63)) }

// filterRow filters the macroblocks of row y, and with it the last lines of
// the row above.
func (lf *loopFilter) filterRow(f *refFrame, mbs []mbInfo, y int, segments bool) {
	row := lf.row[:len(mbs)]
	mask := uint8(0)
	if segments {
		mask = 3
	}
	for i := range row {
		mb := &mbs[i]
		row[i] = lf.table[mb.segment&mask&3][mb.ref&3][filterClass[mb.yMode&15]&7]
		row[i].Inner = mb.inner
	}
	yOff, uvOff := f.y.at(0, y*16), f.u.at(0, y*8)
	if lf.simple {
		dsp.FilterRowSimple(lf.row, f.y.pix, yOff, f.y.stride, y > 0)
		return
	}
	dsp.FilterRow(lf.row, f.y.pix, f.u.pix, f.v.pix, yOff, uvOff, f.y.stride, f.u.stride, y > 0)
}
