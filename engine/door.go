package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// Errors of the door release.
var (
	ErrNoDoor   = errors.New("engine: this node has no door release")
	ErrDoorBusy = errors.New("engine: the door is already released")
)

// door owns the relay. Releases are momentary: the relay falls back by itself.
type door struct {
	pulse   time.Duration
	open    func(ctx context.Context) (hal.Output, error)
	log     *slog.Logger
	changed func()
	request chan chan error

	mu       sync.Mutex
	released bool
}

func (d *door) init(pulse time.Duration, open func(context.Context) (hal.Output, error), log *slog.Logger, changed func()) {
	d.pulse, d.open, d.log, d.changed = pulse, open, log, changed
	d.request = make(chan chan error)
}

func (d *door) state() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.released {
		return "released"
	}
	return "locked"
}

// run serves release requests. The relay is opened at once, so that its line
// has the safe level from the start.
func (d *door) run(ctx context.Context) {
	if d.open == nil {
		return
	}
	var relay hal.Output
	defer func() {
		if relay != nil {
			relay.Close()
		}
	}()
	ready := func() (err error) {
		if relay == nil {
			relay, err = d.open(ctx)
		}
		return err
	}
	if err := ready(); err != nil {
		d.log.Warn("door relay not available", "kind", hal.KindOf(err).String(), "error", err)
	}
	// A chip that comes later: its line must not wait for the first release to
	// get the safe level.
	again := time.NewTicker(retryMost)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			if relay == nil && ready() == nil {
				d.log.Info("door relay is there")
			}
		case reply := <-d.request:
			err := ready()
			if err == nil {
				if err = relay.Set(true); err == nil {
					d.setReleased(true)
				}
			}
			reply <- err
			if err != nil {
				d.log.Error("door release failed", "error", err)
				continue
			}
			sleep(ctx, d.pulse)
			if err := relay.Set(false); err != nil {
				d.log.Error("door relay does not fall back, closing its line", "error", err)
				relay.Close()
				relay = nil
			}
			d.setReleased(false)
		}
	}
}

func (d *door) setReleased(released bool) {
	d.mu.Lock()
	d.released = released
	d.mu.Unlock()
	d.changed()
}

// OpenDoor releases the door for the configured pulse. It returns as soon as
// the relay has pulled in: ErrNoDoor, ErrDoorBusy or the device's error if it
// has not. who is logged.
func (e *Engine) OpenDoor(ctx context.Context, who string) error {
	if e.door.open == nil {
		return ErrNoDoor
	}
	reply := make(chan error, 1)
	select {
	case e.door.request <- reply:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(100 * time.Millisecond):
		return ErrDoorBusy
	}
	select {
	case err := <-reply:
		if err != nil {
			return fmt.Errorf("engine: door release: %w", err)
		}
		e.log.Info("door released", "by", who, "pulse_ms", e.cfg.Door.Pulse.Milliseconds())
		e.emit(Event{Type: "door", Data: who})
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
