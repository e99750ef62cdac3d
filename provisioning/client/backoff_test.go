package client

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	b := Backoff{}.withDefaults()
	for since, want := range map[time.Duration]time.Duration{
		0: time.Second, 500 * time.Millisecond: time.Second, 5 * time.Second: 5 * time.Second,
		2 * time.Minute: 2 * time.Minute, 300 * time.Second: 300 * time.Second, 1000 * time.Hour: 300 * time.Second,
	} {
		var most, sum time.Duration
		for range 2000 {
			p := b.pause(since)
			if p < b.Least || p > max(want, b.Least) {
				t.Fatalf("pause %v after %v, range %v", p, since, want)
			}
			most, sum = max(most, p), sum+p
			if l := b.pauseLost(since); l > max(want, b.Lost) {
				t.Fatalf("pause %v at %v after a loss", l, since)
			}
			if r := b.pauseRefused(since); r > min(16*want, b.Most) {
				t.Fatalf("pause %v at %v after a refusal", r, since)
			}
		}
		if want > 4*time.Second && (most < want*9/10 || sum/2000 < want*2/5 || sum/2000 > want*3/5) {
			t.Errorf("after %v: mean %v, longest %v, want jitter over all of %v", since, sum/2000, most, want)
		}
	}
	var lost, refused time.Duration
	for range 2000 {
		lost, refused = lost+b.pauseLost(0), refused+b.pauseRefused(10*time.Second)
	}
	if lost/2000 < b.Lost*2/5 || refused/2000 < 60*time.Second {
		t.Errorf("mean pause %v after a loss, %v after a refusal", lost/2000, refused/2000)
	}
}

// TestTrouble: which range a pause has follows what has happened since the last
// connection that held.
func TestTrouble(t *testing.T) {
	b := Backoff{}.withDefaults()
	start := time.Unix(1_800_000_000, 0)
	mean := func(happened func(*trouble) time.Duration) (m time.Duration) {
		for range 2000 {
			m += happened(&trouble{since: start}) / 2000
		}
		return m
	}
	for _, c := range []struct {
		what        string
		least, most time.Duration // of the mean
		happened    func(*trouble) time.Duration
	}{
		{"never connected for 40 s", 15 * time.Second, 25 * time.Second, func(tr *trouble) time.Duration {
			return tr.next(b, start.Add(40*time.Second), false, 0, KindNetwork)
		}},
		{"first attempt failed", time.Second, time.Second, func(tr *trouble) time.Duration { return tr.next(b, start, false, 0, KindNetwork) }},
		{"a connection lost at once", 12 * time.Second, 18 * time.Second, func(tr *trouble) time.Duration {
			return tr.next(b, start.Add(time.Second), true, time.Second, KindNetwork)
		}},
		{"lost, and an attempt since", 12 * time.Second, 18 * time.Second, func(tr *trouble) time.Duration {
			tr.next(b, start.Add(time.Second), true, time.Second, KindNetwork)
			return tr.next(b, start.Add(5*time.Second), false, 0, KindNetwork)
		}},
		{"one that held for an hour, lost", 12 * time.Second, 18 * time.Second, func(tr *trouble) time.Duration {
			return tr.next(b, start.Add(time.Hour), true, time.Hour, KindNetwork)
		}},
		{"lost again and again for two minutes", 50 * time.Second, 70 * time.Second, func(tr *trouble) time.Duration {
			return tr.next(b, start.Add(2*time.Minute), true, time.Second, KindNetwork)
		}},
		{"refused after ten seconds", 60 * time.Second, 100 * time.Second, func(tr *trouble) time.Duration {
			return tr.next(b, start.Add(10*time.Second), false, 0, KindRefused)
		}},
	} {
		if m := mean(c.happened); m < c.least || m > c.most {
			t.Errorf("%s: mean pause %v, want %v to %v", c.what, m, c.least, c.most)
		}
	}
}

func FuzzGuard(f *testing.F) {
	f.Add([]byte{0x30, 0x05, 1, 2, 3, 4, 5, 0x40, 2, 0, 1}, 3)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		if cut < 0 || cut > len(data) {
			return
		}
		var whole, parts guard
		err := whole.walk(data)
		perr := parts.walk(data[:cut])
		if perr == nil {
			perr = parts.walk(data[cut:])
		}
		if (err == nil) != (perr == nil) {
			t.Fatalf("whole: %v, in parts: %v", err, perr)
		}
	})
}
