package congestion

import "time"

const (
	// delaySlot is the resolution of the window of least delays.
	delaySlot  = 10 * time.Millisecond
	delaySlots = 64
	// leastWindow is the shortest window: a standing queue must outlast it.
	leastWindow = 120 * time.Millisecond
	// baseSpan and baseSpans give how long the usual delay is remembered. A
	// clock that drifts by 300 ppm moves it by 3 ms in that time.
	baseSpan  = time.Second
	baseSpans = 10
)

// unset marks a slot without a measurement.
const unset = time.Duration(1<<63 - 1)

// sample is the least delay of a slot, and the size of the packet that had it.
type sample struct {
	delay time.Duration
	bytes int32
}

// mostOwn bounds the time that the link is believed to take for one packet.
const mostOwn = 25 * time.Millisecond

// delayTrack follows the least one-way delay over a short window, and the usual
// least delay over a long one. Delays are relative: sender and receiver have
// their own clocks.
type delayTrack struct {
	slots   [delaySlots]sample
	slot    int64 // number of the newest slot
	started bool

	lowest time.Duration // of the window now
	own    time.Duration // what the link takes to send the packet of that delay
	spans  [baseSpans]struct {
		delay time.Duration // the least of each second
		own   time.Duration // and what the link took to send that packet
	}
	span    int64 // number of the newest span
	base    time.Duration
	baseOwn time.Duration
	// noise is the mean height of the window's least delay above the base while
	// nothing of ours can stand in the queue: a radio link's unrest.
	noise time.Duration
}

// add takes the delay of a packet of a size that arrived at the given time.
func (d *delayTrack) add(delay, arrival time.Duration, bytes int32) {
	n := int64(arrival / delaySlot)
	if !d.started || n > d.slot+delaySlots || n < d.slot-delaySlots {
		for i := range d.slots {
			d.slots[i].delay = unset
		}
		d.slot, d.started = n, true
	}
	for d.slot < n {
		d.slot++
		d.slots[d.slot%delaySlots].delay = unset
	}
	if s := &d.slots[n%delaySlots]; delay < s.delay {
		*s = sample{delay, bytes}
	}
}

// standing returns the queue that has stood for the whole window, and brings
// the usual delay up to date. quiet says that the path is believed not to be
// overloaded; the link is believed to carry linkBps.
//
// A link that has become narrow takes longer for the packet itself, which is no
// queue: of the delay that time counts only as far as it was there before.
func (d *delayTrack) standing(window time.Duration, quiet bool, linkBps float64) time.Duration {
	if !d.started {
		return 0
	}
	least := d.lowestOf(max(window, leastWindow))
	d.lowest = least.delay
	if d.lowest == unset {
		return 0
	}
	d.own = mostOwn
	if t := float64(least.bytes) * 8 / max(linkBps, 1); t < mostOwn.Seconds() {
		d.own = time.Duration(t * float64(time.Second))
	}
	d.follow()
	q := d.lowest - d.base
	q -= min(max(d.own-d.baseOwn, 0), max(q, 0))
	if quiet {
		d.noise += (q - d.noise) / 64
	}
	return q
}

// lowestOf returns the least delay within a window before the newest arrival,
// unset where there is none.
func (d *delayTrack) lowestOf(window time.Duration) sample {
	lowest := sample{delay: unset}
	for i := range min(int64(window/delaySlot), delaySlots) {
		if n := d.slot - i; n >= 0 && d.slots[n%delaySlots].delay < lowest.delay {
			lowest = d.slots[n%delaySlots]
		}
	}
	return lowest
}

// follow keeps the usual delay: the least of the last spans.
func (d *delayTrack) follow() {
	n := d.slot * int64(delaySlot) / int64(baseSpan)
	if d.span == 0 {
		d.span = n - baseSpans
	}
	for i := max(d.span+1, n-baseSpans+1); i <= n; i++ {
		d.spans[i%baseSpans].delay = unset
	}
	d.span = n
	if s := &d.spans[n%baseSpans]; d.lowest < s.delay {
		s.delay, s.own = d.lowest, d.own
	}
	d.base = unset
	for _, s := range d.spans {
		if s.delay < d.base {
			d.base, d.baseOwn = s.delay, s.own
		}
	}
}

// rebase takes the present delay for the usual one.
func (d *delayTrack) rebase() {
	for i := range d.spans {
		d.spans[i].delay = unset
	}
	s := &d.spans[d.span%baseSpans]
	s.delay, s.own = d.lowest, d.own
	d.base, d.baseOwn = d.lowest, d.own
}
