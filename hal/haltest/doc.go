// Package haltest holds the conformance suites that every driver of package
// hal has to pass: run them from the driver's own tests, on real hardware too.
//
// Each suite takes a few seconds, reads from the device, and ends with a look
// for goroutines that were left behind.
package haltest

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edgecam/edgecam/hal"
)

// endLimit is how soon a waiting call has to return after Close or the end of
// its context.
const endLimit = time.Second

// deviceLimit is how long a device may take for one frame, block or opening.
const deviceLimit = 5 * time.Second

// leaks fails the test if goroutines that were not there before stay.
func leaks(t *testing.T) {
	t.Helper()
	opt := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, opt) })
}

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deviceLimit)
	t.Cleanup(cancel)
	return ctx
}

// unknown checks the answer to an id that does not exist.
func unknown(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("an unknown id was opened")
	}
	if k := hal.KindOf(err); k != hal.Gone {
		t.Errorf("unknown id: error %q has kind %v, want %v", err, k, hal.Gone)
	}
}

// closedError checks the error of a call that Close ended.
func closedError(t *testing.T, err error) {
	t.Helper()
	switch {
	case err == nil:
		t.Error("a call after Close succeeded")
	case !errors.Is(err, hal.ErrClosed) && hal.KindOf(err) != hal.Gone:
		t.Errorf("error after Close is %q, want hal.ErrClosed or Kind Gone", err)
	}
}

// endedBy runs call in a goroutine, then end, and checks that call returns in
// time. Calls that succeed are repeated: what was buffered may be delivered.
func endedBy(t *testing.T, call func() error, end func()) error {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		for {
			if err := call(); err != nil {
				done <- err
				return
			}
		}
	}()
	time.Sleep(50 * time.Millisecond)
	select {
	case err := <-done:
		t.Fatalf("the call failed before it was ended: %v", err)
	default:
	}
	end()
	select {
	case err := <-done:
		return err
	case <-time.After(endLimit):
		t.Fatalf("the call did not return within %v", endLimit)
		return nil
	}
}

// cancelled checks that call notices the end of its context.
func cancelled(t *testing.T, call func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := endedBy(t, func() error { return call(ctx) }, cancel)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error after cancel is %q, want one that wraps context.Canceled", err)
	}
}
