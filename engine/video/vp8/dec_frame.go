package vp8

import (
	"errors"
	"fmt"

	"github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"
)

var (
	errFirstPartition = errors.New("first partition cut short")
	errTokenPartition = errors.New("token partition cut short")
)

// begin reads the header of a frame and prepares all that its rows need.
func (d *Decoder) begin(tag *frameTag, data []byte) {
	h := &d.header
	*h = frameHeader{frameTag: *tag}
	rest := data[tag.compressedStart:]
	if h.firstPartition > len(rest) {
		d.problem = errFirstPartition
	}
	n := min(h.firstPartition, len(rest))
	d.first.reset(rest[:n])
	d.state.parse(&d.first, h)
	d.splitTokens(rest[n:])

	s := &d.state
	if h.key && !s.seg.updateMap {
		clear(d.segments)
	}
	d.probs.set(&s.entropy.coeff)
	for i := range d.quant {
		q := h.quantIndex
		if s.seg.enabled {
			if s.seg.absolute {
				q = s.seg.quant[i]
			} else {
				q += s.seg.quant[i]
			}
		}
		d.quant[i] = quantSteps(q, h.quantDeltas)
	}
	d.inter.setProfile(h.version)
	d.filter.prepare(s, h.key, d.grid.w)
	clear(d.above)
	clear(d.modes.aboveModes)
	d.modes.r, d.modes.h, d.modes.s, d.modes.grid, d.modes.segments = &d.first, h, s, d.grid, d.segments
	d.modes.concealed = 0
	d.modes.canConceal = d.refs[refLast] != nil
	d.cur = d.freeFrame()
	d.info = FrameInfo{
		Key: h.key, Shown: h.show, Profile: h.version,
		Width: d.width, Height: d.height, ScaleX: h.scaleX, ScaleY: h.scaleY,
		Quantizer: h.quantIndex, FilterLevel: s.filter.level, Partitions: h.partitions,
		RefreshLast: h.refreshLast, RefreshGolden: h.refreshGolden, RefreshAltRef: h.refreshAlt,
	}
}

// splitTokens finds the token partitions (section 9.5). Those that lie behind
// the end of the data are empty.
func (d *Decoder) splitTokens(data []byte) {
	n := d.header.partitions
	sizes := 3 * (n - 1)
	if len(data) < sizes {
		d.problem = errTokenPartition
		for i := range n {
			d.tokens[i].reset(nil)
		}
		return
	}
	table, data := data[:sizes], data[sizes:]
	for i := range n - 1 {
		size := int(table[3*i]) | int(table[3*i+1])<<8 | int(table[3*i+2])<<16
		if size > len(data) {
			d.problem = errTokenPartition
			size = len(data)
		}
		d.tokens[i].reset(data[:size])
		data = data[size:]
	}
	d.tokens[n-1].reset(data)
}

// decodeRows decodes all macroblock rows, on the caller's goroutine alone or
// with the workers. The loop filter runs one row behind, because intra
// prediction wants unfiltered samples.
func (d *Decoder) decodeRows() {
	g := d.grid
	if d.workers != nil {
		d.workers.run(g.h)
		return
	}
	for y := range g.h {
		d.modes.readRow(y)
		d.decodeRow(y)
		if y > 0 {
			d.completeRow(y - 1)
		}
	}
	d.completeRow(g.h - 1)
}

// decodeRow reads the tokens of row y and reconstructs it, one macroblock after
// the other.
func (d *Decoder) decodeRow(y int) {
	g := d.grid
	r := &d.tokens[y&(d.header.partitions-1)]
	var left nonZeroContext
	i := g.at(0, y)
	mbs := g.mbs[i : i+g.w]
	d.copyStill(mbs, y)
	above := d.above[:len(mbs)]
	for x := range mbs {
		mb := &mbs[x]
		if !mb.skip {
			d.readMBResidue(r, mb, &above[x], &left, &d.residue)
		} else if mb.skipResidue(&above[x], &left); mb.still() {
			continue
		}
		d.reconstruct(mb, x, y, i+x, &d.residue)
	}
}

// readResidueRow reads the tokens of row y into row.
func (d *Decoder) readResidueRow(y int, row []residue) {
	g := d.grid
	r := &d.tokens[y&(d.header.partitions-1)]
	var left nonZeroContext
	i := g.at(0, y)
	above := d.above[:g.w]
	for x := range above {
		if mb := &g.mbs[i+x]; mb.skip {
			mb.skipResidue(&above[x], &left)
		} else {
			d.readMBResidue(r, mb, &above[x], &left, &row[x])
		}
	}
}

