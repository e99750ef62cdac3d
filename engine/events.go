package engine

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/hal"
)

// Event is something that happened at the node.
type Event struct {
	Type string    // "ring", "ring-picture", "call", "motion", "door", "key"
	At   time.Time // when
	Data string    // who opened the door; the call's state; the key that a viewer pressed
	// Picture is the JPEG of who rings. Whoever receives it does not change it.
	Picture []byte
}

// OnEvent sets the function that is called with every event; it must not block.
func (e *Engine) OnEvent(f func(Event)) { e.onEvent.Store(&f) }

func (e *Engine) emit(ev Event) {
	if ev.At.IsZero() {
		ev.At = time.Now()
	}
	if f := e.onEvent.Load(); f != nil {
		(*f)(ev)
	}
}

// networkChanged tells the viewers that the node has other addresses: those that
// hear it restart ICE before the old path ends.
func networkChanged(m *session.Manager) {
	m.Broadcast(marshal(struct {
		Type string `json:"type"`
	}{"network"}))
}

// runInput waits for an input's edges for as long as the engine runs.
func (e *Engine) runInput(ctx context.Context, name string, open func(context.Context) (hal.Input, error), active func(time.Time)) {
	retry := retryFirst
	var away hal.Outage
	for first := true; ctx.Err() == nil; {
		in, err := open(ctx)
		if err == nil {
			// A button that is held while the node starts is a press, too. A
			// line that comes back later is not: it may be stuck.
			if on, aerr := in.Active(); aerr == nil && on && first {
				active(time.Now())
			}
			first = false
			away.Over(e.log, name)
			err = waitEdges(ctx, in, active)
			if cerr := in.Close(); cerr != nil {
				e.log.Warn("input close failed", "input", name, "error", cerr)
			}
		}
		if ctx.Err() != nil {
			return
		}
		away.Failed(e.log, name, err)
		if !sleep(ctx, retry) {
			return
		}
		retry = min(2*retry, retryMost)
	}
}

func waitEdges(ctx context.Context, in hal.Input, active func(time.Time)) error {
	for {
		edge, err := in.WaitEdge(ctx)
		if err != nil {
			return err
		}
		if edge.Active {
			active(edge.At)
		}
	}
}

func (e *Engine) ring(at time.Time) {
	e.log.Info("ring")
	// Whoever is called will come in a moment: the connection, the camera and the
	// encoder are ready for them.
	e.sessions.Prewarm(e.call.ringFor)
	e.Prewarm()
	e.warm.Store(true)
	e.sessions.Broadcast(marshal(ringMessage{"ring", at.UnixMilli()}))
	e.emit(Event{Type: "ring", At: at})
	e.takeRingPicture(e.running, at)
	e.call.ring(at)
}

func (e *Engine) motion(at time.Time) {
	e.sessions.Broadcast(marshal(ringMessage{"motion", at.UnixMilli()}))
	e.emit(Event{Type: "motion", At: at})
}

// The data channel's messages; docs/data-channel.md describes them.
type (
	ringMessage struct {
		Type string `json:"type"`
		At   int64  `json:"at"` // Unix milliseconds
	}
	stateMessage struct {
		Type    string  `json:"type"`
		Viewers int     `json:"viewers"`
		Talker  *string `json:"talker"`
		Door    string  `json:"door,omitempty"`
		Camera  bool    `json:"camera"`
		You     string  `json:"you,omitempty"` // the viewer's own name, on joining
	}
	// floorMessage says who is heard, and how the viewer's own call is held.
	floorMessage struct {
		Type   string  `json:"type"`
		Talker *string `json:"talker"`
		You    bool    `json:"you"`
		Duplex Duplex  `json:"duplex"`
	}
	// callMessage says where the call stands, as it concerns the viewer.
	callMessage struct {
		Type  string    `json:"type"`
		Call  uint64    `json:"call"`
		State CallState `json:"state"`
		At    int64     `json:"at,omitempty"` // when the button was pressed, Unix milliseconds
		By    string    `json:"by,omitempty"`
		You   bool      `json:"you,omitempty"`
	}
	voiceMessage struct {
		Type    string `json:"type"`
		Visitor bool   `json:"visitor"`
	}
	reply struct {
		Type  string `json:"type"`
		ID    string `json:"id"`
		OK    bool   `json:"ok"`
		Error string `json:"error,omitempty"`
	}
	request struct {
		Type   string `json:"type"`
		ID     string `json:"id"`
		Action string `json:"action"`
		On     bool   `json:"on"`
		Duplex Duplex `json:"duplex"`
		View          // of a message "ptz"
	}
)

