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

// delayTrack follows the least one-way delay over a short window, and the usual
// least delay over a long one. Delays are relative: sender and receiver have
// their own clocks.
type delayTrack struct {
	slots   [delaySlots]time.Duration
	slot    int64 // number of the newest slot
	started bool

	lowest time.Duration            // of the window now
	spans  [baseSpans]time.Duration // the least delay of each second
	span   int64                    // number of the newest span
	base   time.Duration
	// noise is the mean height of the window's least delay above the base while
	// nothing of ours can stand in the queue: a radio link's unrest.
	noise time.Duration
}

// add takes the delay of a packet that arrived at the given time.
func (d *delayTrack) add(delay, arrival time.Duration) {
	n := int64(arrival / delaySlot)
	if !d.started || n > d.slot+delaySlots || n < d.slot-delaySlots {
		for i := range d.slots {
			d.slots[i] = unset
		}
		d.slot, d.started = n, true
	}
	for d.slot < n {
		d.slot++
		d.slots[d.slot%delaySlots] = unset
	}
	s := &d.slots[n%delaySlots]
	*s = min(*s, delay)
}

// standing returns the queue that has stood for the whole window, and brings
// the usual delay up to date. quiet says that the path is believed not to be
// overloaded.
func (d *delayTrack) standing(window time.Duration, quiet bool) time.Duration {
	if !d.started {
		return 0
	}
	d.lowest = d.lowestOf(max(window, leastWindow))
	if d.lowest == unset {
		return 0
	}
	d.follow()
	q := d.lowest - d.base
	if quiet {
		d.noise += (q - d.noise) / 64
	}
	return q
}

// lowestOf returns the least delay within a window before the newest arrival,
// unset where there is none.
func (d *delayTrack) lowestOf(window time.Duration) time.Duration {
	lowest := unset
	for i := range min(int64(window/delaySlot), delaySlots) {
		if n := d.slot - i; n >= 0 {
			lowest = min(lowest, d.slots[n%delaySlots])
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
		d.spans[i%baseSpans] = unset
	}
	d.span = n
	d.spans[n%baseSpans] = min(d.spans[n%baseSpans], d.lowest)
	d.base = unset
	for _, s := range d.spans {
		d.base = min(d.base, s)
	}
}

// rebase takes the present delay for the usual one.
func (d *delayTrack) rebase() {
	for i := range d.spans {
		d.spans[i] = unset
	}
	d.spans[d.span%baseSpans] = d.lowest
	d.base = d.lowest
}
