package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/edgecam/edgecam/internal/atomicfile"
)

const (
	fileName     = "auth.json"
	stateVersion = 1
	maxTokens    = 256
	maxSessions  = 128 // the oldest is dropped
)

// state is what auth.json holds: no secret, hashes only.
type state struct {
	Version  int       `json:"version"`
	Owner    owner     `json:"owner"`
	Tokens   []token   `json:"tokens,omitempty"`
	Sessions []session `json:"sessions,omitempty"`
}

type owner struct {
	Hash    hash      `json:"hash"`
	Created time.Time `json:"created"`
}

// Token describes an API token; the secret itself is not kept.
type Token struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Scopes  Scopes     `json:"scopes"`
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty"` // nil: never
}

// Expired reports whether the token's time is over.
func (t Token) Expired(now time.Time) bool { return t.Expires != nil && !now.Before(*t.Expires) }

type token struct {
	Token
	Hash hash `json:"hash"`
	// DigestKey is for RTSP; tokens of versions without it have none.
	DigestKey string `json:"digest_key,omitempty"`
}

type session struct {
	ID      string    `json:"id"`
	Subject string    `json:"subject"`
	TokenID string    `json:"token_id,omitempty"` // revoking it ends the session
	Scopes  Scopes    `json:"scopes"`
	Expires time.Time `json:"expires"`
	Hash    hash      `json:"hash"`
}

func decode(data []byte) (*state, error) {
	var s state
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("auth: %s is damaged: %w", fileName, err)
	}
	switch {
	case s.Version != stateVersion:
		return nil, fmt.Errorf("auth: %s has version %d, this program knows %d", fileName, s.Version, stateVersion)
	case s.Owner.Hash == hash{}:
		return nil, fmt.Errorf("auth: %s has no owner", fileName)
	case len(s.Tokens) > maxTokens || len(s.Sessions) > maxSessions:
		return nil, fmt.Errorf("auth: %s has too many entries", fileName)
	}
	return &s, nil
}

func check(data []byte) error {
	_, err := decode(data)
	return err
}

// read returns the state on disk; the error wraps fs.ErrNotExist at the first
// start. A damaged file is replaced by its last good predecessor.
func read(dir string) (s *state, recovered bool, err error) {
	path := filepath.Join(dir, fileName)
	data, recovered, err := atomicfile.Read(path, check)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, err
	}
	if err != nil {
		return nil, false, fmt.Errorf("%w; if it cannot be restored, remove %s and %s: a new owner secret is made at the next start",
			err, path, path+atomicfile.BackupSuffix)
	}
	s, err = decode(data)
	return s, recovered, err
}

func (s *state) write(dir string) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	return atomicfile.Write(filepath.Join(dir, fileName), append(data, '\n'), 0o600)
}

// withLock runs f while no other process (a running node, the command line)
// changes the state in dir.
func withLock(dir string, f func() error) error {
	lock, err := os.OpenFile(filepath.Join(dir, ".auth.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	defer lock.Close() // which also unlocks
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f()
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) || time.Now().After(deadline) {
			return fmt.Errorf("auth: %s is locked by another process: %w", dir, err)
		}
	}
}

// prune drops what has expired.
func (s *state) prune(now time.Time) {
	keep := s.Sessions[:0]
	for _, x := range s.Sessions {
		if now.Before(x.Expires) {
			keep = append(keep, x)
		}
	}
	s.Sessions = keep
}