// send sends a message to one viewer. One that cannot be reached is about to
// leave, or does not read: both are the session's business.
func (e *Engine) send(v *session.Viewer, msg []byte) {
	if err := v.Send(msg); err != nil {
		e.log.Debug("message not sent", "viewer", v.ID(), "error", err)
	}
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("engine: message cannot be marshalled: " + err.Error()) // only our own types come here
	}
	return b
}

func (e *Engine) stateMessage(you string) []byte {
	m := stateMessage{Type: "state", You: you, Viewers: int(e.viewers.Load()), Camera: e.Camera().Streaming}
	if e.door.open != nil {
		m.Door = e.door.state()
	}
	if name, ok := e.talker(); ok {
		m.Talker = &name
	}
	return marshal(m)
}

// channelOpened greets a viewer with the state of things.
func (e *Engine) channelOpened(v *session.Viewer) {
	e.send(v, e.stateMessage(v.Grant().Subject))
	e.send(v, e.floorMessage(v))
	if ch := e.call.current(); ch.state != CallIdle {
		e.send(v, callMessageTo(v.ID(), ch))
	}
	if view := e.View(); view != wholeView {
		e.send(v, marshal(viewMessage{"ptz", view}))
	}
	if e.visiting.Load() {
		e.send(v, marshal(voiceMessage{"voice", true}))
	}
}

// talker returns the name of who has the floor, or else of somebody whose
// microphone is open.
func (e *Engine) talker() (string, bool) {
	e.talk.mu.Lock()
	defer e.talk.mu.Unlock()
	if v := e.sessions.Viewer(e.talk.floor.holder); v != nil {
		return v.Grant().Subject, true
	}
	for id := range e.talk.byID {
		if v := e.sessions.Viewer(id); v != nil {
			return v.Grant().Subject, true
		}
	}
	return "", false
}

func (e *Engine) stateChanged() {
	if e.sessions != nil {
		e.sessions.Broadcast(e.stateMessage(""))
	}
}

// doorTimeout bounds how long a viewer's door request may take.
const doorTimeout = 2 * time.Second

// message handles what a viewer sends on the data channel.
func (e *Engine) message(v *session.Viewer, msg []byte) {
	var r request
	if err := json.Unmarshal(msg, &r); err != nil {
		e.send(v, marshal(reply{Type: "error", Error: "message is not JSON: " + err.Error()}))
		return
	}
	switch r.Type {
	case "door":
		// The relay's answer may take a moment; the session's goroutine must
		// not wait for it.
		go e.doorRequest(v, r)
	case "talk":
		// Whether somebody talks is seen from the packets; the message tells
		// that the button was pressed, and is answered only if in vain.
		switch {
		case r.On && !v.Grant().Talk:
			e.send(v, marshal(reply{Type: "talk", ID: r.ID, Error: "this access does not permit talking (scope talk)"}))
		case r.On:
			if ch := e.call.current(); ch.state == CallAnswered && ch.by != v.ID() {
				e.send(v, marshal(reply{Type: "talk", ID: r.ID, Error: "answered elsewhere, by " + ch.subject}))
				return
			}
			e.send(v, e.floorMessage(v))
		case e.talk.release(v.ID()):
			e.floorChanged()
		}
	case "duplex":
		e.chooseDuplex(v, r)
	case "call":
		e.callRequest(v, r)
	case "ptz":
		e.pointRequest(v, r)
	default:
		e.send(v, marshal(reply{Type: "error", ID: r.ID, Error: "unknown message type; known: call, door, talk, duplex, ptz"}))
	}
}

// chooseDuplex sets how a viewer's own call is held.
func (e *Engine) chooseDuplex(v *session.Viewer, r request) {
	answer := reply{Type: "duplex", ID: r.ID}
	switch {
	case !v.Grant().Talk:
		answer.Error = "this access does not permit talking (scope talk)"
	case !e.talk.choose(v.ID(), r.Duplex):
		answer.Error = "unknown duplex; known: full, half, and nothing for the node's own"
	default:
		answer.OK = true
	}
	e.send(v, marshal(answer))
	if answer.OK {
		e.send(v, e.floorMessage(v))
	}
}

func (e *Engine) doorRequest(v *session.Viewer, r request) {
	answer := reply{Type: "door", ID: r.ID}
	err := errors.New("this access does not permit opening the door (scope open)")
	if v.Grant().Open {
		ctx, cancel := context.WithTimeout(context.Background(), doorTimeout)
		defer cancel()
		err = e.OpenDoor(ctx, v.Grant().Subject)
	}
	if err != nil {
		answer.Error = err.Error()
	} else {
		answer.OK = true
	}
	e.send(v, marshal(answer))
}
