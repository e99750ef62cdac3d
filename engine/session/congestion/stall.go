package congestion

import "time"

const (
	// stallGap is how much farther apart two packets must arrive than they have
	// left for the path to be believed to have stood still between them.
	stallGap = 75 * time.Millisecond
	// stallWait is how long it is then waited for what has piled up. If that has
	// not emptied the queue, the next gap is waited for after stallEvery: on a link
	// that is as slow as that, each packet is late.
	stallWait  = 150 * time.Millisecond
	stallEvery = time.Second
)

// stall notices that a path has stood still and goes on: a radio link that was on
// another channel, a machine that was busy. The first packets after it have waited
// as in a long queue, and hardly anything has arrived in the time before; but it is
// no queue of ours, and says nothing of what the link carries.
type stall struct {
	sent, at time.Duration // of the packet that arrived last
	since    time.Duration // when the last stall was waited for, 0: never
	emptied  bool          // there was no queue since then
}

// arrived takes a packet, reported at now, that had left and arrived at the given
// times.
func (s *stall) arrived(now, sent, at time.Duration) {
	if s.at != 0 && (at-s.at)-(sent-s.sent) > stallGap && (s.since == 0 || s.emptied || now-s.since > stallEvery) {
		s.since, s.emptied = now, false
	}
	if at >= s.at {
		s.sent, s.at = sent, at
	}
}

// waits reports whether what is seen now may come of a stall.
func (s *stall) waits(now time.Duration) bool {
	return s.since != 0 && now-s.since < stallWait
}
