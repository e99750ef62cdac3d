package system

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/internal/durable/powercut"
	"github.com/edgecam/edgecam/provisioning/update/slot"
)

var (
	errPower = errors.New("power cut")
	errSick  = errors.New("no pictures")
)

// board is a machine with two system slots and a boot loader as RAUC drives
// it. cut ends its power in the middle of writing a slot.
type board struct {
	booted, primary string
	bad             map[string]bool
	holds           map[string]string
	starts          map[string]bool // versions that start at all
	cut             int             // steps of Install until the power goes; 0: it stays
}

func newBoard() *board {
	return &board{
		booted: "A", primary: "A", bad: map[string]bool{}, holds: map[string]string{"A": "v1", "B": ""},
		starts: map[string]bool{"v1": true, "v2": true},
	}
}

func other(name string) string { return map[string]string{"A": "B", "B": "A"}[name] }

func (b *board) Install(_ context.Context, path string) error {
	to := other(b.booted)
	for i, step := range []func(){
		func() { b.bad[to] = true }, func() { b.holds[to] = "half" }, func() { b.holds[to] = path },
		func() { b.bad[to] = false }, func() { b.primary = to },
	} {
		if b.cut == i+1 {
			return errPower
		}
		step()
	}
	return nil
}

func (b *board) Booted(context.Context) (string, error) { return b.booted, nil }

func (b *board) MarkGood(context.Context) error { b.bad[b.booted] = false; return nil }

func (b *board) Leave(context.Context) error {
	b.primary = other(b.booted)
	b.bad[b.booted] = true
	return nil
}

// boot starts the slot that is the primary one, or the other if that one is bad
// or does not start.
func (b *board) boot(t *testing.T) {
	t.Helper()
	b.cut = 0
	for _, name := range []string{b.primary, other(b.primary)} {
		if !b.bad[name] && b.starts[b.holds[name]] {
			b.booted = name
			return
		}
	}
	t.Fatalf("nothing starts: %+v", b)
}

func install(d durable.FS, b *board) error {
	return Install(context.Background(), d, b, Bundle{Version: "v2", Index: 9, SHA256: "00", ID: "id"}, "v2")
}

func TestConfirmed(t *testing.T) {
	d, b := durable.NewMemory(), newBoard()
	if err := Write(d, State{Index: 5}); err != nil {
		t.Fatal(err)
	}
	if err := install(d, b); err != nil {
		t.Fatal(err)
	}
	b.boot(t)
	trial, err := Started(t.Context(), d, b)
	if err != nil || trial == nil || trial.Version != "v2" || b.booted != "B" {
		t.Fatalf("on trial %+v in %s, %v", trial, b.booted, err)
	}
	if again, err := Started(t.Context(), d, b); err != nil || again.Starts != 2 {
		t.Errorf("second start: %+v %v", again, err)
	}
	b.bad["B"] = true // what a boot loader has that counts starts
	looks := 0
	ok, err := Prove(t.Context(), d, b, func() error {
		if looks++; looks < 3 {
			return errSick
		}
		return nil
	}, time.Millisecond, time.Minute)
	s, _ := Read(d)
	if !ok || err != nil || b.bad["B"] || s.Index != 9 || s.Pending != nil || s.Last.State != slot.Confirmed || s.Last.ID != "id" {
		t.Fatalf("confirmed %v, %v: %+v %+v", ok, err, s, b)
	}
	if err := Write(d, State{Index: 8}); err == nil {
		t.Error("the rollback index went back")
	}
}

// TestLeft: a system that is not well is left, and its index is not taken.
func TestLeft(t *testing.T) {
	d, b := durable.NewMemory(), newBoard()
	if err := install(d, b); err != nil {
		t.Fatal(err)
	}
	b.boot(t)
	if trial, err := Started(t.Context(), d, b); trial == nil || err != nil {
		t.Fatal(trial, err)
	}
	ok, err := Prove(t.Context(), d, b, func() error { return errSick }, time.Millisecond, 20*time.Millisecond)
	if ok || !errors.Is(err, errSick) {
		t.Fatal(ok, err)
	}
	if err := Refuse(t.Context(), d, b, err.Error()); err != nil {
		t.Fatal(err)
	}
	b.boot(t)
	trial, err := Started(t.Context(), d, b)
	s, _ := Read(d)
	if trial != nil || err != nil || b.booted != "A" || s.Index != 0 || s.Last.State != slot.RolledBack || s.Last.Reason != "no pictures" {
		t.Fatalf("%+v %v %+v in %s", trial, err, s, b.booted)
	}
}

// TestDoesNotStart: the boot loader goes back by itself, and it is told.
func TestDoesNotStart(t *testing.T) {
	d, b := durable.NewMemory(), newBoard()
	b.starts["v2"] = false
	if err := install(d, b); err != nil {
		t.Fatal(err)
	}
	b.boot(t)
	trial, err := Started(t.Context(), d, b)
	s, _ := Read(d)
	if trial != nil || err != nil || s.Pending != nil || s.Last == nil || s.Last.State != slot.RolledBack {
		t.Fatalf("%+v %v %+v", trial, err, s)
	}
}

// TestPowerCuts cuts the power at every operation on the medium and within the
// writing of the slot: what starts is whole, the index is the old one or that of
// a system that has proved itself, and the update can be made again.
func TestPowerCuts(t *testing.T) {
	points, states := 0, 0
	for cut := range 6 {
		var b *board
		fig := powercut.Enumerate(t, func(d *powercut.Disk) {
			b = newBoard()
			if err := Write(d, State{Index: 5}); err != nil {
				t.Fatal(err)
			}
		}, func(d *powercut.Disk) {
			b = newBoard()
			b.cut = cut
			if install(d, b) != nil {
				return
			}
			b.boot(t)
			if trial, err := Started(context.Background(), d, b); trial == nil || err != nil {
				return
			}
			_ = Confirm(context.Background(), d, b)
		}, func(d *powercut.Disk, _ int, _ powercut.Loss) {
			after := *b
			b := &after
			b.bad = map[string]bool{"A": after.bad["A"], "B": after.bad["B"]}
			b.holds = map[string]string{"A": after.holds["A"], "B": after.holds["B"]}
			b.boot(t)
			trial, err := Started(context.Background(), d, b)
			if err != nil {
				t.Errorf("started: %v", err)
				return
			}
			s, err := Read(d)
			switch {
			case err != nil:
				t.Errorf("state: %v", err)
			case s.Index != 5 && s.Index != 9 || s.Index == 9 && b.booted != "B":
				t.Errorf("rollback index %d, %s runs", s.Index, b.booted)
			case b.booted == "B" && trial == nil && s.Index != 9:
				t.Error("the new system runs unconfirmed, and not on trial")
			case b.booted == "A" && trial != nil:
				t.Error("the old system is on trial")
			}
			if trial != nil {
				if err := Confirm(context.Background(), d, b); err != nil {
					t.Errorf("confirm: %v", err)
				}
			} else if b.booted == "A" {
				if err := install(d, b); err != nil {
					t.Errorf("made again: %v", err)
				}
				b.boot(t)
				if trial, err := Started(context.Background(), d, b); trial == nil || err != nil {
					t.Errorf("made again: %v %v", trial, err)
				}
			}
		})
		points, states = points+fig.Points, states+fig.States
	}
	t.Logf("system update: %d points, %d states", points, states)
}
