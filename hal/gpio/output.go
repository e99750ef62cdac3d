package gpio

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// output is an open output line.
type output struct {
	log     *slog.Logger
	line    line
	name    string
	safe    bool
	longest time.Duration // away from the safe level; 0: for ever

	// mu orders Set against Close: nothing may set a level after the safe one.
	mu     sync.Mutex
	closed bool
	pulse  *time.Timer // ends the present pulse, nil without one
	// pulses counts them: a timer that was too late to be stopped must not end the
	// next one.
	pulses int
}

var _ hal.Output = (*output)(nil)

// Set drives the line to a logical level. Away from the safe level every call
// begins the longest pulse anew.
func (o *output) Set(active bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return hal.ErrClosed
	}
	o.endPulse()
	if active != o.safe && o.longest > 0 {
		// Before the level is set: from then on it ends.
		n := o.pulses
		o.pulse = time.AfterFunc(o.longest, func() { o.fall(n) })
	}
	if err := o.line.set(active); err != nil {
		return fail("set", o.name, err)
	}
	return nil
}

func (o *output) endPulse() {
	if o.pulse != nil {
		o.pulse.Stop()
		o.pulse = nil
	}
	o.pulses++
}

// fallRetry is how soon a line that did not take its safe level is asked again.
const fallRetry = 100 * time.Millisecond

// fall sets the safe level at the end of a pulse.
func (o *output) fall(pulse int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || pulse != o.pulses {
		return
	}
	if err := o.line.set(o.safe); err != nil {
		o.log.Error("gpio: line does not take its safe level, trying again", "line", o.name, "error", err)
		o.pulse = time.AfterFunc(fallRetry, func() { o.fall(pulse) })
		return
	}
	o.pulse = nil
}

// Close sets the safe level and frees the line, which is done even if the
// level could not be set.
func (o *output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil
	}
	o.closed = true
	o.endPulse()
	var failed []error
	if err := o.line.set(o.safe); err != nil {
		failed = append(failed, fail("set safe level", o.name, err))
	}
	if err := o.line.close(); err != nil {
		failed = append(failed, fail("close", o.name, err))
	}
	return errors.Join(failed...)
}
