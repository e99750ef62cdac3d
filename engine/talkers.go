package engine

import (
	"log/slog"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/voice/mixer"
	"github.com/edgecam/edgecam/engine/voice/neteq"
	"github.com/edgecam/edgecam/engine/voice/vad"
)

const (
	// talkHangover is how long the speaker stays claimed after the last word.
	talkHangover = 2 * time.Second
	// maxTalkers bounds the memory of receive buffers (about 250 kB each).
	maxTalkers = 8
	// heardTalkers is how many of them are heard at a time, the loudest.
	heardTalkers = 3
)

// talkers are the viewers whose microphones are heard.
type talkers struct {
	log    *slog.Logger
	active *gate // packets arrive: the speaker is wanted
	onKey  func(id session.ViewerID, key byte)

	mu    sync.Mutex
	byID  map[session.ViewerID]*talker
	mixer mixer.Mixer
	floor floor
	spoke func(session.ViewerID, time.Time) // told of every block with speech; must not block
	owner session.ViewerID                  // who has answered the call; "": everybody is heard
}

// talker is a viewer whose microphone is heard.
type talker struct {
	buffer   *codec.Buffer
	ssrc     uint32
	activity *vad.Detector
	block    media.Block
	input    mixer.Input
	heard    bool // block holds something
}

// mixed is what a block for the speaker holds.
type mixed struct {
	talkers int // that were heard in it
	// half says that the call is half duplex, changed that somebody else has the
	// floor than before, or nobody.
	half, changed bool
}

func (t *talkers) init(node Duplex, log *slog.Logger) {
	t.log, t.active = log, newGate()
	t.byID = make(map[session.ViewerID]*talker)
	t.mixer.Loudest = heardTalkers
	t.floor.init(node)
}

// packet takes a voice packet from a viewer.
func (t *talkers) packet(id session.ViewerID, p session.TalkPacket) {
	q := t.buffer(id, &p)
	if q == nil {
		return
	}
	q.InsertPacket(neteq.Packet{SequenceNumber: p.SequenceNumber, Timestamp: p.Timestamp, PayloadType: p.PayloadType, Payload: p.Payload})
	t.active.set(true)
}

// keyPressed is called when a viewer sends a key (RFC 4733).
func (e *Engine) keyPressed(id session.ViewerID, key byte) {
	e.log.Info("key", "viewer", id, "key", string(rune(key)))
	e.emit(Event{Type: "key", Data: string(rune(key))})
}

// buffer returns a viewer's receive buffer; another source begins anew in it.
func (t *talkers) buffer(id session.ViewerID, p *session.TalkPacket) *codec.Buffer {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k, ok := t.byID[id]; ok {
		if k.ssrc != p.SSRC {
			k.ssrc = p.SSRC
			k.buffer.Reset()
		}
		return k.buffer
	}
	if len(t.byID) >= maxTalkers {
		return nil
	}
	q, err := codec.NewBuffer(p.Format, p.Types, func(ev neteq.Event) {
		if key := ev.Key(); key != 0 && !ev.Ended && t.onKey != nil {
			t.onKey(id, key)
		}
	})
	if err != nil {
		t.log.Error("voice decoder cannot start", "error", err)
		return nil
	}
	activity, err := vad.New(vad.Config{RateHz: media.EngineRateHz})
	if err != nil {
		t.log.Error("voice activity detection cannot start", "error", err)
		return nil
	}
	t.byID[id] = &talker{buffer: q, ssrc: p.SSRC, activity: activity}
	t.log.Info("talker joined", "viewer", id)
	return q
}

// mix writes the sum of all talkers who have the floor to b.
func (t *talkers) mix(b *media.Block, now time.Time) (m mixed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.floor.holder
	for id, k := range t.byID {
		if k.heard = k.buffer.Pull(&k.block); !k.heard {
			continue
		}
		m.talkers++
		if t.owner != "" && id != t.owner {
			k.heard = false // somebody else has answered
			continue
		}
		if speech, err := k.activity.Process(k.block.Samples[:]); err == nil && speech {
			t.floor.speaks(id, now)
			if t.spoke != nil {
				t.spoke(id, now)
			}
		}
	}
	t.floor.expire(now)
	for id, k := range t.byID {
		if k.heard && t.floor.admits(id) {
			t.mixer.AddFrom(&k.input, &k.block)
		}
	}
	t.mixer.Mix(b)
	m.half, m.changed = t.floor.half(), t.floor.holder != before
	return m
}

// own lets one viewer alone be heard, or everybody again.
func (t *talkers) own(id session.ViewerID) {
	t.mu.Lock()
	t.owner = id
	t.mu.Unlock()
}

// release is called when a viewer says that it has finished talking. It reports
// whether the floor fell free.
func (t *talkers) release(id session.ViewerID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.floor.holder
	t.floor.release(id)
	return t.floor.holder != before
}

// choose sets how a viewer's call is held; it reports false for an unknown mode.
func (t *talkers) choose(id session.ViewerID, m Duplex) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.floor.choose(id, m)
}

// holder returns who has the floor, and how a viewer's call is held.
func (t *talkers) holder(id session.ViewerID) (holder session.ViewerID, mode Duplex) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.floor.holder, t.floor.mode(id)
}

// rest says that the speaker is no longer wanted, and forgets the talkers:
// whoever speaks again begins anew.
func (t *talkers) rest() {
	t.mu.Lock()
	clear(t.byID)
	t.floor.holder = ""
	t.mu.Unlock()
	t.active.set(false)
}

func (t *talkers) remove(id session.ViewerID) {
	t.mu.Lock()
	delete(t.byID, id)
	t.floor.leave(id)
	t.mu.Unlock()
}

// TalkerStats returns the receive statistics of every talker.
func (e *Engine) TalkerStats() map[session.ViewerID]neteq.Stats {
	e.talk.mu.Lock()
	defer e.talk.mu.Unlock()
	out := make(map[session.ViewerID]neteq.Stats, len(e.talk.byID))
	for id, k := range e.talk.byID {
		out[id] = k.buffer.Stats()
	}
	return out
}
