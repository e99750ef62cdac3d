package client

import (
	"container/heap"
	"testing"
	"time"
)

// storm is ten thousand nodes that lose their broker at one moment, in a time of
// its own: the pauses are those that [Client.Run] makes, the broker takes so many
// handshakes a second, one after the other, and a client waits for its own no
// longer than a connection may take.
type storm struct {
	backoff   Backoff
	outage    time.Duration
	handshake time.Duration // the broker's time for one

	queue  attempts
	free   time.Time // when the broker has done with all who wait
	births []time.Duration
	waste  int // handshakes for clients that no longer waited
}

const (
	stormNodes   = 10_000
	stormTimeout = 90 * time.Second // as is a connection's
)

// attempt is a node's next attempt to connect.
type attempt struct {
	at      time.Time
	trouble *trouble
}

type attempts []attempt

func (a attempts) Len() int           { return len(a) }
func (a attempts) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a attempts) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *attempts) Push(x any)        { *a = append(*a, x.(attempt)) }
func (a *attempts) Pop() (x any) {
	x = (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return x
}

func (s *storm) run() {
	lost := time.Unix(1_800_000_000, 0)
	back := lost.Add(s.outage)
	s.free = back
	for range stormNodes {
		// Each had been connected for an hour.
		t := &trouble{since: lost.Add(-time.Hour)}
		heap.Push(&s.queue, attempt{lost.Add(t.next(s.backoff, lost, true, time.Hour, KindNetwork)), t})
	}
	again := func(t *trouble, failed time.Time, k Kind) {
		heap.Push(&s.queue, attempt{failed.Add(t.next(s.backoff, failed, false, 0, k)), t})
	}
	for s.queue.Len() > 0 {
		a := heap.Pop(&s.queue).(attempt)
		if a.at.Before(back) {
			again(a.trouble, a.at, KindNetwork) // nobody listens
			continue
		}
		if s.free.Before(a.at) {
			s.free = a.at
		}
		s.free = s.free.Add(s.handshake)
		if s.waste > 10*stormNodes {
			return // they never come back
		}
		if s.free.Sub(a.at) > stormTimeout {
			s.waste++ // the broker comes to it, and nobody is there
			again(a.trouble, a.at.Add(stormTimeout), KindBusy)
			continue
		}
		s.births = append(s.births, s.free.Sub(back))
	}
}

// figures returns the fullest second, when 99 in 100 and all were back, and how
// many times the mean of the first of these times the fullest second is.
func (s *storm) figures() (most int, p99, all time.Duration, times float64) {
	bins := map[time.Duration]int{}
	for i, b := range s.births { // in order
		bins[b.Truncate(time.Second)]++
		most = max(most, bins[b.Truncate(time.Second)])
		if i == stormNodes*99/100 {
			p99 = b
		}
		all = b
	}
	return most, p99, all, float64(most) * max(p99.Seconds(), 1) / (stormNodes * 0.99)
}

// TestStorm: ten thousand nodes lose their broker at one moment. Once it is back
// they do not come at once: no second has more than three times the mean over the
// time until 99 in 100 are back, however long it was away. A broker that is slow
// is kept busy, and the nodes that it makes wait do not take all its time.
func TestStorm(t *testing.T) {
	for _, c := range []struct {
		perSecond int // handshakes
		outages   []time.Duration
	}{
		{1_000_000, []time.Duration{
			500 * time.Millisecond, 5 * time.Second, 20 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 6 * time.Minute, 10 * time.Minute,
		}},
		{300, []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}},
		{100, []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}},
		{40, []time.Duration{5 * time.Second, 2 * time.Minute}},
	} {
		for i, outage := range c.outages {
			if testing.Short() && i > 0 {
				break
			}
			s := storm{backoff: Backoff{}.withDefaults(), outage: outage, handshake: time.Second / time.Duration(c.perSecond)}
			s.run()
			most, p99, all, times := s.figures()
			t.Logf("%7d handshakes/s, outage %7v: 99 %% back within %5.1f s, all within %5.1f s, most in a second %3d, %.1f times the mean, %5d handshakes in vain",
				c.perSecond, outage, p99.Seconds(), all.Seconds(), most, times, s.waste)
			if len(s.births) != stormNodes || times > 3 || most > stormNodes/10 {
				t.Errorf("outage %v, %d handshakes/s: %d in one second, %.1f times the mean", outage, c.perSecond, most, times)
			}
			// In vain at most as many as there are nodes: twice the time that the
			// broker needs at best, and what the nodes' own spread takes.
			if limit := 2*stormNodes*s.handshake + 2*min(max(outage, s.backoff.Lost), s.backoff.Most) + stormTimeout; p99 > limit {
				t.Errorf("outage %v, %d handshakes/s: 99 %% back after %v, want %v", outage, c.perSecond, p99, limit)
			}
		}
	}
}
