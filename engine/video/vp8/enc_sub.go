package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// encRightOfFrame is what stands above and to the right of the last macroblock
// of a row (section 12.3).
func encRightOfFrame(lastAbove byte) byte { return lastAbove }

// loadSubEdges lays the macroblock's surroundings round the workspace.
func (s *encSubScratch) loadSubEdges(g *encEdges) {
	top := s.work[encSubOrigin-encSubStride-1:]
	top[0] = g.corner
	if g.aboveY != nil {
		copy(top[1:17], g.aboveY)
	} else {
		fill(top[1:17], 127)
	}
	copy(top[17:21], g.aboveRight[:])
	for i := range 16 {
		v := byte(129)
		if g.leftY != nil {
			v = g.leftY[i]
		}
		s.work[encSubOrigin+i*encSubStride-1] = v
	}
}

// subEdge gathers the edge of subblock i of the workspace.
func (s *encSubScratch) subEdge(i int, edge *dsp.Edge4) int {
	o := encSubOrigin + i>>2*4*encSubStride + i&3*4
	right := s.work[o-encSubStride+4:]
	if i&3 == 3 {
		right = s.edges.aboveRight[:]
	}
	edge.Gather(s.work[:], o, encSubStride, right)
	return o
}

// chooseSubModes tries 4x4 prediction against a cost to beat. It reconstructs
// subblock by subblock, since each predicts from the one before. It returns the
// lower cost and sets m's modes where 4x4 won.
func (e *Encoder) chooseSubModes(s *encScratch, m *encMB, p *encMBPos, g *encEdges, beat, modeCost int) int {
	w := &s.sub
	w.loadSubEdges(g)
	z := &e.quant[m.segment]
	above, left := e.mb(p.x, p.y-1), e.mb(p.x-1, p.y)
	src, stride := e.source.y.pix, e.source.y.stride
	total := e.lambda.satd(modeCost)
	var t encMB
	t.sub = m.sub
	var edge dsp.Edge4
	for i := range 16 {
		o := w.subEdge(i, &edge)
		so := p.yo + i>>2*4*stride + i&3*4
		dsp.Intra4x4Search(&w.satd, &w.preds, &edge, src[so:], stride)
		costs := &encSubModeCosts
		if e.header.key {
			costs = &encSubModeCostsKF[encSubAbove(&t, above, i)][encSubLeft(&t, left, i)]
		}
		best, mode := 1<<30, 0
		for k := range numSubblockModes {
			c := int(w.satd[k]) + e.lambda.satd(int(costs[k]))
			if c < best {
				best, mode = c, k
			}
		}
		total += best
		if total >= beat {
			return beat
		}
		t.sub[i] = uint8(mode)
		pred := w.preds[16*mode : 16*mode+16]
		dsp.FDCT4x4(s.coef[16*i:], src[so:], stride, pred, 4)
		dsp.QuantizeBlock(s.levels[16*i:], s.dequant[16*i:], s.coef[16*i:], &z.intraY1, 0)
		dsp.IDCTAdd(w.work[o:], encSubStride, pred, 4, s.dequant[16*i:])
	}
	m.yMode, m.sub = modeB, t.sub
	return total
}

// codeSubblocks codes a macroblock of 4x4 prediction.
func (e *Encoder) codeSubblocks(s *encScratch, row *encRow, m *encMB, p *encMBPos, z *encQuantizer) {
	w := &s.sub
	w.loadSubEdges(&w.edges)
	src, f := e.source, e.cur
	nonZero := uint32(0)
	above := &s.above[p.x]
	lambda := newLambdas(z.q, e.speed.goodShare)
	l := lambda.trimFactor()
	recs, n := row.room(), 0
	var edge dsp.Edge4
	for i := range 16 {
		o := w.subEdge(i, &edge)
		so := p.yo + i>>2*4*src.y.stride + i&3*4
		dsp.Intra4x4(w.preds[:], 4, dsp.IntraMode4(m.sub[i]), &edge)
		dsp.FDCT4x4(s.coef[16*i:], src.y.pix[so:], src.y.stride, w.preds[:], 4)
		b := s.dequant[16*i:]
		s.eobs[i] = uint8(dsp.QuantizeBlock(s.levels[16*i:], b, s.coef[16*i:], &z.intraY1, 0))
		var nz uint32
		n, nz = e.tokenizeAny(s, recs, n, i, encTypeRecord(blockYWithDC), &above[i&3], &s.left[i>>2], l)
		nonZero |= nz
		dsp.IDCTAdd(w.work[o:], encSubStride, w.preds[:], 4, b)
	}
	s.eobs[dsp.BlockY2] = 0
	dsp.Copy(f.y.pix[p.yo:], f.y.stride, w.work[encSubOrigin:], encSubStride, 16, 16)
	pu, pv := s.chroma[0][:64], s.chroma[0][64:]
	dsp.FDCT8x8(s.coef[dsp.BlockU*16:], src.u.pix[p.uvo:], src.u.stride, pu, 8)
	dsp.FDCT8x8(s.coef[dsp.BlockV*16:], src.v.pix[p.uvo:], src.v.stride, pv, 8)
	dsp.QuantizeBlocks(s.levels[dsp.BlockU*16:], s.dequant[dsp.BlockU*16:], s.coef[dsp.BlockU*16:], s.eobs[dsp.BlockU:], &z.uv, 0, 8)
	n, nz := e.tokenizeChroma(s, recs, n, above, l)
	nonZero |= nz
	dsp.IDCTAdd8x8(f.u.pix[p.uvo:], f.u.stride, pu, 8, s.dequant[dsp.BlockU*16:], s.eobs[dsp.BlockU:])
	dsp.IDCTAdd8x8(f.v.pix[p.uvo:], f.v.stride, pv, 8, s.dequant[dsp.BlockV*16:], s.eobs[dsp.BlockV:])
	m.noCoeffs = nonZero == 0
	if m.noCoeffs {
		s.skipContexts(above, m)
		return
	}
	s.keepTokens(row, n)
}
