package congestion

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

var cameraConfig = Config{MinBps: 50_000, MaxBps: 6_000_000, StartBps: 500_000}

func loses(p float64) func(time.Duration, *rand.Rand) bool {
	return func(_ time.Duration, r *rand.Rand) bool { return r.Float64() < p }
}

// wavering is a delay that differs from packet to packet.
func wavering(sigma time.Duration) func(time.Duration, *rand.Rand) time.Duration {
	return func(_ time.Duration, r *rand.Rand) time.Duration {
		return time.Duration(math.Abs(r.NormFloat64()) * float64(sigma))
	}
}

// stalling holds everything back for a while, again and again.
func stalling(every, hold time.Duration) func(time.Duration, *rand.Rand) time.Duration {
	return func(t time.Duration, r *rand.Rand) time.Duration {
		if p := t % every; p < hold {
			return hold - p
		}
		return time.Duration(math.Abs(r.NormFloat64()) * 3e6)
	}
}

// TestPathsUsed sends over paths of one capacity: how much of it is used, and
// how long packets wait, once the start is over.
func TestPathsUsed(t *testing.T) {
	plain := link{rate: constant(2e6), delay: 20 * time.Millisecond, buffer: 500 * time.Millisecond}
	with := func(change func(*link)) link {
		l := plain
		change(&l)
		return l
	}
	for _, s := range []struct {
		name   string
		l      link
		used   float64       // at least
		p95    float64       // at most, ms
		settle time.Duration // when the start is over
	}{
		{"2 Mbit/s", plain, 0.95, 50, 5 * time.Second},
		{"700 kbit/s", with(func(l *link) { l.rate = constant(7e5) }), 0.95, 60, 5 * time.Second},
		{"300 kbit/s", with(func(l *link) { l.rate = constant(3e5) }), 0.95, 60, 5 * time.Second},
		{"round trip 400 ms", with(func(l *link) { l.delay = 200 * time.Millisecond }), 0.93, 85, 10 * time.Second},
		{"queue of 30 ms", with(func(l *link) { l.buffer = 30 * time.Millisecond }), 0.90, 30, 5 * time.Second},
		{"10 frames per second", with(func(l *link) { l.fps = 10 }), 0.92, 65, 5 * time.Second},
		{"reports every 100 ms", with(func(l *link) { l.report = 100 * time.Millisecond }), 0.93, 60, 5 * time.Second},
		{"delay varies by 8 ms", with(func(l *link) { l.jitter = wavering(8 * time.Millisecond) }), 0.92, 50, 5 * time.Second},
		{"delay varies by 20 ms", with(func(l *link) { l.jitter = wavering(20 * time.Millisecond) }), 0.75, 120, 5 * time.Second},
		{"stalls of 80 ms", with(func(l *link) { l.jitter = stalling(1700*time.Millisecond, 80*time.Millisecond) }), 0.92, 55, 5 * time.Second},
		{"stalls of 250 ms", with(func(l *link) { l.jitter = stalling(3900*time.Millisecond, 250*time.Millisecond) }), 0.95, 90, 5 * time.Second},
		{"stalls of 250 ms, 500 kbit/s", with(func(l *link) {
			l.rate, l.jitter = constant(5e5), stalling(3900*time.Millisecond, 250*time.Millisecond)
		}), 0.95, 110, 5 * time.Second},
		{"stalls of 500 ms", with(func(l *link) { l.jitter = stalling(7900*time.Millisecond, 500*time.Millisecond) }), 0.95, 110, 5 * time.Second},
		// Lost packets use capacity too: 0.95 and 0.80 can arrive.
		{"5 % loss", with(func(l *link) { l.loss = loses(0.05) }), 0.88, 55, 5 * time.Second},
		{"20 % loss", with(func(l *link) { l.loss = loses(0.2) }), 0.70, 55, 8 * time.Second},
		{"clock 300 ppm fast", with(func(l *link) { l.skew = 300 }), 0.94, 50, 5 * time.Second},
		{"clock 300 ppm slow", with(func(l *link) { l.skew = -300 }), 0.94, 50, 5 * time.Second},
	} {
		t.Run(s.name, func(t *testing.T) {
			for seed := range uint64(5) {
				l := s.l
				l.seed = seed
				o := l.run(t, cameraConfig, 60*time.Second)
				used, p95 := o.between(s.settle, 60*time.Second)
				report(t, s.name, fmt.Sprintf("used %.2f, p95 %.1f ms", used, p95))
				if used < s.used || p95 > s.p95 {
					t.Errorf("seed %d: %.3f used, 95 %% of packets waited up to %.1f ms; want at least %.2f and at most %.0f ms", seed, used, p95, s.used, s.p95)
				}
			}
		})
	}
}

