package vad

const (
	// The threshold is the mean score of background plus three mean deviations,
	// within these limits.
	leastThreshold = 9 * decibel / 10
	mostThreshold  = 26 * decibel / 10
	// onsetFrames above the threshold begin speech.
	onsetFrames = 3
	// shortBurst: shorter ones, knocks and clicks, get only a part of the hangover.
	shortBurst = 8
	// leastLevel in dBov: below, nothing is speech.
	leastLevel = -70
)

// decision turns scores into speech and not.
type decision struct {
	score     int32 // smoothed over about 20 ms
	mean      int32 // of the score in background, Q16
	deviation int32 // mean absolute deviation of it, Q16
	above     bool  // the last frame's own decision
	run       int   // frames above the threshold in a row
	hang      int
	speech    bool
}

func (d *decision) threshold() int32 {
	return min(max((d.mean+3*d.deviation)>>6, leastThreshold), mostThreshold)
}

func (d *decision) decide(score int32, levelDBov, hangover int) bool {
	d.score += (score - d.score) / 2
	threshold := d.threshold()
	if d.speech {
		threshold = threshold * 3 / 4
	}
	d.above = d.score > threshold && levelDBov > leastLevel
	if !d.above {
		d.run = 0
		x := d.score<<6 - d.mean
		d.mean += x >> 6
		d.deviation += (max(x, -x) - d.deviation) >> 6
		d.hang = max(d.hang-1, 0)
		d.speech = d.hang > 0
		return d.speech
	}
	d.run++
	switch {
	case d.run > shortBurst:
		d.hang = hangover
	case d.run >= onsetFrames || d.speech:
		d.hang = max(d.hang, (hangover+2)/3)
	}
	d.speech = d.hang > 0
	return d.speech
}
