package vp8

import (
	"slices"

	"github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"
)

// encScratch is one worker's memory for the macroblock at hand.
type encScratch struct {
	coef, levels, dequant [dsp.MBCoefs]int16
	eobs                  [dsp.MBBlocks]uint8
	// pred holds candidate predictions of 16 rows, 16 luma bytes apart: the best
	// one, the best of the search for a vector, and the one being tried.
	pred [3][256]byte
	rows dsp.RowCache // of the macroblock's candidates
	// chroma holds candidate predictions: U then V, 8 bytes apart.
	chroma [2][128]byte
	left   encContext
	above  []encContext // of the row: at first of the row above, then its own
	sub    encSubScratch
	search encSearch
	split  encSplitScratch
	tally  encTally
	// What analysis counts, and its own memory.
	noise    noiseTally
	activity uint64
	// magnitudes is what the estimate of a key frame's size counts.
	magnitudes [encMagnitudes]uint32
	sse        [4]uint32
	sum        [4]int32
}

// encMBPos is where a macroblock lies in all planes.
type encMBPos struct {
	x, y    int
	yo, uvo int // offsets in planes (source and frames are laid out alike)
}

func (e *Encoder) pos(x, y int) encMBPos {
	return encMBPos{x: x, y: y, yo: e.cur.y.at(16*x, 16*y), uvo: e.cur.u.at(8*x, 8*y)}
}

// encodeRow codes a row of macroblocks.
func (e *Encoder) encodeRow(s *encScratch, w *encWorkers, y int) {
	s.left = encContext{}
	row := &e.rows[y]
	row.tokens = row.tokens[:0]
	if !e.header.key {
		e.keepStill(y)
	}
	s.above = e.contextRow(y)
	contexts := e.contextRow(y - 1)
	above, ahead := w.behind(y, e.mbW), 1
	if e.readsRight() {
		ahead = 2
	}
	for x := range e.mbW {
		m := e.mb(x, y)
		static := !e.header.key && m.kept && !e.blocks[y*e.mbW+x].refine
		if static {
			// Static: no more than the neighbours must know, and nothing to be
			// known of them.
			s.skipContexts(&s.above[x], m)
			s.tally.static++
			s.tally.zeroLeft++
			s.tally.refs[e.base]++
		} else {
			if need := min(x+ahead, e.mbW); above < need {
				above = w.coded[y-1].wait(w, need, e.mbW, true)
			}
			s.above[x] = contexts[x]
			e.encodeMB(s, row, m, x, y)
		}
		if x+1 < e.mbW && len(w.helpers) > 0 {
			w.coded[y].reached(x+1, e.mbW, !static)
		}
	}
	if len(w.helpers) > 0 {
		// A row that is done stands for all above it: the filter relies on that.
		if above < e.mbW {
			w.coded[y-1].wait(w, e.mbW, e.mbW, true)
		}
		w.coded[y].reached(e.mbW, e.mbW, true)
	}
}

// readsRight reports whether macroblocks of this frame may be predicted from the
// one above on the right: 4x4 intra prediction is.
func (e *Encoder) readsRight() bool {
	if e.header.key {
		return e.speed.subblockIntra
	}
	return e.speed.subblockIntraInter
}

// keepStill decides which macroblocks of a row stay as they are in the last
// frame, or start from there to be refined, and copies runs of them.
func (e *Encoder) keepStill(y int) {
	start := -1
	for x := range e.mbW {
		b, m := &e.blocks[y*e.mbW+x], e.mb(x, y)
		m.segment = e.segmentOf(b)
		m.kept = false
		if e.refreshDue(x, y) {
			m.nb.ref = refIntra
		} else if b.refine {
			m.segment = segmentRefine
			m.kept = true
		} else if e.isStatic(b, &e.quant[b.segment], x, y) {
			m.kept = true
			m.noCoeffs = true
		}
		if m.kept {
			m.nb, m.yMode = neighbour{ref: e.base}, modeZero
			if start < 0 {
				start = x
			}
			continue
		}
		if start >= 0 {
			e.keepRun(start, x, y)
			start = -1
		}
	}
	if start >= 0 {
		e.keepRun(start, e.mbW, y)
	}
}

// keepRun copies macroblocks x0 to x1-1 of a row from the last frame.
func (e *Encoder) keepRun(x0, x1, y int) {
	f, ref := e.cur, e.refs[e.base]
	encCopyRun(&f.y, &ref.y, 16*x0, 16*y, 16*(x1-x0), 16)
	encCopyRun(&f.u, &ref.u, 8*x0, 8*y, 8*(x1-x0), 8)
	encCopyRun(&f.v, &ref.v, 8*x0, 8*y, 8*(x1-x0), 8)
}

