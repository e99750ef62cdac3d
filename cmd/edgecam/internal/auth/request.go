package auth

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Cookie names. The prefix __Host- makes browsers insist on TLS and on this
// very host; on plain loopback HTTP it cannot be used.
const (
	tlsCookie   = "__Host-edgecam"
	plainCookie = "edgecam"
)

// Authorize returns what r may do. Requests that change something and are
// authorised by cookie must come from the node's own page.
func (s *Store) Authorize(r *http.Request) (Grant, error) {
	if s.dev {
		return s.authorizeDev(r)
	}
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, text, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return Grant{}, ErrNoCredential
		}
		return s.guarded(r.RemoteAddr, func(st *state) (Grant, string, error) { return s.bearer(st, strings.TrimSpace(text)) })
	}
	for _, name := range []string{tlsCookie, plainCookie} {
		c, err := r.Cookie(name)
		if err != nil || (name == tlsCookie && r.TLS == nil) {
			continue
		}
		x, err := s.session(c.Value)
		if err != nil {
			return Grant{}, err
		}
		if !sameSite(r) {
			return Grant{}, ErrCrossSite
		}
		return Grant{x.Subject, x.Scopes, x.Expires}, nil
	}
	return Grant{}, ErrNoCredential
}

// guarded runs a check of a secret under the limiter. The second result is the
// ID of the token that was used.
func (s *Store) guarded(remote string, check func(*state) (Grant, string, error)) (Grant, error) {
	if err := s.limit.check(remote); err != nil {
		return Grant{}, err
	}
	g, _, err := check(s.snapshot())
	switch {
	case err == nil:
		s.limit.succeeded(remote)
	case errors.Is(err, ErrInvalid):
		s.limit.failed(remote)
		s.opt.Log.Warn("wrong secret or token", "remote", remote)
	}
	return g, err
}

// bearer checks a token's text, "ec_ID_SECRET".
func (s *Store) bearer(st *state, text string) (Grant, string, error) {
	id, secret, ok := splitToken(text)
	if !ok {
		return Grant{}, "", ErrInvalid
	}
	for _, t := range st.Tokens {
		if t.ID != id || !t.Hash.matches(secret) {
			continue
		}
		return s.granted(t)
	}
	return Grant{}, "", ErrInvalid
}

// granted returns what a token that was shown allows, and its ID.
func (s *Store) granted(t token) (Grant, string, error) {
	g := Grant{Subject: "token " + t.Name, Scopes: t.Scopes}
	if t.Expires != nil {
		g.Expires = *t.Expires
	}
	if t.Expired(s.opt.Now()) {
		return Grant{}, "", ErrExpired
	}
	return g, t.ID, nil
}

func splitToken(text string) (id, secret string, ok bool) {
	parts := strings.Split(text, "_")
	if len(parts) != 3 || parts[0] != "ec" {
		return "", "", false
	}
	id, secret = normalise(parts[1]), normalise(parts[2])
	return id, secret, len(id) == idSymbols && len(secret) == tokenSymbols
}

func (s *Store) session(value string) (session, error) {
	id, secret, ok := splitToken(value)
	if !ok {
		return session{}, ErrExpired
	}
	for _, x := range s.snapshot().Sessions {
		if x.ID == id && x.Hash.matches(secret) {
			if !s.opt.Now().Before(x.Expires) {
				return session{}, ErrExpired
			}
			return x, nil
		}
	}
	return session{}, ErrExpired
}

