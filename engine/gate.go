package engine

import (
	"context"
	"sync"
)

// gate lets goroutines wait until there is demand.
type gate struct {
	mu      sync.Mutex
	open    bool
	changed chan struct{}
}

func newGate() *gate { return &gate{changed: make(chan struct{})} }

// set opens or closes the gate and wakes who waits.
func (g *gate) set(open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open != open {
		g.open = open
		close(g.changed)
		g.changed = make(chan struct{})
	}
}

// state returns whether the gate is open and a channel closed at its next
// change.
func (g *gate) state() (open bool, changed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open, g.changed
}

// isOpen reports whether there is demand now.
func (g *gate) isOpen() bool {
	open, _ := g.state()
	return open
}

// wait returns nil when the gate is as wanted, or ctx's error once it is done.
func (g *gate) wait(ctx context.Context, want bool) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		open, changed := g.state()
		if open == want {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
