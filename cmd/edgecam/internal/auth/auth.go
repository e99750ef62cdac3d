// Package auth says who may do what. There is no default password: at the
// first start an owner secret of 140 random bits is made and shown once. A
// browser exchanges it for a session cookie; programs use bearer tokens with
// scopes and an expiry. Of every secret only a hash is kept, in auth.json in
// the state folder.
//
// The secrets are random and long, so one round of salted SHA-256 is enough:
// slow password hashes make guessing of short secrets dear, and here nothing
// can be guessed. Guessing is throttled all the same, see limiter.
package auth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Scopes is a set of permissions.
type Scopes uint8

// The permissions. Admin includes the others.
const (
	View     Scopes = 1 << iota // see and hear
	Talk                        // be heard at the door
	OpenDoor                    // release the door
	Admin                       // everything, tokens too

	All = View | Talk | OpenDoor | Admin
)

var scopeNames = []struct {
	name string
	s    Scopes
}{{"view", View}, {"talk", Talk}, {"open", OpenDoor}, {"admin", Admin}}

// ParseScopes reads names separated by commas or spaces.
func ParseScopes(s string) (Scopes, error) {
	var out Scopes
words:
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		for _, n := range scopeNames {
			if n.name == word {
				out |= n.s
				continue words
			}
		}
		return 0, fmt.Errorf("auth: unknown scope %q (scopes are view, talk, open, admin)", word)
	}
	if out == 0 {
		return 0, errors.New("auth: no scope given (scopes are view, talk, open, admin)")
	}
	return out, nil
}

// Names returns the scopes' names.
func (s Scopes) Names() []string {
	out := []string{}
	for _, n := range scopeNames {
		if s&n.s != 0 {
			out = append(out, n.name)
		}
	}
	return out
}

// String returns the names separated by commas.
func (s Scopes) String() string { return strings.Join(s.Names(), ",") }

// MarshalText writes the names separated by commas.
func (s Scopes) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Scopes) UnmarshalText(b []byte) (err error) {
	*s, err = ParseScopes(string(b))
	return err
}

// Grant is what a request may do.
type Grant struct {
	Subject string    // "owner", "token <name>" or "development"
	Scopes  Scopes    //
	Expires time.Time // zero: never
}

// Allows reports whether every scope in s is granted.
func (g Grant) Allows(s Scopes) bool { return g.Scopes&Admin != 0 || g.Scopes&s == s }

// Require returns an error wrapping ErrForbidden unless s is granted.
func (g Grant) Require(s Scopes) error {
	if g.Allows(s) {
		return nil
	}
	return fmt.Errorf("%w: it needs scope %s and has %s", ErrForbidden, s, g.Scopes)
}

// Why a request is refused.
var (
	ErrNoCredential = errors.New("auth: no credential; log in on the page or send Authorization: Bearer TOKEN")
	ErrInvalid      = errors.New("auth: the secret or token is not valid")
	ErrExpired      = errors.New("auth: the token or session has expired")
	ErrForbidden    = errors.New("auth: the credential does not allow this")
	ErrCrossSite    = errors.New("auth: request from another site refused")
	ErrHost         = errors.New("auth: development mode answers to localhost only")
)

// LockedError refuses an attempt after too many failures.
type LockedError struct{ RetryAfter time.Duration }

// Error says how long to wait.
func (e *LockedError) Error() string {
	return fmt.Sprintf("auth: too many wrong secrets, try again in %d s", seconds(e.RetryAfter))
}

func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// Status returns the HTTP status that tells err to a client.
func Status(err error) int {
	var locked *LockedError
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &locked):
		return http.StatusTooManyRequests
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrCrossSite):
		return http.StatusForbidden
	case errors.Is(err, ErrHost):
		return http.StatusMisdirectedRequest
	case errors.Is(err, ErrNoCredential), errors.Is(err, ErrInvalid), errors.Is(err, ErrExpired):
		return http.StatusUnauthorized
	}
	return http.StatusInternalServerError
}

// SetHeaders adds the headers that go with err: WWW-Authenticate (RFC 6750
// section 3) or Retry-After.
func SetHeaders(h http.Header, err error) {
	var locked *LockedError
	switch {
	case errors.As(err, &locked):
		h.Set("Retry-After", fmt.Sprint(seconds(locked.RetryAfter)))
	case errors.Is(err, ErrNoCredential):
		h.Set("WWW-Authenticate", `Bearer realm="edgecam"`)
	case Status(err) == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="edgecam", error="invalid_token"`)
	}
}
