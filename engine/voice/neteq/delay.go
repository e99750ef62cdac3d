package neteq

const (
	// Relative delays are counted in buckets of a block, up to 1.5 s.
	buckets = 150
	// Packets of the last half second say what the fastest way is now, if they
	// were not all of one burst.
	nearWindow = unitHz / 2
	nearSpan   = unitHz / 5
	// A delay is entered late, when it is known whether it was a delay or the
	// beginning of a slower way.
	farWindow = 2 * unitHz
	lookAhead = unitHz * 6 / 10
	// arrivals is how many packets are remembered.
	arrivals = 256
	// memoryPackets is the time constant of forgetting.
	memoryPackets = 1500
	// Until so many delays are known, less than firstTicks is not trusted.
	firstPackets = 25
	firstTicks   = 2
	// fallPackets is how many packets pass between two steps of the target down.
	fallPackets = 40
	probOne     = 1 << 30
	// negligible is what a probability counts as nothing below.
	negligible = 1 << 11
)

// Costs, in delay for all: a packet that is not there in time costs lateWeight times
// lossCost, in part if it is late by less than its length; and one that is late by
// holeTicks, in the midst of a hole of that length, lossCost more, by proportion.
const (
	lossCost   = 1900 * unitHz / 1000
	holeTicks  = 5
	lateWeight = 2
)

type arrival struct {
	clock  int64
	offset int64 // clock minus place in the stream
	length int64
}

// delayTracker knows how packets arrive: the fastest way of late, and the
// distribution of their delays relative to it.
type delayTracker struct {
	ring       [arrivals]arrival
	first, n   int // the remembered ones
	judged     int // how many of them, the oldest, have been entered
	base       int64
	hist       [buckets]int32 // probabilities, Q30
	top        int            // no bucket from here on has any
	seen       int
	targetTick int
	sinceFall  int // packets since the target was lowered
}

func (d *delayTracker) reset() {
	*d = delayTracker{}
	d.hist[0], d.top = probOne, 1
	d.choose(2)
}

func (d *delayTracker) at(i int) *arrival { return &d.ring[uint(d.first+i)%arrivals] }

// restart makes the way of the packet that comes the base: nothing was played yet.
func (d *delayTracker) restart() { d.first, d.n, d.judged = 0, 0, 0 }

// add takes a packet's arrival.
func (d *delayTracker) add(clock, pos, length int64) {
	if d.n == arrivals {
		d.forgetFirst()
	}
	*d.at(d.n) = arrival{clock, clock - pos, max(length, tick)}
	d.n++
	for d.n > 0 && clock-d.at(0).clock > farWindow+lookAhead {
		d.forgetFirst()
	}
	d.updateBase(clock)
	for d.judged < d.n && clock-d.at(d.judged).clock >= lookAhead {
		d.judge()
	}
}

func (d *delayTracker) forgetFirst() {
	if d.judged == 0 {
		d.judge()
	}
	d.first = (d.first + 1) % arrivals
	d.n--
	d.judged--
}

func (d *delayTracker) updateBase(clock int64) {
	newest := d.at(d.n - 1)
	if d.n == 1 || newest.offset < d.base {
		d.base = newest.offset
		return
	}
	fastest, oldest := newest.offset, clock
	for i := d.n - 1; i >= 0; i-- {
		a := d.at(i)
		if clock-a.clock > nearWindow {
			break
		}
		fastest, oldest = min(fastest, a.offset), a.clock
	}
	if clock-oldest >= nearSpan {
		d.base = fastest
	}
}

// judge enters the delay of the oldest arrival that has not been: relative to the
// fastest of before, unless what came after was slower still.
func (d *delayTracker) judge() {
	a := d.at(d.judged)
	before, after := a.offset, a.offset
	for i := d.judged - 1; i >= 0; i-- {
		b := d.at(i)
		if a.clock-b.clock > farWindow {
			break
		}
		before = min(before, b.offset)
	}
	for i := d.judged + 1; i < d.n; i++ {
		after = min(after, d.at(i).offset)
	}
	d.judged++
	d.enter(a.offset-max(before, after), a.length)
}

// enter counts a relative delay and chooses the target anew.
func (d *delayTracker) enter(relative, length int64) {
	d.seen = min(d.seen+1, memoryPackets)
	weight := int64(probOne / d.seen)
	top := 0
	for i, p := range d.hist[:d.top] {
		p -= int32(int64(p) * weight >> 30)
		if p < negligible {
			p = 0
		} else {
			top = i + 1
		}
		d.hist[i] = p
	}
	in := int(min((relative+tick-1)/tick, buckets-1))
	d.hist[in] += int32(weight)
	d.top = max(top, in+1)
	d.choose(int(length / tick))
}

// choose finds the target with the least cost for packets of so many blocks: a
// packet later than the target by less than its length is missed in part.
func (d *delayTracker) choose(packetTicks int) {
	packetTicks = max(packetTicks, 1)
	shareQ20 := int64(lateWeight<<20) / int64(packetTicks)
	// The probability of delays above k, the sum of it from k on, and its sum over a
	// packet's length.
	var tails [buckets + 1]int32
	var tail, all, near int64
	best, now, chosen := int64(1)<<62, int64(0), 0
	// Above the highest delay waiting only costs.
	for k := max(d.top-1, d.targetTick); k >= 0; k-- {
		if k+1 < buckets {
			tail += int64(d.hist[k+1])
		}
		tails[k] = int32(tail)
		all += tail
		near += tail
		if k+packetTicks < buckets {
			near -= int64(tails[k+packetTicks])
		}
		missed := near*shareQ20>>20 + all/holeTicks
		cost := int64(k)*tick + missed>>10*lossCost>>20
		if k == d.targetTick {
			now = cost
		}
		if cost <= best {
			best, chosen = cost, k
		}
	}
	if d.seen < firstPackets {
		chosen = max(chosen, firstTicks)
	}
	// What has been raised comes down slowly, and not for a little.
	d.sinceFall++
	switch {
	case chosen > d.targetTick:
		d.targetTick = chosen
	case chosen < d.targetTick && now-best > tick/2 && d.sinceFall >= fallPackets:
		d.targetTick, d.sinceFall = d.targetTick-1, 0
	}
}
