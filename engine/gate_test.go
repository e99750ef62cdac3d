package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestGateWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		passed := make(chan error, 1)
		go func() { passed <- g.wait(t.Context(), true) }()
		synctest.Wait()
		select {
		case err := <-passed:
			t.Fatalf("wait returned %v while the gate is closed", err)
		default:
		}
		g.set(true)
		if err := <-passed; err != nil {
			t.Errorf("wait = %v after the gate opened", err)
		}
		if !g.isOpen() {
			t.Error("gate is closed after set(true)")
		}
	})
}

// TestGateEndsWithContext covers both an open and a closed gate: a loop that
// waits for demand must end with the engine even while there is demand.
func TestGateEndsWithContext(t *testing.T) {
	for _, open := range []bool{false, true} {
		g := newGate()
		g.set(open)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := g.wait(ctx, true); !errors.Is(err, context.Canceled) {
			t.Errorf("open %v: wait = %v after the context ended", open, err)
		}
	}
}
