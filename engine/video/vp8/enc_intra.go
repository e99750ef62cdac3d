package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// encEdges are the samples round a macroblock that intra prediction reads, from
// the current frame before the loop filter.
type encEdges struct {
	left       [16]byte
	leftUV     [2][8]byte
	aboveY     []byte // nil outside the frame
	leftY      []byte
	aboveUV    [2][]byte
	sideUV     [2][]byte
	corner     byte
	cornerUV   [2]byte
	aboveRight [4]byte
}

// encSubScratch is the workspace for macroblocks of 4x4 prediction: the block
// with a column on its left and a row above, 32 bytes apart.
type encSubScratch struct {
	edges encEdges
	work  [17*encSubStride + 32]byte
	preds [16 * dsp.NumIntra4]byte
	satd  [dsp.NumIntra4]uint32
}

const (
	encSubStride = 32
	encSubOrigin = encSubStride + 8
)

// gatherEdges fills s.sub.edges for a macroblock's luma.
func (e *Encoder) gatherEdges(s *encScratch, p *encMBPos) *encEdges {
	return e.gatherEdgesOf(s, e.cur, p)
}

// gatherEdgesOf fills s.sub.edges for a macroblock's luma from frame f.
func (e *Encoder) gatherEdgesOf(s *encScratch, f *refFrame, p *encMBPos) *encEdges {
	g := &s.sub.edges
	g.aboveY, g.leftY = nil, nil
	o := p.yo - f.y.stride
	if p.y > 0 {
		g.aboveY = f.y.pix[o : o+16]
	}
	switch {
	case p.y == 0:
		fill(g.aboveRight[:], 127)
	case !e.readsRight(): // another worker may be writing there
	case p.x+1 < e.mbW:
		copy(g.aboveRight[:], f.y.pix[o+16:o+20])
	default:
		fill(g.aboveRight[:], encRightOfFrame(f.y.pix[o+15]))
	}
	if p.x > 0 {
		column, o := f.y.pix[p.yo-1:], 0
		for i := range g.left {
			g.left[i] = column[o]
			o += f.y.stride
		}
		g.leftY = g.left[:]
	}
	g.corner = 127
	switch {
	case p.y > 0 && p.x > 0:
		g.corner = f.y.pix[p.yo-f.y.stride-1]
	case p.y > 0:
		g.corner = 129
	}
	return g
}

// gatherChromaEdges fills in what g has of chroma, from frame f.
func (e *Encoder) gatherChromaEdges(g *encEdges, f *refFrame, p *encMBPos) {
	for i, c := range [2]*plane{&f.u, &f.v} {
		g.aboveUV[i], g.sideUV[i] = nil, nil
		g.cornerUV[i] = 127
		if p.y > 0 {
			o := p.uvo - c.stride
			g.aboveUV[i] = c.pix[o : o+8]
			g.cornerUV[i] = 129
			if p.x > 0 {
				g.cornerUV[i] = c.pix[o-1]
			}
		}
		if p.x > 0 {
			column, o := c.pix[p.uvo-1:], 0
			for k := range g.leftUV[i] {
				g.leftUV[i][k] = column[o]
				o += c.stride
			}
			g.sideUV[i] = g.leftUV[i][:]
		}
	}
}

// chooseIntra picks the modes of a macroblock of a key frame; where the frame is
// coded again, it takes those of the first time.
func (e *Encoder) chooseIntra(s *encScratch, m *encMB, p *encMBPos) {
	g := e.gatherEdges(s, p)
	e.gatherChromaEdges(g, e.cur, p)
	if e.again {
		if m.yMode != modeB {
			dsp.Intra16x16(s.pred[0][:], 16, dsp.IntraMode(m.yMode), g.aboveY, g.leftY, g.corner)
		}
		dsp.Intra8x8(s.chroma[0][:64], 8, dsp.IntraMode(m.uvMode), g.aboveUV[0], g.sideUV[0], g.cornerUV[0])
		dsp.Intra8x8(s.chroma[0][64:], 8, dsp.IntraMode(m.uvMode), g.aboveUV[1], g.sideUV[1], g.cornerUV[1])
		return
	}
	cost := e.chooseIntra16(s, m, p, g, &encKFYModeCosts)
	e.chooseIntraUV(s, m, p, g, &encKFUVModeCosts)
	if e.speed.subblockIntra {
		e.chooseSubModes(s, m, p, g, cost, int(encKFYModeCosts[modeB]))
	}
}

