// Package resetbutton watches a line for the press that brings a node back to
// what left the factory.
//
// The button is held for [Config.Hold]; then its light flickers, and letting go
// resets the node. A button that is not let go within [LetGo] is stuck and
// resets nothing. One that was down already when the line was opened, at the
// start of the program or after the line's return, must be let go after that time
// and then be pressed once more, for [Confirm] to [ConfirmMost] and within
// [Again]: a line that is stuck, or floats until its chip has power, does
// neither.
package resetbutton

import (
	"context"
	"log/slog"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// The times of a press, beside the one that is configured.
const (
	LetGo       = 30 * time.Second       // from the end of the hold, to let go
	Again       = 10 * time.Second       // from letting go, to the press that confirms
	Confirm     = 500 * time.Millisecond // least length of that press
	ConfirmMost = 5 * time.Second        // a longer one is another attempt or a stuck line
)

// How the light shows where a press stands.
const (
	slow   = 500 * time.Millisecond // being held: on and off each
	flick  = 100 * time.Millisecond // long enough: let go
	asking = 250 * time.Millisecond // let go: press once more
)

// Pauses before a line that fails is opened again.
const (
	retryFirst = time.Second
	retryMost  = time.Minute
)

// Config says what to watch and what to do.
type Config struct {
	// Button opens the line.
	Button func(context.Context) (hal.Input, error)
	// Light opens the light's line; nil without one.
	Light func(context.Context) (hal.Output, error)
	// Hold is how long the button must be held.
	Hold time.Duration
	// Reset resets the node. After an error the button can be tried again.
	Reset func() error
	Log   *slog.Logger
}

// Watch watches the button until ctx is done or the node has been reset.
func Watch(ctx context.Context, c Config) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	retry := retryFirst
	for ctx.Err() == nil {
		w := watcher{Config: c}
		err := w.watch(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		c.Log.Warn("reset button not available, trying again", "kind", hal.KindOf(err).String(), "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(retry):
		}
		retry = min(2*retry, retryMost)
	}
}

// state is where a press stands.
type state uint8

const (
	idle    state = iota
	held          // down, not yet long enough
	ready         // long enough: to be let go
	stuck         // down for too long, to be let go
	again         // let go, and to be confirmed
	confirm       // down to confirm
)

type watcher struct {
	Config
	in    hal.Input
	light light

	state state
	// early: the button was down when the line was opened.
	early bool
	// The press began at down by this program's clock, and at edge by the
	// driver's. A press has lasted as long as both of them say: an edge may be
	// read late, and a wall clock may be set.
	down, edge time.Time
	timer      *time.Timer // of the state
}

// watch returns nil when the node has been reset.
func (w *watcher) watch(ctx context.Context) (err error) {
	if w.in, err = w.Button(ctx); err != nil {
		return err
	}
	defer func() {
		if cerr := w.in.Close(); cerr != nil {
			w.Log.Warn("reset button's line not closed", "error", cerr)
		}
	}()
	active, err := w.in.Active()
	if err != nil {
		return err
	}
	w.light.open(ctx, w.Config)
	defer w.light.close(w.Log)
	w.timer = time.NewTimer(time.Hour)
	defer w.timer.Stop()
	w.enter(idle, time.Hour)
	if active {
		w.Log.Warn("the reset button is down at the start: is its line stuck?")
		w.early = true
		w.press(time.Now())
	}

	edges, failed := make(chan hal.Edge), make(chan error, 1)
	waiting, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			e, err := w.in.WaitEdge(waiting)
			if err != nil {
				failed <- err
				return
			}
			select {
			case edges <- e:
			case <-waiting.Done():
				return
			}
		}
	}()
	defer func() { stop(); <-done }()

	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return err
		case e := <-edges:
			if w.change(e) && w.reset() {
				return nil
			}
		case <-w.timer.C:
			w.expired()
		case <-w.light.tick():
			w.light.turn()
		}
	}
}

// enter goes to a state for at most limit.
func (w *watcher) enter(s state, limit time.Duration) {
	w.state = s
	w.timer.Reset(limit)
	switch s {
	case held:
		w.light.blink(slow)
	case ready:
		w.light.blink(flick)
	case again, confirm:
		w.light.blink(asking)
	default:
		w.light.off()
	}
}

func (w *watcher) press(edge time.Time) {
	w.down, w.edge = time.Now(), edge
	if w.state == again {
		w.enter(confirm, ConfirmMost)
		return
	}
	w.enter(held, w.Hold)
}

// lasted returns how long the button has been down, for sure.
func (w *watcher) lasted(edge time.Time) time.Duration {
	return min(time.Since(w.down), edge.Sub(w.edge))
}

// change takes a change of the line and reports whether the node is to be reset.
func (w *watcher) change(e hal.Edge) bool {
	if e.Active {
		// Two presses without a release between them: one was lost, and the
		// time counts from the later.
		if w.state == idle || w.state == again || w.state == held {
			w.press(e.At)
		}
		return false
	}
	was, lasted, early := w.state, w.lasted(e.At), w.early
	switch was {
	case idle, again:
		return false
	case confirm:
		w.enter(idle, time.Hour)
		w.early = false
		return lasted >= Confirm && lasted <= ConfirmMost
	case ready:
		if early {
			// The edge before the start has no time: this program's clock counts.
			lasted = time.Since(w.down)
		}
		if lasted >= w.Hold {
			if !early {
				w.enter(idle, time.Hour)
				return true
			}
			w.Log.Warn("reset button held since the start: press it once more to reset the node", "within_s", Again.Seconds())
			w.enter(again, Again)
			return false
		}
	}
	w.early = false
	w.enter(idle, time.Hour)
	return false
}

// expired is called when a state has lasted as long as it may.
func (w *watcher) expired() {
	switch w.state {
	case held:
		w.Log.Warn("reset button held: let go to reset the node", "within_s", LetGo.Seconds())
		w.enter(ready, LetGo)
	case ready, confirm:
		w.Log.Warn("the reset button is not let go: it counts as stuck")
		w.enter(stuck, time.Hour)
	case again:
		w.early = false
		w.enter(idle, time.Hour)
	default:
		w.timer.Reset(time.Hour)
	}
}

// reset resets the node if the line is up now, and reports whether it has been.
func (w *watcher) reset() bool {
	if active, err := w.in.Active(); err != nil || active {
		w.Log.Warn("reset button bounces or fails: nothing is reset", "error", err)
		return false
	}
	w.light.on()
	w.Log.Warn("factory reset by the reset button")
	if err := w.Reset(); err != nil {
		w.Log.Error("factory reset failed", "error", err)
		w.light.off()
		return false
	}
	return true
}
