package isac

import "math"

const (
	minLag      = 20 // half-band samples: 400 Hz
	maxLag      = 140
	lagCount    = maxLag - minLag + 1
	halfFrame   = 120 // samples per lag found; lags change at most this often
	maxGain     = 0.45
	searchPast  = maxLag + 1
	lagPairSpan = 14 // samples the two half-frames' lags may differ by
	// gainShare is the part of the best predictor's gain that is used: the
	// decoder's post-filter exaggerates gains by 1.3, which costs waveform
	// fidelity. At equal rate 0.65 gives 0.2 dB more than 1, and a higher STOI.
	gainShare = 0.65
	// gainSmoothing draws the four gains to their mean: a smooth vector costs
	// fewer bits and less change of the filter.
	gainSmoothing = 0.8
)

// lagPreference favours short lags over their multiples: 0.85^ln(lag/40).
var lagPreference = func() (w [lagCount]float64) {
	for i := range w {
		w[i] = math.Pow(0.85, math.Log(float64(minLag+i)/40))
	}
	return w
}()

// pitchSearch finds a block's pitch lags and gains (11.3): per half-frame the
// normalised correlation of the weighted low band with its past, a joint choice
// of both lags, then the gain of each subframe.
type pitchSearch struct {
	x    [searchPast + halfBlock]float64
	corr [2][lagCount]float64
	// cross holds a half-frame's correlations, the longest lag first.
	cross [lagCount]float64
	lag   [4]float64
	gain  [4]float64
	// previous is the last lag of the block before, 0 if it was unvoiced.
	previous  float64
	weighting pitchWeighting
}

// find sets lag and gain for the low-band samples low.
func (p *pitchSearch) find(low []float64) {
	copy(p.x[:searchPast], p.x[halfBlock:])
	copy(p.x[searchPast:], p.weighting.filter(low))
	for h := range 2 {
		p.correlate(h)
	}
	a, b := p.choose()
	lagA, lagB := p.refine(0, a), p.refine(1, b)
	p.lag = [4]float64{lagA, lagA, lagB, lagB}
	var mean float64
	for k := range p.lag {
		p.gain[k] = p.subframeGain(k)
		mean += p.gain[k] / 4
	}
	for k := range p.gain {
		p.gain[k] += gainSmoothing * (mean - p.gain[k])
	}
	p.previous = 0
	if p.gain[2]+p.gain[3] > 0.2 {
		p.previous = lagB
	}
}

// correlate fills corr[h] with c·|c|/e: what a predictor would save, by lag.
func (p *pitchSearch) correlate(h int) {
	at := searchPast + h*halfFrame
	x := p.x[at : at+halfFrame]
	var e float64
	for _, v := range p.x[at-minLag : at-minLag+halfFrame] {
		e += v * v
	}
	correlate(p.cross[:], x, p.x[at-maxLag:])
	for i := range lagCount {
		lag := minLag + i
		past := p.x[at-lag : at-lag+halfFrame]
		c := p.cross[lagCount-1-i]
		p.corr[h][i] = 0
		if c > 0 {
			p.corr[h][i] = c * c / (e + 1)
		}
		in, out := p.x[at-lag-1], past[halfFrame-1]
		e = max(0, e+in*in-out*out)
	}
}

// choose returns the indices of the two half-frames' lags.
func (p *pitchSearch) choose() (a, b int) {
	var first, second [lagCount]float64
	for i := range lagCount {
		// The half-frame before is followed.
		w := lagPreference[i]
		second[i] = p.corr[1][i] * w
		if p.previous > 0 {
			d := math.Log(float64(minLag+i) / p.previous)
			w *= 1 + 0.3*math.Exp(-20*d*d)
		}
		first[i] = p.corr[0][i] * w
	}
	best := -1.0
	for i, u := range first {
		for j := max(0, i-lagPairSpan); j <= min(lagCount-1, i+lagPairSpan); j++ {
			d := float64(i-j) / float64(minLag+i)
			if v := (u + second[j]) * (1 - 2*d*d); v > best {
				best, a, b = v, i, j
			}
		}
	}
	return a, b
}

// refine interpolates the peak of corr[h] at index i.
func (p *pitchSearch) refine(h, i int) float64 {
	lag := float64(minLag + i)
	if i == 0 || i == lagCount-1 {
		return lag
	}
	l, m, r := p.corr[h][i-1], p.corr[h][i], p.corr[h][i+1]
	curve := l - 2*m + r
	if curve >= 0 || m < l || m < r {
		return lag
	}
	return lag + 0.5*(l-r)/curve
}

// subframeGain returns the gain of subframe k. The filter's history is the sum
// of input and output, about twice the input; hence the half.
func (p *pitchSearch) subframeGain(k int) float64 {
	at := searchPast + k*pitchSubframe
	lag := int(math.Round(p.lag[k]))
	var c, e float64
	for n, v := range p.x[at : at+pitchSubframe] {
		past := p.x[at-lag+n]
		c += v * past
		e += past * past
	}
	return min(max(gainShare*0.5*c/(e+1), 0), maxGain)
}

// quantizePitch sets the pitch symbols of b and replaces lag and gain by what
// they stand for (11.4).
func quantizePitch(b *block, lag, gain *[4]float64) {
	var index [3]int
	for k := range index {
		var c float64
		for j, g := range gain {
			c += pitchBasis[k][j] * math.Asin(g)
		}
		index[k] = clampIndex(8*c, pitchGainIndexMin[k], pitchGainIndexMax[k])
	}
	b.pitchGain = 18*index[0] + 3*index[1] + index[2]
	for k, g := range pitchGainQ12[b.pitchGain] {
		gain[k] = float64(g) / 4096
	}
	b.meanGainQ12 = meanPitchGainQ12(b.pitchGain)
	class := classOf(b.meanGainQ12)
	for k := range b.lag {
		var c float64
		for j, l := range lag {
			c += pitchBasis[k][j] * l
		}
		b.lag[k] = clampIndex(c/class.step, class.indexMin[k], class.indexMax[k])
	}
	*lag = lags(class, &b.lag)
}

// clampIndex rounds x to an index between low and high, counted from low.
func clampIndex(x float64, low, high int) int {
	return int(math.Round(min(max(x, float64(low)), float64(high)))) - low
}
