package sim

import (
	"context"
	"sync"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// input is an open input line. A change counts once the level has stood still
// for the debounce time; its time is when the level came.
type input struct {
	driver   *LineDriver
	index    int
	debounce time.Duration

	// Guarded by driver.mu.
	stable, raw bool
	since       time.Time // when raw came, if it differs from stable
	edges       []hal.Edge

	wake      chan struct{} // holds one token after a change
	closed    chan struct{}
	closeOnce sync.Once
}

// change takes a raw change of the line. The caller holds driver.mu.
func (in *input) change(active bool, at time.Time) {
	in.settle(at)
	in.raw, in.since = active, at
	in.settle(at)
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// settle turns a level that stood long enough into an edge, and returns how
// long that still takes, or 0 if nothing is under way.
func (in *input) settle(now time.Time) time.Duration {
	if in.raw == in.stable {
		return 0
	}
	if left := in.debounce - now.Sub(in.since); left > 0 {
		return left
	}
	in.stable = in.raw
	if len(in.edges) == maxEdges {
		in.edges = append(in.edges[:0], in.edges[1:]...)
	}
	in.edges = append(in.edges, hal.Edge{Active: in.stable, At: in.since})
	return 0
}

func (in *input) isClosed() bool {
	select {
	case <-in.closed:
		return true
	default:
		return false
	}
}

// Active returns the debounced level.
func (in *input) Active() (bool, error) {
	if in.isClosed() {
		return false, hal.ErrClosed
	}
	in.driver.mu.Lock()
	defer in.driver.mu.Unlock()
	in.settle(time.Now())
	return in.stable, nil
}

// WaitEdge returns the oldest change that was not returned yet.
func (in *input) WaitEdge(ctx context.Context) (hal.Edge, error) {
	for {
		if in.isClosed() {
			return hal.Edge{}, hal.ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return hal.Edge{}, contextError("wait", lineNames[in.index], err)
		}
		edge, left, ok := in.pop()
		if ok {
			return edge, nil
		}
		in.sleep(ctx, left)
	}
}

func (in *input) pop() (e hal.Edge, left time.Duration, ok bool) {
	in.driver.mu.Lock()
	defer in.driver.mu.Unlock()
	left = in.settle(time.Now())
	if len(in.edges) == 0 {
		return e, left, false
	}
	e = in.edges[0]
	in.edges = append(in.edges[:0], in.edges[1:]...)
	return e, left, true
}

// sleep waits for a change, or for left if that is not 0.
func (in *input) sleep(ctx context.Context, left time.Duration) {
	var settled <-chan time.Time
	if left > 0 {
		t := time.NewTimer(left)
		defer t.Stop()
		settled = t.C
	}
	select {
	case <-in.wake:
	case <-settled:
	case <-in.closed:
	case <-ctx.Done():
	}
}

// Close ends a waiting WaitEdge.
func (in *input) Close() error {
	in.closeOnce.Do(func() {
		close(in.closed)
		in.driver.mu.Lock()
		in.driver.lines[in.index].input = nil
		in.driver.lines[in.index].open = false
		in.driver.mu.Unlock()
	})
	return nil
}
