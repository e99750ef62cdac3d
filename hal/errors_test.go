package hal_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/edgecam/edgecam/hal"
)

func TestErrorSaysWhatWhereAndWhy(t *testing.T) {
	for _, c := range []struct {
		err  hal.Error
		want string
	}{
		{hal.Error{Op: "open", Path: "/dev/video0", Kind: hal.Busy, Err: errors.New("device or resource busy")}, "hal: open /dev/video0: device or resource busy (busy)"},
		{hal.Error{Op: "read", Path: "hw:CARD=Device", Kind: hal.Gone}, "hal: read hw:CARD=Device: gone"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestKindOf(t *testing.T) {
	gone := &hal.Error{Op: "read", Path: "x", Kind: hal.Gone, Err: context.Canceled}
	for _, c := range []struct {
		err  error
		want hal.Kind
	}{
		{nil, hal.Other},
		{errors.New("plain"), hal.Other},
		{hal.ErrClosed, hal.Other},
		{gone, hal.Gone},
		{fmt.Errorf("engine: %w", gone), hal.Gone},
		{errors.Join(errors.New("first"), &hal.Error{Kind: hal.Overrun}), hal.Overrun},
		{&hal.Error{Kind: hal.Timeout, Err: gone}, hal.Timeout},
	} {
		if got := hal.KindOf(c.err); got != c.want {
			t.Errorf("KindOf(%v) = %v, want %v", c.err, got, c.want)
		}
	}
	if !errors.Is(gone, context.Canceled) {
		t.Error("the cause cannot be found")
	}
}

func TestKindNamesDiffer(t *testing.T) {
	seen := map[string]hal.Kind{}
	for k := hal.Other; k <= hal.Permission; k++ {
		if other, twice := seen[k.String()]; twice || k.String() == "" {
			t.Errorf("kinds %d and %d are both called %q", other, k, k)
		}
		seen[k.String()] = k
	}
	if got := hal.Kind(200).String(); got != "Kind(200)" {
		t.Errorf("an unknown kind is called %q", got)
	}
}

func TestFPS(t *testing.T) {
	for interval, want := range map[time.Duration]float64{0: 0, -time.Second: 0, 40 * time.Millisecond: 25, time.Second: 1, 4 * time.Second: 0.25} {
		if got := (hal.VideoMode{FrameInterval: interval}).FPS(); got != want {
			t.Errorf("interval %v: %v Hz, want %v", interval, got, want)
		}
	}
}