// chooseIntra16 picks the whole-macroblock luma mode; its prediction is left in
// s.pred[0].
func (e *Encoder) chooseIntra16(s *encScratch, m *encMB, p *encMBPos, g *encEdges, costs *[modeSplit + 1]uint16) int {
	src := e.source.y.pix[p.yo:]
	best := 1 << 30
	for mode := modeDC; mode <= modeTM; mode++ {
		dsp.Intra16x16(s.pred[1][:], 16, dsp.IntraMode(mode), g.aboveY, g.leftY, g.corner)
		c := int(dsp.SATD16x16(src, e.source.y.stride, s.pred[1][:], 16)) + e.lambda.satd(int(costs[mode]))
		if c < best {
			best, m.yMode = c, uint8(mode)
			s.pred[0], s.pred[1] = s.pred[1], s.pred[0]
		}
	}
	fill(m.sub[:], encImpliedSub[m.yMode])
	return best
}

// chooseIntraUV picks the chroma mode; its prediction is left in s.chroma[0].
func (e *Encoder) chooseIntraUV(s *encScratch, m *encMB, p *encMBPos, g *encEdges, costs *[modeSplit + 1]uint16) {
	f := e.source
	best := 1 << 30
	for mode := modeDC; mode <= modeTM; mode++ {
		dsp.Intra8x8(s.chroma[1][:64], 8, dsp.IntraMode(mode), g.aboveUV[0], g.sideUV[0], g.cornerUV[0])
		dsp.Intra8x8(s.chroma[1][64:], 8, dsp.IntraMode(mode), g.aboveUV[1], g.sideUV[1], g.cornerUV[1])
		c := int(dsp.SATD8x8(f.u.pix[p.uvo:], f.u.stride, s.chroma[1][:64], 8)+
			dsp.SATD8x8(f.v.pix[p.uvo:], f.v.stride, s.chroma[1][64:], 8)) + e.lambda.satd(int(costs[mode]))
		if c < best {
			best, m.uvMode = c, uint8(mode)
			s.chroma[0], s.chroma[1] = s.chroma[1], s.chroma[0]
		}
	}
}

// tryIntraInInter takes intra prediction for a macroblock of an inter frame if
// it is cheaper than cost.
func (e *Encoder) tryIntraInInter(s *encScratch, m *encMB, p *encMBPos, cost int) {
	g := e.gatherEdges(s, p)
	var t encMB
	costs := &e.intraCosts
	// Intra macroblocks are rare: their flag costs about three bits more, and
	// their chroma is predicted worse than luma tells.
	penalty := e.lambda.satd(3<<8) + cost/16
	best := e.chooseIntra16(s, &t, p, g, costs) + penalty
	if e.speed.subblockIntraInter {
		best = e.chooseSubModes(s, &t, p, g, best-penalty, int(costs[modeB])) + penalty
	}
	if best >= cost {
		return
	}
	e.gatherChromaEdges(g, e.cur, p)
	e.chooseIntraUV(s, &t, p, g, &e.intraUVCosts)
	m.nb = neighbour{}
	m.yMode, m.uvMode, m.sub = t.yMode, t.uvMode, t.sub
}

// codeIntra codes an intra macroblock whose modes are chosen and whose
// whole-block predictions lie in s.pred[0] and s.chroma[0].
func (e *Encoder) codeIntra(s *encScratch, row *encRow, m *encMB, p *encMBPos, z *encQuantizer) {
	if m.yMode == modeB {
		e.codeSubblocks(s, row, m, p, z)
		return
	}
	e.codeWhole(s, row, m, p, z, &z.intraY1, s.pred[0][:], 16, s.chroma[0][:64], s.chroma[0][64:], 8)
}

// encNoCost is more than any macroblock costs.
const encNoCost = 1 << 28

// refreshDue reports whether a macroblock of this inter frame must be coded
// without reference to others, since its turn of the intra refresh has come.
func (e *Encoder) refreshDue(x, y int) bool {
	n := e.cfg.IntraRefresh
	if n == 0 {
		return false
	}
	count := e.mbW * e.mbH
	turn, i := e.frames%n, y*e.mbW+x
	return i >= turn*count/n && i < (turn+1)*count/n
}