// Login exchanges the owner secret, or an API token, for a session cookie.
func (s *Store) Login(w http.ResponseWriter, r *http.Request, secret string) (Grant, error) {
	if s.dev {
		return s.authorizeDev(r)
	}
	if foreign(r) {
		return Grant{}, ErrCrossSite
	}
	var tokenID string
	g, err := s.guarded(r.RemoteAddr, func(st *state) (g Grant, id string, err error) {
		if strings.HasPrefix(secret, "ec_") {
			g, tokenID, err = s.bearer(st, secret)
			return g, tokenID, err
		}
		if typed := normalise(secret); len(typed) == ownerSymbols && st.Owner.Hash.matches(typed) {
			return Grant{Subject: "owner", Scopes: All}, "", nil
		}
		return Grant{}, "", ErrInvalid
	})
	if err != nil {
		return Grant{}, err
	}
	expires := s.opt.Now().UTC().Truncate(time.Second).Add(s.opt.SessionAge)
	if !g.Expires.IsZero() && g.Expires.Before(expires) {
		expires = g.Expires
	}
	g.Expires = expires
	key := randomSymbols(tokenSymbols)
	x := session{ID: randomSymbols(idSymbols), Subject: g.Subject, TokenID: tokenID, Scopes: g.Scopes, Expires: expires, Hash: newHash(key)}
	err = s.update(func(st *state) error {
		if len(st.Sessions) >= maxSessions {
			st.Sessions = st.Sessions[len(st.Sessions)-maxSessions+1:]
		}
		st.Sessions = append(st.Sessions, x)
		return nil
	})
	if err != nil {
		return Grant{}, err
	}
	setCookie(w, r, "ec_"+x.ID+"_"+key, expires)
	s.opt.Log.Info("logged in", "subject", g.Subject, "remote", r.RemoteAddr)
	return g, nil
}

// Logout ends the request's session and removes its cookie.
func (s *Store) Logout(w http.ResponseWriter, r *http.Request) error {
	if s.dev {
		return nil
	}
	if foreign(r) {
		return ErrCrossSite
	}
	for _, name := range []string{tlsCookie, plainCookie} {
		c, err := r.Cookie(name)
		if err != nil {
			continue
		}
		x, err := s.session(c.Value)
		if err != nil {
			continue
		}
		err = s.update(func(st *state) error {
			keep := st.Sessions[:0]
			for _, y := range st.Sessions {
				if y.ID != x.ID {
					keep = append(keep, y)
				}
			}
			st.Sessions = keep
			return nil
		})
		if err != nil {
			return err
		}
	}
	setCookie(w, r, "", time.Unix(1, 0))
	return nil
}

func setCookie(w http.ResponseWriter, r *http.Request, value string, expires time.Time) {
	c := &http.Cookie{
		Name: plainCookie, Value: value, Path: "/", Expires: expires,
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
	if r.TLS != nil {
		c.Name, c.Secure = tlsCookie, true
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// sameSite reports whether r can only come from a page of this very origin, or
// changes nothing. Browsers send Origin or Sec-Fetch-Site with every unsafe
// request; one without either does not come from a browser's page.
func sameSite(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	if o := r.Header.Get("Origin"); o != "" {
		return sameOrigin(r, o)
	}
	return r.Header.Get("Sec-Fetch-Site") == "same-origin"
}

// foreign reports whether r comes from a page of another origin. Programs,
// which send neither header, are not foreign.
func foreign(r *http.Request) bool {
	if o := r.Header.Get("Origin"); o != "" {
		return !sameOrigin(r, o)
	}
	f := r.Header.Get("Sec-Fetch-Site")
	return f != "" && f != "same-origin" && f != "none"
}

func sameOrigin(r *http.Request, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return u.Scheme == scheme && strings.EqualFold(u.Host, r.Host)
}

// authorizeDev allows everything to this machine, but not to pages of other
// sites that a browser here has open, nor under a foreign name that resolves
// to a loopback address (DNS rebinding).
func (s *Store) authorizeDev(r *http.Request) (Grant, error) {
	if !IsLoopbackHost(r.Host) {
		return Grant{}, ErrHost
	}
	if a := client(r.RemoteAddr); !a.IsLoopback() {
		return Grant{}, fmt.Errorf("%w (request from %s)", ErrHost, a)
	}
	if o := r.Header.Get("Origin"); o != "" && !sameOrigin(r, o) {
		return Grant{}, ErrCrossSite
	}
	return Grant{Subject: "development", Scopes: All}, nil
}

// IsLoopbackHost reports whether a Host header or listen address names this
// machine's loopback.
func IsLoopbackHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
