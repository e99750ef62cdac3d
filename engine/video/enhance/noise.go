package enhance

import "math"

// NoiseModel is the camera's noise as it was last estimated: sensor noise grows
// with light, so it is known by luma level.
type NoiseModel struct {
	// SigmaY is the standard deviation of luma by level (sixteenths of the
	// range: 0 to 15, 16 to 31 ...), in steps of a sample; SigmaU and SigmaV
	// are those of the chroma planes.
	SigmaY [16]float32 `json:"sigma_y"`
	SigmaU float32     `json:"sigma_u"`
	SigmaV float32     `json:"sigma_v"`
	// Correlation is the variance of a small area's mean over what white noise
	// of the same deviation would give: 1 for white noise, more where the
	// camera (or its codec) has blurred it.
	Correlation float32 `json:"correlation"`
	// MeanSigmaY is SigmaY, averaged over the present picture's levels.
	MeanSigmaY float32 `json:"mean_sigma_y"`
	// Denoised is set when the pictures that leave the chain have had this
	// noise taken out of them.
	Denoised bool `json:"denoised"`
}

const (
	levels = 16
	// Only one row of 8x8 blocks in noisePhases is looked at per frame.
	noisePhases = 8
	noiseBins   = 320
	// noiseLeastBlocks is how many blocks of a level make an estimate.
	noiseLeastBlocks = 12
	// Blocks whose differences have a smaller sum of squares say nothing of
	// correlation. The ratios are in sixteenths, from 0 to 16.
	ratioLeast = 32
	ratioBins  = 256
	// levelRatio is how much noisier a sensor is at one level than at another,
	// black and saturated ones apart; more is motion.
	levelRatio = 2.5
	// ratioCorrection makes the lowest quarter's ratio the mean of noise.
	ratioCorrection = 2.05
)

// noiseEstimator follows one plane's noise by what still parts of the picture
// differ from frame to frame: the quarter of 8x8 blocks that differ least, of
// each level, since at least that much of a fixed camera's picture stands
// still. It is limited by what neighbouring samples differ.
type noiseEstimator struct {
	width, height int
	sigma         [levels]float32
	known         [levels]bool
	limit         float32 // of sigma, by the least level's
	correlation   float32
	phase         int
	started       bool
	seen          int
	last          []byte // the rows of blocks that are looked at next
	histogram     [levels][noiseBins]uint16
	total, weight [levels]int
	flat          [levels]int32     // bound of the activity (4096 times variance) of the flattest third
	ratios        [ratioBins]uint16 // blocks by how much of their difference is common to quarters
	compared      int
}

func newNoiseEstimator(width, height int) *noiseEstimator {
	rows := (height/8 + noisePhases - 1) / noisePhases * 8
	e := &noiseEstimator{width: width, height: height, correlation: 1, limit: sigmaMost, last: make([]byte, rows*width)}
	for l := range e.flat {
		e.flat[l] = 1 << 21 // until it is known what is flat, all is
	}
	return e
}

// look takes what it needs of a new plane, before anything changes it.
func (e *noiseEstimator) look(pix []byte, stride int) {
	if !e.started {
		e.first(pix, stride)
	} else {
		e.histogram = [levels][noiseBins]uint16{}
		e.total = [levels]int{}
		e.ratios, e.compared = [ratioBins]uint16{}, 0
		for y, at := e.phase*8, 0; y+8 <= e.height; y, at = y+8*noisePhases, at+8*e.width {
			for x := 0; x+8 <= e.width; x += 8 {
				e.block(pix[y*stride+x:], stride, e.last[at+x:])
			}
		}
		e.update()
	}
	e.phase = (e.phase + 1) % noisePhases
	for y, at := e.phase*8, 0; y+8 <= e.height; y += 8 * noisePhases {
		for j := range 8 {
			copy(e.last[at:at+e.width], pix[(y+j)*stride:])
			at += e.width
		}
	}
	e.started = true
}

// block counts one block's difference to the frame before.
func (e *noiseEstimator) block(pix []byte, stride int, last []byte) {
	var sum, sumSq, light, lightSq int32
	var parts [4]int32
	for j := range 8 {
		p, q := pix[j*stride:j*stride+8:j*stride+8], last[j*e.width:j*e.width+8:j*e.width+8]
		for i := range 2 {
			part := &parts[j>>2<<1|i]
			for k := range 4 {
				v := int32(p[4*i+k])
				d := v - int32(q[4*i+k])
				*part += d
				sumSq += d * d
				light += v
				lightSq += v * v
			}
		}
	}
	var partSq int32
	for _, v := range parts {
		sum += v
		partSq += v * v
	}
	level := light >> 10
	// Motion of the camera shows in texture, noise everywhere alike: the flatter
	// part of the blocks is looked at.
	if sumSq == 0 && 64*lightSq == light*light {
		return // a mask or a border: drawn, not seen
	}
	activity, flat := 64*lightSq-light*light, &e.flat[level]
	if activity > *flat {
		*flat += *flat>>6 + 64
	} else {
		*flat -= *flat >> 5
		variance := float32(64*sumSq-sum*sum) / (64 * 63)
		bin := min(int(math.Sqrt(float64(variance))*16), noiseBins-1)
		e.histogram[level][bin]++
		e.total[level]++
	}
	if sumSq >= ratioLeast {
		e.ratios[min(partSq*16/sumSq, ratioBins-1)]++
		e.compared++
	}
}

