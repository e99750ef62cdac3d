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
	// input is the picture given; padded holds it where it does not fill whole
	// macroblocks.
	input  encInput
	padded *refFrame
	// source is what is coded: the input, but where the camera's noise is
	// averaged away or nothing has moved for long.
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
	contexts []encContext // by rows, from row -1
	rows     []encRow
	// filterTable holds the loop filter limits by segment, reference and mode.
	filterTable [4][numRefs][5]dsp.MBFilter
	// firstPart is the first partition with the frame tag, parts are the others.
	firstPart []byte
	parts     [8][]byte
	probs     [128][16]uint8
	// average holds the source's planes in 1/128, laid out like them.
	average [3][]uint16
	// fresh says that there is no source yet; first, in analysis, that this is
	// the first picture; keyFrame that it makes a key frame.
	fresh, first, keyFrame bool
}

// encContext says which of the blocks at a macroblock's lower or right edge
// have coefficients: 4 luma, 2 U, 2 V, 1 Y2.
type encContext [9]uint8

// encRow is what coding a row of macroblocks leaves behind.
type encRow struct {
	tokens []uint32
}

// encTally is what one worker counted in a frame. Sums over the workers do not
// depend on who did which row.
type encTally struct {
	counts  encTokenCounts
	mv      encMVCounts
	yModes  [numYModes]uint32
	uvModes [numUVModes]uint32
	refs    [numRefs]uint32
	coded   uint32 // macroblocks with coefficients
	static  uint32
	split   uint32
	// macroblocks of zero vector with coefficients and without, refined ones
	// aside
	zeroCoded, zeroLeft uint32
	// tokens in all, and of refined macroblocks
	allTokens, refineTokens int
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
	if width&15|height&15 != 0 {
		g.padded = newRefFrame(width, height)
	}
	g.average = [3][]uint16{make([]uint16, len(g.source.y.pix)), make([]uint16, len(g.source.u.pix)), make([]uint16, len(g.source.v.pix))}
	g.fresh = true
	g.contexts = make([]encContext, g.mbW*(g.mbH+1))
	g.firstPart = make([]byte, 16, 4<<10)
	g.rows = make([]encRow, g.mbH)
	for i := range g.rows {
		// A macroblock has at most 25*16+25 tokens; most have few, and rows
		// grow once if they must.
		g.rows[i].tokens = make([]uint32, 0, g.mbW*200)
	}
	e.speed = chooseSpeed(e.cfg.Speed, width*height)
	e.governor = speedGovernor{least: e.speed.level}
	e.segment.reset()
	e.noise.reset()
	e.lastFrame = nil
}

// partitions is the binary logarithm of the number of token partitions: as many
// as were asked for, or so many that workers share what takes a while. A
// partition costs five bytes.
func (e *Encoder) partitions() uint {
	if n := e.cfg.TokenPartitions; n > 0 {
		return uint(encLog2(uint32(n)) - 1)
	}
	tokens := 0
	for y := range e.rows {
		tokens += len(e.rows[y].tokens)
	}
	switch {
	case tokens < encTokensForTwo:
		return 0
	case tokens < 4*encTokensForTwo:
		return 1
	}
	return 2
}

// encTokensForTwo is how many tokens are worth a second partition: they make
// about two kilobytes.
const encTokensForTwo = 6000

// mb returns the macroblock in column x, row y; -1 is the border.
func (g *geometry) mb(x, y int) *encMB { return &g.mbs[(y+1)*g.mbStride+x+1] }

// contextRow returns what the macroblocks of row y leave to the row below. The
// rows are apart, so that two workers do not write to the same cache lines.
func (g *geometry) contextRow(y int) []encContext { return g.contexts[(y+1)*g.mbW:][:g.mbW] }

// takeFrame finds a frame that no reference name stands for.
func (g *geometry) takeFrame() *refFrame {
	for _, f := range g.frames {
		if f != g.refs[refLast] && f != g.refs[refGolden] && f != g.refs[refAltRef] {
			return f
		}
	}
	return g.frames[0] // not reached: five frames, three names
}

// load makes pic the input. Edge pixels are repeated up to whole macroblocks.
func (g *geometry) load(pic *media.Picture) {
	f := g.padded
	if f == nil {
		g.input = encInput{y: pic.Y, u: pic.U, v: pic.V, ys: pic.YStride, cs: pic.UVStride}
		return
	}
	cw, ch := pic.ChromaSize()
	encLoadPlane(&f.y, pic.Y, pic.YStride, pic.Width, pic.Height)
	encLoadPlane(&f.u, pic.U, pic.UVStride, cw, ch)
	encLoadPlane(&f.v, pic.V, pic.UVStride, cw, ch)
	g.input = encInput{
		y: f.y.pix[f.y.origin:], u: f.u.pix[f.u.origin:], v: f.v.pix[f.v.origin:],
		ys: f.y.stride, cs: f.u.stride,
	}
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

// add takes what another worker counted.
func (t *encTally) add(o *encTally) {
	t.counts.add(&o.counts)
	for axis := range o.mv {
		for k := range o.mv[axis] {
			t.mv[axis][k][0] += o.mv[axis][k][0]
			t.mv[axis][k][1] += o.mv[axis][k][1]
		}
	}
	for k := range o.yModes {
		t.yModes[k] += o.yModes[k]
	}
	for k := range o.uvModes {
		t.uvModes[k] += o.uvModes[k]
	}
	for k := range o.refs {
		t.refs[k] += o.refs[k]
	}
	t.coded += o.coded
	t.static += o.static
	t.split += o.split
	t.zeroCoded += o.zeroCoded
	t.zeroLeft += o.zeroLeft
	t.allTokens += o.allTokens
	t.refineTokens += o.refineTokens
}
