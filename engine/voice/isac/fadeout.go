package isac

const (
	minRepeat  = 40  // samples at 16 kHz: 400 Hz
	maxRepeat  = 240 // 67 Hz
	fadeBlocks = 4   // blocks until silence
)

// fadeOut repeats the last pitch period of a 16 kHz signal, ever more quietly.
// It bridges losses where the filters' own concealment (Annex B) does not
// apply.
type fadeOut struct {
	kept   [blockSamples]int16
	at     int // position in the repeated period
	period int // 0 until the first block of a loss has been measured
	blocks int // concealed in a row
}

// keep stores a decoded block.
func (f *fadeOut) keep(pcm *[blockSamples]int16) {
	f.kept, f.period, f.blocks = *pcm, 0, 0
}

// next writes the next concealed block.
func (f *fadeOut) next(pcm *[blockSamples]int16) {
	if f.period == 0 {
		f.period, f.at = repeatPeriod(&f.kept), 0
	}
	start := int32(max(0, fadeBlocks-f.blocks)) << 15 / fadeBlocks
	end := int32(max(0, fadeBlocks-1-f.blocks)) << 15 / fadeBlocks
	for n := range pcm {
		gain := start + (end-start)*int32(n)/blockSamples
		pcm[n] = int16(int32(f.kept[blockSamples-f.period+f.at]) * gain >> 15)
		if f.at++; f.at == f.period {
			f.at = 0
		}
	}
	f.blocks = min(f.blocks+1, fadeBlocks)
}

// repeatPeriod returns the lag at which the end of x is most like itself.
func repeatPeriod(x *[blockSamples]int16) int {
	const window = 160
	best, period := 0.0, maxRepeat
	tail := x[blockSamples-window:]
	for lag := minRepeat; lag <= maxRepeat; lag++ {
		past := x[blockSamples-window-lag : blockSamples-lag]
		var c, e float64
		for i, v := range tail {
			c += float64(v) * float64(past[i])
			e += float64(past[i]) * float64(past[i])
		}
		if c > 0 && c*c > best*e {
			best, period = c*c/e, lag
		}
	}
	return period
}
