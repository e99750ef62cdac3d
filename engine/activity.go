package engine

import (
	"time"

	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/voice"
)

// visitorHold is how long the visitor counts as speaking after the last word, so
// that viewers are not told of every pause for breath.
const visitorHold = 600 * time.Millisecond

// visitor is who speaks at the node's microphone. The voice goroutine owns it,
// but for speaking.
type visitor struct {
	spokeAt  time.Time
	speaking bool
}

// VoiceStats are the statistics of the microphone's path.
type VoiceStats struct {
	voice.Stats
	// Visitor says that somebody speaks at the node, with pauses between words
	// counted in.
	Visitor bool `json:"visitor"`
	// Duplex is how calls are held unless a viewer chooses otherwise;
	// DuckedBlocks counts blocks in which the microphone was turned down because
	// the speaker was heard.
	Duplex       Duplex `json:"duplex"`
	DuckedBlocks int64  `json:"ducked_blocks"`
	// AnalogGainCB is the card's analogue gain in centibels, nil if it has none.
	AnalogGainCB *int `json:"analog_gain_cb,omitempty"`
}

// VoiceStats returns the statistics of the microphone's path.
func (e *Engine) VoiceStats() VoiceStats {
	s := VoiceStats{
		Stats: e.front.Stats(), Visitor: e.visiting.Load(),
		Duplex: e.cfg.Voice.Duplex, DuckedBlocks: e.duck.Blocks(),
	}
	if e.analog.has.Load() {
		cB := int(e.analog.cB.Load())
		s.AnalogGainCB = &cB
	}
	return s
}

// visitorSpeaks takes the decision on every block, and tells the viewers when
// somebody begins or ends speaking at the node.
func (e *Engine) visitorSpeaks(speech bool, now time.Time) {
	v := &e.visitor
	if speech {
		v.spokeAt = now
		e.call.heard("", now)
	}
	if speaking := speech || v.speaking && now.Sub(v.spokeAt) < visitorHold; speaking != v.speaking {
		v.speaking = speaking
		e.visiting.Store(speaking)
		e.sessions.SetSpeaking(speaking)
		e.sessions.Broadcast(marshal(voiceMessage{"voice", speaking}))
	}
}

// floorChanged tells every viewer who has the floor.
func (e *Engine) floorChanged() {
	for _, v := range e.sessions.Viewers() {
		if to := e.sessions.Viewer(v.ID); to != nil {
			e.send(to, e.floorMessage(to))
		}
	}
	e.stateChanged()
}

func (e *Engine) floorMessage(to *session.Viewer) []byte {
	holder, mode := e.talk.holder(to.ID())
	m := floorMessage{Type: "floor", Duplex: mode, You: holder == to.ID()}
	if v := e.sessions.Viewer(holder); v != nil {
		name := v.Grant().Subject
		m.Talker = &name
	}
	return marshal(m)
}
