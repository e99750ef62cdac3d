package session

import (
	"slices"
	"time"
)

const (
	// defaultCeiling holds until SetVideoCeiling is called.
	defaultCeiling = 2_000_000
	// rateInterval is the least time between two changes of the stream's rate.
	rateInterval = 50 * time.Millisecond
)

// SetVideoCeiling tells the rate, in bits per second, that the video stream has
// when no viewer's path forbids it.
func (m *Manager) SetVideoCeiling(bps int) {
	if m.ceiling.Swap(int64(bps)) == int64(bps) {
		return
	}
	for _, v := range m.list() {
		v.path.setCeiling(bps)
	}
	m.adaptRate(true)
}

// adaptRate tells the encoder what the viewers' paths carry together. It is
// called with every report of every viewer, and does little most of the time.
func (m *Manager) adaptRate(now bool) {
	if m.hooks.VideoRate == nil {
		return
	}
	at := int64(time.Since(m.clock.epoch))
	if last := m.rateAsked.Load(); !now && at-last < int64(rateInterval) || !m.rateAsked.CompareAndSwap(last, at) {
		return
	}
	var rates [64]int // of more viewers, any 64 will do
	n := 0
	m.fan.Lock()
	for _, v := range m.out.watchers {
		if bps := int(v.path.video.Load()); v.path.enabled.Load() && bps > 0 && n < len(rates) {
			rates[n] = bps
			n++
		}
	}
	m.fan.Unlock()
	rate := commonRate(rates[:n], int(m.ceiling.Load()))
	// Below one part in fifty nobody sees a difference.
	if old := int(m.rate.Load()); rate == old || max(rate-old, old-rate) < old/50 && rate != int(m.ceiling.Load()) {
		return
	}
	m.rate.Store(int64(rate))
	m.hooks.VideoRate(rate)
}

// commonRate is the rate of a stream that all viewers share: the slowest path's,
// but at least half the next one's, so that a single bad path does not take the
// picture from all others. rates is put in order.
func commonRate(rates []int, ceiling int) int {
	if len(rates) == 0 {
		return ceiling
	}
	slices.Sort(rates)
	rate := rates[0]
	if len(rates) > 1 {
		rate = max(rate, rates[1]/2)
	}
	return min(rate, ceiling)
}
