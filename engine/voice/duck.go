package voice

import (
	"fmt"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

const (
	// duckDepthQ15 is what is left of the microphone while the speaker talks: -40 dB.
	duckDepthQ15 = 1 << 15 / 100
	// DefaultDecay is how long the microphone takes to come back.
	DefaultDecay             = 150 * time.Millisecond
	minDecay, maxDecay       = 100 * time.Millisecond, 200 * time.Millisecond
	audible                  = 200 // peak of a block that is heard: -44 dBFS
	duckAttack               = media.BlockDuration
	mostDuck                 = time.Second // of what one block tells
	unityQ15           int32 = 1 << 15
)

// Ducker turns the microphone down while the speaker is heard, and lets it come
// back in a straight line over the decay: half duplex, which no room and no
// loudspeaker can upset. Heard may be called from another goroutine than Process.
type Ducker struct {
	decay time.Duration

	mu          sync.Mutex
	from, until time.Time // when the speaker is heard
	gainQ15     int32     // at the end of the last block
	blocks      int64
}

// NewDucker returns a Ducker whose microphone comes back within decay, 100 to
// 200 ms; 0 stands for DefaultDecay. Its error wraps ErrConfig.
func NewDucker(decay time.Duration) (*Ducker, error) {
	if decay == 0 {
		decay = DefaultDecay
	}
	if decay < minDecay || decay > maxDecay {
		return nil, fmt.Errorf("%w: decay %v, must be 100ms to 200ms", ErrConfig, decay)
	}
	return &Ducker{decay: decay, gainQ15: unityQ15}, nil
}

// Heard tells that a block is heard at the given time.
func (d *Ducker) Heard(b *media.Block, at time.Time) {
	peak := int16(0)
	for _, v := range b.Samples {
		peak = max(peak, v, -max(v, -32767))
	}
	if peak < audible {
		return
	}
	end := at.Add(media.BlockDuration)
	d.mu.Lock()
	defer d.mu.Unlock()
	if at.Sub(d.until) > d.decay || d.until.Sub(at) > mostDuck {
		d.from = at // after a silence, or the clocks went back
		d.until = end
	} else if end.After(d.until) {
		d.until = end
	}
}

// gainAt returns the gain at a time, Q15.
func (d *Ducker) gainAt(t time.Time) int32 {
	switch after := t.Sub(d.until); {
	case t.Before(d.from.Add(-duckAttack)) || after >= d.decay:
		return unityQ15
	case after <= 0:
		return duckDepthQ15
	default:
		return duckDepthQ15 + int32(int64(unityQ15-duckDepthQ15)*int64(after)/int64(d.decay))
	}
}

// Process applies the gain to a block of the microphone.
func (d *Ducker) Process(b *media.Block) {
	d.mu.Lock()
	from, to := d.gainQ15, d.gainAt(b.CapturedAt.Add(media.BlockDuration))
	d.gainQ15 = to
	if to < unityQ15 {
		d.blocks++
	}
	d.mu.Unlock()
	if from == unityQ15 && to == unityQ15 {
		return
	}
	step := (int64(to-from) << 16) / media.BlockSamples
	gain := int64(from) << 16
	for i, v := range b.Samples {
		gain += step
		b.Samples[i] = int16(int64(v) * (gain >> 16) >> 15)
	}
}

// Blocks returns how many blocks were turned down.
func (d *Ducker) Blocks() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.blocks
}