// report tells figures where they are asked for.
func report(t *testing.T, name, figures string) {
	if os.Getenv("EDGECAM_FIGURES") != "" {
		t.Logf("%s: %s", name, figures)
	}
}

// TestCapacitySteps changes the capacity in mid-stream.
func TestCapacitySteps(t *testing.T) {
	for seed := range uint64(5) {
		l := link{delay: 20 * time.Millisecond, buffer: 500 * time.Millisecond, seed: seed, rate: func(t time.Duration) float64 {
			switch {
			case t < 20*time.Second:
				return 3e6
			case t < 40*time.Second:
				return 0.5e6
			default:
				return 2e6
			}
		}}
		o := l.run(t, cameraConfig, 70*time.Second)
		for _, p := range []struct {
			from, to  time.Duration
			used, p95 float64
		}{
			{5 * time.Second, 20 * time.Second, 0.93, 50},
			{22 * time.Second, 40 * time.Second, 0.90, 60}, // two seconds after the drop
			{46 * time.Second, 70 * time.Second, 0.92, 55},
		} {
			used, p95 := o.between(p.from, p.to)
			report(t, "steps", fmt.Sprintf("%v to %v: used %.2f, p95 %.1f ms", p.from, p.to, used, p95))
			if used < p.used || p95 > p.p95 {
				t.Errorf("seed %d, %v to %v: %.3f used, p95 %.1f ms; want %.2f and %.0f ms", seed, p.from, p.to, used, p95, p.used, p.p95)
			}
		}
		// Back to two thirds of 2 Mbit/s within four seconds.
		if got := o.target[440]; got < 1.3e6 {
			t.Errorf("seed %d: target %.0f bit/s four seconds after the rise to 2 Mbit/s", seed, got)
		}
	}
}

// TestStalls holds everything back before the queue, now and then: what has piled up
// then waits in it, but the path carries no less for it.
func TestStalls(t *testing.T) {
	for _, s := range []struct {
		every, hold time.Duration
		used        float64
	}{
		{700 * time.Millisecond, 120 * time.Millisecond, 0.6},
		{1300 * time.Millisecond, 120 * time.Millisecond, 0.75},
		{1300 * time.Millisecond, 250 * time.Millisecond, 0.45},
		{2900 * time.Millisecond, 250 * time.Millisecond, 0.8},
	} {
		for seed := range uint64(5) {
			r := rand.New(rand.NewPCG(seed, 5))
			var ends []time.Duration
			for at := s.every; at < time.Minute; at += s.every/2 + time.Duration(r.Int64N(int64(s.every))) {
				ends = append(ends, at)
			}
			l := link{rate: constant(2e6), delay: 20 * time.Millisecond, buffer: 300 * time.Millisecond, seed: seed}
			l.hold = func(t time.Duration) time.Duration {
				for _, end := range ends {
					if t < end && t > end-s.hold {
						return end - t
					}
				}
				return 0
			}
			o := l.run(t, cameraConfig, time.Minute)
			used, p95 := o.between(10*time.Second, time.Minute)
			name := fmt.Sprintf("%v every %v", s.hold, s.every)
			report(t, name, fmt.Sprintf("used %.2f, p95 %.1f ms", used, p95))
			if used < s.used {
				t.Errorf("seed %d, %s: %.2f used, want %.2f", seed, name, used, s.used)
			}
		}
	}
}

// TestCollapse leaves so little of a path that each packet comes long after the one
// before: that is no stall, and is heeded as soon.
func TestCollapse(t *testing.T) {
	for seed := range uint64(5) {
		l := link{delay: 20 * time.Millisecond, buffer: time.Second, seed: seed, rate: func(t time.Duration) float64 {
			if t < 20*time.Second {
				return 2e6
			}
			return 125e3
		}}
		o := l.run(t, cameraConfig, 40*time.Second)
		used, p95 := o.between(24*time.Second, 40*time.Second)
		report(t, "collapse", fmt.Sprintf("used %.2f, p95 %.1f ms", used, p95))
		if used < 0.9 || p95 > 100 {
			t.Errorf("seed %d: %.2f of the path is used, p95 %.1f ms", seed, used, p95)
		}
	}
}

// TestLongerRoute makes the delay grow for good: no queue, and no reason to send
// less for long.
func TestLongerRoute(t *testing.T) {
	for seed := range uint64(5) {
		l := link{rate: constant(2e6), delay: 20 * time.Millisecond, buffer: 500 * time.Millisecond, seed: seed}
		l.jitter = func(t time.Duration, _ *rand.Rand) time.Duration {
			if t > 20*time.Second {
				return 70 * time.Millisecond
			}
			return 0
		}
		o := l.run(t, cameraConfig, 60*time.Second)
		used, p95 := o.between(35*time.Second, 60*time.Second)
		report(t, "longer route", fmt.Sprintf("used %.2f, p95 %.1f ms", used, p95))
		if used < 0.85 || p95 > 80 {
			t.Errorf("seed %d: 15 s after the route grew by 70 ms %.2f is used, p95 %.1f ms", seed, used, p95)
		}
	}
}

