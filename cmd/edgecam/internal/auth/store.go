package auth

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Options tune a Store. The zero value has the defaults.
type Options struct {
	Log         *slog.Logger
	SessionAge  time.Duration    // default 30 days
	TokenAge    time.Duration    // of a token made without an expiry; 0: never
	MaxFailures int              // per address, default 5
	Now         func() time.Time // default time.Now
}

// Store keeps the owner's secret, tokens and sessions. Its methods may be
// called from any goroutine, and another process may change the same folder.
type Store struct {
	dir   string
	dev   bool
	opt   Options
	limit *limiter
	fresh string // owner secret just made

	mu      sync.RWMutex
	state   *state
	stamp   os.FileInfo // of the file that state was read from
	checked time.Time
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.SessionAge <= 0 {
		o.SessionAge = 30 * 24 * time.Hour
	}
	if o.MaxFailures <= 0 {
		o.MaxFailures = 5
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Open reads the state in dir, which it makes readable by its owner only. At
// the first start it makes the owner secret, see NewOwnerSecret.
func Open(dir string, opt Options) (*Store, error) {
	opt = opt.withDefaults()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	s := &Store{dir: dir, opt: opt, limit: newLimiter(opt.MaxFailures, opt.Now)}
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			opt.Log.Warn("state folder is readable by others", "path", dir, "mode", info.Mode().Perm().String())
		}
	}
	err := withLock(dir, func() error {
		st, recovered, err := read(dir)
		if errors.Is(err, fs.ErrNotExist) {
			s.fresh = randomSymbols(ownerSymbols)
			st = &state{Version: stateVersion, Owner: owner{newHash(s.fresh), opt.Now().UTC()}}
			return st.write(dir)
		}
		if recovered {
			opt.Log.Warn("access file was damaged, its predecessor is used", "path", filepath.Join(dir, fileName))
			return errors.Join(err, st.write(dir))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, s.reload(true)
}

// NewDev returns a Store for development mode: every request from this machine
// under a loopback name is allowed everything, and nothing is read from or kept
// on disk. The caller must listen on loopback addresses only.
func NewDev(opt Options) *Store {
	opt = opt.withDefaults()
	return &Store{dev: true, opt: opt, limit: newLimiter(opt.MaxFailures, opt.Now), state: &state{}}
}

// Dev reports whether the store is for development mode.
func (s *Store) Dev() bool { return s.dev }

// Close forgets an owner secret that was not taken. Requests are still checked
// after it.
func (s *Store) Close() error {
	s.NewOwnerSecret()
	return nil
}

// NewOwnerSecret returns the owner secret if this Open made it, once; then "".
func (s *Store) NewOwnerSecret() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	secret := s.fresh
	s.fresh = ""
	return secret
}

// reload reads the file if it changed; it looks at most once a second.
func (s *Store) reload(force bool) error {
	if s.dev {
		return nil
	}
	now := s.opt.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !force && now.Sub(s.checked) < time.Second && !now.Before(s.checked) {
		return nil
	}
	s.checked = now
	info, err := os.Stat(filepath.Join(s.dir, fileName))
	if err == nil && s.stamp != nil && os.SameFile(info, s.stamp) && info.ModTime().Equal(s.stamp.ModTime()) {
		return nil
	}
	st, _, err := read(s.dir)
	if err != nil {
		return err
	}
	s.state, s.stamp = st, info
	return nil
}

// update changes the state on disk and in memory.
func (s *Store) update(change func(*state) error) error {
	if s.dev {
		return errors.New("auth: development mode keeps no secrets")
	}
	err := withLock(s.dir, func() error {
		st, _, err := read(s.dir)
		if err != nil {
			return err
		}
		st.prune(s.opt.Now())
		if err := change(st); err != nil {
			return err
		}
		return st.write(s.dir)
	})
	if err != nil {
		return err
	}
	return s.reload(true)
}

func (s *Store) snapshot() *state {
	if err := s.reload(false); err != nil {
		s.opt.Log.Error("access file cannot be read, the last known state is used", "error", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.state
}

// ResetOwner makes a new owner secret, returns it, and ends every session.
// Tokens stay.
func (s *Store) ResetOwner() (string, error) {
	secret := randomSymbols(ownerSymbols)
	return secret, s.update(func(st *state) error {
		st.Owner = owner{newHash(secret), s.opt.Now().UTC()}
		st.Sessions = nil
		return nil
	})
}

// ErrBadToken tells that a token cannot be made as asked.
var ErrBadToken = errors.New("auth: the token cannot be made")

// CreateToken makes a token and returns its text, which is not kept. An age of
// 0 takes the default, a negative one means that it never expires.
func (s *Store) CreateToken(name string, scopes Scopes, age time.Duration) (string, Token, error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, unicode.IsControl) {
		return "", Token{}, fmt.Errorf("%w: the name must have 1 to 64 bytes, without control characters", ErrBadToken)
	}
	if scopes == 0 || scopes&^All != 0 {
		return "", Token{}, fmt.Errorf("%w: no scope given", ErrBadToken)
	}
	if age == 0 {
		age = s.opt.TokenAge
	}
	now := s.opt.Now().UTC().Truncate(time.Second)
	t := token{Token: Token{ID: randomSymbols(idSymbols), Name: name, Scopes: scopes, Created: now}}
	if age > 0 {
		e := now.Add(age)
		t.Expires = &e
	}
	secret := randomSymbols(tokenSymbols)
	t.Hash = newHash(secret)
	text := "ec_" + t.ID + "_" + secret
	if t.Scopes&(View|Admin) != 0 {
		t.DigestKey = digestKey(t.ID, text)
	}
	err := s.update(func(st *state) error {
		if len(st.Tokens) >= maxTokens {
			return fmt.Errorf("%w: there are %d already; revoke some", ErrBadToken, maxTokens)
		}
		st.Tokens = append(st.Tokens, t)
		return nil
	})
	if err != nil {
		return "", Token{}, err
	}
	return text, t.Token, nil
}

// Tokens lists all tokens, expired ones too.
func (s *Store) Tokens() []Token {
	st := s.snapshot()
	out := make([]Token, len(st.Tokens))
	for i, t := range st.Tokens {
		out[i] = t.Token
	}
	return out
}

// ErrNoToken tells that there is no token with that ID.
var ErrNoToken = errors.New("auth: no token has this ID")

// RevokeToken deletes the token with that ID and ends the sessions made by it.
func (s *Store) RevokeToken(id string) error {
	id = normalise(id)
	return s.update(func(st *state) error {
		for i, t := range st.Tokens {
			if t.ID != id {
				continue
			}
			st.Tokens = append(st.Tokens[:i], st.Tokens[i+1:]...)
			keep := st.Sessions[:0]
			for _, x := range st.Sessions {
				if x.TokenID != id {
					keep = append(keep, x)
				}
			}
			st.Sessions = keep
			return nil
		}
		return ErrNoToken
	})
}
