//go:build linux && cgo

package alsa

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// Speaker is an open playback stream. It implements [hal.Speaker].
type Speaker struct {
	*stream

	// mu is shared with the audio thread: held for a copy, no longer.
	mu      sync.Mutex
	blocks  ring
	last    time.Time // when the audio thread fetched last
	started bool      // something was written
	dry     bool      // the last fetch found too little

	underruns, silence atomic.Uint64
}

var (
	_ hal.Speaker        = (*Speaker)(nil)
	_ hal.SilenceCounter = (*Speaker)(nil)
)

// data is the audio thread's fetch. What is missing is silence.
func (p *Speaker) data(out, _ []byte, _ uint32) {
	dst := samples(out)
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = now
	n := p.blocks.pop(dst)
	clear(dst[n:])
	dry := n < len(dst)
	if p.started {
		p.silence.Add(uint64(len(dst) - n))
	}
	if dry && !p.dry && p.started {
		p.underruns.Add(1)
	}
	p.dry = dry
}

// Write queues the block, waiting while the ring is full: 30 ms and what the
// card holds, so that the card's clock paces the caller.
func (p *Speaker) Write(ctx context.Context, b *media.Block) error {
	if err := p.ended(ctx, "write"); err != nil {
		return err
	}
	since := time.Now()
	for {
		ok, last := p.put(b)
		if ok {
			return nil
		}
		if last.After(since) {
			since = last
		}
		if err := p.wait(ctx, "write", since); err != nil {
			return err
		}
	}
}

// put moves the block into the ring, if there is room.
func (p *Speaker) put(b *media.Block) (ok bool, last time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.blocks.free() < media.BlockSamples {
		return false, p.last
	}
	p.blocks.push(b.Samples[:])
	p.started = true
	return true, p.last
}

// Delay estimates how long a sample written now takes to the converter: what
// is in the ring, and what of the card's buffer is left since the last fetch.
func (p *Speaker) Delay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	const buffer = playbackPeriods * periodMS * time.Millisecond
	left := buffer
	if !p.last.IsZero() {
		left = min(max(buffer-time.Since(p.last), 0), buffer)
	}
	return span(p.blocks.n) + left
}

// Underruns returns how often the audio thread ran out of samples since the
// first Write.
func (p *Speaker) Underruns() uint64 { return p.underruns.Load() }

// Silence returns how many samples of silence were played because there were
// none, since the first Write.
func (p *Speaker) Silence() uint64 { return p.silence.Load() }

// Close stops playback at once; what is queued is not played. It wakes a
// waiting Write, which returns [hal.ErrClosed], and takes two seconds at most.
func (p *Speaker) Close() error { return p.close() }
