package isac

// lagClass holds the lag quantiser of one voicing class (5.2).
type lagClass struct {
	cdf                *[4][]uint16
	slopeQ10, bendQ10  []int16
	slope, bend        []float64
	indexMin, indexMax *[4]int
	// step is the quantiser step of the mean in samples, stepExp its negative
	// binary logarithm.
	step    float64
	stepExp int
}

var lagClasses = [3]lagClass{
	{&lagCDFLow, lagSlopeQ10Low[:], lagBendQ10Low[:], lagSlopeLow[:], lagBendLow[:], &lagIndexMinLow, &lagIndexMaxLow, 2, -1},
	{&lagCDFMid, lagSlopeQ10Mid[:], lagBendQ10Mid[:], lagSlopeMid[:], lagBendMid[:], &lagIndexMinMid, &lagIndexMaxMid, 1, 0},
	{&lagCDFHigh, lagSlopeQ10High[:], lagBendQ10High[:], lagSlopeHigh[:], lagBendHigh[:], &lagIndexMinHigh, &lagIndexMaxHigh, 0.5, 1},
}

// classOf returns the voicing class of a mean pitch gain.
func classOf(meanGainQ12 int32) *lagClass {
	switch {
	case meanGainQ12 <= 819:
		return &lagClasses[0]
	case meanGainQ12 <= 1638:
		return &lagClasses[1]
	}
	return &lagClasses[2]
}

// block is what the code string says about 30 ms of the lower band, and the
// quantities that both sides derive from it to code the rest.
type block struct {
	// Symbols, in the order of 3.1.
	pitchGain    int
	lag          [4]int
	model        int
	shape        [108]int
	gain         [12]int
	rc           [6]int
	envelopeGain int
	coefQ7       [480]int32

	meanGainQ12 int32
	seed        uint32
	ditherQ7    [480]int32
	envelope    envelope
}

// pitchGainSymbols is the number of pitch gain vectors; the model has unused
// symbols behind them.
const pitchGainSymbols = len(pitchGainQ12)

// meanPitchGainQ12 returns the mean of a pitch gain vector (5.1).
func meanPitchGainQ12(symbol int) int32 {
	g := &pitchGainQ12[symbol]
	return (int32(g[0]) + int32(g[1]) + int32(g[2]) + int32(g[3])) >> 2
}

// read reads a block. On a corrupt string d.corrupt is set and b is not valid.
func (b *block) read(d *rangeDecoder, form overflowForm) {
	b.pitchGain = d.symbol(pitchGainCDF[:])
	if b.pitchGain >= pitchGainSymbols {
		d.corrupt = true
		return
	}
	b.meanGainQ12 = meanPitchGainQ12(b.pitchGain)
	class := classOf(b.meanGainQ12)
	for k := range b.lag {
		b.lag[k] = d.symbol(class.cdf[k])
	}
	b.model = d.symbol(lpcModelCDF[:])
	model := &lpcModels[b.model]
	for i := range b.shape {
		b.shape[i] = d.symbol(model.shapeCDF[i])
	}
	for i := range b.gain {
		b.gain[i] = d.symbol(model.gainCDF[i])
	}
	b.seed = d.w
	lowerDither(&b.ditherQ7, b.seed, b.meanGainQ12)
	for k := range b.rc {
		b.rc[k] = d.symbol(envelopeRCCDF[k][:])
	}
	b.envelopeGain = d.symbol(envelopeGainCDF[:])
	if d.corrupt || !b.envelope.compute(&b.rc, b.envelopeGain, form) {
		d.corrupt = true
		return
	}
	for i := range b.coefQ7 {
		b.coefQ7[i] = d.coefficient(b.ditherQ7[i], b.envelope.rootQ8[i>>2])
	}
}

// writeSide writes the symbols up to the LPC shape: what a coarser quantisation
// of the block keeps.
func (b *block) writeSide(e *rangeEncoder) {
	e.symbol(pitchGainCDF[:], b.pitchGain)
	b.meanGainQ12 = meanPitchGainQ12(b.pitchGain)
	class := classOf(b.meanGainQ12)
	for k, s := range b.lag {
		e.symbol(class.cdf[k], s)
	}
	e.symbol(lpcModelCDF[:], b.model)
	for i, s := range b.shape {
		e.symbol(lpcModels[b.model].shapeCDF[i], s)
	}
}

// writeGains writes the LPC gain symbols and derives the dither from the range
// coder's state after them.
func (b *block) writeGains(e *rangeEncoder) {
	for i, s := range b.gain {
		e.symbol(lpcModels[b.model].gainCDF[i], s)
	}
	b.seed = e.w
	lowerDither(&b.ditherQ7, b.seed, b.meanGainQ12)
}

// writeSpectrum writes the envelope, which must have been computed, and the
// coefficients.
func (b *block) writeSpectrum(e *rangeEncoder) {
	for k, s := range b.rc {
		e.symbol(envelopeRCCDF[k][:], s)
	}
	e.symbol(envelopeGainCDF[:], b.envelopeGain)
	for i, x := range b.coefQ7 {
		b.coefQ7[i] = e.coefficient(x, b.envelope.rootQ8[i>>2])
	}
}
