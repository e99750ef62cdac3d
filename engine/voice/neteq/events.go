package neteq

import "github.com/edgecam/edgecam/engine/voice/dtmf"

// Event is a telephone event as told to the application: a key that is pressed, and
// once more when it is let go.
type Event struct {
	dtmf.Event
	// Timestamp is the RTP timestamp of its beginning.
	Timestamp uint32
}

const (
	maxEvents = 8
	// eventLinger is how long an event of which nothing is heard any more sounds on.
	eventLinger = 5 * tick
)

// eventState is an event that waits to be heard or is.
type eventState struct {
	Event
	pos, end int64
	heard    int64 // clock of its last packet
	ended    bool
}

// eventQueue holds the events of a stream in their order.
type eventQueue struct {
	waiting [maxEvents]eventState
	n       int
	told    [2]Event // to be told
	toldN   int
	lastTS  uint32 // of the last event that ended
	any     bool
	tone    dtmf.Tone
	playing bool
}

func (e *eventQueue) clear() { *e = eventQueue{} }

func (e *eventQueue) tell(ev Event) {
	e.told[e.toldN] = ev
	e.toldN++
}

// insertEvent takes an event's packet; it reports whether there is something to
// tell. Packets of one event have one timestamp (section 2.5.1.2).
func (q *NetEQ) insertEvent(c *codec, p Packet, pos int64) bool {
	ev, err := dtmf.Parse(p.Payload)
	if err != nil {
		q.stats.PacketsDiscarded++
		return false
	}
	e := &q.events
	if e.any && int32(p.Timestamp-e.lastTS) <= 0 {
		q.stats.PacketsDiscarded++ // the end is sent three times
		return false
	}
	var s *eventState
	for i := range e.waiting[:e.n] {
		if e.waiting[i].Timestamp == p.Timestamp {
			s = &e.waiting[i]
		}
	}
	told := Event{Event: ev, Timestamp: p.Timestamp}
	if s == nil {
		if e.n == maxEvents {
			q.stats.PacketsDiscarded++
			return false
		}
		s = &e.waiting[e.n]
		e.n++
		*s = eventState{Event: told, pos: pos}
		first := told
		first.Ended = false
		e.tell(first)
	}
	s.heard = q.clock
	s.end = max(s.end, pos+int64(ev.Duration)*int64(unitHz/c.clockHz))
	if ev.Ended && !s.ended {
		s.ended, e.any, e.lastTS = true, true, p.Timestamp
		e.tell(told)
	}
	return e.toldN > 0
}

// sound writes the tone of the event at a place of the stream over pcm, and reports
// whether there is one.
func (e *eventQueue) sound(pcm []int16, at, clock int64, rateHz int, silent bool) bool {
	if e.n == 0 && !e.playing {
		return false
	}
	for e.n > 0 {
		s := &e.waiting[0]
		over := at >= s.end && (s.ended || clock-s.heard > eventLinger)
		if over {
			copy(e.waiting[:], e.waiting[1:e.n])
			e.n--
			if e.playing {
				e.playing = false
				if !silent {
					e.tone.Generate(pcm, true)
				}
				return !silent
			}
			continue
		}
		if at < s.pos {
			return false
		}
		if !e.playing {
			e.playing = true
			e.tone.Start(s.Event.Event, rateHz)
		}
		if !silent {
			e.tone.Generate(pcm, false)
		}
		return !silent
	}
	return false
}
