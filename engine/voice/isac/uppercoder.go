package isac

import "math"

// maxLayerCode is the longest code string a layer holds: its length byte counts
// itself and the CRC too (14.1).
const maxLayerCode = 255 - layerOverhead

// upperCoder turns the band from 8 kHz up into the symbols of the second layer
// (14.5).
type upperCoder struct {
	split      split
	lpc        lattice
	filters    upperFilters
	transform  transform
	block      upperBlock
	ranges     rangeEncoder
	saved      rangeEncoder
	lastEnergy float64
	recoded    uint64 // blocks that exceeded the limit at first
	win        [windowSize]float64
	lastLAR    [upperOrder]float64 // of the block before, at 16 kHz

	in           [blockSamples]float64
	past         [2*lookahead + blockSamples]float64 // the band undivided, delayed
	low, high    [halfBlock]float64
	lowC, highC  [halfBlock]float64
	auto         autocorrelator
	corr         [maxUpperFrames][upperOrder + 1]float64
	lar          [maxUpperVectors][upperOrder]float64
	logGain      [maxUpperFrames]float64
	re, im       [240]float64
	spectrum     [480]float64
	codedA       [halfBlock]float64
	codedB, zero [halfBlock]float64
}

func (c *upperCoder) reset() {
	*c = upperCoder{lastEnergy: startEnergy, recoded: c.recoded}
}

// skip feeds a block that is not coded, so that the delays stay right.
func (c *upperCoder) skip(pcm []int16) { c.feed(pcm) }

func (c *upperCoder) feed(pcm []int16) {
	copy(c.past[:2*lookahead], c.past[blockSamples:])
	for n, v := range pcm {
		c.in[n] = float64(v)
		c.past[2*lookahead+n] = float64(v)
	}
	c.split.split(&c.in, &c.low, &c.high, &c.lowC, &c.highC)
}

