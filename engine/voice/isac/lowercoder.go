package isac

// lowerCoder turns the band below 8 kHz into symbols, block by block (11).
type lowerCoder struct {
	split           split
	search          pitchSearch
	analysis        lpcAnalysis
	pre             pitchFilter
	lowLPC, highLPC lattice
	filters         lpcFilters
	transform       transform
	block           block
	saved           rangeEncoder
	areaMap         larMap
	recoded         uint64 // blocks that exceeded the limit at first

	in                  [blockSamples]float64
	low, high           [halfBlock]float64
	lowCoded, highCoded [halfBlock]float64
	searchIn            [lookahead + halfBlock]float64
	re, im              [240]float64
	spectrum            [480]float64
	lag, gain           [4]float64
}

func (c *lowerCoder) reset(m larMap) {
	*c = lowerCoder{areaMap: m, recoded: c.recoded}
	c.analysis.reset()
	c.pre.reset()
}

// coarserSteps is how often a block is coded again to fit the payload limit.
const coarserSteps = 8

// encode codes 480 samples of pcm at a noise target of snr dB. It reports
// whether the code string, closed here, fits limit bytes.
func (c *lowerCoder) encode(e *rangeEncoder, pcm []int16, snr float64, limit int) bool {
	for n, v := range pcm[:blockSamples] {
		c.in[n] = float64(v)
	}
	c.split.split(&c.in, &c.low, &c.high, &c.lowCoded, &c.highCoded)
	// The block's parameters belong to the coded positions, which lag behind.
	copy(c.searchIn[:lookahead], c.searchIn[halfBlock:])
	copy(c.searchIn[lookahead:], c.low[:])
	c.search.find(c.searchIn[:halfBlock])
	c.lag, c.gain = c.search.lag, c.search.gain

	b := &c.block
	b.model = 0
	quantizePitch(b, &c.lag, &c.gain)
	c.analysis.analyze(&c.low, &c.high, &c.lag, &c.gain, float64(b.meanGainQ12)/4096, snr, c.areaMap)
	c.analysis.quantizeShape(&b.shape)
	c.analysis.quantizeGains(&b.gain, 1)
	c.filters.set(&b.shape, &b.gain, c.areaMap)
	c.filter()

	b.writeSide(e)
	start := e.codeLength()
	c.saved.copyFrom(e)
	factor := 1.0
	for step := 0; ; step++ {
		b.writeGains(e)
		quantizeSpectrum(b.coefQ7[:], b.ditherQ7[:], c.spectrum[:], factor)
		fitEnvelope(&b.envelope, &b.rc, &b.envelopeGain, b.coefQ7[:], 4)
		economize(b.coefQ7[:], c.spectrum[:], factor, &b.envelope, 4)
		fitEnvelope(&b.envelope, &b.rc, &b.envelopeGain, b.coefQ7[:], 4)
		b.writeSpectrum(e)
		used := e.codeLength()
		if used <= limit && !e.overflow {
			return true
		}
		if step == 0 {
			c.recoded++
		}
		if step == coarserSteps {
			return false
		}
		// Fewer bits mean a smaller signal before the quantiser, and gains that
		// make it good in the decoder (12.3).
		ratio := float64(max(limit-start, 1)) / float64(used-start)
		factor *= min(max(ratio, 0.25), 0.95) * (1 - 0.05*float64(step))
		e.copyFrom(&c.saved)
		c.analysis.quantizeGains(&b.gain, factor)
	}
}

// targetSNR returns the noise target in dB of a lower band at bps in packets of
// so many blocks (12.1). It is raised by as much as economize saves, so that a
// rate asked for comes out as from the deployed encoders.
func targetSNR(bps float64, blocks int) float64 {
	slope := 0.48
	if blocks == 2 {
		slope = 0.53
	}
	return -23 + slope*bps/1000 + 2.45 - 0.045*bps/1000
}

// filter runs the coded half bands through the pre-filters and transforms them.
func (c *lowerCoder) filter() {
	for j := range 6 {
		from, to := j*subframeSize, (j+1)*subframeSize
		c.lowLPC.analyze(c.lowCoded[from:to], c.filters.low[j][:], c.filters.gain[j][0])
		c.highLPC.analyze(c.highCoded[from:to], c.filters.high[j][:], c.filters.gain[j][1])
	}
	c.pre.filter(c.lowCoded[:], &c.lag, &c.gain, -1)
	c.transform.forward(&c.lowCoded, &c.highCoded, &c.re, &c.im)
	for i := range 240 {
		c.spectrum[2*i], c.spectrum[2*i+1] = c.re[i], c.im[i]
	}
}
