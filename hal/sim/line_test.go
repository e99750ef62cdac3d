package sim

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgecam/edgecam/hal"
)

func TestPressAndRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		d := NewLineDriver()
		in, err := d.OpenInput(ctx, hal.InputConfig{Line: hal.LineRef{Name: "button"}, Debounce: 20 * time.Millisecond, ActiveLow: true})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := d.Press("button", 300*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		for i, want := range []hal.Edge{{Active: true, At: start}, {Active: false, At: start.Add(300 * time.Millisecond)}} {
			if e, err := in.WaitEdge(ctx); err != nil || e.Active != want.Active || !e.At.Equal(want.At) {
				t.Errorf("edge %d is %+v, %v, want %+v", i, e, err, want)
			}
		}
		_, err = d.OpenInput(ctx, hal.InputConfig{Line: hal.LineRef{Name: "button"}})
		wantKind(t, "second open", err, hal.Busy)
		_, err = d.OpenOutput(ctx, hal.OutputConfig{Line: hal.LineRef{Name: "pir"}})
		wantKind(t, "output on an input", err, hal.Unsupported)
		wantKind(t, "moving the relay by hand", d.Set("relay", true), hal.Unsupported)
		wantKind(t, "moving what is not there", d.Set("gate", true), hal.Gone)
		_ = in.Close()

		out, err := d.OpenOutput(ctx, hal.OutputConfig{Line: hal.LineRef{Name: "relay"}, Safe: true})
		if err != nil {
			t.Fatal(err)
		}
		relay := func(want bool) {
			t.Helper()
			if got, err := d.State("relay"); err != nil || got != want {
				t.Errorf("relay is %v, %v, want %v", got, err, want)
			}
		}
		relay(true)
		_ = out.Set(false)
		relay(false)
		_ = out.Close()
		relay(true)
	})
}

// TestUnreadEdgesAreBounded moves a line that nobody waits on.
func TestUnreadEdgesAreBounded(t *testing.T) {
	d := NewLineDriver()
	in, err := d.OpenInput(t.Context(), hal.InputConfig{Line: hal.LineRef{Name: "pir"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	for i := range 1001 {
		if err := d.Set("pir", i%2 == 0); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(in.(*input).edges); n != maxEdges {
		t.Errorf("%d edges are kept, want %d", n, maxEdges)
	}
}
