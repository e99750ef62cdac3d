package engine

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// heldInput is a line that is active when opened and fails when waited for.
type heldInput struct{ active bool }

func (i heldInput) Active() (bool, error) { return i.active, nil }
func (i heldInput) Close() error          { return nil }
func (i heldInput) WaitEdge(context.Context) (hal.Edge, error) {
	return hal.Edge{}, &hal.Error{Op: "wait", Path: "test", Kind: hal.Gone, Err: errors.New("unplugged")}
}

// TestHeldButtonRingsOnce: a button held while the node starts is a press, one
// that is active whenever its line comes back is not.
func TestHeldButtonRingsOnce(t *testing.T) {
	for active, want := range map[bool]int{true: 1, false: 0} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			e := &Engine{log: slog.New(slog.DiscardHandler)}
			opened, rings := 0, 0
			e.runInput(ctx, "button", func(context.Context) (hal.Input, error) {
				opened++
				return heldInput{active}, nil
			}, func(time.Time) { rings++ })
			if opened < 3 {
				t.Errorf("the line was opened %d times in a minute of failures", opened)
			}
			if rings != want {
				t.Errorf("active %v: %d rings, want %d", active, rings, want)
			}
		})
	}
}
