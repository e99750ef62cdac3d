package jitter

import "time"

const (
	// shareShift makes a gap's weight fall to 1/e within 2^shareShift gaps.
	shareShift = 3
	// fadeShift makes what was learnt of the length fade with requests.
	fadeShift = 9
)

// reordering is what is known of gaps that close by themselves, because a packet
// was only overtaken.
type reordering struct {
	longest  time.Duration // slowly falling maximum
	shareQ16 int32         // of such gaps among all
}

// overtaken notes a gap that closed by itself after so long.
func (r *reordering) overtaken(after time.Duration) {
	r.longest = min(max(r.longest, after+time.Millisecond), mostReorder)
	r.shareQ16 += (1<<16 - r.shareQ16) >> shareShift
}

// lost notes a gap that did not.
func (r *reordering) lost() { r.shareQ16 -= r.shareQ16 >> shareShift }

func (r *reordering) fade() { r.longest -= r.longest >> fadeShift }

// wait is how long a gap is left alone before the packet is asked for. It is worth
// it where most gaps close by themselves; where packets are lost, a request in
// vain costs a packet's bits, and waiting the time in which the picture stands.
func (r *reordering) wait() time.Duration {
	if r.shareQ16 < 3<<14 {
		return 0
	}
	return r.longest
}
