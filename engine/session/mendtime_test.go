package session

import (
	"testing"
	"time"

	"github.com/pion/rtp"
)

func TestMendTime(t *testing.T) {
	const ms = time.Millisecond
	start := time.Unix(1_700_000_000, 0)
	var m mendTime
	for _, c := range []struct {
		what      string
		at        time.Duration
		loss      float64
		rtt, want time.Duration
	}{
		{"nothing is lost", 0, 0, 40 * ms, 0},
		{"hardly anything", time.Second, 0.009, 40 * ms, 0},
		{"much", 2 * time.Second, 0.05, 40 * ms, 60 * ms},
		{"whole units", 3 * time.Second, 0.05, 41 * ms, 70 * ms},
		{"a little less is no change", 4 * time.Second, 0.05, 20 * ms, 70 * ms},
		{"less is one", 5 * time.Second, 0.05, 9 * ms, 30 * ms},
		{"more is one at once", 6 * time.Second, 0.05, 200 * ms, 220 * ms},
		{"longer than worth waiting for", 7 * time.Second, 0.05, 400 * ms, 40 * ms},
		{"held, and follows the round trip", 16 * time.Second, 0, 100 * ms, 120 * ms},
		{"over", 18 * time.Second, 0, 100 * ms, 0},
		{"anew", 19 * time.Second, 0.01, 0, 20 * ms},
	} {
		if got := m.next(start.Add(c.at), c.loss, c.rtt); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}

// asked returns the least playout delay that a packet asks for.
func asked(p *rtp.Packet) (least time.Duration, found bool) {
	for _, id := range p.GetExtensionIDs() {
		if b := p.GetExtension(id); len(b) == 3 {
			return time.Duration(int(b[0])<<4|int(b[1])>>4) * playoutUnit, true
		}
	}
	return 0, false
}

// TestMendingInTime: on a path that loses packets the viewer is asked to wait for
// those that are sent again, whose own header says the same; before, it is not.
func TestMendingInTime(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	n.play()
	c := reportingClient(t)
	way := newNarrow(t, n.Port(), 3_000_000, 300*time.Millisecond)
	c.joinThrough(n, way)
	for range 100 {
		p := next(t, c.video)
		if least, found := asked(&p); !found || least != 0 {
			t.Fatalf("%v (%v) is asked for without a loss", least, found)
		}
	}
	way.lose.Store(8)
	eventually(t, "a playout delay", func() bool {
		p := next(t, c.video)
		least, _ := asked(&p)
		return least >= mendSlack
	})
	track := c.viewer.video
	track.repairing.Lock()
	defer track.repairing.Unlock()
	again := rtp.Packet{Header: track.repair.header}
	if least, found := asked(&again); !found || least < mendSlack {
		t.Errorf("packets that are sent again ask for %v (%v)", least, found)
	}
}
