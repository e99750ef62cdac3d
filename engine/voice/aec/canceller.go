package aec

import (
	"errors"
	"fmt"
	"time"

	"github.com/edgecam/edgecam/engine/fixed"
)

// ErrConfig is the error of a Config that New cannot serve.
var ErrConfig = errors.New("aec: configuration")

const (
	coreRate = 16000
	hop      = coreRate / 100 // samples of a frame at coreRate
	fftSize  = 512
	maxBins  = fftSize/2 + 1
)

// Config says what a Canceller is for. The zero value of a field other than
// RateHz means the default.
type Config struct {
	// RateHz is the sampling rate of both signals, a multiple of 100 from 8000
	// to 192000.
	RateHz int
	// Tail is the length of echo that is modelled, 20 ms to 256 ms, default
	// 256 ms.
	Tail time.Duration
	// MaxDelay is the longest delay from ProcessFarEnd to the echo's arrival
	// that is searched, to 500 ms, default 500 ms.
	MaxDelay time.Duration
}

// Canceller removes the echo of one loudspeaker from one microphone. Its
// methods must be called by one goroutine at a time.
type Canceller struct {
	rateHz int

	far              *history
	main             *filter
	search           *search
	supp             *suppressor
	farHP, micHP     highpass
	drift            *drift
	levels           levels
	stats            Stats
	micLag           [driftLag]int32
	half             int // far-active hops for which the echo path is unknown at most
	fastMic, fastErr int64
	bad              int  // hops in a row with a louder echo
	opposed          int  // hops in a row in which the error held the negative echo
	settled          bool // the main filter has done well since it began
	patience         int  // hops until the next new start
	worse            int  // hops in a row in which the search filter did better
	againstEcho      echoLikeness
	place            int // of main's first partition: delay in partitions

	farDown                     *converter // nil at coreRate, as is split
	split                       *bandSplit
	farQ4, micQ4, echoQ4, errQ4 []int32
}

// New makes a canceller. The error wraps ErrConfig.
func New(c Config) (*Canceller, error) {
	if c.Tail == 0 {
		c.Tail = 256 * time.Millisecond
	}
	if c.RateHz < 8000 || c.RateHz > 192000 || c.RateHz%100 != 0 {
		return nil, fmt.Errorf("%w: rate %d Hz: must be a multiple of 100 from 8000 to 192000", ErrConfig, c.RateHz)
	}
	if c.Tail < 20*time.Millisecond || c.Tail > 256*time.Millisecond {
		return nil, fmt.Errorf("%w: tail %v: must be 20ms to 256ms", ErrConfig, c.Tail)
	}
	if c.MaxDelay == 0 {
		c.MaxDelay = 500 * time.Millisecond
	}
	if c.MaxDelay < 0 || c.MaxDelay > 500*time.Millisecond {
		return nil, fmt.Errorf("%w: longest delay %v: must be at most 500ms", ErrConfig, c.MaxDelay)
	}
	parts := int((c.Tail + 19*time.Millisecond) / (20 * time.Millisecond))
	reach := int(c.MaxDelay/(20*time.Millisecond)) + 3
	far, err := newHistory(fftSize, hop, 2*(parts+reach)+2)
	if err != nil {
		return nil, err
	}
	search, err := newSearch(reach)
	if err != nil {
		return nil, err
	}
	canceller := &Canceller{
		rateHz: c.RateHz, far: far, main: newFilter(far, parts, mainStart, 8, 14), search: search, supp: newSuppressor(far.fft), drift: newDrift(len(search.filter.weight)), half: 2 * halfDuplexHops,
		farQ4: make([]int32, hop), micQ4: make([]int32, hop), echoQ4: make([]int32, hop), errQ4: make([]int32, hop),
	}
	if c.RateHz != coreRate {
		canceller.farDown = newConverter(c.RateHz/100, hop)
		canceller.split = newBandSplit(c.RateHz / 100)
	}
	return canceller, nil
}

// FrameSamples returns the length of a frame, RateHz/100.
func (c *Canceller) FrameSamples() int { return c.rateHz / 100 }

