package dsp

// MBFilter holds the loop filter settings of one macroblock (RFC 6386, 15.2).
// MBLimit 0 means that the macroblock is not filtered.
type MBFilter struct {
	MBLimit      uint8 // edge limit of macroblock edges
	SubLimit     uint8 // edge limit of the edges inside
	Interior     uint8 // limit of the differences beside an edge
	HEVThreshold uint8 // high edge variance begins above
	Inner        bool  // filter the edges inside too
}

// SetLevel computes the limits for a filter level (0 to 63, after segment and
// delta adjustments) and the frame's sharpness (0 to 7). inner is false for
// macroblocks without coefficients whose prediction is of the whole block.
func (f *MBFilter) SetLevel(level, sharpness int, keyFrame, inner bool) {
	if level <= 0 {
		*f = MBFilter{}
		return
	}
	interior := level
	if sharpness > 0 {
		if interior >>= 1; sharpness > 4 {
			interior >>= 1
		}
		interior = min(interior, 9-sharpness)
	}
	interior = max(interior, 1)
	hev := 0
	switch {
	case level >= 40:
		hev = 2
	case level >= 15:
		hev = 1
	}
	if !keyFrame {
		switch {
		case level >= 40:
			hev = 3
		case level >= 20:
			hev = 2
		}
	}
	f.MBLimit = uint8((level+2)*2 + interior)
	f.SubLimit = uint8(level*2 + interior)
	f.Interior, f.HEVThreshold, f.Inner = uint8(interior), uint8(hev), inner
}

// FilterRow applies the normal loop filter (15.3) to a row of macroblocks from
// left to right. y[yOff], u[uvOff] and v[uvOff] are the first samples of the
// row's first macroblock; ys and uvs the strides. top says that there is a row
// above, whose lower edge takes part (up to 4 luma and chroma rows are read, 3
// written). The first macroblock's left edge is not filtered.
func FilterRow(mbs []MBFilter, y, u, v []byte, yOff, uvOff, ys, uvs int, top bool) {
	if len(mbs) == 0 {
		return
	}
	filterMBs(mbs, y, u, v, yOff, uvOff, ys, uvs, false, top)
}

// FilterMB applies the normal loop filter to one macroblock: its left edge
// (if left), the vertical edges inside (if f.Inner), its top edge (if top), the
// horizontal edges inside. Offsets are those of the macroblock's first samples.
func FilterMB(f *MBFilter, y, u, v []byte, yOff, uvOff, ys, uvs int, left, top bool) {
	one := [1]MBFilter{*f}
	filterMBs(one[:], y, u, v, yOff, uvOff, ys, uvs, left, top)
}

// filterMBs filters at least one macroblock; left says that the first has a left
// edge.
func filterMBs(mbs []MBFilter, y, u, v []byte, yOff, uvOff, ys, uvs int, left, top bool) {
	needFilter(y, yOff, ys, 16, len(mbs), left, top)
	needFilter(u, uvOff, uvs, 8, len(mbs), left, top)
	needFilter(v, uvOff, uvs, 8, len(mbs), left, top)
	if useFilter {
		edges := 0
		if left {
			edges = 1
		}
		if top {
			edges |= 2
		}
		filterRow(&mbs[0], len(mbs), &y[yOff], &u[uvOff], &v[uvOff], ys, uvs, edges)
		return
	}
	for i := range mbs {
		if mbs[i].MBLimit != 0 {
			filterMacroblockGeneric(&mbs[i], y, u, v, yOff+16*i, uvOff+8*i, ys, uvs, left || i > 0, top)
		}
	}
}

func filterMacroblockGeneric(f *MBFilter, y, u, v []byte, yOff, uvOff, ys, uvs int, left, top bool) {
	if left {
		filterMBGeneric(y, yOff, 1, ys, 16, f)
		filterMBGeneric(u, uvOff, 1, uvs, 8, f)
		filterMBGeneric(v, uvOff, 1, uvs, 8, f)
	}
	if f.Inner {
		for i := 4; i < 16; i += 4 {
			filterSubGeneric(y, yOff+i, 1, ys, 16, f)
		}
		filterSubGeneric(u, uvOff+4, 1, uvs, 8, f)
		filterSubGeneric(v, uvOff+4, 1, uvs, 8, f)
	}
	if top {
		filterMBGeneric(y, yOff, ys, 1, 16, f)
		filterMBGeneric(u, uvOff, uvs, 1, 8, f)
		filterMBGeneric(v, uvOff, uvs, 1, 8, f)
	}
	if f.Inner {
		for i := 4; i < 16; i += 4 {
			filterSubGeneric(y, yOff+i*ys, ys, 1, 16, f)
		}
		filterSubGeneric(u, uvOff+4*uvs, uvs, 1, 8, f)
		filterSubGeneric(v, uvOff+4*uvs, uvs, 1, 8, f)
	}
}

// FilterRowSimple is FilterRow with the simple filter (15.2), luma alone.
func FilterRowSimple(mbs []MBFilter, y []byte, yOff, ys int, top bool) {
	for i := range mbs {
		if mbs[i].MBLimit != 0 {
			FilterMBSimple(&mbs[i], y, yOff+16*i, ys, i > 0, top)
		}
	}
}

// FilterMBSimple is FilterMB with the simple filter, luma alone.
func FilterMBSimple(f *MBFilter, y []byte, yOff, ys int, left, top bool) {
	needFilter(y, yOff, ys, 16, 1, left, top)
	if left {
		simpleEdge(y, yOff, 1, ys, f.MBLimit)
	}
	if f.Inner {
		for i := 4; i < 16; i += 4 {
			simpleEdge(y, yOff+i, 1, ys, f.SubLimit)
		}
	}
	if top {
		simpleEdge(y, yOff, ys, 1, f.MBLimit)
	}
	if f.Inner {
		for i := 4; i < 16; i += 4 {
			simpleEdge(y, yOff+i*ys, ys, 1, f.SubLimit)
		}
	}
}

func simpleEdge(y []byte, off, across, along int, limit uint8) {
	switch {
	case !useSimple:
		filterSimpleGeneric(y, off, across, along, 16, limit)
	case across == 1:
		filterSimpleV(&y[off], along, int(limit))
	default:
		filterSimpleH(&y[off], across, int(limit))
	}
}

// needFilter panics unless n blocks of size by size side by side and the four
// samples that their outer edges read beyond them lie inside the plane.
func needFilter(plane []byte, off, stride, size, n int, left, top bool) {
	first := off
	if left {
		first -= 4
	}
	if top {
		first -= 4 * stride
	}
	if stride < size*n || off < 0 || first < 0 || off+(size-1)*stride+size*n > len(plane) {
		panic("dsp: filtered block outside the plane")
	}
}
