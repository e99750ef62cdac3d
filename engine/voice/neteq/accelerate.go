package neteq

import (
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

const (
	minLag = media.EngineRateHz * 25 / 10000 // 2.5 ms, 400 Hz
	maxLag = media.EngineRateHz * 15 / 1000  // 15 ms, 67 Hz
	// A period is taken out where the signal repeats itself: normalised
	// correlation of at least 0.8, or where it is nearly silent.
	minCorrelationQ15 = 26214
	silenceEnergy     = 100 * 100
)

// accelerate takes one pitch period out of the decoded samples when the buffer
// has been longer than it needs to be: the period is cross-faded with the next.
func (q *NetEQ) accelerate() {
	if len(q.pcm) < media.BlockSamples+2*maxLag || q.level() < q.target()+excess || q.lost > 0 {
		// Decode ahead when too much waits, so that there is room to cut.
		if q.playing && len(q.pcm) < media.BlockSamples+2*maxLag && q.level() >= q.target()+excess+20*time.Millisecond &&
			q.ring[q.next%slots].holds(q.next) {
			q.decodeNext()
		}
		return
	}
	x := q.pcm
	lag, ok := pitchLag(x[:2*maxLag])
	if !ok {
		return
	}
	for i := range lag {
		w := int32(i) << 15 / int32(lag)
		x[i] = int16((int32(x[i])*(32768-w) + int32(x[i+lag])*w) >> 15)
	}
	q.pcm = x[:lag+copy(x[lag:], x[2*lag:])]
	q.stats.RemovedSamples += uint64(lag)
}

// pitchLag finds the lag at which x, two maxLag long, repeats itself best,
// looking at every sixth sample (8 kHz).
func pitchLag(x []int16) (lag int, ok bool) {
	const step = 6
	var best int64 = -1
	var energy int64
	for i := 0; i < maxLag; i += step {
		energy += int64(x[i]) * int64(x[i])
	}
	if energy/(maxLag/step) < silenceEnergy {
		return maxLag, true
	}
	for l := minLag; l <= maxLag; l += step {
		var c, e0, e1 int64
		for i := 0; i < maxLag; i += step {
			a, b := int64(x[i]), int64(x[i+l-l%step])
			c += a * b
			e0 += a * a
			e1 += b * b
		}
		if c <= 0 || e1 == 0 {
			continue
		}
		// corr^2 in Q15: c/e0 * c/e1.
		r := (c << 8 / max(e0, 1)) * (c << 8 / e1) >> 1
		if r > best {
			best, lag = r, l-l%step
		}
	}
	return lag, lag >= minLag-step && best >= int64(minCorrelationQ15)*minCorrelationQ15>>15
}
