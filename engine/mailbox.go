package engine

import (
	"sync"

	"github.com/edgecam/edgecam/engine/media"
)

// mailbox holds the newest picture for the encoder. A newer one replaces one
// that was not taken: nothing queues, latency does not grow.
type mailbox struct {
	ready chan struct{} // capacity 1: a new picture is there

	mu      sync.Mutex
	picture *media.Picture // newest; kept after it was taken, for key frames
	taken   bool
	fps     float64
}

// put stores p, whose reference it takes over, and reports whether it replaced
// a picture that nobody took.
func (m *mailbox) put(p *media.Picture, fps float64) (replaced bool) {
	m.mu.Lock()
	old := m.picture
	replaced = old != nil && !m.taken
	m.picture, m.taken, m.fps = p, false, fps
	m.mu.Unlock()
	if old != nil {
		old.Release()
	}
	select {
	case m.ready <- struct{}{}:
	default:
	}
	return replaced
}

// take returns the newest picture, retained, and whether it was taken before;
// nil if there is none.
func (m *mailbox) take() (p *media.Picture, fps float64, again bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.picture == nil {
		return nil, 0, false
	}
	again, m.taken = m.taken, true
	m.picture.Retain()
	return m.picture, m.fps, again
}

func (m *mailbox) clear() {
	m.mu.Lock()
	old := m.picture
	m.picture = nil
	m.mu.Unlock()
	if old != nil {
		old.Release()
	}
}