func encCopyRun(dst, src *plane, x, y, w, h int) {
	o := dst.at(x, y)
	dsp.CopyRun(dst.pix[o:], dst.stride, src.pix[o:], src.stride, w, h)
}

func (e *Encoder) encodeMB(s *encScratch, row *encRow, m *encMB, x, y int) {
	p := e.pos(x, y)
	t := &s.tally
	before := len(row.tokens)
	if e.header.key {
		m.segment = e.blocks[y*e.mbW+x].segment
		m.nb = neighbour{}
		z := &e.quant[m.segment]
		e.chooseIntra(s, m, &p)
		e.codeIntra(s, row, m, &p, z)
	} else {
		e.blocks[y*e.mbW+x].known = false
		z := &e.quant[m.segment]
		switch {
		case m.kept:
		case e.refreshDue(x, y):
			e.tryIntraInInter(s, m, &p, encNoCost)
		default:
			last := m.nb.mv
			m.nb = neighbour{}
			if e.speed.fast {
				e.chooseFast(s, m, &p, last)
			} else {
				e.chooseInter(s, m, &p, last)
			}
		}
		e.codeInter(s, row, m, &p, z)
	}
	t.refs[m.nb.ref]++
	if m.nb.ref == refIntra {
		t.yModes[m.yMode]++
		t.uvModes[m.uvMode]++
	}
	if m.yMode == modeZero && m.segment != segmentRefine {
		if m.noCoeffs {
			t.zeroLeft++
		} else {
			t.zeroCoded++
		}
	}
	if !m.noCoeffs {
		t.coded++
		n := len(row.tokens) - before
		t.allTokens += n
		if e.blocks[y*e.mbW+x].refine {
			t.refineTokens += n
		}
	}
}

// codeInter codes a macroblock of an inter frame whose mode is chosen.
func (e *Encoder) codeInter(s *encScratch, row *encRow, m *encMB, p *encMBPos, z *encQuantizer) {
	if m.nb.ref == refIntra {
		e.codeIntra(s, row, m, p, z)
		return
	}
	if m.yMode == modeNew {
		best := s.search.predictor
		s.tally.mv.addComponent(0, int(m.nb.mv.y)-int(best.y))
		s.tally.mv.addComponent(1, int(m.nb.mv.x)-int(best.x))
	}
	if m.yMode == modeSplit {
		s.tally.countSplit(m, s.search.predictor)
	}
	f := e.cur
	if !m.kept {
		e.predictInter(s, m, p, e.refs[m.nb.ref])
	}
	e.codeWhole(s, row, m, p, z, &z.y1, f.y.pix[p.yo:], f.y.stride, f.u.pix[p.uvo:], f.v.pix[p.uvo:], f.u.stride)
}

// predictInter puts the prediction of the macroblock that chooseInter looked at
// last into the current frame.
func (e *Encoder) predictInter(s *encScratch, m *encMB, p *encMBPos, ref *refFrame) {
	f := e.cur
	v := m.nb.mv
	if buf := s.search.found.buf; buf >= 0 {
		dsp.Copy(f.y.pix[p.yo:], f.y.stride, s.pred[buf][:], 16, 16, 16)
	} else if m.yMode == modeSplit {
		e.predictQuarters(m, p, ref)
	} else {
		encPredict(f.y.pix[p.yo:], f.y.stride, &ref.y, p.yo, v, 2, 16)
	}
	if m.yMode == modeSplit {
		e.predictSplitChroma(m, p, ref)
		return
	}
	encPredict(f.u.pix[p.uvo:], f.u.stride, &ref.u, p.uvo, v, 3, 8)
	encPredict(f.v.pix[p.uvo:], f.v.stride, &ref.v, p.uvo, v, 3, 8)
}

// encPredict fetches a size by size block displaced by v, whose unit is
// 1/2^shift sample.
func encPredict(dst []byte, ds int, ref *plane, off int, v motionVector, shift uint, size int) {
	mask := 1<<shift - 1
	off += int(v.y>>shift)*ref.stride + int(v.x>>shift)
	mx, my := int(v.x)&mask, int(v.y)&mask
	if shift == 2 {
		mx, my = 2*mx, 2*my
	}
	if mx|my == 0 {
		dsp.Copy(dst, ds, ref.pix[off:], ref.stride, size, size)
		return
	}
	dsp.SixTap(dst, ds, ref.pix, off, ref.stride, mx, my, size, size)
}

