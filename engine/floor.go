package engine

import (
	"time"

	"github.com/edgecam/edgecam/engine/session"
)

// floorHold is how long a talker who says nothing keeps the floor.
const floorHold = 700 * time.Millisecond

// Duplex says how two sides of a call share the air.
type Duplex string

// The modes of a call.
const (
	// FullDuplex lets both ends talk at once; the echo canceller does the rest.
	FullDuplex Duplex = "full"
	// HalfDuplex turns the microphone down while a caller is heard, and hears one
	// caller at a time.
	HalfDuplex Duplex = "half"
)

// floor decides who is heard while a call is half duplex. talkers.mu guards it.
type floor struct {
	node    Duplex
	calls   map[session.ViewerID]Duplex // what viewers chose for themselves
	holder  session.ViewerID            // "" when nobody talks
	spokeAt time.Time
}

func (f *floor) init(node Duplex) {
	f.node, f.calls = node, make(map[session.ViewerID]Duplex)
}

// mode returns how a viewer's call is held.
func (f *floor) mode(id session.ViewerID) Duplex {
	if m, ok := f.calls[id]; ok {
		return m
	}
	return f.node
}

// half reports whether what the holder says is half duplex.
func (f *floor) half() bool { return f.holder != "" && f.mode(f.holder) == HalfDuplex }

// expire takes the floor from a holder who has fallen silent.
func (f *floor) expire(now time.Time) {
	if f.holder != "" && now.Sub(f.spokeAt) > floorHold {
		f.holder = ""
	}
}

// speaks tells that a talker is speaking now.
func (f *floor) speaks(id session.ViewerID, now time.Time) {
	if f.holder == "" {
		f.holder = id
	}
	if f.holder == id {
		f.spokeAt = now
	}
}

// admits reports whether a talker is heard: always the holder, and others where
// neither call is half duplex.
func (f *floor) admits(id session.ViewerID) bool {
	return f.holder == id || f.mode(id) != HalfDuplex && !f.half()
}

// release takes the floor from a viewer who says that it has finished, or left.
func (f *floor) release(id session.ViewerID) {
	if f.holder == id {
		f.holder = ""
	}
}

// choose sets how one viewer's call is held, "" as the node is set; it reports
// false for a mode that there is not.
func (f *floor) choose(id session.ViewerID, m Duplex) bool {
	switch m {
	case "":
		delete(f.calls, id)
	case FullDuplex, HalfDuplex:
		f.calls[id] = m
	default:
		return false
	}
	return true
}

// leave forgets a viewer.
func (f *floor) leave(id session.ViewerID) {
	f.release(id)
	delete(f.calls, id)
}
