package engine

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/session"
)

// The times of a call, unless configured otherwise.
const (
	// DefaultRingFor is how long the bell waits for somebody to answer.
	DefaultRingFor = 45 * time.Second
	// DefaultQuietFor is how long a call lasts in which nobody says anything.
	DefaultQuietFor = 60 * time.Second
	// ringPicture bounds the wait for the picture of who rang.
	ringPicture = 10 * time.Second
)

// CallState is where a call stands. A call begins when the button is pressed.
type CallState string

// The states. Busy and AnsweredElsewhere are told to those whom they concern; the
// call itself is answered.
const (
	CallIdle     CallState = "idle"
	CallRinging  CallState = "ringing"
	CallAnswered CallState = "answered"
	CallMissed   CallState = "missed" // nobody answered in time
	CallEnded    CallState = "ended"
	CallBusy     CallState = "busy" // the button was pressed while a call is answered

	CallAnsweredElsewhere CallState = "answered-elsewhere"
)

// call is the one call that a node can have. Whoever may talk can answer it, by a
// message or by speaking; everybody who watches sees and hears the visitor before
// that.
type call struct {
	ringFor, quietFor time.Duration
	// told is called after every change, without the lock.
	told func(callChange)

	mu      sync.Mutex
	number  uint64
	state   CallState
	by      session.ViewerID // who has answered
	subject string
	began   time.Time // of the ringing
	spoke   time.Time // when somebody was last heard
	timer   *time.Timer
	closed  bool
}

// callChange is what has happened to a call.
type callChange struct {
	number  uint64
	state   CallState
	by      session.ViewerID
	subject string
	at      time.Time // when the button was pressed
}

func (c *call) init(ringFor, quietFor time.Duration, told func(callChange)) {
	c.ringFor, c.quietFor, c.told, c.state = ringFor, quietFor, told, CallIdle
}

// change is what is known now. Called under mu.
func (c *call) change(s CallState) callChange {
	return callChange{number: c.number, state: s, by: c.by, subject: c.subject, at: c.began}
}

// current returns where the call stands.
func (c *call) current() callChange {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.change(c.state)
}

// ring takes a press of the button. Pressing again while it rings is the same call.
func (c *call) ring(at time.Time) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	var ch callChange
	switch c.state {
	case CallAnswered:
		ch = c.change(CallBusy)
		ch.at = at
	case CallRinging:
		c.arm(c.ringFor)
		c.mu.Unlock()
		return
	default:
		c.number++
		c.state, c.by, c.subject, c.began = CallRinging, "", "", at
		c.arm(c.ringFor)
		ch = c.change(CallRinging)
	}
	c.mu.Unlock()
	c.told(ch)
}

// errNoCall refuses an answer.
var errNoCall = errors.New("nobody rings")

// answer takes the call for a viewer. Answering one's own call again is right.
func (c *call) answer(id session.ViewerID, subject string) error {
	c.mu.Lock()
	switch {
	case c.state == CallAnswered && c.by == id:
		c.mu.Unlock()
		return nil
	case c.state == CallAnswered:
		who := c.subject
		c.mu.Unlock()
		return errors.New("answered elsewhere, by " + who)
	case c.state != CallRinging:
		c.mu.Unlock()
		return errNoCall
	}
	c.state, c.by, c.subject, c.spoke = CallAnswered, id, subject, time.Now()
	c.arm(c.quietFor)
	ch := c.change(CallAnswered)
	c.mu.Unlock()
	c.told(ch)
	return nil
}

// heard tells that somebody speaks in the call: the viewer who has answered, or the
// visitor ("").
func (c *call) heard(id session.ViewerID, now time.Time) {
	c.mu.Lock()
	if c.state == CallAnswered && (id == "" || id == c.by) {
		c.spoke = now
	}
	c.mu.Unlock()
}

// hangUp ends the call that the viewer has answered.
func (c *call) hangUp(id session.ViewerID) error {
	c.mu.Lock()
	if c.state != CallAnswered || c.by != id {
		c.mu.Unlock()
		return errors.New("this viewer has not answered a call")
	}
	ch := c.end(CallEnded)
	c.mu.Unlock()
	c.told(ch)
	return nil
}

// leave ends the call of a viewer who is gone.
func (c *call) leave(id session.ViewerID) { _ = c.hangUp(id) }

// holder returns who has answered the call, "" when nobody has.
func (c *call) holder() session.ViewerID {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == CallAnswered {
		return c.by
	}
	return ""
}

// end closes the call. Called under mu.
func (c *call) end(s CallState) callChange {
	ch := c.change(s)
	c.state, c.by, c.subject = CallIdle, "", ""
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	return ch
}

// arm sets when the call is looked at again. Called under mu.
func (c *call) arm(d time.Duration) {
	if c.timer != nil {
		c.timer.Stop()
	}
	number := c.number
	c.timer = time.AfterFunc(d, func() { c.expire(number) })
}

