package vp8

import (
	"math"

	"github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"
)

// encBlockStats is what the analysis found out about a macroblock before
// anything is decided.
type encBlockStats struct {
	// sse is the squared luma difference to the last reconstructed frame at the
	// same place.
	sse uint32
	// shift is the part of sse that a shift of the mean makes.
	shift uint32
	// still is how many frames in a row the source did not change here.
	still uint16
	// floor follows the squared difference that a quarter of this macroblock
	// usually shows while nothing moves: texture flickers more than plain walls,
	// above all where a camera has compressed the picture before.
	floor uint32
	// known says that sse still holds: neither the source nor the reference
	// changed here since it was taken.
	known bool
	// refine says that this frame improves a still macroblock.
	refine bool
	// segment is what regions of interest and activity ask for.
	segment uint8
	// held is the segment that the decoder has.
	held uint8
	// detail is the deviation from the mean, where activity is asked for.
	detail uint32
	// quiet says that the last frame found no motion here. It is taken in
	// analysis, since coding changes macroblocks in an order that depends on the
	// workers.
	quiet bool
}

// encInput is the picture to code in whole macroblocks: the caller's own where
// its size allows.
type encInput struct {
	y, u, v []byte
	ys, cs  int
}

// analyse compares the picture with the source of the frames before it, to learn
// what stands still and how much noise there is, and brings the source up to
// date; then the source with the last reconstruction, to learn what is left to
// code. Still macroblocks of a noisy camera are averaged over time on the way.
//
// It returns the activity of what moves, 0 in a key frame: the sum over macroblocks of the square
// root of 256 times the squared error.
func (e *Encoder) analyse(key bool, noise *NoiseInfo) float64 {
	e.first = e.frames == 0 || e.fresh
	e.fresh = false
	e.keyFrame = key
	e.tellNoise(noise)
	e.noise.begin(e.cfg.Denoise, noise != nil && noise.Denoised)
	e.pool.run(e, encJobAnalyse, e.mbH)
	total := uint64(0)
	for i := range e.pool.scratch {
		s := &e.pool.scratch[i]
		total += s.activity
		e.noise.add(&s.noise)
		s.activity, s.noise = 0, noiseTally{}
	}
	if !e.first && !e.noise.told {
		e.noise.end()
	}
	return float64(total)
}

