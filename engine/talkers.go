package engine

import (
	"log/slog"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/voice/mixer"
	"github.com/edgecam/edgecam/engine/voice/neteq"
	"github.com/edgecam/edgecam/engine/voice/opus"
)

const (
	// talkHangover is how long the speaker stays claimed after the last word.
	talkHangover = 2 * time.Second
	// maxTalkers bounds the memory of receive buffers (about 250 kB each).
	maxTalkers = 8
)

// talkers are the viewers whose microphones are heard.
type talkers struct {
	log    *slog.Logger
	active *gate // packets arrive: the speaker is wanted

	mu    sync.Mutex
	byID  map[session.ViewerID]*neteq.NetEQ
	mixer mixer.Mixer
	block media.Block
}

func (t *talkers) init(log *slog.Logger) {
	t.log, t.active = log, newGate()
	t.byID = make(map[session.ViewerID]*neteq.NetEQ)
}

// packet takes a voice packet from a viewer.
func (t *talkers) packet(id session.ViewerID, p session.TalkPacket) {
	q := t.buffer(id)
	if q == nil {
		return
	}
	q.Insert(p.SequenceNumber, p.Timestamp, p.Payload, p.ArrivedAt)
	t.active.set(true)
}

func (t *talkers) buffer(id session.ViewerID) *neteq.NetEQ {
	t.mu.Lock()
	defer t.mu.Unlock()
	if q, ok := t.byID[id]; ok {
		return q
	}
	if len(t.byID) >= maxTalkers {
		return nil
	}
	dec, err := opus.NewDecoder()
	if err != nil {
		t.log.Error("voice decoder cannot start", "error", err)
		return nil
	}
	q := neteq.New(dec, neteq.Config{})
	t.byID[id] = q
	t.log.Info("talker joined", "viewer", id)
	return q
}

// mix writes the sum of all talkers to b and returns how many are heard.
func (t *talkers) mix(b *media.Block) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, q := range t.byID {
		if q.Pull(&t.block) {
			t.mixer.Add(&t.block)
		}
	}
	return t.mixer.Mix(b)
}

// rest says that the speaker is no longer wanted, and forgets the talkers:
// whoever speaks again begins anew.
func (t *talkers) rest() {
	t.mu.Lock()
	clear(t.byID)
	t.mu.Unlock()
	t.active.set(false)
}

func (t *talkers) remove(id session.ViewerID) {
	t.mu.Lock()
	delete(t.byID, id)
	t.mu.Unlock()
}

// TalkerStats returns the receive statistics of every talker.
func (e *Engine) TalkerStats() map[session.ViewerID]neteq.Stats {
	e.talk.mu.Lock()
	defer e.talk.mu.Unlock()
	out := make(map[session.ViewerID]neteq.Stats, len(e.talk.byID))
	for id, q := range e.talk.byID {
		out[id] = q.Stats()
	}
	return out
}