// Delay returns by how much the output is late.
func (c *Canceller) Delay() time.Duration {
	late := 10*time.Millisecond + driftLag*time.Second/coreRate
	if c.split != nil {
		late += time.Duration(c.split.down.delay+c.split.up.delay) * time.Second / time.Duration(c.rateHz)
	}
	return late
}

// ProcessFarEnd takes the next 10 ms that the loudspeaker will play. It panics
// if frame has not FrameSamples samples.
func (c *Canceller) ProcessFarEnd(frame []int16) {
	c.takeFarEnd(frame)
	c.readFarEnd()
}

// ProcessNoFarEnd takes the place of ProcessFarEnd when the far end pauses for
// 10 ms because it runs ahead: what is given from now on is read so much
// earlier. See ProcessMoreFarEnd for the other way.
func (c *Canceller) ProcessNoFarEnd() {
	c.late(c.drift.lagQ32 - hop<<32)
	c.readFarEnd()
}

func (c *Canceller) readFarEnd() {
	if slip := c.drift.read(c.farQ4, c.place > 0); slip != 0 {
		c.slip(slip)
	}
	c.far.push(c.farQ4)
	c.search.farEnd(c.farQ4)
}

// takeFarEnd adds a frame to the far end's past.
func (c *Canceller) takeFarEnd(frame []int16) {
	c.check(frame)
	if c.farDown != nil {
		c.farDown.run(c.farQ4, frame)
	} else {
		for i, v := range frame {
			c.farQ4[i] = int32(v) << 4
		}
	}
	c.farHP.run(c.farQ4)
	c.drift.push(c.farQ4)
}

// Realign tells that the far end was put to another place in time: the echo of
// what comes next arrives spare later than the model has it when nothing is
// spare. So much later the far end is read: the model fits as before, and clocks
// may drift apart either way. It counts for 0 to 20 ms.
func (c *Canceller) Realign(spare time.Duration) {
	spare = min(max(spare, 0), 20*time.Millisecond)
	c.late(coreQ32(spare))
}

// Later tells that the far end comes later by d from now on, 20 ms at most: it
// is read so much earlier.
func (c *Canceller) Later(d time.Duration) {
	c.late(c.drift.lagQ32 - coreQ32(min(max(d, 0), 20*time.Millisecond)))
}

// ProcessMoreFarEnd takes 10 ms of the far end that no frame of the microphone
// belongs to, between two calls of ProcessFarEnd: what is given from now on is
// 10 ms newer, and is read so much later. It panics if frame has not
// FrameSamples samples.
func (c *Canceller) ProcessMoreFarEnd(frame []int16) {
	c.takeFarEnd(frame)
	c.late(c.drift.lagQ32 + hop<<32)
}

// coreQ32 returns samples at coreRate; d is 100 ms at most.
func coreQ32(d time.Duration) int64 { return d.Microseconds() * coreRate << 32 / 1000000 }

func (c *Canceller) late(samplesQ32 int64) {
	if slip := c.drift.late(samplesQ32, c.place > 0); slip != 0 {
		c.slip(slip)
	}
}

// ProcessCapture takes the next 10 ms of the microphone and replaces them by
// the result, which is late by Delay. It panics if frame has not FrameSamples
// samples.
func (c *Canceller) ProcessCapture(frame []int16) {
	c.check(frame)
	if c.split != nil {
		c.split.split(c.micQ4, frame)
	} else {
		for i, v := range frame {
			c.micQ4[i] = int32(v) << 4
		}
	}
	c.cancel()
	if c.split != nil {
		c.split.join(frame, c.errQ4, c.supp.upperGain())
		return
	}
	for i, v := range c.errQ4 {
		frame[i] = round16(v)
	}
}

func (c *Canceller) check(frame []int16) {
	if len(frame) != c.FrameSamples() {
		panic(fmt.Sprintf("aec: frame of %d samples, want %d", len(frame), c.FrameSamples()))
	}
}

func round16(q4 int32) int16 { return fixed.Sat16((q4 + 8) >> 4) }