// analyseRow does a row of macroblocks.
func (e *Encoder) analyseRow(s *encScratch, y int) {
	src := &e.source.y
	ref := src // what a key frame has none of
	if !e.keyFrame {
		ref = &e.refs[e.base].y
	}
	start := -1 // of a run of macroblocks to be brought up to date
	for x := range e.mbW {
		b := &e.blocks[y*e.mbW+x]
		b.refine = false
		last := &e.mb(x, y).nb
		b.quiet = last.ref != refIntra && !last.split && last.mv == motionVector{}
		if !e.first && e.compareSource(s, b, e.mb(x, y), x, y) {
			b.still = min(b.still+1, 1000)
		} else {
			b.still = 0
		}
		// Where nothing has happened for long, the source is touched in every
		// fourth frame; between, the last one stands.
		if b.still < encSettled || (x+y+e.frames)&3 == 0 || e.noise.starting {
			if start < 0 {
				start = x
			}
		} else if start >= 0 {
			e.updateSource(start, x, y)
			start = -1
		}
	}
	if start >= 0 {
		e.updateSource(start, e.mbW, y)
	}
	for x := range e.mbW {
		b := &e.blocks[y*e.mbW+x]
		if e.keyFrame {
			b.known = false
			continue
		}
		if !b.known || e.base != refLast {
			yo := src.at(16*x, 16*y)
			sse, sum := dsp.Diff16x16(src.pix[yo:], src.stride, ref.pix[yo:], src.stride)
			b.sse, b.shift = sse, uint32(int64(sum)*int64(sum)>>8)
			b.known = true
		}
		if b.still < encStillFrames {
			s.activity += uint64(encSqrt(uint64(b.sse) << 8))
		}
	}
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
func (e *Encoder) compareSource(s *encScratch, b *encBlockStats, m *encMB, x, y int) bool {
	in, old := &e.input, e.source
	yi, uvi := 16*(y*in.ys+x), 8*(y*in.cs+x)
	yo, uvo := old.y.at(16*x, 16*y), old.u.at(8*x, 8*y)
	n := &e.noise
	limit := max(n.stillSSE, min(b.floor*5/2, encFloorMax))
	most, mean := uint32(0), uint32(0)
	dsp.Quadrants16x16(in.y[yi:], in.ys, old.y.pix[yo:], old.y.stride, &s.sse, &s.sum)
	for q, sse := range s.sse {
		square := uint32(s.sum[q]*s.sum[q]) >> 6 // the part of sse that a shift of the mean makes
		if !n.told {
			s.noise.add(sse - min(square, sse))
		}
		most, mean = max(most, sse), max(mean, square)
	}
	b.track(most, m)
	if most > limit || mean > max(n.stillMean, limit/4) {
		return false
	}
	return dsp.SSE8x8(in.u[uvi:], in.cs, old.u.pix[uvo:], old.u.stride) <= limit &&
		dsp.SSE8x8(in.v[uvi:], in.cs, old.v.pix[uvo:], old.v.stride) <= limit
}

// updateSource puts macroblocks x0 to x1-1 of a row of the picture into the
// source, averaged where the camera is noisy.
func (e *Encoder) updateSource(x0, x1, y int) {
	in, src := &e.input, e.source
	yi, uvi := 16*(y*in.ys+x0), 8*(y*in.cs+x0)
	yo, uvo := src.y.at(16*x0, 16*y), src.u.at(8*x0, 8*y)
	n := x1 - x0
	dsp.CopyRun(src.y.pix[yo:], src.y.stride, in.y[yi:], in.ys, 16*n, 16)
	dsp.CopyRun(src.u.pix[uvo:], src.u.stride, in.u[uvi:], in.cs, 8*n, 8)
	dsp.CopyRun(src.v.pix[uvo:], src.v.stride, in.v[uvi:], in.cs, 8*n, 8)
	for x := x0; x < x1; x++ {
		b := &e.blocks[y*e.mbW+x]
		b.known = false
		if e.noise.filtering {
			e.averageMB(b, yo+16*(x-x0), uvo+8*(x-x0))
		}
		if e.cfg.AdaptiveQuant {
			b.detail = e.detail(x, y)
		}
	}
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
// stands still, or changed by less than coding would mend. A shift of the mean is
// judged more strictly than other errors: a single coefficient takes it away,
// and where the light changes, all macroblocks have it.
func (e *Encoder) isStatic(b *encBlockStats, z *encQuantizer, x, y int) bool {
	if b.refine {
		return false
	}
	step := uint32(encACStep(z.q))
	// A block coded at step s has a squared error near s*s/48 per sample.
	coded := step * step * 256 / 48
	if b.still >= encStillFrames {
		return b.sse <= 4*coded+256 && b.shift <= coded/8+64
	}
	if b.still == 1 {
		return b.sse <= coded/4 && b.shift <= coded/96
	}
	if b.sse > coded/e.speed.leaveShare || b.shift > coded/96 {
		return false
	}
	// Where something moves, even small errors come of motion.
	if i := y*e.mbW + x; !b.quiet || x > 0 && !e.blocks[i-1].quiet || y > 0 && !e.blocks[i-e.mbW].quiet {
		return false
	}
	src, ref := e.source, e.refs[e.base]
	o := src.u.at(8*x, 8*y)
	return dsp.SSE8x8(src.u.pix[o:], src.u.stride, ref.u.pix[o:], src.u.stride) <= coded/16 &&
		dsp.SSE8x8(src.v.pix[o:], src.v.stride, ref.v.pix[o:], src.v.stride) <= coded/16
}

// encSqrt is the integer square root of v, which must be below 1<<52: up to
// there the correctly rounded root never reaches the next integer.
func encSqrt(v uint64) uint32 { return uint32(math.Sqrt(float64(v))) }
