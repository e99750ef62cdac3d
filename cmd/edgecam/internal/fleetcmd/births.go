package fleetcmd

import (
	"slices"
	"sync"
	"time"
)

// births are the moments at which nodes were born. Each node stamps its own: a
// count that looks at all of them once a second has to wait for the processor
// and puts two seconds' births into one.
type births struct {
	mu    sync.Mutex
	times []time.Time
}

func (b *births) add() {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.times = append(b.times, now)
}

// perSecond counts the births in every second since began.
func (b *births) perSecond(began time.Time) []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	var bins []int
	for _, t := range b.times {
		i := int(max(t.Sub(began), 0) / time.Second)
		for len(bins) <= i {
			bins = append(bins, 0)
		}
		bins[i]++
	}
	return bins
}

// comeback is how nodes came back after they had all lost their broker.
type comeback struct {
	Nodes     int     `json:"nodes"`
	Seconds   float64 `json:"p99_s"`           // from the first to the one at 99 %
	Most      int     `json:"most_per_second"` // in any second, wherever it begins
	TimesMean float64 `json:"times_mean"`      // Most, as a multiple of the mean of that time
}

// comeback looks at the births after the moment at which all were in. Nil if
// fewer than half of the nodes were born again.
func (b *births) comeback(allIn time.Time, nodes int) *comeback {
	b.mu.Lock()
	defer b.mu.Unlock()
	if allIn.IsZero() {
		return nil
	}
	var again []time.Time
	for _, t := range b.times {
		if t.After(allIn) {
			again = append(again, t)
		}
	}
	if len(again) < max(nodes/2, 2) {
		return nil
	}
	slices.SortFunc(again, time.Time.Compare)
	c := &comeback{Nodes: len(again)}
	most99 := again[:(len(again)*99+99)/100]
	c.Seconds = max(most99[len(most99)-1].Sub(again[0]).Seconds(), 1)
	first := 0
	for i, t := range again {
		for t.Sub(again[first]) >= time.Second {
			first++
		}
		c.Most = max(c.Most, i-first+1)
	}
	c.TimesMean = float64(c.Most) / (float64(len(most99)) / c.Seconds)
	return c
}
