package session

import (
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/session/congestion"
)

// TestProbesAreDue counts the probes of a minute by what is known of the path.
func TestProbesAreDue(t *testing.T) {
	const useful = 2_000_000
	grows := congestion.Estimate{TargetBps: 1_000_000, State: congestion.StateGrow}
	full := func(link int) congestion.Estimate {
		e := grows
		e.LinkBps = link
		return e
	}
	queued, drains, enough := grows, grows, grows
	queued.QueueDelay = 2 * probeQueue
	drains.State = congestion.StateDrain
	enough.TargetBps = useful
	for name, c := range map[string]struct {
		estimate    congestion.Estimate
		thin        bool
		least, most int
	}{
		"a path that may carry more":                  {grows, true, 5, 8},
		"the same, the stream makes use of it":        {grows, false, 5, 8},
		"seen full at more than twice, a thin stream": {full(2_400_000), true, 5, 8},
		"seen full at no more, a thin stream":         {full(1_100_000), true, 4, 7},
		"seen full, the stream finds out by itself":   {full(2_400_000), false, 0, 0},
		"a queue stands":                              {queued, true, 0, 0},
		"a queue drains":                              {drains, true, 0, 0},
		"nothing is missing":                          {enough, true, 0, 0},
	} {
		var p prober
		var at []time.Duration
		for now := time.Second; now <= time.Minute; now += 50 * time.Millisecond {
			if p.due(now, &c.estimate, useful, c.thin) {
				at = append(at, now)
			}
		}
		if len(at) < c.least || len(at) > c.most {
			t.Errorf("%s: %d probes in a minute, want %d to %d", name, len(at), c.least, c.most)
		}
		if near := c.estimate.LinkBps == 1_100_000; near {
			for i := 1; i < len(at); i++ {
				if at[i]-at[i-1] < probeFull {
					t.Errorf("%s: %v between two probes", name, at[i]-at[i-1])
				}
			}
		}
	}
}
