//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// clock converts CLOCK_MONOTONIC readings, which V4L2 stamps buffers with, to
// time.Time. Go's own monotonic readings come from the same clock, so one pair
// of readings relates the two for good.
type clock struct {
	start     time.Time
	monotonic time.Duration // at start
}

func newClock() clock {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return clock{} // cannot happen on Linux; at then falls back to now
	}
	return clock{start: time.Now(), monotonic: time.Duration(ts.Nano())}
}

// maxAge is the age above which a time stamp is not believed.
const maxAge = time.Minute

// at returns the time of a stamp seen at now. A stamp in the future (vivid
// stamps the end of a frame that is still being exposed) becomes now, as does
// one that is too old to be true.
func (c clock) at(now time.Time, stamp time.Duration) time.Time {
	if c.start.IsZero() {
		return now
	}
	age := now.Sub(c.start) + c.monotonic - stamp
	if age < 0 || age > maxAge {
		return now
	}
	return now.Add(-age)
}

// ctxWatcher wakes the kernel's wait when a context ends. It registers once
// for a context, not once for a call, which would allocate for every frame.
type ctxWatcher struct {
	wake func()
	done <-chan struct{}
	undo func() bool
}

// watch switches to ctx. A wake on behalf of an earlier one does no harm.
func (w *ctxWatcher) watch(ctx context.Context) {
	if ctx.Done() == w.done {
		return
	}
	w.stop()
	if w.done = ctx.Done(); w.done != nil {
		w.undo = context.AfterFunc(ctx, w.wake)
	}
}

func (w *ctxWatcher) stop() {
	if w.undo != nil {
		w.undo()
	}
	w.done, w.undo = nil, nil
}
