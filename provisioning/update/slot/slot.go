// Package slot is the state of the program's binary slots: which of them runs,
// which is on trial, and what became of the last trial. The launcher reads it
// before it starts a program, so it uses nothing but the standard library.
//
// There are two slots for updates, "a" and "b", and the program that was
// installed with the system, which is never written. A new program is put into
// the slot that does not run and goes on trial: it is started at most MaxTries
// times and must confirm within [Trial], else the former one returns. The
// rollback index rises with confirmed programs and never decreases.
package slot

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
)

// Names of what can be started.
const (
	Installed = "installed" // the program of the package or the image
	A         = "a"
	B         = "b"
)

// Folder is the slots' folder in the state folder.
const Folder = "update"

// Variables that the launcher sets for the program: the folder with the slots,
// which slot it is, and the installed program's fingerprint.
const (
	DirVariable       = "EDGECAM_UPDATE_DIR"
	NameVariable      = "EDGECAM_SLOT"
	InstalledVariable = "EDGECAM_INSTALLED"
)

// Fingerprint tells one installed program from the next.
func Fingerprint(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d-%d", info.Size(), info.ModTime().UnixNano())
}

// Limits of a trial.
const (
	MaxTries = 3
	Trial    = 120 * time.Second
)

// Program is what a slot holds.
type Program struct {
	Version string `json:"version"`
	Index   uint64 `json:"rollback_index"`
	Size    int64  `json:"size"`
	SHA256  string `json:"sha256"` // hex
}

// Results of a trial.
const (
	Confirmed  = "confirmed"
	RolledBack = "rolledback"
)

// Result is what became of the last update.
type Result struct {
	ID      string `json:"id,omitempty"` // of the command that asked for it
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	State   string `json:"state"`
	Reason  string `json:"reason,omitempty"`
	Told    bool   `json:"told,omitempty"` // reported already
}

// State is what is kept on disk.
type State struct {
	Current string             `json:"current"` // Installed, A or B
	Trial   string             `json:"trial,omitempty"`
	Tries   int                `json:"tries,omitempty"`    // starts of the trial
	TrialID string             `json:"trial_id,omitempty"` // of the command that asked for it
	Slots   map[string]Program `json:"slots,omitempty"`
	// Index is the rollback index: nothing below it is installed.
	Index uint64  `json:"rollback_index"`
	Last  *Result `json:"last,omitempty"`
	// Package tells which installed program the slots are newer than. When
	// the package was upgraded since, the installed program runs again.
	Package string `json:"package,omitempty"`
}

const stateFile = "slots"

// File returns the name of the file that is a slot's program.
func File(slot string) string { return "program-" + slot }

// Read returns the state; without one, that of a fresh system.
func Read(fsys durable.FS) (State, error) {
	s := State{Current: Installed}
	if err := durable.Load(fsys, stateFile, &s); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return State{Current: Installed}, fmt.Errorf("slot: %w", err)
	}
	if !s.legal() {
		return State{Current: Installed, Index: s.Index}, fmt.Errorf("slot: %w: no such slot", durable.ErrDamaged)
	}
	return s, nil
}

func (s State) legal() bool {
	known := func(name string) bool {
		_, ok := s.Slots[name]
		return (name == A || name == B) && ok
	}
	return (s.Current == Installed || known(s.Current)) && (s.Trial == "" || known(s.Trial) && s.Trial != s.Current)
}

// Write keeps the state.
func Write(fsys durable.FS, s State) error {
	if !s.legal() {
		return fmt.Errorf("slot: state with slot %q, trial %q is none", s.Current, s.Trial)
	}
	if old, err := Read(fsys); err == nil && s.Index < old.Index {
		return fmt.Errorf("slot: the rollback index is %d and cannot become %d", old.Index, s.Index)
	}
	if err := durable.Save(fsys, stateFile, s); err != nil {
		return fmt.Errorf("slot: %w", err)
	}
	return nil
}

// Spare returns the slot that an update goes into.
func (s State) Spare() string {
	if s.Current == A {
		return B
	}
	return A
}

