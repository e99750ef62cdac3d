package gpio

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/hal"
	"golang.org/x/sys/unix"
)

// input is an open input line.
type input struct {
	line  line
	name  string
	clock clock

	closed atomic.Bool
	once   sync.Once
	failed error

	// waiting lets one WaitEdge in at a time; below it is its state.
	waiting sync.Mutex
	// debounce is done here if it is not 0, last being the settled level.
	debounce time.Duration
	last     bool
}

var _ hal.Input = (*input)(nil)

// Active reads the present level. It may bounce.
func (in *input) Active() (bool, error) {
	if in.closed.Load() {
		return false, hal.ErrClosed
	}
	v, err := in.line.level()
	if err != nil {
		return false, in.fail("read", err)
	}
	return v, nil
}

// WaitEdge waits for the next change. Changes between two calls are kept (64
// of them; then the oldest are lost).
func (in *input) WaitEdge(ctx context.Context) (hal.Edge, error) {
	in.waiting.Lock()
	defer in.waiting.Unlock()
	stop := context.AfterFunc(ctx, in.line.interrupt)
	defer stop()
	if in.debounce == 0 {
		e, err := in.event(ctx, time.Time{})
		if err != nil {
			return hal.Edge{}, err
		}
		return hal.Edge{Active: e.active, At: in.clock.at(e.stamp)}, nil
	}
	for {
		at, err := in.changed(ctx)
		if err != nil {
			return hal.Edge{}, err
		}
		settled, err := in.settle(ctx)
		if err != nil {
			return hal.Edge{}, err
		}
		if settled != in.last {
			in.last = settled
			return hal.Edge{Active: settled, At: at}, nil
		}
	}
}

// changed waits for a first edge, or finds that the level has changed already:
// a call that was ended while the line settled has taken the edge with it.
func (in *input) changed(ctx context.Context) (time.Time, error) {
	level, err := in.Active()
	if err != nil {
		return time.Time{}, err
	}
	if level != in.last {
		// The edge may still be queued; then it tells the time.
		e, err := in.event(ctx, time.Now().Add(time.Millisecond))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return time.Now(), nil
		}
		return in.clock.at(e.stamp), err
	}
	e, err := in.event(ctx, time.Time{})
	return in.clock.at(e.stamp), err
}

// settle waits until the line was quiet for the debounce time, and returns the
// level it settled at.
func (in *input) settle(ctx context.Context) (bool, error) {
	for {
		deadline := time.Now().Add(in.debounce)
		_, err := in.event(ctx, deadline)
		switch {
		case err == nil: // it bounced
		case errors.Is(err, os.ErrDeadlineExceeded):
			return in.Active()
		default:
			return false, err
		}
	}
}

// event waits for one edge, until a deadline if it is not zero. An interrupt
// that came before the deadline was set is not lost: it is for an ended ctx,
// which is looked at in between.
func (in *input) event(ctx context.Context, deadline time.Time) (edge, error) {
	for {
		if in.closed.Load() {
			return edge{}, hal.ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return edge{}, ended("wait for edge", in.name, err)
		}
		// Bounded slices close the gap between that look and the wait.
		slice := time.Now().Add(waitSlice)
		last := !deadline.IsZero() && !deadline.After(slice)
		if last {
			slice = deadline
		}
		e, err := in.line.event(slice)
		switch {
		case err == nil:
			return e, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return edge{}, in.fail("wait for edge", err)
		case last && !time.Now().Before(deadline):
			return edge{}, os.ErrDeadlineExceeded
		}
	}
}

// waitSlice bounds a wait that an interrupt has missed.
const waitSlice = 100 * time.Millisecond

// fail reports a failed call, or the Close that made it fail.
func (in *input) fail(op string, err error) error {
	if in.closed.Load() {
		return hal.ErrClosed
	}
	return fail(op, in.name, err)
}

// Close frees the line. A waiting WaitEdge returns [hal.ErrClosed].
func (in *input) Close() error {
	in.once.Do(func() {
		in.closed.Store(true)
		if err := in.line.close(); err != nil {
			in.failed = fail("close", in.name, err)
		}
	})
	return in.failed
}

// clock converts the kernel's CLOCK_MONOTONIC, which Go's own monotonic
// readings come from too, to time.Time.
type clock struct {
	start     time.Time
	monotonic time.Duration
}

func newClock() clock {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return clock{} // cannot happen on Linux; at falls back to now
	}
	return clock{start: time.Now(), monotonic: time.Duration(ts.Nano())}
}

// at converts a stamp. One in the future is taken for now.
func (c clock) at(stamp time.Duration) time.Time {
	now := time.Now()
	if c.start.IsZero() {
		return now
	}
	age := now.Sub(c.start) + c.monotonic - stamp
	return now.Add(-max(age, 0))
}
