package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// noiseState estimates the camera's noise from what still parts of the picture
// differ from frame to frame, and holds the limits that follow from it.
type noiseState struct {
	// varianceQ4 is the luma noise variance, in sixteenths.
	varianceQ4 int
	// filtering says that still macroblocks are averaged.
	filtering bool
	// starting says that this frame is the first to be averaged.
	starting bool
	// stillSSE and stillMean are the largest squared difference of an 8x8 block
	// between two frames, and its part from the mean, that pass for noise.
	stillSSE, stillMean uint32
	// histogram counts 8x8 blocks by eight times the standard deviation of the
	// difference.
	histogram [256]uint32
	blocks    uint32
	seen      int
}

// Noise variances, in sixteenths, at which averaging starts and stops: below
// about one step of deviation there is nothing to win and detail to lose.
const (
	encNoiseOnQ4  = 24
	encNoiseOffQ4 = 14
)

func (n *noiseState) reset() { *n = noiseState{} }

// begin prepares for a frame.
func (n *noiseState) begin(mode DenoiseMode) {
	n.starting = false
	if mode == DenoiseAuto {
		if n.varianceQ4 >= encNoiseOnQ4 {
			n.starting = !n.filtering
			n.filtering = true
		} else if n.varianceQ4 < encNoiseOffQ4 {
			n.filtering = false
		}
	}
	// The difference of two noisy frames has twice the variance; 64 samples of
	// it scatter by a sixth, more where the noise is correlated.
	v := uint32(n.varianceQ4)
	n.stillSSE = 56 + v*64*2*9/4/16
	n.stillMean = 36 + v*64/8/16*4
	n.histogram = [256]uint32{}
	n.blocks = 0
}

// add counts an 8x8 block whose difference to the last frame, less its mean,
// has the squared sum sse.
func (n *noiseState) add(sse uint32) {
	// sqrt(sse/64)*8 = sqrt(sse).
	n.histogram[min(encSqrt(uint64(sse)), 255)]++
	n.blocks++
}

// end takes the frame's estimate: the deviation that a quarter of all blocks
// do not exceed, since at least that much of a fixed camera's picture stands
// still.
func (n *noiseState) end() {
	if n.blocks == 0 {
		return
	}
	count, i := uint32(0), 0
	for ; i < 255; i++ {
		if count += n.histogram[i]; count*4 >= n.blocks {
			break
		}
	}
	seen := i * i / 4 // variance of the difference, in sixteenths
	if n.filtering {
		// The frame before was averaged: nearly all is the new frame's noise.
		seen = seen * 15 / 16
	} else {
		seen /= 2
	}
	n.seen++
	rate := 16
	if n.seen < 16 {
		rate = n.seen
	}
	// Estimates drop at once and rise slowly: a moving picture looks noisy.
	if seen < n.varianceQ4 {
		rate = min(rate, 4)
	}
	d := seen - n.varianceQ4
	n.varianceQ4 += d / rate
	if d != 0 && d/rate == 0 {
		n.varianceQ4 += d / max(d, -d)
	}
}

// encSettled is how long a macroblock has been still when its average is taken
// for settled.
const encSettled = 12

// encAverageShift is the weight of a new frame in the average of a still
// macroblock, as a shift, by how long it has been still.
func encAverageShift(still uint16) uint {
	switch {
	case still < 2:
		return 1
	case still < 4:
		return 2
	case still < 9:
		return 3
	}
	return 4
}

// averageMB replaces a still macroblock of the source by its average over time,
// or starts a new average where something moved.
func (e *Encoder) averageMB(b *encBlockStats, x, y int) {
	src := e.source
	// Differences beyond three deviations are not noise.
	limit := int32(encSqrt(uint64(e.noise.varianceQ4)<<4))*3/16 + 2
	yo, uvo := src.y.at(16*x, 16*y), src.u.at(8*x, 8*y)
	if b.still >= encSettled && (x+y+e.frames)&3 != 0 && !e.noise.starting {
		// A settled average is touched in every fourth frame; between, the last
		// one stands.
		old := e.previous
		dsp.Copy(src.y.pix[yo:], src.y.stride, old.y.pix[yo:], old.y.stride, 16, 16)
		dsp.Copy(src.u.pix[uvo:], src.u.stride, old.u.pix[uvo:], old.u.stride, 8, 8)
		dsp.Copy(src.v.pix[uvo:], src.v.stride, old.v.pix[uvo:], old.v.stride, 8, 8)
		return
	}
	shift := encAverageShift(b.still)
	restart := b.still == 0 || e.noise.starting
	averageBlock(e.average[0], src.y.pix, yo, src.y.stride, 16, shift, limit, restart)
	averageBlock(e.average[1], src.u.pix, uvo, src.u.stride, 8, shift, limit, restart)
	averageBlock(e.average[2], src.v.pix, uvo, src.v.stride, 8, shift, limit, restart)
}

// averageBlock moves the average (in 1/128) of a size by size block towards pix
// and stores it there. Samples further than limit from their average start
// anew.
func averageBlock(avg []uint16, pix []byte, off, stride, size int, shift uint, limit int32, restart bool) {
	for range size {
		a, p := avg[off:off+size], pix[off:off+size]
		if restart {
			for i, v := range p {
				a[i] = uint16(v) << 7
			}
		} else {
			for i, v := range p {
				old := int32(a[i])
				d := int32(v)<<7 - old
				if d > limit<<7 || d < -limit<<7 {
					a[i] = uint16(v) << 7
					continue
				}
				old += d >> shift
				a[i] = uint16(old)
				p[i] = byte((old + 64) >> 7)
			}
		}
		off += stride
	}
}