// expire ends a call that nobody answers, or in which nobody speaks any more.
func (c *call) expire(number uint64) {
	c.mu.Lock()
	if c.number != number || c.closed {
		c.mu.Unlock()
		return
	}
	var ch callChange
	switch c.state {
	case CallRinging:
		ch = c.end(CallMissed)
	case CallAnswered:
		if left := c.quietFor - time.Since(c.spoke); left > 0 {
			c.arm(left)
			c.mu.Unlock()
			return
		}
		ch = c.end(CallEnded)
	default:
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.told(ch)
}

// stop ends whatever runs, without telling.
func (c *call) stop() {
	c.mu.Lock()
	c.closed = true
	c.end(CallEnded)
	c.mu.Unlock()
}

// callChanged tells the viewers and whoever else listens.
func (e *Engine) callChanged(ch callChange) {
	e.log.Info("call", "number", ch.number, "state", string(ch.state), "by", ch.subject)
	e.talk.own(e.call.holder())
	e.updateDemand() // who is called shall find the camera running
	for _, i := range e.sessions.Viewers() {
		if v := e.sessions.Viewer(i.ID); v != nil {
			e.send(v, callMessageTo(v.ID(), ch))
		}
	}
	if ch.state != CallRinging { // the ring itself is an event already
		e.emit(Event{Type: "call", Data: string(ch.state)})
	}
}

// callMessageTo is what one viewer is told.
func callMessageTo(id session.ViewerID, ch callChange) []byte {
	m := callMessage{Type: "call", Call: ch.number, State: ch.state, By: ch.subject}
	if !ch.at.IsZero() {
		m.At = ch.at.UnixMilli()
	}
	if m.You = ch.by != "" && ch.by == id; ch.state == CallAnswered && !m.You {
		m.State = CallAnsweredElsewhere
	}
	return marshal(m)
}

// callRequest handles a viewer's wish about the call.
func (e *Engine) callRequest(v *session.Viewer, r request) {
	answer := reply{Type: "call-reply", ID: r.ID}
	var err error
	switch {
	case !v.Grant().Talk:
		err = errors.New("this access does not permit talking (scope talk)")
	case r.Action == "answer":
		err = e.call.answer(v.ID(), v.Grant().Subject)
	case r.Action == "hangup":
		err = e.call.hangUp(v.ID())
	default:
		err = errors.New("unknown action; known: answer, hangup")
	}
	if answer.OK = err == nil; err != nil {
		answer.Error = err.Error()
	}
	e.send(v, marshal(answer))
}

// talkPacket takes a packet of a viewer's voice, and lets a viewer's first word answer the call that rings.
func (e *Engine) talkPacket(id session.ViewerID, p session.TalkPacket) {
	if e.call.current().state == CallRinging && !quiet(&p) {
		if v := e.sessions.Viewer(id); v != nil && v.Grant().Talk {
			_ = e.call.answer(id, v.Grant().Subject) // another may have been quicker
		}
	}
	e.talk.packet(id, p)
	if enc := e.encoders.Load(); enc != nil {
		enc.received(&p)
	}
}

// quiet reports whether a packet describes the noise of a pause (RFC 3389) or a key
// (RFC 4733) and is no word.
func quiet(p *session.TalkPacket) bool {
	return p.Types.Noise != 0 && p.PayloadType == p.Types.Noise || p.Types.Event != 0 && p.PayloadType == p.Types.Event
}

// RingPicture returns the JPEG that was taken when the button was last pressed, and
// when that was; nil before the first time. The caller does not change it.
func (e *Engine) RingPicture() (jpeg []byte, at time.Time) {
	e.ringShot.mu.Lock()
	defer e.ringShot.mu.Unlock()
	return e.ringShot.jpeg, e.ringShot.at
}

// ringShot is the newest picture of who rang.
type ringShot struct {
	mu   sync.Mutex
	busy bool
	jpeg []byte
	at   time.Time
}

// takeRingPicture keeps a picture of who rings; one at a time.
func (e *Engine) takeRingPicture(ctx context.Context, at time.Time) {
	if e.devices.Camera == nil {
		return
	}
	s := &e.ringShot
	s.mu.Lock()
	if s.busy {
		s.mu.Unlock()
		return
	}
	s.busy = true
	s.mu.Unlock()
	e.background.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, ringPicture)
		defer cancel()
		var b bytes.Buffer
		err := e.Snapshot(ctx, &b)
		s.mu.Lock()
		if s.busy = false; err == nil {
			s.jpeg, s.at = b.Bytes(), at
		}
		s.mu.Unlock()
		if err != nil {
			e.log.Warn("no picture of who rings", "error", err)
			return
		}
		e.sessions.Broadcast(marshal(ringMessage{"ring-picture", at.UnixMilli()}))
		e.emit(Event{Type: "ring-picture", At: at, Picture: b.Bytes()})
	})
}