// quantileCorrection makes the lowest quarter's deviation that of all still
// blocks: halved for the difference of two frames, raised for the quantile.
const quantileCorrection = 1.04 / math.Sqrt2 / 16

func (e *noiseEstimator) update() {
	e.seen++
	for l := range levels {
		n := e.total[l]
		e.weight[l] += (n*16 - e.weight[l]) / 8
		if n < noiseLeastBlocks {
			continue
		}
		count, bin := 0, 0
		for ; bin < noiseBins-1; bin++ {
			if count += int(e.histogram[l][bin]); count*3 >= n {
				break
			}
		}
		seen := (float32(bin) + 0.5) * quantileCorrection
		if !e.known[l] {
			e.sigma[l], e.known[l] = seen, true
			continue
		}
		// Estimates drop quickly and rise slowly: a moving picture looks noisy.
		rate := float32(0.06)
		if seen < e.sigma[l] {
			rate = 0.15
		}
		e.sigma[l] += (seen - e.sigma[l]) * max(rate, 1/float32(e.seen))
	}
	e.boundByLeast()
	if e.compared < noiseLeastBlocks {
		return
	}
	count, bin := 0, 0
	for ; bin < ratioBins-1; bin++ {
		if count += int(e.ratios[bin]); count*4 >= e.compared {
			break
		}
	}
	seen := (float32(bin) + 0.5) / 16 * ratioCorrection
	e.correlation += (seen - e.correlation) * max(0.1, 1/float32(e.seen))
}

// boundByLeast limits all levels by the one that has the least noise.
func (e *noiseEstimator) boundByLeast() {
	e.limit = sigmaMost
	for l := 1; l < levels-2; l++ {
		if e.known[l] && e.weight[l] >= 16*noiseLeastBlocks {
			e.limit = min(e.limit, e.sigma[l]*levelRatio)
		}
	}
}

// at returns a level's deviation: where the level was never seen, the nearest
// known one's, 0 if there is none.
func (e *noiseEstimator) at(level int) float32 {
	for d := range levels {
		if l := level - d; l >= 0 && e.known[l] {
			return min(e.sigma[l], e.limit)
		}
		if l := level + d; l < levels && e.known[l] {
			return min(e.sigma[l], e.limit)
		}
	}
	return 0
}

// mean returns the deviation averaged over the blocks of the last frames.
func (e *noiseEstimator) mean() float32 {
	var sum, n float32
	for l := range levels {
		sum += e.at(l) * float32(e.weight[l])
		n += float32(e.weight[l])
	}
	if n == 0 {
		return e.at(levels / 2)
	}
	return sum / n
}

// Differences that are correlated over whole blocks are no sensor's noise but
// motion of the camera or light that changes: between plausibleFrom and
// plausibleTo the estimate fades to nothing.
const (
	plausibleFrom = 3.6
	plausibleTo   = 5
)

// plausible is the part of the estimate that is believed, 0 to 1.
func (e *noiseEstimator) plausible() float32 {
	return min(max((plausibleTo-e.correlation)/(plausibleTo-plausibleFrom), 0), 1)
}

// Noise returns the latest noise model; ok is false where the denoiser is off
// or has seen too little.
func (c *Chain) Noise() (m NoiseModel, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.noise, c.known
}

// publishNoise makes the model readable from other goroutines.
func (c *Chain) publishNoise(denoised bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, m := c.denoise, &c.noise
	*m = NoiseModel{Denoised: denoised, Correlation: 1, SigmaU: d.fixedSigma, SigmaV: d.fixedSigma, MeanSigmaY: d.fixedSigma}
	for l := range m.SigmaY {
		m.SigmaY[l] = d.fixedSigma
	}
	c.known = true
	if d.fixedSigma > 0 {
		return
	}
	e := d.planes[0].estimate
	c.known = e.seen > 0
	believed := e.plausible()
	m.Correlation, m.MeanSigmaY = e.correlation, e.mean()*believed
	m.SigmaU, m.SigmaV = d.planes[1].estimate.mean()*believed, d.planes[2].estimate.mean()*believed
	for l := range m.SigmaY {
		m.SigmaY[l] = e.at(l) * believed
	}
}