// predict16 puts the luma prediction of the macroblock at off, displaced by v to a
// fraction of a sample, into a buffer.
func (s *encScratch) predict16(buf int, ref *plane, off int, v motionVector) {
	off += int(v.y>>2)*ref.stride + int(v.x>>2)
	dsp.SixTap16x16(s.pred[buf][:], 16, ref.pix, off, ref.stride, int(v.x)&3*2, int(v.y)&3*2, &s.rows)
}

// codeWhole transforms, quantises, tokenises and reconstructs a macroblock whose
// prediction does not depend on its own residue. The prediction is given by slices that start at the
// macroblock; it may lie in the current frame already.
func (e *Encoder) codeWhole(s *encScratch, row *encRow, m *encMB, p *encMBPos, z *encQuantizer, y1 *dsp.QuantMatrix,
	py []byte, ys int, pu, pv []byte, cs int,
) {
	src, f := e.source, e.cur
	dsp.FDCT16x16(s.coef[:256], src.y.pix[p.yo:], src.y.stride, py, ys)
	y2 := &z.y2
	if m.yMode == modeSplit {
		y2 = nil
	} else {
		dsp.FWHT(s.coef[dsp.BlockY2*16:], s.coef[:256])
	}
	dsp.FDCT8x8(s.coef[dsp.BlockU*16:], src.u.pix[p.uvo:], src.u.stride, pu, cs)
	dsp.FDCT8x8(s.coef[dsp.BlockV*16:], src.v.pix[p.uvo:], src.v.stride, pv, cs)
	nonZero := dsp.QuantizeMB(&s.levels, &s.dequant, &s.coef, &s.eobs, y1, &z.uv, y2)
	if nonZero != 0 {
		nonZero = e.tokenizeMB(s, row, &s.above[p.x], z, y2 != nil)
	}
	m.noCoeffs = nonZero == 0
	inPlace := &py[0] == &f.y.pix[p.yo]
	if m.noCoeffs {
		s.skipContexts(&s.above[p.x], m)
		if !inPlace {
			dsp.Copy(f.y.pix[p.yo:], f.y.stride, py, ys, 16, 16)
			dsp.Copy(f.u.pix[p.uvo:], f.u.stride, pu, cs, 8, 8)
			dsp.Copy(f.v.pix[p.uvo:], f.v.stride, pv, cs, 8, 8)
		}
		return
	}
	if s.eobs[dsp.BlockY2] > 0 {
		dsp.IWHT(s.dequant[:256], s.dequant[dsp.BlockY2*16:])
	}
	if !inPlace || nonZero&(0xffff|1<<dsp.BlockY2) != 0 {
		dsp.IDCTAdd16x16(f.y.pix[p.yo:], f.y.stride, py, ys, s.dequant[:256], s.eobs[:16])
	}
	if !inPlace || nonZero&(0xf<<dsp.BlockU) != 0 {
		dsp.IDCTAdd8x8(f.u.pix[p.uvo:], f.u.stride, pu, cs, s.dequant[dsp.BlockU*16:], s.eobs[dsp.BlockU:])
	}
	if !inPlace || nonZero&(0xf<<dsp.BlockV) != 0 {
		dsp.IDCTAdd8x8(f.v.pix[p.uvo:], f.v.stride, pv, cs, s.dequant[dsp.BlockV*16:], s.eobs[dsp.BlockV:])
	}
}

// skipContexts is what a macroblock without coefficients leaves to its
// neighbours: nothing, but where it has no Y2 block, that context stays.
func (s *encScratch) skipContexts(above *encContext, m *encMB) {
	a, l := above[8], s.left[8]
	*above, s.left = encContext{}, encContext{}
	if m.yMode == modeB || m.yMode == modeSplit {
		above[8], s.left[8] = a, l
	}
}

