package vad

const (
	bands = 16
	// parts of partFrames frames are the memory of the least power: 1.6 s.
	parts, partFrames = 8, 20
	// knee is what a band must stand above the background to count: 3 dB, the
	// spread of noise in a band; span is the most it counts: 12 dB.
	knee, span = 3 * decibel, 12 * decibel
	// leastBias is how far the least smoothed power of noise lies below its
	// mean: 4 dB.
	leastBias = 4 * decibel
	// learnFrames is how long the first frames are taken for background.
	learnFrames = 10
)

// edgesHz are the band edges: critical bands (E. Zwicker 1961) of telephone
// speech.
var edgesHz = [bands + 1]int{100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150, 3700}

// background is the spectrum of what is always there, log2 of power in Q10.
type background struct {
	mean   [bands]int32
	smooth [bands]int32
	now    [bands]int32
	least  [parts][bands]int32
	at, n  int
	frames int
}

// score returns by how much the bands stand above the background on average.
func (b *background) score(power *[bands]int32) int32 {
	if b.frames < learnFrames {
		return 0
	}
	var sum int32
	for i, p := range power {
		sum += min(max(p-b.mean[i]-knee, 0), span)
	}
	return sum / bands
}

// update follows the background: the mean of frames without speech, and, where
// that has been left behind by a background that became louder, the least power
// of the last 1.6 s (minimum statistics, R. Martin 2001).
func (b *background) update(power *[bands]int32, speech bool) {
	if b.frames == 0 {
		b.mean, b.smooth, b.now = *power, *power, *power
		for i := range b.least {
			b.least[i] = *power
		}
	}
	b.frames++
	b.n++
	roll := b.n == partFrames
	for i, p := range power {
		b.smooth[i] += (p - b.smooth[i]) >> 2
		b.now[i] = min(b.now[i], b.smooth[i])
		floor := b.now[i]
		for k := range b.least {
			floor = min(floor, b.least[k][i])
		}
		switch d := p - b.mean[i]; {
		case b.frames <= learnFrames:
			b.mean[i] += d / int32(min(b.frames, learnFrames))
		case !speech:
			b.mean[i] += d >> 4
		case d < 0:
			b.mean[i] += d >> 5
		}
		b.mean[i] = max(b.mean[i], floor+leastBias/2)
		if roll {
			b.least[b.at][i] = b.now[i]
			b.now[i] = b.smooth[i]
		}
	}
	if roll {
		b.at, b.n = (b.at+1)%parts, 0
	}
}
