package vp8

import (
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"
)

// encFrames is how many reference frames an encoder owns: three that may be
// referred to, the one being coded, and one to spare.
const encFrames = 5

// geometry is what the encoder allocates for one picture size.
type geometry struct {
	width, height int
	mbW, mbH      int
	// source is the picture to code, in whole macroblocks.
	source *refFrame
	frames [encFrames]*refFrame
	// refs are the frames a decoder holds now, by reference name.
	refs [numRefs]*refFrame
	cur  *refFrame
	// mbs has a border of one macroblock above and on the left: macroblock
	// x, y is mbs[(y+1)*mbStride+x+1].
	mbs      []encMB
	mbStride int
	blocks   []encBlockStats
	above    []encContext
	rows     []encRow
	filters  []dsp.MBFilter
	parts    [8][]byte
	// previous is the last source; average holds its planes in 1/128, laid out
	// like the frames' planes.
	previous *refFrame
	average  [3][]uint16
	fresh    bool
}

// encContext says which of the blocks at a macroblock's lower or right edge
// have coefficients: 4 luma, 2 U, 2 V, 1 Y2.
type encContext [9]uint8

// encRow is what coding a row of macroblocks leaves behind.
type encRow struct {
	tokens  []uint32
	counts  encTokenCounts
	mv      encMVCounts
	yModes  [numYModes]uint32
	uvModes [numUVModes]uint32
	refs    [numRefs]uint32
	coded   uint32 // macroblocks with coefficients
	static  uint32
	// tokens in all, and of refined macroblocks
	allTokens, refineTokens int
}

// reset empties the row for a new frame; its memory stays.
func (r *encRow) reset() {
	t := r.tokens[:0]
	*r = encRow{tokens: t}
}

func (e *Encoder) resize(width, height int) {
	g := &e.geometry
	*g = geometry{width: width, height: height, mbW: (width + 15) / 16, mbH: (height + 15) / 16}
	g.source = newRefFrame(width, height)
	for i := range g.frames {
		g.frames[i] = newRefFrame(width, height)
	}
	g.mbStride = g.mbW + 1
	g.mbs = make([]encMB, g.mbStride*(g.mbH+1))
	g.blocks = make([]encBlockStats, g.mbW*g.mbH)
	g.previous = newRefFrame(width, height)
	g.average = [3][]uint16{make([]uint16, len(g.source.y.pix)), make([]uint16, len(g.source.u.pix)), make([]uint16, len(g.source.v.pix))}
	g.fresh = true
	g.above = make([]encContext, g.mbW)
	g.rows = make([]encRow, g.mbH)
	for i := range g.rows {
		// A macroblock has at most 25*16+25 tokens; most have few, and rows
		// grow once if they must.
		g.rows[i].tokens = make([]uint32, 0, g.mbW*200)
	}
	g.filters = make([]dsp.MBFilter, g.mbW*g.mbH)
	e.speed = chooseSpeed(e.cfg.Speed, width*height)
	e.segment.reset()
	e.noise.reset()
	e.lastFrame = nil
}

// mb returns the macroblock in column x, row y; -1 is the border.
func (g *geometry) mb(x, y int) *encMB { return &g.mbs[(y+1)*g.mbStride+x+1] }

// takeFrame finds a frame that no reference name stands for.
func (g *geometry) takeFrame() *refFrame {
	for _, f := range g.frames {
		if f != g.refs[refLast] && f != g.refs[refGolden] && f != g.refs[refAltRef] {
			return f
		}
	}
	return g.frames[0] // not reached: five frames, three names
}

// load copies pic into the source frame and repeats its edge pixels up to whole
// macroblocks.
func (g *geometry) load(pic *media.Picture) {
	cw, ch := pic.ChromaSize()
	encLoadPlane(&g.source.y, pic.Y, pic.YStride, pic.Width, pic.Height)
	encLoadPlane(&g.source.u, pic.U, pic.UVStride, cw, ch)
	encLoadPlane(&g.source.v, pic.V, pic.UVStride, cw, ch)
}

func encLoadPlane(p *plane, src []byte, stride, w, h int) {
	for y := range h {
		row := p.pix[p.at(0, y):p.at(p.width, y)]
		copy(row, src[y*stride:y*stride+w])
		fill(row[w:], row[w-1])
	}
	last := p.pix[p.at(0, h-1):p.at(p.width, h-1)]
	for y := h; y < p.height; y++ {
		copy(p.pix[p.at(0, y):p.at(p.width, y)], last)
	}
}
