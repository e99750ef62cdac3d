package vp8

import (
	"math"
	"time"
)

// rateControl keeps a stream of frames inside a leaky bucket that drains at the
// target rate. It chooses a quantiser before each frame from a model of what
// the frame will cost, and learns from what it did cost.
//
// Floating point is used here and in what it estimates from, and nowhere else in
// the encoder.
type rateControl struct {
	bitrate  float64 // bits per second
	fps      float64
	delay    float64 // depth of the bucket, seconds
	minQ     int
	maxQ     int
	keyRatio float64 // largest key frame, in mean frames
	level    float64 // bits waiting in the bucket
	// scale is what the model of inter frames has learnt, from learnt frames.
	scale  float64
	learnt int
	lastQ  [2]int // inter, key
	// reserved are the bits per frame that still macroblocks took lately.
	reserved float64
}

// Kinds of frame that the model keeps apart.
const (
	rateInter = iota
	rateKey
)

// rateExponent is the slope of bits over step width in the logarithmic plane:
// camera pictures lie between 1.0 (near lossless) and 1.4 (mostly skipped).
const rateExponent = 1.15

func newRateControl(cfg *EncoderConfig) rateControl {
	r := rateControl{
		bitrate: float64(cfg.BitrateBps), fps: cfg.FrameRate, delay: cfg.BufferDelay.Seconds(),
		minQ: cfg.MinQuantizer, maxQ: cfg.MaxQuantizer, keyRatio: cfg.MaxKeyFrameRatio,
	}
	return r
}

func (r *rateControl) setBitrate(bps int) { r.bitrate = float64(bps) }

func (r *rateControl) setFrameRate(fps float64) { r.fps = fps }

func (r *rateControl) perFrame() float64 { return r.bitrate / r.fps }

// backlog is how long the bucket needs to run empty.
func (r *rateControl) backlog() time.Duration {
	return time.Duration(r.level / r.bitrate * float64(time.Second))
}

// keyLimit is the size that a key frame must not exceed, in bits.
func (r *rateControl) keyLimit() float64 {
	limit := r.perFrame() * r.keyRatio
	room := r.bitrate*r.delay - r.level
	return max(min(limit, room), 2*r.perFrame())
}

// keyTarget is the size that a key frame should have.
func (r *rateControl) keyTarget() float64 { return min(r.keyLimit()*0.85, 8.5*r.perFrame()) }

// target is how many bits the next inter frame should have. The bucket is kept
// near a sixth of its depth: an empty bucket is line time that nobody used, a
// full one is delay.
func (r *rateControl) target() float64 {
	per := r.perFrame()
	want := r.bitrate * r.delay / 6
	// Correct over a quarter of a second, but never over fewer than 5 frames.
	horizon := max(r.fps*0.4, 5)
	t := per + (want-r.level)/horizon
	return min(max(t, per*0.25), per*2.5)
}

// quantizer chooses the index for the next inter frame; activity is any measure
// that grows in proportion with what there is to code.
func (r *rateControl) quantizer(activity float64) int {
	bits := max(r.target()-r.reserved, r.perFrame()/4)
	q := r.indexForBits(bits, r.scale*max(activity, 1))
	if r.learnt == 0 {
		q = r.lastQ[rateKey] + 12
	} else {
		// Steps are kept small while the bucket is in good order, so that
		// quality does not flicker.
		up, down := 4, 4
		switch fill := r.level / (r.bitrate * r.delay); {
		case fill > 0.6:
			up = 32
		case fill > 0.4:
			up = 10
		case fill < 0.05:
			down = 8
		}
		q = min(max(q, r.lastQ[rateInter]-down), r.lastQ[rateInter]+up)
	}
	return min(max(q, r.minQ), r.maxQ)
}

// keyQuantizer chooses the index for a key frame: the finest that keeps its
// estimate inside the target. A frame like this in mid-stream costs about an
// eighth of a key frame of equal quality: a finer key frame could not be kept up.
func (r *rateControl) keyQuantizer(k *keyEstimate) int {
	lo, hi := r.minQ, r.maxQ
	for lo < hi {
		m := (lo + hi) / 2
		if k.bits(m) > r.keyTarget() {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// keyCorrected returns the index for a key frame that had the given size at index
// q: another than q if it was far from the target, by an estimate that knows how
// far it was off.
func (r *rateControl) keyCorrected(k *keyEstimate, q int, bits float64) int {
	small := bits < 0.7*r.keyTarget()
	if !small && bits <= min(1.3*r.keyTarget(), r.keyLimit()) {
		return q
	}
	k.scale *= bits / max(k.bits(q), 1)
	if small {
		return min(r.keyQuantizer(k), q)
	}
	if r.keyTarget() > 0.8*r.keyLimit() {
		k.scale *= 1.1 // or it might have to be coded a third time
	}
	return max(r.keyQuantizer(k), q)
}

// indexForBits finds the index whose modelled size is nearest to bits.
func (r *rateControl) indexForBits(bits, complexity float64) int {
	step := math.Pow(complexity/max(bits, 1), 1/rateExponent)
	lo, hi := 0, 127
	for lo < hi {
		m := (lo + hi) / 2
		if float64(encACStep(m)) < step {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// learn takes the size that an inter frame really had.
func (r *rateControl) learn(q int, activity float64, bits int) {
	seen := float64(bits) * math.Pow(float64(encACStep(q)), rateExponent) / max(activity, 1)
	if r.learnt == 0 {
		r.scale = seen
	} else {
		r.scale += (seen - r.scale) / 4
	}
	r.learnt = min(r.learnt+1, 100)
	r.lastQ[rateInter] = q
}

// learnKey takes the index of a key frame: the first inter frame after it starts
// from its quality.
func (r *rateControl) learnKey(q int) {
	r.lastQ[rateKey] = q
	if r.learnt == 0 {
		r.lastQ[rateInter] = q
	}
}

// reserve takes what a frame spent on still macroblocks.
func (r *rateControl) reserve(bits float64) {
	r.reserved += (bits - r.reserved) / 12
}

// account moves the bucket by one frame period and a frame of the given size.
func (r *rateControl) account(bits int) {
	r.level = max(r.level-r.perFrame(), 0) + float64(bits)
}

// full reports whether another frame would overflow the bucket.
func (r *rateControl) full() bool {
	return r.level > r.bitrate*r.delay*0.8
}

// frameLimit is the size, in bits, above which a frame is coded again.
func (r *rateControl) frameLimit(kind int) float64 {
	if kind == rateKey {
		return r.keyLimit()
	}
	room := r.bitrate*r.delay - max(r.level-r.perFrame(), 0)
	return max(room, 2*r.perFrame())
}

// coarser returns the index that should bring a frame of the given size at
// index q down to limit.
func (r *rateControl) coarser(q int, bits, limit float64) int {
	c := bits * math.Pow(float64(encACStep(q)), rateExponent)
	return min(max(r.indexForBits(limit*0.85, c), q+2), r.maxQ)
}
