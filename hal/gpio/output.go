package gpio

import (
	"errors"
	"sync"

	"github.com/edgecam/edgecam/hal"
)

// output is an open output line.
type output struct {
	line line
	name string
	safe bool

	// mu orders Set against Close: nothing may set a level after the safe one.
	mu     sync.Mutex
	closed bool
}

var _ hal.Output = (*output)(nil)

// Set drives the line to a logical level.
func (o *output) Set(active bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return hal.ErrClosed
	}
	if err := o.line.set(active); err != nil {
		return fail("set", o.name, err)
	}
	return nil
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
	var failed []error
	if err := o.line.set(o.safe); err != nil {
		failed = append(failed, fail("set safe level", o.name, err))
	}
	if err := o.line.close(); err != nil {
		failed = append(failed, fail("close", o.name, err))
	}
	return errors.Join(failed...)
}
