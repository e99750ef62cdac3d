package congestion

import "time"

// arrivalRing is how many packets rates are made of: half a second of 8 Mbit/s.
const arrivalRing = 512

// delivery measures what arrives.
type delivery struct {
	ring [arrivalRing]struct {
		at    time.Duration
		bytes int64 // all bytes up to and including this packet
	}
	n     int64 // arrivals ever
	total int64
}

func (d *delivery) add(at time.Duration, bytes int32) {
	d.total += int64(bytes)
	r := &d.ring[d.n%arrivalRing]
	r.at, r.bytes = at, d.total
	d.n++
}

// rate is what arrived per second, in bits, over the last window before the
// newest arrival; 0 when there is too little to tell.
func (d *delivery) rate(window time.Duration) float64 {
	if d.n < 2 {
		return 0
	}
	last := d.ring[(d.n-1)%arrivalRing]
	oldest := max(d.n-arrivalRing, 0)
	for i := d.n - 2; i >= oldest; i-- {
		r := &d.ring[i%arrivalRing]
		if last.at-r.at >= window || i == oldest {
			span := last.at - r.at
			if span < window/2 || span <= 0 {
				return 0
			}
			return float64(last.bytes-r.bytes) * 8 / span.Seconds()
		}
	}
	return 0
}

const (
	// What several trains together must have to say anything.
	leastTrainPackets = 5
	leastTrainBytes   = 4000
)

// train gathers the packets of one picture as they are reported, and sums up
// pictures until there is enough to tell something.
type train struct {
	burst            uint32
	n                int
	bytes, first     int64
	sent0, sent1     time.Duration
	arrived0, arrive time.Duration
	broken           bool

	packets    int
	sum        int64
	sent, took time.Duration
}

// add takes an arrived packet. When it completes enough, add returns what they
// have proven: a rate in bits per second that the path carried, whether they
// arrived as quickly as they had left, and how many they were.
func (t *train) add(p *sentPacket, arrival time.Duration) (bps float64, unhindered bool, packets int) {
	if p.burst == 0 {
		return 0, false, 0
	}
	if p.burst != t.burst {
		bps, unhindered, packets = t.result()
		t.burst, t.n, t.bytes, t.broken = p.burst, 0, 0, false
		t.sent0, t.arrived0, t.first = p.at, arrival, int64(p.bytes)
	} else if arrival < t.arrive || p.at < t.sent1 {
		t.broken = true // out of order
	}
	t.n++
	t.bytes += int64(p.bytes)
	t.sent1, t.arrive = p.at, arrival
	return bps, unhindered, packets
}

func (t *train) result() (bps float64, unhindered bool, packets int) {
	if t.n > 1 && !t.broken && t.sent1 > t.sent0 {
		// The first packet's departure is where the span begins, so its bytes
		// do not count.
		t.packets += t.n - 1
		t.sum += t.bytes - t.first
		t.sent += t.sent1 - t.sent0
		t.took += t.arrive - t.arrived0
	}
	if t.packets < leastTrainPackets || t.sum < leastTrainBytes {
		return 0, false, 0
	}
	// A receiver's kernel and a radio link hand packets over in bunches: no
	// train proves more than the rate at which it left.
	span := max(t.sent, t.took, time.Millisecond)
	bps, unhindered = float64(t.sum)*8/span.Seconds(), t.took <= t.sent+t.sent/8+time.Millisecond
	packets = t.packets
	t.packets, t.sum, t.sent, t.took = 0, 0, 0, 0
	return bps, unhindered, packets
}
