package session

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/session/codec"
)

// voiceLossHold is how long a loss is expected again after it was last reported.
const voiceLossHold = 15 * time.Second

// voiceLossSteps are the losses that encoders are told of, in percent, and the
// reported ones from which on they are, of 256.
var voiceLossSteps = []struct {
	fromQ8  uint8
	percent int32
}{{38, 20}, {18, 10}, {5, 5}, {0, 0}}

// voiceLoss is the loss of sound that is expected of a path: as much as is reported,
// at once, and less when nothing like it has been reported for a while.
type voiceLoss struct {
	percent atomic.Int32
	mu      sync.Mutex
	since   time.Time // last report of as much
	most    int32     // reported since then
}

// report takes the share of a receiver's report (RFC 3550 section 6.4.1).
func (l *voiceLoss) report(fractionQ8 uint8, now time.Time) {
	p := int32(0)
	for _, s := range voiceLossSteps {
		if fractionQ8 >= s.fromQ8 {
			p = s.percent
			break
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case p >= l.percent.Load():
		l.percent.Store(p)
		l.since, l.most = now, 0
	case now.Sub(l.since) >= voiceLossHold:
		l.percent.Store(max(l.most, p))
		l.since, l.most = now, 0
	default:
		l.most = max(l.most, p)
	}
}

// VoiceLoss is the share of packets, in percent, that those who listen to a format
// must be expected to lose; those who get packets with redundancy (RFC 2198) do not
// count.
func (m *Manager) VoiceLoss(f codec.Format) int {
	m.fan.Lock()
	defer m.fan.Unlock()
	most := int32(0)
	for _, s := range m.out.voices {
		if s.format != f || s.redundant {
			continue
		}
		for _, v := range s.listeners {
			most = max(most, v.voiceLoss.percent.Load())
		}
	}
	return int(most)
}
