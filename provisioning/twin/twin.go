// Package twin makes a node's configuration what its fleet desires, and the
// fleet know what became of it. Two desired documents, the group's and the
// node's own, are merged over what the node has by itself,
//
//	factory < group < node,
//
// checked, applied on probation and kept only if the node is well with it.
// Otherwise the last good configuration comes back, and the same one is not
// tried again.
//
// All of it is one file that is swapped as a whole: after a power cut the twin
// is in the state before or the state after.
package twin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// Scope is a level of desired configuration.
type Scope uint8

// The scopes, rising.
const (
	Group Scope = iota
	Node
)

// Factory is the hash that stands for no provisioned configuration at all.
const Factory = "factory"

// maxStarts is how often the program may start with a configuration on
// probation: one that keeps it from running must not do so for ever.
const maxStarts = 3

// maxBad bounds the memory of refused configurations.
const maxBad = 8

// Options make a Twin.
type Options struct {
	// Check says what is wrong with a merged configuration, a JSON object:
	// unknown keys, values out of range, devices that do not exist.
	Check func(merged []byte) []wire.Fault
	// Software is this program's version, compared with min_sw.
	Software string
}

// Twin is a node's desired and actual configuration.
type Twin struct {
	fsys durable.FS
	opt  Options

	mu sync.Mutex
	s  state
}

// state is what is on disk.
type state struct {
	Node   document        `json:"node"`
	Group  document        `json:"group"`
	Good   json.RawMessage `json:"good,omitempty"`  // in force; empty: factory
	Trial  json.RawMessage `json:"trial,omitempty"` // under probation
	Starts int             `json:"starts,omitempty"`
	Bad    []bad           `json:"bad,omitempty"`
	Report wire.Report     `json:"report"`
}

type document struct {
	Revision uint64          `json:"rev"`
	Config   json.RawMessage `json:"cfg,omitempty"`
}

type bad struct {
	Hash  string     `json:"hash"`
	Fault wire.Fault `json:"fault"`
}

const file = "twin"

// Open reads the twin in fsys and counts a start. If a configuration on
// probation has been started too often, the last good one is back.
func Open(fsys durable.FS, opt Options) (*Twin, error) {
	t := &Twin{fsys: fsys, opt: opt}
	t.s.Report = wire.Report{Applied: Factory, State: wire.ReportOK, Hash: Factory}
	if err := durable.Load(fsys, file, &t.s); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("twin: %w", err)
	}
	if len(t.s.Trial) == 0 {
		return t, nil
	}
	s := t.s
	if s.Starts++; s.Starts > maxStarts {
		s = rolledBack(s, wire.Fault{Code: "start-failed", Message: fmt.Sprintf("the node started %d times with it and did not last", maxStarts)})
	}
	return t, t.save(s)
}

func (t *Twin) save(s state) error {
	if err := durable.Save(t.fsys, file, s); err != nil {
		return fmt.Errorf("twin: %w", err)
	}
	t.s = s
	return nil
}

// Config returns the provisioned configuration to run with, a JSON object, nil
// for none: the one on probation, else the last good one.
func (t *Twin) Config() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.s.Trial) > 0 {
		return normal(t.s.Trial)
	}
	return normal(t.s.Good)
}

// normal gives nil for no configuration.
func normal(cfg json.RawMessage) []byte {
	if len(cfg) == 0 || string(cfg) == "{}" {
		return nil
	}
	return slices.Clone(cfg)
}

// OnProbation reports whether a configuration waits to be confirmed.
func (t *Twin) OnProbation() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.s.Trial) > 0
}

// Report returns what is to be published on up/rep.
func (t *Twin) Report() wire.Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.s.Report
	r.Errors = slices.Clone(r.Errors)
	return r
}

// Outcome is what a desired document leads to.
type Outcome struct {
	Changed bool // a report is due
	Apply   bool // Config is to be applied, on probation
	Config  []byte
	Group   *string // the node is moved to this group
}

// Desired takes a desired document.
func (t *Twin) Desired(scope Scope, payload []byte) (Outcome, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var d wire.Desired
	if err := wire.Decode(payload, wire.MaxDesired, &d); err != nil {
		// Without a revision nothing can be remembered; the report says so.
		return t.reject(t.s, wire.Fault{Code: "format", Message: err.Error()})
	}
	old := &t.s.Node
	if scope == Group {
		old = &t.s.Group
	}
	if d.Revision <= old.Revision {
		return Outcome{}, nil
	}
	s := t.s
	next := document{d.Revision, d.Config}
	if scope == Group {
		s.Group = next
		s.Report.GroupRevision = d.Revision
	} else {
		s.Node = next
		s.Report.Revision = d.Revision
	}
	if f := t.admissible(scope, d); f != nil {
		// The revision counts as seen; the document itself has no effect.
		if scope == Group {
			s.Group.Config = old.Config
		} else {
			s.Node.Config = old.Config
		}
		return t.reject(s, *f)
	}
	out, err := t.settle(s)
	out.Group = d.Group
	return out, err
}

