package enrol

import (
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/pki"
)

// Phase is where in its life a node is.
type Phase string

// The phases.
const (
	Unprovisioned  Phase = "unprovisioned"
	Claiming       Phase = "claiming" // has a key, asks for a certificate
	Claimed        Phase = "claimed"  // has a certificate that no broker has seen yet
	Active         Phase = "active"
	Suspended      Phase = "suspended" // the authority wants no more of it
	Resetting      Phase = "resetting" // on the way to unprovisioned
	Decommissioned Phase = "decommissioned"
)

const (
	stateFile = "identity"
	keyPrefix = "key-"
)

// RunsFile counts the starts of the program. It survives a reset: session numbers
// must rise.
const RunsFile = "runs"

// state is what is on disk. Each step of a node's life is one Save of it; the
// keys are in files of their own, written before the state names them.
type state struct {
	Phase   Phase           `json:"phase"`
	Target  Phase           `json:"target,omitempty"` // after Resetting
	Broker  string          `json:"broker,omitempty"` // overrides the site's
	Group   string          `json:"group,omitempty"`
	Cert    string          `json:"cert,omitempty"` // PEM with chain
	Key     string          `json:"key,omitempty"`  // file
	Next    string          `json:"next_cert,omitempty"`
	NextKey string          `json:"next_key,omitempty"`
	Keys    json.RawMessage `json:"keys,omitempty"` // signed key set
}

func (s state) legal() bool {
	switch s.Phase {
	case Unprovisioned, Decommissioned:
		return s.Cert == "" && s.Next == ""
	case Claiming:
		return s.NextKey != "" && s.Next == "" && s.Cert == ""
	case Claimed:
		return s.NextKey != "" && s.Next != "" && s.Cert == ""
	case Active, Suspended:
		return s.Cert != "" && s.Key != ""
	case Resetting:
		return s.Target == Unprovisioned || s.Target == Decommissioned
	}
	return false
}

func (m *Machine) load() error {
	var s state
	err := durable.Load(m.fsys, stateFile, &s)
	if errors.Is(err, fs.ErrNotExist) {
		s, err = state{Phase: Unprovisioned}, nil
	}
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	if !s.legal() {
		return fmt.Errorf("enrol: the state on disk is not legal (phase %q); reset the node", s.Phase)
	}
	m.state = s
	if s.Phase == Resetting {
		return m.finishReset()
	}
	// A key that the state does not name is left from a step that the power
	// cut short, or from before a rotation.
	names, err := m.fsys.Names()
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	for _, n := range names {
		if strings.HasPrefix(n, keyPrefix) && n != s.Key && n != s.NextKey {
			if err := durable.Erase(m.fsys, n); err != nil {
				return err
			}
		}
	}
	for _, n := range []string{s.Key, s.NextKey} {
		if n == "" {
			continue
		}
		if _, err := m.key(n); err != nil {
			return fmt.Errorf("enrol: key %s: %w; reset the node", n, err)
		}
	}
	return nil
}

func (m *Machine) save(s state) error {
	if !s.legal() {
		panic("enrol: illegal state " + string(s.Phase)) // a mistake in this package
	}
	if err := durable.Save(m.fsys, stateFile, s); err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	m.state = s
	return nil
}

func (m *Machine) key(name string) (crypto.Signer, error) {
	data, err := m.fsys.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return pki.ParseKey(data)
}

// newKey makes a key and returns its file's name.
func (m *Machine) newKey() (string, error) {
	key, err := pki.NewKey()
	if err != nil {
		return "", err
	}
	data, err := pki.EncodeKey(key)
	if err != nil {
		return "", err
	}
	name := keyPrefix + pki.Fingerprint(key.Public())
	return name, durable.Replace(m.fsys, name, data)
}

// nextRun counts a start of the program and returns its number.
func (m *Machine) nextRun() (uint64, error) {
	var n uint64
	if err := durable.Load(m.fsys, RunsFile, &n); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("enrol: %w", err)
	}
	n++
	if err := durable.Save(m.fsys, RunsFile, n); err != nil {
		return 0, fmt.Errorf("enrol: %w", err)
	}
	return n, nil
}

// reset erases everything but the number of runs. The intent is on disk before
// the first byte goes, so that a power cut is followed by the rest.
func (m *Machine) reset(target Phase) error {
	if m.state.Phase != Resetting {
		if err := m.save(state{Phase: Resetting, Target: target}); err != nil {
			return err
		}
	}
	return m.finishReset()
}

func (m *Machine) finishReset() error {
	for _, wipe := range m.opt.Wipe {
		if err := wipe(); err != nil {
			return fmt.Errorf("enrol: reset: %w", err)
		}
	}
	names, err := m.fsys.Names()
	if err != nil {
		return fmt.Errorf("enrol: reset: %w", err)
	}
	for _, n := range names {
		if n == stateFile || strings.HasPrefix(n, RunsFile) {
			continue
		}
		if err := durable.Erase(m.fsys, n); err != nil {
			return fmt.Errorf("enrol: reset: %w", err)
		}
	}
	m.next = ""
	return m.save(state{Phase: m.state.Target})
}
