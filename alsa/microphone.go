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

// Microphone is an open capture stream. It implements [hal.Microphone].
type Microphone struct {
	*stream

	// mu is shared with the audio thread: held for a copy, no longer.
	mu       sync.Mutex
	blocks   ring
	newest   time.Time // when the newest sample was at the converter
	last     time.Time // when samples came last
	taken    time.Time // CapturedAt of the last block that was read
	overruns atomic.Uint64
	// lossAfter is how many samples are still to be read before the place
	// where some are missing; -1 if none are.
	lossAfter int

	mixer *mixer // nil without an analogue gain
}

var _ hal.Microphone = (*Microphone)(nil)

// data is the audio thread's delivery.
func (m *Microphone) data(_, in []byte, frames uint32) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = now
	m.stamp(now, span(int(frames)))
	if lost := m.blocks.push(samples(in)); lost > 0 {
		// The oldest made way, so the gap is at the front.
		m.overruns.Add(1)
		m.lossAfter = 0
	}
}

// maxLateness is how far the audio thread may lag before the clock is set anew
// instead of followed: more than the card's buffer cannot be told from a loss.
const maxLateness = (capturePeriods + 2) * periodMS * time.Millisecond

// minStep is the least time between the stamps of two blocks.
const minStep = 100 * time.Microsecond

// stamp follows the capture clock. The audio thread runs late at times but
// never early, so the earliest arrivals tell the time; the clock yields slowly
// towards later ones, by which it also follows a card that runs slow.
func (m *Microphone) stamp(now time.Time, d time.Duration) {
	next := m.newest.Add(d)
	late := now.Sub(next)
	switch {
	case m.newest.IsZero(), late < 0, late > maxLateness:
		m.newest = now
	default:
		m.newest = next.Add(late / 64)
	}
}

// lost marks samples as lost in the card's own buffer, after those in the ring.
func (m *Microphone) lost() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.overruns.Add(1)
	m.newest = time.Time{} // by how much time has passed is not known
	if m.lossAfter < 0 {
		m.lossAfter = m.blocks.n
	}
}

// Read fills b with the next 10 ms.
func (m *Microphone) Read(ctx context.Context, b *media.Block) error {
	if err := m.ended(ctx, "read"); err != nil {
		return err
	}
	since := time.Now()
	for {
		ok, lost, last := m.take(b)
		switch {
		case lost:
			return fail("read", m.path, errLost)
		case ok:
			return nil
		}
		if last.After(since) {
			since = last
		}
		if err := m.wait(ctx, "read", since); err != nil {
			return err
		}
	}
}

// take moves one block out of the ring, if it has one.
func (m *Microphone) take(b *media.Block) (ok, lost bool, last time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.blocks.n < media.BlockSamples {
		return false, false, m.last
	}
	b.CapturedAt = m.newest.Add(-span(m.blocks.n))
	if m.newest.IsZero() {
		b.CapturedAt = m.last.Add(-span(m.blocks.n))
	}
	// The clock may have been set back; the blocks stay in order.
	if earliest := m.taken.Add(minStep); b.CapturedAt.Before(earliest) {
		b.CapturedAt = earliest
	}
	m.taken = b.CapturedAt
	m.blocks.pop(b.Samples[:])
	if m.lossAfter >= 0 {
		lost = m.lossAfter < media.BlockSamples
		if m.lossAfter -= media.BlockSamples; lost {
			m.lossAfter = -1
		}
	}
	return true, lost, m.last
}

// Overruns returns how often samples were lost since opening.
func (m *Microphone) Overruns() uint64 { return m.overruns.Load() }

// Close stops capturing. It wakes a waiting Read, which returns
// [hal.ErrClosed], and takes two seconds at most.
func (m *Microphone) Close() error {
	err := m.close()
	m.mixer.close()
	return err
}
