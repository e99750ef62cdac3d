package congestion

import (
	"fmt"
	"testing"
	"time"
)

// TestLossAlone: a path that is wide and only loses. The stream is small and its
// packets few, so that chance is large; whatever the experiments do, the estimate
// stays above what the stream needs nearly all the time.
func TestLossAlone(t *testing.T) {
	demands := map[string]func(time.Duration) float64{
		"steady": constant(400e3),
		// A scene that moves now and then: what is sent shrinks by itself.
		"changing": func(t time.Duration) float64 {
			if t%(3*time.Second) < 1200*time.Millisecond {
				return 60e3
			}
			return 400e3
		},
	}
	for name, demand := range demands {
		for _, p := range []float64{0.02, 0.05, 0.1} {
			lossAlone(t, name, demand, p, 0.8*400e3, 0.01)
		}
	}
	// Where all is sent that may be, experiments are made.
	lossAlone(t, "full", constant(1e9), 0.1, 0.8*700e3, 0.004)
}

func lossAlone(t *testing.T, name string, demand func(time.Duration) float64, p, need, most float64) {
	t.Helper()
	worst, sum := 0.0, 0.0
	least := 1e9
	const seeds = 20
	for seed := range uint64(seeds) {
		l := link{rate: constant(50e6), delay: 25 * time.Millisecond, buffer: 500 * time.Millisecond, loss: loses(p), seed: seed}
		l.demand = demand
		o := l.run(t, Config{MinBps: 60_000, MaxBps: 700_000, StartBps: 500_000}, 60*time.Second)
		below := 0
		for _, bps := range o.target[20:] {
			if bps < need {
				below++
			}
			least = min(least, bps)
		}
		share := float64(below) / float64(len(o.target)-20)
		worst, sum = max(worst, share), sum+share
	}
	report(t, fmt.Sprintf("%s, %.0f %% loss", name, 100*p), fmt.Sprintf("too low %.3f of the time, %.3f at worst, least %.0f bit/s", sum/seeds, worst, least))
	if sum/seeds > most || worst > 10*most {
		t.Errorf("%s, %.0f %% loss: the estimate is below the stream %.3f of the time, %.3f at worst", name, 100*p, sum/seeds, worst)
	}
}
