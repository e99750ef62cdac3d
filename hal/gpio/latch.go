package gpio

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// Bounds on a coil's pulse: shorter ones move nothing, longer ones heat it.
const (
	minCoilPulse = 10 * time.Millisecond
	maxCoilPulse = time.Second
)

// LatchConfig describes a part with two rest positions and a coil for each way,
// or one coil in a bridge, such as an infrared filter: a pulse on a line moves it,
// and it stays there without power.
type LatchConfig struct {
	// On moves it to the active position, Off back. Both lines rest at their
	// inactive level.
	On, Off hal.OutputConfig
	// Pulse is how long a coil is powered, 10 ms to 1 s.
	Pulse time.Duration
}

// latch is a part with two rest positions. Its lines end their pulses by
// themselves.
type latch struct {
	mu      sync.Mutex
	on, off hal.Output
}

var _ hal.Output = (*latch)(nil)

// OpenLatch opens both lines of a driver that keeps their longest pulse. The position is not known before the first Set, and
// Close leaves it as it is. Set returns when the pulse has begun.
func OpenLatch(ctx context.Context, d hal.LineDriver, cfg LatchConfig) (hal.Output, error) {
	if cfg.Pulse < minCoilPulse || cfg.Pulse > maxCoilPulse {
		return nil, &hal.Error{Op: "open", Path: describe(cfg.On.Line), Kind: hal.Unsupported, Err: fmt.Errorf(
			"gpio: a coil's pulse of %v is outside %v to %v", cfg.Pulse, minCoilPulse, maxCoilPulse)}
	}
	coil := func(c hal.OutputConfig) (hal.Output, error) {
		c.Safe, c.LongestPulse = false, cfg.Pulse
		return d.OpenOutput(ctx, c)
	}
	on, err := coil(cfg.On)
	if err != nil {
		return nil, err
	}
	off, err := coil(cfg.Off)
	if err != nil {
		return nil, errors.Join(err, on.Close())
	}
	return &latch{on: on, off: off}, nil
}

// Set moves the part. The other coil is without power before: in a bridge both at
// once would be a short circuit.
func (l *latch) Set(active bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	to, from := l.on, l.off
	if !active {
		to, from = from, to
	}
	if err := from.Set(false); err != nil {
		return err
	}
	return to.Set(true)
}

// Close takes the power from both coils and frees their lines.
func (l *latch) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.on.Close(), l.off.Close())
}
