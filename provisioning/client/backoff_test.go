package client

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	b := Backoff{}.withDefaults()
	for failures, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, 64 * time.Second, 128 * time.Second, 256 * time.Second, 300 * time.Second, 300 * time.Second} {
		var most, sum time.Duration
		for range 2000 {
			p := b.pause(failures)
			if p < b.Least || p > max(want, b.Least) {
				t.Fatalf("pause %v after %d failures, range %v", p, failures, want)
			}
			most, sum = max(most, p), sum+p
		}
		if want > 4*time.Second && (most < want*9/10 || sum/2000 < want*2/5 || sum/2000 > want*3/5) {
			t.Errorf("after %d failures: mean %v, longest %v, want jitter over all of %v", failures, sum/2000, most, want)
		}
	}
	if b.pause(1000) > b.Most {
		t.Error("overflow")
	}
}

// TestStorm: ten thousand nodes lose their broker at one moment. Once it is
// back they do not come at once: no second has more than three times the mean
// after a restart or a long outage, nor ever more than a twentieth of them.
func TestStorm(t *testing.T) {
	const nodes = 10_000
	b := Backoff{}.withDefaults()
	for _, c := range []struct {
		outage time.Duration
		limit  float64 // times the mean over the time until 99 % are back
	}{{500 * time.Millisecond, 3}, {20 * time.Second, 7}, {60 * time.Second, 7}, {10 * time.Minute, 3}, {time.Hour, 3}} {
		bins := make([]int, 400)
		for range nodes {
			at := time.Duration(0)
			for failures := b.lost(); at < c.outage; failures++ {
				at += b.pause(failures)
			}
			bins[int((at-c.outage)/time.Second)]++
		}
		most, sum, p99 := 0, 0, 0
		for i, n := range bins {
			most = max(most, n)
			if sum += n; sum < nodes*99/100 {
				p99 = i + 1
			}
		}
		times := float64(most) * float64(p99+1) / (nodes * 0.99)
		t.Logf("outage %v: 99 %% back within %d s, most in a second %d, %.1f times the mean", c.outage, p99+1, most, times)
		if times > c.limit || most > nodes/20 {
			t.Errorf("outage %v: %d in one second", c.outage, most)
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
