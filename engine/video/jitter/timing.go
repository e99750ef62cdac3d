package jitter

import "time"

const (
	// The least transit time is that of windows of windowTime each.
	windows    = 10
	windowTime = time.Second
	// Lateness is counted in buckets of bucketTime; the last takes the rest.
	bucketTime = 4 * time.Millisecond
	buckets    = 256
	// oneQ24 is the weight of all buckets together.
	oneQ24 = 1 << 24
	// forgetShift makes a frame's weight fall to 1/e within 2^forgetShift frames,
	// four seconds at 30 frames per second.
	forgetShift = 7
	// quantileQ24 is the share of frames that the delay shall cover: 97 %.
	quantileQ24 = oneQ24 / 100 * 97
	// The delay moves at most this much per second of stream, up and down.
	riseDivisor, fallDivisor = 4, 20
	// newClock is the lateness that is taken for a jump of the sender's clock.
	newClock = 5 * time.Second
)

// timing estimates when frames are due. Times are nanoseconds on the stream's
// own scale: RTP time and arrival, each from the first frame on.
type timing struct {
	cfg     Config
	started bool
	epoch   time.Time // arrival of the first frame
	tsEpoch int64     // its timestamp, extended

	// least[i] is the least transit time of a window; index by window number.
	least  [windows]int64
	window int64

	hist      [buckets]uint32 // weights, Q24 in sum
	histCount int
	decode    time.Duration // what decoding takes, slowly falling maximum
	sync      time.Duration // delay wanted to be in step with sound
	current   time.Duration
	lastTS    int64
}

// streamTime is a timestamp as time since the first frame.
func (t *timing) streamTime(ts int64) int64 {
	d := ts - t.tsEpoch
	return d/RateHz*int64(time.Second) + d%RateHz*int64(time.Second)/RateHz
}

// frame takes note of a complete frame.
func (t *timing) frame(ts int64, now time.Time) {
	if !t.started {
		t.started, t.epoch, t.tsEpoch, t.lastTS = true, now, ts, ts
		for i := range t.least {
			t.least[i] = 1<<63 - 1
		}
		t.current = max(t.cfg.MinDelay, min(t.sync, t.cfg.MaxDelay))
	}
	at := int64(now.Sub(t.epoch))
	transit := at - t.streamTime(ts)
	for w := at / int64(windowTime); t.window < w; t.window++ {
		if w-t.window > windows {
			t.window = w - windows
		}
		t.least[(t.window+1)%windows] = 1<<63 - 1
	}
	slot := &t.least[t.window%windows]
	*slot = min(*slot, transit)
	late := time.Duration(transit - t.base())
	if late > newClock {
		// The sender's clock has jumped, or the network stood still for long.
		*t = timing{cfg: t.cfg, decode: t.decode, sync: t.sync}
		t.frame(ts, now)
		return
	}
	t.count(late)
}

// base is the least transit time of late.
func (t *timing) base() int64 {
	least := int64(1<<63 - 1)
	for _, v := range t.least {
		least = min(least, v)
	}
	if least == 1<<63-1 {
		return 0
	}
	return least
}

// count adds a frame's lateness to the histogram.
func (t *timing) count(late time.Duration) {
	i := min(int(max(late, 0)/bucketTime), buckets-1)
	shift := forgetShift
	// The first frames weigh more, so that the estimate is soon of use.
	for t.histCount < 1<<shift && shift > 2 {
		shift--
	}
	t.histCount++
	sum := uint32(0)
	for j := range t.hist {
		t.hist[j] -= t.hist[j] >> shift
		sum += t.hist[j]
	}
	t.hist[i] += oneQ24 - min(sum, oneQ24)
}

// lateness is the quantile of the histogram, in full buckets.
func (t *timing) lateness() time.Duration {
	sum := uint32(0)
	for i, w := range t.hist {
		if sum += w; sum >= quantileQ24 {
			if i == 0 {
				return 0
			}
			return time.Duration(i+1) * bucketTime
		}
	}
	return buckets * bucketTime
}

// target is the delay that the stream asks for now.
func (t *timing) target() time.Duration {
	return min(max(t.lateness()+t.decode, t.sync, t.cfg.MinDelay), t.cfg.MaxDelay)
}

// shown moves the delay toward its target, by how much of the stream has
// passed.
func (t *timing) shown(ts int64) {
	passed := time.Duration(t.streamTime(ts) - t.streamTime(t.lastTS))
	t.lastTS = ts
	passed = min(max(passed, 0), time.Second)
	step := t.target() - t.current
	t.current += min(max(step, -passed/fallDivisor), passed/riseDivisor)
}

// due is when a frame is to be shown.
func (t *timing) due(ts int64) time.Time {
	if !t.started {
		return time.Time{}
	}
	return t.epoch.Add(time.Duration(t.streamTime(ts)+t.base()) + t.current)
}

// decoded takes note of how long decoding took.
func (t *timing) decoded(took time.Duration) {
	took = min(max(took, 0), 100*time.Millisecond)
	t.decode = max(took, t.decode-t.decode/128)
}