// admissible checks what can be said of a document alone.
func (t *Twin) admissible(scope Scope, d wire.Desired) *wire.Fault {
	switch {
	case d.Group != nil && (scope == Group || *d.Group != "" && !wire.ValidGroup(*d.Group)):
		return &wire.Fault{Path: "group", Code: "value", Message: "is not a group that a node's own document may name"}
	case !atLeast(t.opt.Software, d.MinSoftware):
		return &wire.Fault{Path: "min_sw", Code: "software", Message: fmt.Sprintf("needs version %s, this is %s", d.MinSoftware, t.opt.Software)}
	}
	if _, err := merge(d.Config); err != nil {
		return &wire.Fault{Path: "cfg", Code: "format", Message: err.Error()}
	}
	return nil
}

// LeaveGroup forgets the group's document: the node has another group now.
func (t *Twin) LeaveGroup() (Outcome, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.s
	s.Group, s.Report.GroupRevision = document{}, 0
	return t.settle(s)
}

// settle merges the documents of s and decides what to do.
func (t *Twin) settle(s state) (Outcome, error) {
	merged, err := merge(s.Group.Config, s.Node.Config)
	if err != nil {
		return t.reject(s, wire.Fault{Path: "cfg", Code: "format", Message: err.Error()})
	}
	hash := hashOf(merged)
	s.Report.Hash, s.Report.Errors = hash, nil
	if hash == hashOf(s.Good) {
		back := len(s.Trial) > 0
		s.Trial, s.Starts, s.Report.State = nil, 0, wire.ReportOK
		return Outcome{Changed: true, Apply: back, Config: normal(s.Good)}, t.save(s)
	}
	if i := slices.IndexFunc(s.Bad, func(b bad) bool { return b.Hash == hash }); i >= 0 {
		s.Report.State, s.Report.Errors = wire.ReportRolledBack, []wire.Fault{s.Bad[i].Fault}
		return Outcome{Changed: true}, t.save(s)
	}
	if t.opt.Check != nil && string(merged) != "{}" {
		if faults := t.opt.Check(merged); len(faults) > 0 {
			return t.reject(s, faults...)
		}
	}
	s.Trial, s.Starts, s.Report.State = merged, 1, wire.ReportPending
	return Outcome{Changed: true, Apply: true, Config: normal(merged)}, t.save(s)
}

// maxFaults bounds a report.
const maxFaults = 8

func (t *Twin) reject(s state, faults ...wire.Fault) (Outcome, error) {
	for i := range faults {
		faults[i].Message = faults[i].Message[:min(len(faults[i].Message), 200)]
	}
	s.Report.State, s.Report.Errors = wire.ReportRejected, faults[:min(len(faults), maxFaults)]
	return Outcome{Changed: true}, t.save(s)
}

// Confirm ends probation well: the configuration is the good one now.
func (t *Twin) Confirm() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.s.Trial) == 0 {
		return nil
	}
	s := t.s
	s.Good, s.Trial, s.Starts = s.Trial, nil, 0
	s.Report.State, s.Report.Applied, s.Report.Errors = wire.ReportOK, hashOf(s.Good), nil
	return t.save(s)
}

// RollBack ends probation badly and returns the configuration to go back to.
func (t *Twin) RollBack(code, message string) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.s.Trial) == 0 {
		return normal(t.s.Good), nil
	}
	message = message[:min(len(message), 200)]
	err := t.save(rolledBack(t.s, wire.Fault{Code: code, Message: message}))
	return normal(t.s.Good), err
}

func rolledBack(s state, f wire.Fault) state {
	hash := hashOf(s.Trial)
	s.Bad = append(slices.Clone(s.Bad), bad{hash, f})
	s.Bad = s.Bad[max(0, len(s.Bad)-maxBad):]
	s.Trial, s.Starts = nil, 0
	s.Report.State, s.Report.Hash, s.Report.Errors = wire.ReportRolledBack, hash, []wire.Fault{f}
	return s
}

func hashOf(cfg []byte) string {
	if normal(cfg) == nil {
		return Factory
	}
	sum := sha256.Sum256(cfg)
	return "sha256:" + hex.EncodeToString(sum[:])
}