// TestRival has a download beside the stream: neither may starve.
func TestRival(t *testing.T) {
	for seed := range uint64(5) {
		l := link{rate: constant(4e6), delay: 20 * time.Millisecond, buffer: 200 * time.Millisecond, rivals: 1, seed: seed}
		o := l.run(t, cameraConfig, 120*time.Second)
		used, _ := o.between(30*time.Second, 120*time.Second)
		report(t, "rival", fmt.Sprintf("share %.2f", used))
		if used < 0.15 || used > 0.75 {
			t.Errorf("seed %d: %.2f of the path beside one download", seed, used)
		}
	}
}

// TestStaticScene sends little for a minute: the estimate neither grows without
// bound nor collapses, and what is sent afterwards does not flood the path.
func TestStaticScene(t *testing.T) {
	l := link{rate: constant(1.5e6), delay: 20 * time.Millisecond, buffer: 500 * time.Millisecond}
	l.demand = func(t time.Duration) float64 {
		if t > 10*time.Second && t < 70*time.Second {
			return 60e3
		}
		return 1e9
	}
	for seed := range uint64(5) {
		l.seed = seed
		o := l.run(t, cameraConfig, 90*time.Second)
		before, after := o.target[95], o.target[695]
		report(t, "static scene", fmt.Sprintf("target %.0f before, %.0f after", before, after))
		if after > 1.1*1.5e6 || after < 0.8*before {
			t.Errorf("seed %d: target %.0f before a minute of stillness, %.0f after it, on 1.5 Mbit/s", seed, before, after)
		}
		if _, p95 := o.between(70*time.Second, 75*time.Second); p95 > 120 {
			t.Errorf("seed %d: p95 of the queue %.0f ms when motion sets in", seed, p95)
		}
	}
}

// TestPacerDelay: what waits in the pacer is at most a picture's time.
func TestPacerDelay(t *testing.T) {
	l := link{rate: constant(2e6), delay: 20 * time.Millisecond, buffer: 500 * time.Millisecond, seed: 3}
	o := l.run(t, cameraConfig, 30*time.Second)
	late := 0
	for _, d := range o.sendDelay {
		if d > 1000.0/30 {
			late++
		}
	}
	if share := float64(late) / float64(len(o.sendDelay)); share > 0.03 {
		t.Errorf("%.3f of the video packets waited longer than a picture's time", share)
	}
}

// TestSilence: a receiver that is heard no more is sent less and less, and as much
// as before soon after it is heard again.
func TestSilence(t *testing.T) {
	c, err := New(cameraConfig)
	if err != nil {
		t.Fatal(err)
	}
	seq := uint16(0)
	var waiting []Arrival
	run := func(from, to time.Duration, heard bool) {
		for now := from; now < to; now += 5 * time.Millisecond {
			c.Sent(now, seq, 1200, uint32(now/(35*time.Millisecond))+1)
			waiting = append(waiting, Arrival{Seq: seq, Received: true, At: now + 20*time.Millisecond})
			seq++
			if now%(50*time.Millisecond) == 0 && heard {
				c.Feedback(now+20*time.Millisecond, waiting)
				waiting = waiting[:0]
			}
			if now%(100*time.Millisecond) == 0 {
				c.Tick(now)
			}
		}
	}
	run(0, 3*time.Second, true)
	before := c.Estimate().TargetBps
	run(3*time.Second, 6*time.Second, false)
	if e := c.Estimate(); e.State != StateSilence || e.TargetBps > before/16 {
		t.Errorf("three seconds without a word: %+v, it was %d", e, before)
	}
	waiting = nil
	run(6*time.Second, 10*time.Second, true)
	if e := c.Estimate(); e.State == StateSilence || e.TargetBps < before/2 {
		t.Errorf("four seconds after the receiver is back: %+v, it was %d", e, before)
	}
}

// TestShortQueue: pictures are spread so that a queue of a few packets holds them.
func TestShortQueue(t *testing.T) {
	for seed := range uint64(5) {
		l := link{rate: constant(2e6), delay: 20 * time.Millisecond, buffer: 30 * time.Millisecond, seed: seed}
		o := l.run(t, cameraConfig, 60*time.Second)
		lost := float64(o.lostPackets) / float64(o.allPackets)
		report(t, "queue of 30 ms", fmt.Sprintf("lost %.3f", lost))
		if lost > 0.035 {
			t.Errorf("seed %d: %.3f of all packets lost in a queue of 30 ms", seed, lost)
		}
	}
}