// reconstructRow reconstructs row y, whose tokens readResidueRow has read.
func (d *Decoder) reconstructRow(y int, row []residue) {
	g := d.grid
	i := g.at(0, y)
	mbs := g.mbs[i : i+g.w]
	d.copyStill(mbs, y)
	for x := range mbs {
		d.reconstruct(&mbs[x], x, y, i+x, &row[x])
	}
}

// copyStill predicts the still macroblocks of row y: those beside each other with
// the same reference are copied as one, since a fixed camera's pictures consist
// of little else.
func (d *Decoder) copyStill(mbs []mbInfo, y int) {
	for x := 0; x < len(mbs); x++ {
		if !mbs[x].still() {
			continue
		}
		from, ref := x, mbs[x].ref
		for x+1 < len(mbs) && mbs[x+1].ref == ref && mbs[x+1].still() {
			x++
		}
		src, dst := d.refs[ref&3], d.cur
		copyBlockRow(&dst.y, &src.y, 16, from, x+1, y)
		copyBlockRow(&dst.u, &src.u, 8, from, x+1, y)
		copyBlockRow(&dst.v, &src.v, 8, from, x+1, y)
	}
}

func copyBlockRow(dst, src *plane, size, from, to, y int) {
	off := src.at(from*size, y*size)
	dsp.CopyRun(dst.pix[off:], dst.stride, src.pix[off:], src.stride, (to-from)*size, size)
}

// readMBResidue reads the tokens of a macroblock that is not skipped and sets what
// the rest of the decoder wants to know of them.
func (d *Decoder) readMBResidue(r *boolReader, mb *mbInfo, above, left *nonZeroContext, c *residue) {
	withY2 := mb.hasY2()
	seg := 0
	if d.state.seg.enabled {
		seg = int(mb.segment & 3)
	}
	mb.coded = r.readResidue(c, &d.probs, &d.quant[seg], above, left, withY2)
	mb.inner = mb.coded || !withY2
}

// skipResidue is readMBResidue for a skipped macroblock.
func (m *mbInfo) skipResidue(above, left *nonZeroContext) {
	withY2 := m.hasY2()
	above.clear(withY2)
	left.clear(withY2)
	m.coded, m.inner = false, !withY2
}

// completeRow filters row y and extends the lines that are final then: the
// next row's filter still changes up to three (luma; chroma as many) of them.
func (d *Decoder) completeRow(y int) {
	g, f := d.grid, d.cur
	last := y == g.h-1
	if d.filter.enabled {
		d.filter.filterRow(f, g.mbs[g.at(0, y):g.at(0, y)+g.w], y, d.state.seg.enabled)
	}
	for _, p := range [3]*plane{&f.y, &f.u, &f.v} {
		size := p.height / g.h
		from, to := max(0, y*size-4), (y+1)*size-4
		if last {
			to = p.height
		}
		p.extendSides(from, to)
		if y == 0 {
			p.extendTop()
		}
		if last {
			p.extendBottom()
		}
	}
}

// finish updates the references (section 9.7) and the probabilities, and looks
// whether the data sufficed.
func (d *Decoder) finish() {
	h, s := &d.header, &d.state
	if !h.refreshEntropy {
		s.entropy = s.saved
	}
	// Altref first: the order matters when each is to be copied to the other.
	switch h.copyToAlt {
	case copyLast:
		d.refs[refAltRef] = d.refs[refLast]
	case copyOther:
		d.refs[refAltRef] = d.refs[refGolden]
	}
	switch h.copyToGolden {
	case copyLast:
		d.refs[refGolden] = d.refs[refLast]
	case copyOther:
		d.refs[refGolden] = d.refs[refAltRef]
	}
	if h.refreshGolden {
		d.refs[refGolden] = d.cur
	}
	if h.refreshAlt {
		d.refs[refAltRef] = d.cur
	}
	if h.refreshLast {
		d.refs[refLast] = d.cur
	}
	d.stats.ConcealedMacroblocks += uint64(d.modes.concealed)
	if d.problem == nil && d.first.overrun() {
		d.problem = errFirstPartition
	}
	if d.problem == nil {
		for i := range h.partitions {
			if d.tokens[i].overrun() {
				d.problem = fmt.Errorf("%w (partition %d)", errTokenPartition, i)
				break
			}
		}
	}
}
