// Package system keeps what became of bundles: updates of the whole system,
// which RAUC writes into the system slot that does not run. RAUC and the boot
// loader see to it that a slot which does not start is left; this package adds
// what they cannot know. A new system is on trial until the node in it is well,
// its rollback index rises only then, and one that fails is left at once.
package system

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/update/slot"
)

// Trial is the time a new system has to prove itself.
const Trial = slot.Trial

// Installer writes bundles and knows the system slots. Rauc is one.
type Installer interface {
	// Install writes the bundle in the file path into the slot that does not
	// run and makes it the one to start next.
	Install(ctx context.Context, path string) error
	// Booted names the slot that runs.
	Booted(ctx context.Context) (string, error)
	// MarkGood tells the boot loader that the running slot may stay.
	MarkGood(ctx context.Context) error
	// Leave makes the other slot the one to start next and marks the running
	// one bad.
	Leave(ctx context.Context) error
}

// Bundle is a system that was installed and has not proved itself.
type Bundle struct {
	Version string `json:"version"`
	Index   uint64 `json:"rollback_index"`
	SHA256  string `json:"sha256"`       // hex
	ID      string `json:"id,omitempty"` // of the command that asked for it
	From    string `json:"from"`         // slot that ran when it was installed
	Whole   bool   `json:"whole"`        // written to its end
	Starts  int    `json:"starts,omitempty"`
}

// State is what is kept on disk.
type State struct {
	// Index is the rollback index: nothing below it is installed.
	Index   uint64       `json:"rollback_index"`
	Pending *Bundle      `json:"pending,omitempty"`
	Last    *slot.Result `json:"last,omitempty"`
}

const stateFile = "system"

// Read returns the state; without one, that of a fresh system.
func Read(fsys durable.FS) (State, error) {
	var s State
	if err := durable.Load(fsys, stateFile, &s); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("system: %w", err)
	}
	return s, nil
}

// Write keeps the state.
func Write(fsys durable.FS, s State) error {
	if old, err := Read(fsys); err == nil && s.Index < old.Index {
		return fmt.Errorf("system: the rollback index is %d and cannot become %d", old.Index, s.Index)
	}
	if err := durable.Save(fsys, stateFile, s); err != nil {
		return fmt.Errorf("system: %w", err)
	}
	return nil
}

// Install writes the bundle in the file path. When it returns nil the machine
// must be started again.
func Install(ctx context.Context, fsys durable.FS, in Installer, b Bundle, path string) error {
	s, err := Read(fsys)
	if err != nil {
		return err
	}
	if b.From, err = in.Booted(ctx); err != nil {
		return err
	}
	// It is written down before the slot is touched: whatever starts next is
	// known for what it is.
	b.Whole = false
	s.Pending = &b
	if err := Write(fsys, s); err != nil {
		return err
	}
	if err := in.Install(ctx, path); err != nil {
		s.Pending = nil
		return errors.Join(err, Write(fsys, s))
	}
	whole := b
	whole.Whole = true
	s.Pending = &whole
	return Write(fsys, s)
}

// Started is to be called once after each start of the program. It returns the
// bundle that is on trial, nil if none is: a bundle that was pending and does
// not run has failed, which the state then says. A trial's starts are counted;
// after more than slot.MaxTries it is to be refused.
func Started(ctx context.Context, fsys durable.FS, in Installer) (*Bundle, error) {
	s, err := Read(fsys)
	if err != nil || s.Pending == nil {
		return nil, err
	}
	booted, err := in.Booted(ctx)
	if err != nil {
		return nil, err
	}
	if booted != s.Pending.From {
		s.Pending.Starts++
		return s.Pending, Write(fsys, s)
	}
	reason := "the new system did not start, or was left by the boot loader"
	if !s.Pending.Whole {
		reason = "writing the new system was interrupted"
	}
	return nil, Write(fsys, s.end(slot.RolledBack, reason))
}

// Confirm keeps the system that is on trial.
func Confirm(ctx context.Context, fsys durable.FS, in Installer) error {
	s, err := Read(fsys)
	if err != nil || s.Pending == nil {
		return err
	}
	// The boot loader is told first: if the power goes before it is written
	// down, the trial is passed once more.
	if err := in.MarkGood(ctx); err != nil {
		return err
	}
	s.Index = max(s.Index, s.Pending.Index)
	return Write(fsys, s.end(slot.Confirmed, ""))
}

// Refuse leaves the system that is on trial. When it returns nil the machine
// must be started again.
func Refuse(ctx context.Context, fsys durable.FS, in Installer, reason string) error {
	s, err := Read(fsys)
	if err != nil || s.Pending == nil {
		return err
	}
	if err := in.Leave(ctx); err != nil {
		return err
	}
	return Write(fsys, s.end(slot.RolledBack, reason))
}

func (s State) end(state, reason string) State {
	b := s.Pending
	s.Last = &slot.Result{ID: b.ID, Version: b.Version, SHA256: b.SHA256, State: state, Reason: reason}
	s.Pending = nil
	return s
}

// Prove waits for the node in a system on trial to be well, and confirms it;
// well says why it is not yet. It returns false if the time was up or ctx done:
// then the system must be left, or is on trial at the next start again.
func Prove(ctx context.Context, fsys durable.FS, in Installer, well func() error, every, limit time.Duration) (confirmed bool, last error) {
	end := time.NewTimer(limit)
	defer end.Stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if last = well(); last == nil {
			if last = Confirm(ctx, fsys, in); last == nil {
				return true, nil
			}
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-end.C:
			return false, last
		case <-tick.C:
		}
	}
}
