// Package netlab puts a bad network between two sides of a call: a relay for UDP
// whose paths lose, delay, reorder, double, limit and queue packets as a script
// says, the same way for the same seed. [Signalling] makes a WHEP session go
// through it. It needs no privileges and no kernel module.
package netlab

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Conditions are a path's, one way. The zero value is a perfect wire.
type Conditions struct {
	// Delay is what every packet takes; Jitter adds up to that much, evenly
	// distributed, without changing the order of packets.
	Delay, Jitter time.Duration
	// Loss is the share of packets that are lost; with Burst above 1 they are
	// lost in runs of that mean length (Gilbert's model).
	Loss, Burst float64
	// Reorder is the share of packets that arrive ReorderBy late, overtaken by
	// those behind; ReorderBy 0 means 20 ms.
	Reorder   float64
	ReorderBy time.Duration
	// Duplicate is the share of packets that arrive twice.
	Duplicate float64
	// RateBps limits the path, 0 not at all; Queue is how long packets may wait
	// for it, above which they are lost; 0 means 200 ms.
	RateBps int
	Queue   time.Duration
}

// Step changes the conditions at a time since the path's first packet.
type Step struct {
	At time.Duration
	Conditions
}

// overhead is what a packet takes on the wire besides its UDP payload.
const overhead = 28

// PathStats count packets.
type PathStats struct {
	Packets, Bytes, Lost, Queued, Reordered, Duplicated uint64
}

// Path decides what becomes of each packet of one direction. It has no clock:
// equal calls with equal seeds give equal results. It is for one goroutine.
type Path struct {
	rng     *rand.Rand
	script  []Step
	started bool
	begin   time.Time
	inBurst bool
	free    time.Time // when the rate limiter is done with what it has
	last    time.Time // newest arrival in order
	arrive  [2]time.Time
	fate    Fate
	stats   PathStats
}

// Fate is what a path did with a packet.
type Fate struct {
	// Arrived is false for what was lost, Overflowed true for what the queue had no
	// room for.
	Arrived, Overflowed bool
	// Arrival is when it arrived, since the path's first packet.
	Arrival time.Duration
	// Queue is what it waited beyond the path's own delay: for those before it, to
	// be sent itself, and for jitter.
	Queue time.Duration
}

// NewPath returns a path. Without steps it is perfect; conditions hold from
// their step on, and before the first one it is perfect, too.
func NewPath(seed uint64, script ...Step) *Path {
	s := slices.Clone(script)
	slices.SortStableFunc(s, func(a, b Step) int { return int(a.At - b.At) })
	return &Path{rng: rand.New(rand.NewPCG(seed, 0x6e65746c6162)), script: s}
}

// Always is a script of one step.
func Always(c Conditions) Step { return Step{Conditions: c} }

// now returns the conditions in force.
func (p *Path) now(at time.Duration) Conditions {
	var c Conditions
	for _, s := range p.script {
		if s.At > at {
			break
		}
		c = s.Conditions
	}
	return c
}

// Send takes a packet of size bytes and returns when it arrives: never, once or
// twice. The slice is valid until the next call.
func (p *Path) Send(size int, at time.Time) []time.Time {
	if !p.started {
		p.started, p.begin = true, at
	}
	c := p.now(at.Sub(p.begin))
	p.fate = Fate{}
	p.stats.Packets++
	p.stats.Bytes += uint64(size)
	// Every packet draws the same number of random values, so that one change
	// of the script does not change the fate of all later packets.
	loss, jitter, reorder, double := p.rng.Float64(), p.rng.Float64(), p.rng.Float64(), p.rng.Float64()
	if p.loses(c, loss) {
		p.stats.Lost++
		return nil
	}
	leaves := at
	if c.RateBps > 0 {
		queue := c.Queue
		if queue == 0 {
			queue = 200 * time.Millisecond
		}
		start := at
		if p.free.After(at) {
			start = p.free
		}
		if start.Sub(at) > queue {
			p.stats.Queued++
			p.fate.Overflowed = true
			return nil
		}
		p.free = start.Add(time.Duration(size+overhead) * 8 * time.Second / time.Duration(c.RateBps))
		leaves = p.free
	}
	arrival := leaves.Add(c.Delay + time.Duration(jitter*float64(c.Jitter)))
	if reorder < c.Reorder {
		late := c.ReorderBy
		if late == 0 {
			late = 20 * time.Millisecond
		}
		p.stats.Reordered++
		arrival = arrival.Add(late)
	} else {
		if arrival.Before(p.last) {
			arrival = p.last
		}
		p.last = arrival
	}
	p.arrive[0] = arrival
	p.fate = Fate{Arrived: true, Arrival: arrival.Sub(p.begin), Queue: arrival.Sub(at) - c.Delay}
	if double < c.Duplicate {
		p.stats.Duplicated++
		p.arrive[1] = arrival.Add(time.Millisecond)
		return p.arrive[:2]
	}
	return p.arrive[:1]
}

// Fate returns what became of the packet that was sent last; of two arrivals it
// has the first.
func (p *Path) Fate() Fate { return p.fate }

// loses decides by Gilbert's model: in a burst everything is lost, and the
// chances to enter and leave one give the share and the mean length.
func (p *Path) loses(c Conditions, draw float64) bool {
	switch {
	case c.Loss <= 0:
		p.inBurst = false
	case c.Loss >= 1:
		p.inBurst = true
	case c.Burst <= 1:
		p.inBurst = draw < c.Loss
	case p.inBurst:
		p.inBurst = draw >= 1/c.Burst
	default:
		p.inBurst = draw < c.Loss/((1-c.Loss)*c.Burst)
	}
	return p.inBurst
}

// Stats returns the counts.
func (p *Path) Stats() PathStats { return p.stats }