// tokenizeMB appends the tokens of a macroblock, with or without a Y2 block, to the row,
// trimming its blocks where that is asked for, and updates the contexts. It
// returns the mask of blocks that are not empty; if all are, it leaves no tokens
// behind, and contexts that skipContexts must replace.
func (e *Encoder) tokenizeMB(s *encScratch, row *encRow, above *encContext, z *encQuantizer, y2 bool) uint32 {
	lambda := newLambdas(z.q, e.speed.goodShare)
	l := lambda.trimFactor()
	recs := row.room()
	n, nonZero := 0, uint32(0)
	blockType, first := blockYWithDC, 0
	if y2 {
		blockType, first = blockYAfterY2, 1
		// The second transform doubles the scale again.
		n, nonZero = e.tokenizeAny(s, recs, 0, dsp.BlockY2, encTypeRecord(blockY2), &above[8], &s.left[8], 4*l)
	}
	base := encTypeRecord(blockType)
	for i := range 16 {
		a, b := &above[i&3], &s.left[i>>2]
		at := base + uint32(*a+*b)<<tokSlotShift
		if int(s.eobs[i]) <= first {
			recs[n] = at + encEndRecords[first]
			n++
			*a, *b = 0, 0
			continue
		}
		var has uint8
		n, has = e.tokenizeBlock(s, recs, n, i, first, at, base, l)
		*a, *b = has, has
		nonZero |= uint32(has) << i
	}
	n, nz := e.tokenizeChroma(s, recs, n, above, l)
	if nonZero |= nz; nonZero != 0 {
		s.keepTokens(row, n)
	}
	return nonZero
}

func (e *Encoder) tokenizeChroma(s *encScratch, recs *encMBRecords, n int, above *encContext, lambda int64) (int, uint32) {
	nonZero := uint32(0)
	base := encTypeRecord(blockChroma)
	for i := dsp.BlockU; i < dsp.BlockY2; i++ {
		edge := 4 + (i-dsp.BlockU)>>2*2
		a, b := &above[edge+i&1], &s.left[edge+i>>1&1]
		at := base + uint32(*a+*b)<<tokSlotShift
		if s.eobs[i] == 0 {
			recs[n] = at + encEndRecords[0]
			n++
			*a, *b = 0, 0
			continue
		}
		var has uint8
		n, has = e.tokenizeBlock(s, recs, n, i, 0, at, base, lambda)
		*a, *b = has, has
		nonZero |= uint32(has) << i
	}
	return n, nonZero
}

// tokenizeAny is tokenizeBlock for a block that begins at its first coefficient
// and may be empty. It updates the contexts, and returns the block's bit in the
// mask of blocks that are not empty.
func (e *Encoder) tokenizeAny(s *encScratch, recs *encMBRecords, n, i int, base uint32, above, left *uint8, lambda int64) (int, uint32) {
	at := base + uint32(*above+*left)<<tokSlotShift
	if s.eobs[i] == 0 {
		recs[n] = at + encEndRecords[0]
		*above, *left = 0, 0
		return n + 1, 0
	}
	n, has := e.tokenizeBlock(s, recs, n, i, 0, at, base, lambda)
	*above, *left = has, has
	return n, uint32(has) << i
}

// tokenizeBlock writes the tokens of block i, which has some, to recs, from the
// n-th on, and trims the block where that is asked for. base and at are those of
// the function tokenizeBlock. It returns the number of records, and 1 if the
// block is not empty.
func (e *Encoder) tokenizeBlock(s *encScratch, recs *encMBRecords, n, i, first int, at, base uint32, lambda int64) (int, uint8) {
	eob := int(s.eobs[i])
	levels := (*[16]int16)(s.levels[16*i:])
	// Something stands before a block that begins at its second coefficient.
	block := (*[17]uint32)(recs[n-first:])
	tokenizeBlock(block, levels, first, eob, at, base)
	// A last coefficient that is no lone step takes away more than it costs.
	if lone := uint16(levels[(eob-1)&15]+1) <= 2; lone && e.speed.trim {
		coef, dequant := (*[16]int16)(s.coef[16*i:]), (*[16]int16)(s.dequant[16*i:])
		eob = e.tokens.trimBlock(block, coef, dequant, first, eob, lambda)
		if eob <= first {
			s.eobs[i] = 0
			return n + 1, 0
		}
		s.eobs[i] = uint8(eob)
	}
	return n + min(eob+1, 16) - first, 1
}

// encMBRecords has room for the tokens of a macroblock.
type encMBRecords [encMBTokens]uint32

// room returns the memory behind the row's tokens.
func (r *encRow) room() *encMBRecords {
	if cap(r.tokens)-len(r.tokens) < encMBTokens {
		r.tokens = slices.Grow(r.tokens, encMBTokens)
	}
	return (*encMBRecords)(r.tokens[len(r.tokens):cap(r.tokens)])
}

// keepTokens counts the n records behind the row's tokens and adds them.
func (s *encScratch) keepTokens(row *encRow, n int) {
	from := len(row.tokens)
	row.tokens = row.tokens[:from+n]
	s.tally.counts.addRecords(row.tokens[from:])
}
