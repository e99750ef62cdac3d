package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// noiseState estimates the camera's noise from what still parts of the picture
// differ from frame to frame, and holds the limits that follow from it.
type noiseState struct {
	// varianceQ4 is the luma noise variance, in sixteenths.
	varianceQ4 int
	// told says that this frame's variance was given by the caller.
	told bool
	// filtering says that still macroblocks are averaged.
	filtering bool
	// starting says that this frame is the first to be averaged.
	starting bool
	// stillSSE and stillMean are the largest squared difference of an 8x8 block
	// between two frames, and its part from the mean, that pass for noise.
	stillSSE, stillMean uint32
	// averageLimit is the difference, in steps, up to which a sample joins its
	// average: three deviations and a little.
	averageLimit int
	// satd is the SATD that noise alone makes of a macroblock, and a quarter
	// more: no prediction takes that away.
	satd  uint32
	tally noiseTally
	seen  int
}

// noiseTally counts 8x8 blocks by eight times the standard deviation of their
// difference to the last frame.
type noiseTally struct {
	histogram [256]uint32
	blocks    uint32
}

// Noise variances, in sixteenths, at which averaging starts and stops: below
// about one step of deviation there is nothing to win and detail to lose.
const (
	encNoiseOnQ4  = 24
	encNoiseOffQ4 = 14
)

func (n *noiseState) reset() { *n = noiseState{} }

// encNoiseLeft is the part of the deviation that a denoiser before the encoder
// leaves at most, as a divisor.
const encNoiseLeft = 3

// tellNoise takes the noise that the caller knows of, at the levels that the
// picture has: one sample of each macroblock tells them.
func (e *Encoder) tellNoise(info *NoiseInfo) {
	n := &e.noise
	n.told = info != nil
	if !n.told {
		return
	}
	var variance [16]uint64 // by level, in 1/256
	for i, s := range info.SigmaQ4 {
		v := uint64(min(s, encMostNoise<<4))
		variance[i] = v * v
	}
	in, sum := &e.input, uint64(0)
	for y := range e.mbH {
		for x := range e.mbW {
			sum += variance[in.y[(16*y+8)*in.ys+16*x+8]>>4]
		}
	}
	if info.Denoised {
		sum /= encNoiseLeft * encNoiseLeft
		n.filtering = false
	}
	n.varianceQ4 = int(sum / uint64(e.mbW*e.mbH) / 16)
}

// encMostNoise bounds a deviation that is given: more is no camera's.
const encMostNoise = 64

// begin prepares for a frame.
func (n *noiseState) begin(mode DenoiseMode, denoised bool) {
	n.starting = false
	if mode == DenoiseAuto && !denoised {
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
	n.averageLimit = min(int(encSqrt(uint64(n.varianceQ4)<<4))*3/16+2, 255)
	// 410 times the deviation, times 5/4.
	n.satd = 8 * encSqrt(uint64(n.varianceQ4)<<8)
	n.tally = noiseTally{}
}

// add counts an 8x8 block whose difference to the last frame, less its mean,
// has the squared sum sse.
func (t *noiseTally) add(sse uint32) {
	// sqrt(sse/64)*8 = sqrt(sse).
	t.histogram[min(encSqrt(uint64(sse)), 255)]++
	t.blocks++
}

// add takes what one worker counted.
func (n *noiseState) add(t *noiseTally) {
	for i, c := range t.histogram {
		n.tally.histogram[i] += c
	}
	n.tally.blocks += t.blocks
}

// end takes the frame's estimate: the deviation that a quarter of all blocks
// do not exceed, since at least that much of a fixed camera's picture stands
// still.
func (n *noiseState) end() {
	t := &n.tally
	if t.blocks == 0 {
		return
	}
	count, i := uint32(0), 0
	for ; i < 255; i++ {
		if count += t.histogram[i]; count*4 >= t.blocks {
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

// averageMB replaces a still macroblock of the source, at yo and uvo in its
// planes, by its average over time, or starts a new average where something
// moved.
func (e *Encoder) averageMB(b *encBlockStats, yo, uvo int) {
	y, u, v := &e.source.y, &e.source.u, &e.source.v
	ay, au, av := e.average[0][yo:], e.average[1][uvo:], e.average[2][uvo:]
	if b.still == 0 || e.noise.starting {
		dsp.AverageStart(ay, y.pix[yo:], y.stride, 16, 16)
		dsp.AverageStart(au, u.pix[uvo:], u.stride, 8, 8)
		dsp.AverageStart(av, v.pix[uvo:], v.stride, 8, 8)
		return
	}
	shift, limit := encAverageShift(b.still), e.noise.averageLimit
	dsp.Average(ay, y.pix[yo:], y.stride, 16, 16, shift, limit)
	dsp.Average(au, u.pix[uvo:], u.stride, 8, 8, shift, limit)
	dsp.Average(av, v.pix[uvo:], v.stride, 8, 8, shift, limit)
}
