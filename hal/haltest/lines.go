package haltest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// LineConfig says what [Lines] may use. An input or output with an empty
// LineRef is not tried.
type LineConfig struct {
	Input, Output hal.LineRef
	// Drive moves the input to a level, from outside (a wire to another line, a
	// simulator). Without it no edge is tried.
	Drive func(active bool)
}

// Lines checks a driver by lines that nobody else uses. The output is moved.
func Lines(t *testing.T, driver hal.LineDriver, cfg LineConfig) {
	t.Helper()
	t.Run("chips", func(t *testing.T) {
		leaks(t)
		chips, err := driver.Chips(limited(t))
		if err != nil || len(chips) == 0 {
			t.Fatalf("chips %+v, error %v", chips, err)
		}
	})
	t.Run("unknown line", func(t *testing.T) {
		leaks(t)
		ref := hal.LineRef{Name: "no-such-line-0"}
		_, err := driver.OpenInput(limited(t), hal.InputConfig{Line: ref})
		unknown(t, err)
		_, err = driver.OpenOutput(limited(t), hal.OutputConfig{Line: ref})
		unknown(t, err)
		_, err = driver.OpenInput(limited(t), hal.InputConfig{Line: hal.LineRef{Chip: "no-such-chip"}})
		unknown(t, err)
	})
	if cfg.Input != (hal.LineRef{}) {
		t.Run("input", func(t *testing.T) { lineInput(t, driver, cfg) })
	}
	if cfg.Output != (hal.LineRef{}) {
		t.Run("output", func(t *testing.T) { leaks(t); lineOutput(t, driver, cfg.Output) })
	}
}

func lineInput(t *testing.T, driver hal.LineDriver, cfg LineConfig) {
	open := func(t *testing.T, debounce time.Duration) hal.Input {
		t.Helper()
		in, err := driver.OpenInput(limited(t), hal.InputConfig{Line: cfg.Input, Debounce: debounce})
		if err != nil {
			t.Fatalf("open %+v: %v", cfg.Input, err)
		}
		t.Cleanup(func() { _ = in.Close() })
		return in
	}
	wait := func(in hal.Input) func(context.Context) error {
		return func(ctx context.Context) error { _, err := in.WaitEdge(ctx); return err }
	}
	t.Run("close while waiting", func(t *testing.T) {
		leaks(t)
		in := open(t, 0)
		closedError(t, endedBy(t, func() error { return wait(in)(context.Background()) }, func() { _ = in.Close() }))
		if err := in.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
		if _, err := in.Active(); err == nil {
			t.Error("Active after Close succeeded")
		}
	})
	t.Run("cancel and reopen", func(t *testing.T) {
		leaks(t)
		in := open(t, 0)
		cancelled(t, wait(in))
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		open(t, 0)
	})
	if cfg.Drive != nil {
		t.Run("edges", func(t *testing.T) { leaks(t); lineEdges(t, open(t, 0), cfg.Drive) })
		t.Run("debounce", func(t *testing.T) { leaks(t); lineDebounce(t, open(t, 60*time.Millisecond), cfg.Drive) })
	}
}

func lineEdges(t *testing.T, in hal.Input, drive func(bool)) {
	defer drive(false)
	for i := range 6 {
		active := i%2 == 0
		before := time.Now()
		drive(active)
		e, err := in.WaitEdge(limited(t))
		if err != nil {
			t.Fatal(err)
		}
		if e.Active != active {
			t.Errorf("edge %d says %v, want %v", i, e.Active, active)
		}
		if d := e.At.Sub(before); d < -time.Millisecond || d > time.Second {
			t.Errorf("edge is stamped %v after the change", d)
		}
		if now, err := in.Active(); err != nil || now != active {
			t.Errorf("Active is %v, %v, want %v", now, err, active)
		}
	}
}

func lineDebounce(t *testing.T, in hal.Input, drive func(bool)) {
	defer drive(false)
	drive(true) // a glitch
	drive(false)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if e, err := in.WaitEdge(ctx); err == nil {
		t.Errorf("a glitch gave the edge %+v", e)
	} else if !errors.Is(err, context.DeadlineExceeded) && hal.KindOf(err) != hal.Timeout {
		t.Errorf("error at the deadline is %q", err)
	}
	for range 3 { // a bouncing contact that ends pressed
		drive(true)
		drive(false)
	}
	drive(true)
	if e, err := in.WaitEdge(limited(t)); err != nil || !e.Active {
		t.Errorf("bouncing gave %+v, %v, want one active edge", e, err)
	}
	ctx2, cancel2 := context.WithTimeout(context.Background(), 150*time.Millisecond)
	defer cancel2()
	if e, err := in.WaitEdge(ctx2); err == nil {
		t.Errorf("bouncing gave a further edge %+v", e)
	}
}

func lineOutput(t *testing.T, driver hal.LineDriver, ref hal.LineRef) {
	for range 2 {
		out, err := driver.OpenOutput(limited(t), hal.OutputConfig{Line: ref})
		if err != nil {
			t.Fatalf("open %+v: %v", ref, err)
		}
		for _, level := range []bool{true, false, true} {
			if err := out.Set(level); err != nil {
				t.Errorf("set: %v", err)
			}
		}
		for range 2 {
			if err := out.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		if err := out.Set(true); err == nil {
			t.Error("Set after Close succeeded")
		}
	}
}
