package vp8

import (
	"math/bits"

	"github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"
)

// encBlockStats is what the analysis found out about a macroblock before
// anything is decided.
type encBlockStats struct {
	// sse is the squared luma difference to the last reconstructed frame at the
	// same place.
	sse uint32
	// still is how many frames in a row the source did not change here.
	still uint16
	// floor follows the squared difference that a quarter of this macroblock
	// usually shows while nothing moves: texture flickers more than plain walls,
	// above all where a camera has compressed the picture before.
	floor uint32
	// refine says that this frame improves a still macroblock.
	refine bool
}

// analyse compares the source with the frames before it: with the last source
// to learn what stands still and how much noise there is, and with the last
// reconstruction to learn what is left to code. Still macroblocks of a noisy
// camera are averaged over time on the way.
//
// It returns the activity of what moves: the sum over macroblocks of the square
// root of 256 times the squared error.
func (e *Encoder) analyse(key bool) float64 {
	first := e.frames == 0 || e.fresh
	e.fresh = false
	e.noise.begin(e.cfg.Denoise)
	total := uint64(0)
	for y := range e.mbH {
		for x := range e.mbW {
			b := &e.blocks[y*e.mbW+x]
			b.refine = false
			if first {
				b.still = 0
			} else if e.compareSource(b, e.mb(x, y), x, y) {
				b.still = min(b.still+1, 1000)
			} else {
				b.still = 0
			}
			if e.noise.filtering {
				e.averageMB(b, x, y)
			}
			if key {
				total += uint64(e.detail(x, y))
				continue
			}
			yo := e.source.y.at(16*x, 16*y)
			b.sse = dsp.SSE16x16(e.source.y.pix[yo:], e.source.y.stride, e.refs[refLast].y.pix[yo:], e.source.y.stride)
			if b.still < encStillFrames {
				total += uint64(encSqrt(uint64(b.sse) << 8))
			}
		}
	}
	if !first {
		e.noise.end()
	}
	return float64(total)
}

// encStillFrames is how many frames a macroblock must not change before it is
// treated as background.
const encStillFrames = 2

// detail is the square root of 256 times the summed squared deviation from the
// mean.
func (e *Encoder) detail(x, y int) uint32 {
	p := &e.source.y
	sq, sum := dsp.Stats16x16(p.pix[p.at(16*x, 16*y):], p.stride)
	return encSqrt(uint64(sq)<<8 - uint64(sum)*uint64(sum))
}

// compareSource reports whether a macroblock of the source differs from the last
// source by noise alone, and feeds the noise estimate.
func (e *Encoder) compareSource(b *encBlockStats, m *encMB, x, y int) bool {
	src, old := e.source, e.previous
	ys, cs := src.y.stride, src.u.stride
	yo, uvo := src.y.at(16*x, 16*y), src.u.at(8*x, 8*y)
	n := &e.noise
	limit := max(n.stillSSE, min(b.floor*5/2, encFloorMax))
	most, mean := uint32(0), uint32(0)
	for q := range 4 {
		o := yo + q&1*8 + q>>1*8*ys
		sse, sum := dsp.Diff8x8(src.y.pix[o:], ys, old.y.pix[o:], ys)
		square := uint32(sum*sum) >> 6 // the part of sse that a shift of the mean makes
		n.add(sse - min(square, sse))
		most, mean = max(most, sse), max(mean, square)
	}
	b.track(most, m)
	if most > limit || mean > max(n.stillMean, limit/4) {
		return false
	}
	return dsp.SSE8x8(src.u.pix[uvo:], cs, old.u.pix[uvo:], cs) <= limit &&
		dsp.SSE8x8(src.v.pix[uvo:], cs, old.v.pix[uvo:], cs) <= limit
}

// encFloorMax bounds what may pass for flicker: 16 squared steps per sample.
const encFloorMax = 16 * 64

// track moves the floor towards what was seen: down quickly, up slowly, and up
// only where the last frame found no motion.
func (b *encBlockStats) track(seen uint32, m *encMB) {
	switch {
	case seen < b.floor:
		b.floor -= (b.floor - seen + 3) / 4
	case m.nb.ref != refIntra && m.nb.mv == motionVector{}:
		b.floor += (min(seen, 2*b.floor+64) - b.floor) / 8
	}
}

// isStatic reports whether a macroblock is best left as it was: its source
// stands still, and what a frame of this quantiser would mend is little.
func (e *Encoder) isStatic(b *encBlockStats, z *encQuantizer) bool {
	if b.refine {
		return false
	}
	step := uint32(encACStep(z.q))
	// A block coded at step s has a squared error near s*s/48 per sample.
	coded := step * step * 256 / 48
	if b.still >= encStillFrames {
		return b.sse <= 4*coded+256
	}
	return b.sse <= coded/4 && b.still > 0
}

// encSqrt is the integer square root of v.
func encSqrt(v uint64) uint32 {
	if v == 0 {
		return 0
	}
	// Newton's iteration from above converges in a few steps.
	x := uint64(1) << ((bits.Len64(v) + 1) / 2)
	for {
		y := (x + v/x) / 2
		if y >= x {
			return uint32(x)
		}
		x = y
	}
}
