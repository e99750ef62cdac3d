package update

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/update/slot"
	"github.com/edgecam/edgecam/provisioning/update/system"
)

// slots is a system with two slots whose installer keeps what it was given.
type slots struct {
	booted string
	got    []byte
	fails  error
}

func (s *slots) Install(_ context.Context, path string) (err error) {
	if s.fails != nil {
		return s.fails
	}
	s.got, err = os.ReadFile(path)
	return err
}
func (s *slots) Booted(context.Context) (string, error) { return s.booted, nil }
func (s *slots) MarkGood(context.Context) error         { return nil }
func (s *slots) Leave(context.Context) error            { return nil }

// worn is a folder on a medium that does not keep what was written.
type worn struct{ *durable.Dir }

func (w worn) Rename(from, to string) error {
	if err := w.Dir.Rename(from, to); err != nil || to != bundleFile {
		return err
	}
	return os.WriteFile(w.File(to), []byte("another system"), 0o600)
}

// TestBundleOnAWornMedium: what RAUC would read is compared, not what came by.
func TestBundleOnAWornMedium(t *testing.T) {
	f := newFactory(t, []byte("a whole system"))
	dir, err := durable.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	machine := &slots{booted: "A"}
	u := f.updater(worn{dir})
	u.opt.System = machine
	m := f.manifest()
	m.Programs[0].Kind = KindRauc
	if _, err := u.Install(t.Context(), f.sign(m), f.base, "", false); CodeOf(err) != CodeHash || machine.got != nil {
		t.Errorf("%v, and RAUC got %q", err, machine.got)
	}
}

// TestBundle: a node with system slots takes the bundle of a version, and no
// program alone; the same rules hold for both.
func TestBundle(t *testing.T) {
	f := newFactory(t, []byte("a whole system"))
	dir, err := durable.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	machine := &slots{booted: "A"}
	u := f.updater(dir)
	u.opt.System = machine
	m := f.manifest()
	if _, _, err := u.Check(f.sign(m), false); CodeOf(err) != CodeBoard {
		t.Errorf("a program alone: %v", err)
	}
	bundle := m.Programs[0]
	bundle.Kind, bundle.URL = KindRauc, "edgecam-rpi4.raucb"
	m.Programs = append(m.Programs, bundle)
	if _, p, err := f.updater(dir).Check(f.sign(m), false); err != nil || p.Kind != KindProgram {
		t.Errorf("a node without system slots takes %+v, %v", p, err)
	}

	machine.fails = errors.New("wrong keyring")
	if _, err := u.Install(t.Context(), f.sign(m), f.base, "id", false); CodeOf(err) != CodeSystem {
		t.Errorf("RAUC refuses: %v", err)
	}
	machine.fails = nil
	if _, err := u.Install(t.Context(), f.sign(m), f.base, "id", false); err != nil || string(machine.got) != "a whole system" {
		t.Fatalf("installed %q, %v", machine.got, err)
	}
	names, _ := dir.Names()
	for _, n := range names {
		if n == bundleFile {
			t.Error("the bundle was left behind")
		}
	}
	if _, _, err := u.Check(f.sign(m), false); CodeOf(err) != CodeBusy {
		t.Errorf("while it is on trial: %v", err)
	}
	machine.booted = "B"
	if trial, err := system.Started(t.Context(), dir, machine); trial == nil || err != nil {
		t.Fatal(trial, err)
	}
	if err := system.Confirm(t.Context(), dir, machine); err != nil {
		t.Fatal(err)
	}
	if _, _, err := u.Check(f.sign(m), false); CodeOf(err) != CodeSame {
		t.Errorf("once more: %v", err)
	}
	older := m
	older.Index--
	if _, _, err := u.Check(f.sign(older), false); CodeOf(err) != CodeIndex {
		t.Errorf("older: %v", err)
	}
	// A program that was confirmed before raises the bar for systems, too.
	s, err := slot.Read(dir)
	if err == nil {
		s.Index = 7
		err = slot.Write(dir, s)
	}
	if _, _, cerr := u.Check(f.sign(m), false); err != nil || CodeOf(cerr) != CodeIndex {
		t.Errorf("older than a program: %v, %v", err, cerr)
	}

	// One that was left is not tried again unless asked to.
	next := m
	next.Version, next.Index = "v1.2.4", 8
	f.program = []byte("a sick system")
	next.Programs = []Program{bundle}
	next.Programs[0].Size, next.Programs[0].SHA256 = int64(len(f.program)), sum(f.program)
	if _, err := u.Install(t.Context(), f.sign(next), f.base, "", false); err != nil {
		t.Fatal(err)
	}
	machine.booted = "A"
	if err := system.Refuse(t.Context(), dir, machine, "no pictures"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := u.Check(f.sign(next), false); CodeOf(err) != CodeFailed {
		t.Errorf("left before: %v", err)
	}
	if _, _, err := u.Check(f.sign(next), true); err != nil {
		t.Errorf("asked to try again: %v", err)
	}
	// The size of a bundle may be more than a program's, not without bound.
	next.Programs[0].Size = MaxProgram + 1
	if _, err := Sign(next, f.key); err != nil {
		t.Error(err)
	}
	next.Programs[0].Size = MaxBundle + 1
	if _, err := Sign(next, f.key); CodeOf(err) != CodeFormat {
		t.Error(err)
	}
}