// encode codes 480 samples of pcm (16 kHz) at a noise target of snr dB with 16
// kHz bandwidth (full) or 12 kHz. It returns the code string, valid until the
// next call, or nil if it does not fit limit bytes.
func (c *upperCoder) encode(pcm []int16, full, jitterHigh bool, snr float64, limit int) []byte {
	c.feed(pcm)
	b := &c.block
	b.full, b.jitterHigh = full, jitterHigh
	analysed := c.high[:]
	if full {
		analysed = c.past[lookahead : lookahead+blockSamples]
	}
	c.analyze(analysed)
	c.quantizeShape()
	c.filters.setShape(b)
	c.gains(analysed, snr)
	c.quantizeGains(1)
	c.filters.setGains(b)
	c.filter()

	limit = min(limit, maxLayerCode)
	e := &c.ranges
	e.reset()
	e.symbol(flagCDF[:], bit(jitterHigh))
	e.symbol(flagCDF[:], bit(full))
	for i := range b.vectors() * upperOrder {
		e.symbol(b.shapeCDF(i), b.shape[i])
	}
	start := e.codeLength()
	c.saved.copyFrom(e)
	factor := 1.0
	for step := 0; step <= coarserSteps; step++ {
		c.write(factor)
		used := e.codeLength()
		if used <= limit && !e.overflow {
			return e.finish()
		}
		if step == 0 {
			c.recoded++
		}
		ratio := float64(max(limit-start, 1)) / float64(used-start)
		factor *= min(max(ratio, 0.25), 0.95) * (1 - 0.05*float64(step))
		e.copyFrom(&c.saved)
		c.quantizeGains(factor)
	}
	return nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// write codes gains, envelope and coefficients of the spectrum times factor.
func (c *upperCoder) write(factor float64) {
	b, e := &c.block, &c.ranges
	for i := range b.subframes() {
		e.symbol(upperGainCDF[i%6], b.gain[i])
	}
	n, shift := b.coefficients()
	upperDither(b.ditherQ7[:n], e.w)
	quantizeSpectrum(b.coefQ7[:n], b.ditherQ7[:n], c.spectrum[:n], factor)
	fitEnvelope(&b.envelope, &b.rc, &b.envelopeGain, b.coefQ7[:n], 1<<shift)
	for k, s := range b.rc {
		e.symbol(envelopeRCCDF[k][:], s)
	}
	e.symbol(envelopeGainCDF[:], b.envelopeGain)
	for i := range n {
		b.coefQ7[i] = e.coefficient(b.coefQ7[i], b.envelope.rootQ8[i>>shift])
	}
}

// analyze finds the autocorrelations of all subframes and the log-area ratios
// of those that are sent.
func (c *upperCoder) analyze(x []float64) {
	b := &c.block
	v := 0
	if b.full {
		c.lar[0] = c.lastLAR
		v = 1
	}
	for j := range b.subframes() {
		copy(c.win[:], c.win[subframeSize:])
		copy(c.win[windowSize-subframeSize:], x[j*subframeSize:(j+1)*subframeSize])
		r := &c.corr[j]
		c.auto.correlate(r[:], lpcWindow[:], c.win[:])
		r[0] += whiteFloor
		if b.full && j%4 == 3 || !b.full && (j == 0 || j == 5) {
			var a [upperOrder + 1]float64
			var k [upperOrder]float64
			levinson(a[:], k[:], r[:])
			expand(a[:], lowExpand)
			stepDown(k[:], a[:])
			for i, rho := range k {
				c.lar[v][i] = exactMap.areaRatio(rho)
			}
			v++
		}
	}
	c.lastLAR = c.lar[v-1]
}

// quantizeShape sets the shape symbols by the transposes of 14.3.
func (c *upperCoder) quantizeShape() {
	b := &c.block
	first, intra, mean := upperShape12First[:], &upperShape12Intra, &upperShape12Mean
	if b.full {
		first, intra, mean = upperShape16First[:], &upperShape16Intra, &upperShape16Mean
	}
	var t [maxUpperVectors][upperOrder]float64
	n := b.vectors()
	for v := range n {
		for k := range upperOrder {
			for i := range upperOrder {
				t[v][k] += intra[k][i] * (c.lar[v][i] - mean[i])
			}
		}
	}
	for u := range n {
		for k := range upperOrder {
			var q float64
			for v := range n {
				if b.full {
					q += upperShape16Inter[v][u] * t[v][k]
				} else {
					q += upperShape12Inter[v][u] * t[v][k]
				}
			}
			i := u*upperOrder + k
			b.shape[i] = levelIndex(q, first[i], upperShapeStep, len(b.shapeCDF(i))-1)
		}
	}
}

// levelIndex returns the nearest of count levels, step apart from first on.
func levelIndex(x, first, step float64, count int) int {
	return int(math.Floor(min(max((x-first)/step+0.5, 0), float64(count-1))))
}

// gains finds the gains for the quantised filters.
func (c *upperCoder) gains(x []float64, snr float64) {
	target := math.Pow(10, snr/20) / 3.46
	sharp := 1.0
	for j := range c.block.subframes() {
		if j%6 == 0 {
			change := fluctuation(&c.lastEnergy, x[j*subframeSize:j*subframeSize+halfBlock])
			sharp = voicedSharpness(0, change)
		}
		var a [upperOrder + 1]float64
		polynomial(&a, &c.filters.rho[j])
		c.logGain[j] = math.Log(target / (math.Sqrt(residualEnergy(a[:], c.corr[j][:]))/sharp + hearingLimit))
	}
}

// polynomial turns reflection coefficients into a filter polynomial.
func polynomial(a *[upperOrder + 1]float64, rho *[upperOrder]float64) {
	a[0] = 1
	for m := 1; m <= upperOrder; m++ {
		k := rho[m-1]
		old := *a
		for i := 1; i < m; i++ {
			a[i] = old[i] + k*old[m-i]
		}
		a[m] = k
	}
}

// quantizeGains sets the gain symbols for the gains times factor.
func (c *upperCoder) quantizeGains(factor float64) {
	b := &c.block
	shift := math.Log(factor)
	for set := 0; set < b.subframes(); set += 6 {
		for k := range 6 {
			var q float64
			for r := range 6 {
				q += upperGainBasis[r][k] * (c.logGain[set+r] + shift - upperGainMeanLog)
			}
			b.gain[set+k] = levelIndex(q, upperGainFirst[k], upperGainStep, len(upperGainCDF[k])-1)
		}
	}
}

// filter runs the coded signal through the pre-filter and transforms it.
func (c *upperCoder) filter() {
	if c.block.full {
		copy(c.codedA[:], c.past[:halfBlock])
		copy(c.codedB[:], c.past[halfBlock:blockSamples])
	} else {
		c.codedA, c.codedB = c.highC, c.zero
	}
	for j := range c.block.subframes() {
		x := c.codedA[:]
		if j >= 6 {
			x = c.codedB[:]
		}
		at := j % 6 * subframeSize
		c.lpc.analyze(x[at:at+subframeSize], c.filters.rho[j][:], c.filters.gain[j])
	}
	c.transform.forward(&c.codedA, &c.codedB, &c.re, &c.im)
	for i := range 120 {
		if c.block.full {
			c.spectrum[4*i], c.spectrum[4*i+1] = c.re[i], c.im[i]
			c.spectrum[4*i+2], c.spectrum[4*i+3] = c.re[239-i], c.im[239-i]
		} else {
			c.spectrum[2*i], c.spectrum[2*i+1] = c.re[i], c.im[i]
		}
	}
}
