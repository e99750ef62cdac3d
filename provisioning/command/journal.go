package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// journal remembers commands by id. It is written before a command runs and
// after, and each write is durable before it returns.
type journal struct {
	fsys durable.FS

	mu sync.Mutex
	s  journalState
}

type journalState struct {
	Entries []entry `json:"entries"`
	// Floor is the latest expiry of an entry that was forgotten: what expires
	// no later could be a repetition, even if the clock was set back.
	Floor int64 `json:"floor"`
}

// entry is a command that was accepted.
type entry struct {
	ID      string          `json:"id"`
	Op      string          `json:"op"`
	Expires int64           `json:"exp"` // Unix seconds by the issuer's clock
	Session uint64          `json:"sess,omitempty"`
	State   string          `json:"st,omitempty"` // "" while it runs
	Code    string          `json:"code,omitempty"`
	Result  json.RawMessage `json:"res,omitempty"`
}

const journalFile = "commands"

func (j *journal) load(fsys durable.FS) error {
	j.fsys = fsys
	if err := durable.Load(fsys, journalFile, &j.s); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("command: %w", err)
	}
	return nil
}

func (j *journal) save(s journalState) error {
	if err := durable.Save(j.fsys, journalFile, s); err != nil {
		return fmt.Errorf("command: %w", err)
	}
	j.s = s
	return nil
}

func (j *journal) begin(e entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.s
	s.Entries = append(slices.Clone(s.Entries), e)
	return j.save(s)
}

func (j *journal) end(a wire.Ack) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.s
	s.Entries = slices.Clone(s.Entries)
	for i := range s.Entries {
		if e := &s.Entries[i]; e.ID == a.ID {
			e.State, e.Code = a.State, a.Code
			if len(a.Result) <= maxResult {
				e.Result = a.Result
			}
		}
	}
	return j.save(s)
}

// find returns the answer to a command that is known already.
func (j *journal) find(id string) (wire.Ack, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := slices.IndexFunc(j.s.Entries, func(e entry) bool { return e.ID == id })
	if i < 0 {
		return wire.Ack{}, false
	}
	e := j.s.Entries[i]
	// The former state as code, its result as result.
	state := e.State
	if state == "" {
		state = wire.AckAccepted
	}
	return wire.Ack{State: wire.AckDuplicate, Code: state, Result: e.Result}, true
}

func (j *journal) open() []entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []entry
	for _, e := range j.s.Entries {
		if e.State == "" {
			out = append(out, e)
		}
	}
	return out
}

func (j *journal) floor() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.s.Floor
}

// room forgets what can no longer be repeated if the journal is full, and
// reports whether there is room. An entry can go when it has expired by a
// clock, or when it was bound to a connection that is no more.
func (j *journal) room(now time.Time, synced bool, session uint64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.s.Entries) < maxJournal {
		return true
	}
	s := j.s
	s.Entries = slices.DeleteFunc(slices.Clone(s.Entries), func(e entry) bool {
		gone := e.State != "" && (synced && now.Unix() > e.Expires || e.Session != 0 && e.Session != session)
		if gone && e.Session == 0 {
			s.Floor = max(s.Floor, e.Expires)
		}
		return gone
	})
	if len(s.Entries) >= maxJournal {
		return false
	}
	// In memory only: begin writes it.
	j.s = s
	return true
}