// Begin puts the program in a slot on trial.
func (s State) Begin(slot string, p Program, id, installed string) State {
	slots := map[string]Program{slot: p}
	if s.Current != Installed && s.Current != slot {
		slots[s.Current] = s.Slots[s.Current]
	}
	s.Slots, s.Trial, s.Tries, s.TrialID, s.Package = slots, slot, 0, id, installed
	return s
}

// Without forgets what a slot holds, before it is written.
func (s State) Without(slot string) State {
	slots := map[string]Program{}
	for name, p := range s.Slots {
		if name != slot {
			slots[name] = p
		}
	}
	s.Slots = slots
	if s.Trial == slot {
		s.Trial, s.Tries = "", 0
	}
	return s
}

// Confirm makes the program on trial the current one.
func (s State) Confirm() State {
	if s.Trial == "" {
		return s
	}
	p := s.Slots[s.Trial]
	s.Last = &Result{ID: s.TrialID, Version: p.Version, SHA256: p.SHA256, State: Confirmed}
	s.Current, s.Index = s.Trial, max(s.Index, p.Index)
	s.Trial, s.Tries, s.TrialID = "", 0, ""
	return s
}

// RollBack ends a trial without success.
func (s State) RollBack(reason string) State {
	if s.Trial == "" {
		return s
	}
	p := s.Slots[s.Trial]
	s.Last = &Result{ID: s.TrialID, Version: p.Version, SHA256: p.SHA256, State: RolledBack, Reason: reason}
	s.Trial, s.Tries, s.TrialID = "", 0, ""
	return s
}

// ErrDamaged tells that a slot does not hold the program that it should.
var ErrDamaged = errors.New("slot: the program is damaged")

// Verify reads a slot's program and compares it with what was installed.
func Verify(fsys durable.Large, slot string, p Program) error {
	f, size, err := fsys.Open(File(slot))
	if err != nil {
		return fmt.Errorf("slot: %w", err)
	}
	defer f.Close()
	if size != p.Size {
		return fmt.Errorf("%w: %d bytes instead of %d", ErrDamaged, size, p.Size)
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("slot: %w", err)
	}
	if hex.EncodeToString(h.Sum(nil)) != p.SHA256 {
		return fmt.Errorf("%w: wrong checksum", ErrDamaged)
	}
	return nil
}

// Pick decides what to start, and writes down a start on trial before it
// happens. installed names the installed program (see State.Package). It
// always returns something to start; the error tells what was wrong.
func Pick(fsys durable.Large, installed string) (slot string, trial bool, err error) {
	s, err := Read(fsys)
	if err != nil {
		return Installed, false, err
	}
	if s.Current == Installed && s.Trial == "" {
		return Installed, false, nil
	}
	if s.Package != "" && s.Package != installed {
		return Installed, false, Write(fsys, s.RollBack("another program was installed").toInstalled())
	}
	if s.Trial != "" {
		verr := Verify(fsys, s.Trial, s.Slots[s.Trial])
		switch {
		case verr != nil:
			s = s.RollBack(verr.Error())
		case s.Tries >= MaxTries:
			s = s.RollBack(fmt.Sprintf("%d starts did not last", s.Tries))
		default:
			s.Tries++
			if werr := Write(fsys, s); werr != nil {
				// A start that cannot be counted could be repeated for ever.
				return current(fsys, s, werr)
			}
			return s.Trial, true, nil
		}
		err = Write(fsys, s)
	}
	return current(fsys, s, err)
}

func (s State) toInstalled() State {
	s.Current = Installed
	return s
}

// current returns the slot that was confirmed last, if it is whole.
func current(fsys durable.Large, s State, err error) (string, bool, error) {
	if s.Current == Installed {
		return Installed, false, err
	}
	if verr := Verify(fsys, s.Current, s.Slots[s.Current]); verr != nil {
		return Installed, false, errors.Join(err, verr)
	}
	return s.Current, false, err
}
