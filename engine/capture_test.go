package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// TestWithoutCamera: while the camera is away viewers get a picture that says so
// once a second, however long the pause before the next try.
func TestWithoutCamera(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &Engine{watching: newGate()}
		e.pulses.init()
		e.latest.ready = make(chan struct{}, 1)
		e.watching.set(true)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		begin := time.Now()
		over := make(chan bool)
		go func() { over <- e.withoutCamera(ctx, retryMost) }()
		pictures := 0
		for waiting := true; waiting; {
			select {
			case <-e.latest.ready:
				if p, _, again := e.latest.take(); p == nil || again {
					t.Errorf("picture %d is missing", pictures)
				} else {
					p.Release()
				}
				pictures++
			case waiting = <-over:
				if !waiting || time.Since(begin) != retryMost {
					t.Errorf("%v after %v, want true after %v", waiting, time.Since(begin), retryMost)
				}
				waiting = false
			}
		}
		if pictures != int(retryMost/time.Second) {
			t.Errorf("%d pictures in %v", pictures, retryMost)
		}
		e.latest.clear()

		e.watching.set(false) // nobody would see one
		go func() { over <- e.withoutCamera(ctx, retryMost) }()
		time.Sleep(time.Second / 2)
		cancel()
		if <-over {
			t.Error("an ended context was not noticed")
		}
		if p, _, _ := e.latest.take(); p != nil {
			t.Error("a picture for nobody")
		}
	})
}

func TestNextRetry(t *testing.T) {
	gone, other := &hal.Error{Kind: hal.Gone}, errors.New("other")
	for _, c := range []struct {
		last time.Duration
		err  error
		want time.Duration
	}{
		{retryFirst, other, 2 * retryFirst},
		{retryMost, other, retryMost},
		{retryFirst, gone, 2 * retryFirst},
		{retryMost, gone, retryGone},
	} {
		if got := nextRetry(c.last, c.err); got != c.want {
			t.Errorf("after %v and %v: %v, want %v", c.last, c.err, got, c.want)
		}
	}
}
