package hal

import (
	"errors"
	"sync"
	"time"
)

// Latch is an Output for a device that keeps its place without power, such as
// an infrared filter with two coils (or a bridge with two inputs): a pulse on
// one line moves it one way, a pulse on the other back. Power that stays would
// burn the coil, so it ends by itself, whatever the caller does.
type Latch struct {
	active, idle Output
	pulse        time.Duration

	mu      sync.Mutex
	powered Output // nil: no coil has power
	timer   *time.Timer
	err     error // of switching power off
	closed  bool
}

// NewLatch returns a latch that pulses active for Set(true) and idle for
// Set(false). It owns both lines from now on.
func NewLatch(active, idle Output, pulse time.Duration) *Latch {
	return &Latch{active: active, idle: idle, pulse: pulse}
}

// Set begins a pulse and returns; one that still runs ends first, so that the
// coils never have power together. An error is of this pulse's begin, or of the
// end of the one before.
func (l *Latch) Set(active bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.release()
	if err := l.err; err != nil {
		l.err = nil
		return err // both coils might get power
	}
	coil := l.idle
	if active {
		coil = l.active
	}
	if err := coil.Set(true); err != nil {
		return errors.Join(err, coil.Set(false))
	}
	l.powered = coil
	l.timer = time.AfterFunc(l.pulse, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.powered == coil {
			l.release()
		}
	})
	return nil
}

// release takes the power away.
func (l *Latch) release() {
	if l.powered == nil {
		return
	}
	l.timer.Stop()
	if err := l.powered.Set(false); err != nil {
		l.err = err
		return // still powered, as far as one knows: the next call tries again
	}
	l.powered = nil
}

// Close takes the power away and gives the lines back. The device stays where
// it is.
func (l *Latch) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	l.release()
	return errors.Join(l.active.Close(), l.idle.Close())
}
