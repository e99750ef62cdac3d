package station

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/edgecam/edgecam/engine/session"
)

// reply is the node's answer to a request.
type reply struct {
	OK    bool
	Error string
}

// incoming is any message of a node (docs/data-channel.md).
type incoming struct {
	Type  string `json:"type"`
	ID    string `json:"id"`
	OK    bool   `json:"ok"`
	Error string `json:"error"`
	At    int64  `json:"at"`
	NodeState
}

// message handles what the node says.
func (l *link) message(msg []byte) {
	var m incoming
	if err := json.Unmarshal(msg, &m); err != nil {
		l.s.log.Debug("message not understood", "error", err)
		return
	}
	switch m.Type {
	case "ring", "motion":
		at := time.Now()
		if m.At > 0 {
			at = time.UnixMilli(m.At)
		}
		l.s.event(Event{Type: m.Type, At: at})
	case "state":
		state := m.NodeState
		l.s.event(Event{Type: "state", State: &state})
	case "talk":
		if !m.OK {
			l.s.event(Event{Type: "talk-refused", Text: m.Error})
		}
	case "door", "error":
		l.door.Lock()
		answer := l.asked[m.ID]
		delete(l.asked, m.ID)
		l.door.Unlock()
		if answer != nil {
			answer <- reply{m.OK && m.Type == "door", m.Error}
		}
	}
}

func (l *link) channelOpened() {
	if l.s.talking.Load() {
		l.sayTalking(true)
	}
}

// sayTalking tells the node that the talk button is pressed or let go.
func (l *link) sayTalking(on bool) {
	c := l.client.Load()
	if c == nil {
		return
	}
	if err := c.Send(fmt.Appendf(nil, `{"type":"talk","on":%t}`, on)); err != nil && !errors.Is(err, session.ErrNoChannel) {
		l.s.log.Debug("message not sent", "error", err)
	}
}

// openDoor asks for the door and waits for the answer.
func (l *link) openDoor(ctx context.Context) error {
	c := l.client.Load()
	if c == nil {
		return ErrNotConnected
	}
	answer := make(chan reply, 1)
	l.door.Lock()
	l.next++
	id := strconv.Itoa(l.next)
	l.asked[id] = answer
	l.door.Unlock()
	defer func() {
		l.door.Lock()
		delete(l.asked, id)
		l.door.Unlock()
	}()
	if err := c.Send([]byte(`{"type":"door","id":"` + id + `","action":"open"}`)); err != nil {
		return fmt.Errorf("%w: %w", ErrNotConnected, err)
	}
	select {
	case r := <-answer:
		if !r.OK {
			return fmt.Errorf("%w: %s", ErrRefused, r.Error)
		}
		return nil
	case <-c.Done():
		return fmt.Errorf("%w: the call ended before the door was answered", ErrNotConnected)
	case <-ctx.Done():
		return fmt.Errorf("station: no answer about the door: %w", ctx.Err())
	}
}
