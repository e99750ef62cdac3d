package auth

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type clock struct{ t time.Time }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

func open(t *testing.T) (*Store, string, *clock, *bytes.Buffer) {
	t.Helper()
	c := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	var log bytes.Buffer
	s, err := Open(filepath.Join(t.TempDir(), "state"), Options{Now: c.now, TokenAge: 24 * time.Hour, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return s, s.NewOwnerSecret(), c, &log
}

func request(method, remote, bearer string, cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(method, "https://node.local/api", nil)
	r.TLS = &tls.ConnectionState{}
	r.RemoteAddr = remote
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

func login(t *testing.T, s *Store, secret string) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if _, err := s.Login(w, request("POST", "192.0.2.1:99", ""), secret); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()[0]
}

func TestOwnerSecretIsMadeOnceAndOnlyHashed(t *testing.T) {
	s, secret, _, log := open(t)
	if len(secret) != ownerSymbols || s.NewOwnerSecret() != "" {
		t.Fatalf("secret %q", secret)
	}
	again, err := Open(s.dir, Options{})
	if err != nil || again.NewOwnerSecret() != "" {
		t.Fatal("a second start made another secret", err)
	}
	if c := login(t, again, strings.ToLower(Groups(secret))); c.Value == "" {
		t.Error("the secret as people type it is refused")
	}
	for _, name := range []string{fileName, fileName + ".bak"} {
		data, _ := os.ReadFile(filepath.Join(s.dir, name))
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("%s holds the secret", name)
		}
		if info, err := os.Stat(filepath.Join(s.dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	if info, _ := os.Stat(s.dir); info.Mode().Perm() != 0o700 {
		t.Errorf("folder has %v", info.Mode())
	}
	if strings.Contains(log.String(), secret) {
		t.Error("the log holds the secret")
	}
}

func TestSession(t *testing.T) {
	s, secret, c, _ := open(t)
	cookie := login(t, s, secret)
	if cookie.Name != tlsCookie || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" {
		t.Errorf("cookie %+v", cookie)
	}
	g, err := s.Authorize(request("GET", "203.0.113.9:1", "", cookie))
	if err != nil || g.Subject != "owner" || !g.Allows(Admin|OpenDoor) {
		t.Fatal(g, err)
	}
	// Unsafe methods need the page's own origin.
	for _, tc := range []struct {
		header, value string
		want          error
	}{
		{"", "", ErrCrossSite},
		{"Origin", "https://node.local", nil},
		{"Origin", "http://node.local", ErrCrossSite},
		{"Origin", "https://evil.example", ErrCrossSite},
		{"Origin", "null", ErrCrossSite},
		{"Sec-Fetch-Site", "same-origin", nil},
		{"Sec-Fetch-Site", "cross-site", ErrCrossSite},
	} {
		r := request("POST", "203.0.113.9:1", "", cookie)
		if tc.header != "" {
			r.Header.Set(tc.header, tc.value)
		}
		if _, err := s.Authorize(r); !errors.Is(err, tc.want) {
			t.Errorf("POST with %s %q: %v, want %v", tc.header, tc.value, err, tc.want)
		}
	}
	plain := request("GET", "203.0.113.9:1", "", cookie)
	plain.TLS = nil
	if _, err := s.Authorize(plain); !errors.Is(err, ErrNoCredential) {
		t.Errorf("the TLS cookie counts on plain HTTP: %v", err)
	}
	// A restart keeps the session, its expiry and a logout end it.
	again, err := Open(s.dir, s.opt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Authorize(request("GET", "203.0.113.9:1", "", cookie)); err != nil {
		t.Error("lost by a restart:", err)
	}
	second := login(t, s, secret)
	w := httptest.NewRecorder()
	if err := s.Logout(w, request("POST", "203.0.113.9:1", "", second)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Authorize(request("GET", "203.0.113.9:1", "", second)); !errors.Is(err, ErrExpired) {
		t.Errorf("after logout: %v", err)
	}
	c.advance(31 * 24 * time.Hour)
	if _, err := s.Authorize(request("GET", "203.0.113.9:1", "", cookie)); !errors.Is(err, ErrExpired) {
		t.Errorf("after its expiry: %v", err)
	}
}

func TestTokens(t *testing.T) {
	s, secret, c, log := open(t)
	text, tok, err := s.CreateToken("indoor station", View|Talk, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	g, err := s.Authorize(request("POST", "192.0.2.7:1", text))
	if err != nil || g.Subject != "token indoor station" || g.Scopes != View|Talk || !g.Expires.Equal(*tok.Expires) {
		t.Fatal(g, err)
	}
	if err := g.Require(OpenDoor); !errors.Is(err, ErrForbidden) {
		t.Error(err)
	}
	if g.Require(View) != nil || !(Grant{Scopes: Admin}).Allows(OpenDoor) {
		t.Error("scopes do not add up")
	}
	// A cookie made by a token has its scopes and ends with it.
	cookie := login(t, s, text)
	if g, err := s.Authorize(request("GET", "192.0.2.7:1", "", cookie)); err != nil || g.Scopes != View|Talk {
		t.Error(g, err)
	}
	c.advance(time.Hour)
	if _, err := s.Authorize(request("GET", "192.0.2.7:1", text)); !errors.Is(err, ErrExpired) {
		t.Errorf("expired: %v", err)
	}
	// Made by another process: seen within a second.
	other, _ := Open(s.dir, s.opt)
	text2, tok2, err := other.CreateToken("guest", View, -1)
	if err != nil || tok2.Expires != nil {
		t.Fatal(err)
	}
	c.advance(time.Second)
	if _, err := s.Authorize(request("GET", "192.0.2.7:1", text2)); err != nil {
		t.Error("a token made by another process:", err)
	}
	cookie2 := login(t, s, text2)
	if err := other.RevokeToken(tok2.ID); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Second)
	if _, err := s.Authorize(request("GET", "192.0.2.7:1", text2)); !errors.Is(err, ErrInvalid) {
		t.Errorf("revoked: %v", err)
	}
	if _, err := s.Authorize(request("GET", "192.0.2.7:1", "", cookie2)); !errors.Is(err, ErrExpired) {
		t.Errorf("session of a revoked token: %v", err)
	}
	if err := other.RevokeToken(tok2.ID); !errors.Is(err, ErrNoToken) {
		t.Error(err)
	}
	if n := len(s.Tokens()); n != 1 {
		t.Errorf("%d tokens listed", n)
	}
	file, _ := os.ReadFile(filepath.Join(s.dir, fileName))
	for _, x := range []string{secret, text[12:], text2[12:], cookie.Value[12:]} {
		if strings.Contains(log.String()+string(file), x) {
			t.Error("a secret is in the log or the file")
		}
	}
	for _, name := range []string{"", " ", "a\nb", strings.Repeat("x", 65)} {
		if _, _, err := s.CreateToken(name, View, 0); !errors.Is(err, ErrBadToken) {
			t.Errorf("name %q: %v", name, err)
		}
	}
}

func TestResetOwner(t *testing.T) {
	s, secret, _, _ := open(t)
	cookie := login(t, s, secret)
	text, _, _ := s.CreateToken("t", View, 0)
	fresh, err := s.ResetOwner()
	if err != nil || fresh == secret {
		t.Fatal(err)
	}
	if _, err := s.Login(httptest.NewRecorder(), request("POST", "192.0.2.1:1", ""), secret); !errors.Is(err, ErrInvalid) {
		t.Errorf("old secret: %v", err)
	}
	if _, err := s.Authorize(request("GET", "192.0.2.1:1", "", cookie)); !errors.Is(err, ErrExpired) {
		t.Errorf("old session: %v", err)
	}
	if _, err := s.Authorize(request("GET", "192.0.2.1:1", text)); err != nil {
		t.Errorf("token: %v", err)
	}
	login(t, s, fresh)
}

func TestBruteForce(t *testing.T) {
	s, secret, c, _ := open(t)
	try := func(remote, secret string) error {
		_, err := s.Login(httptest.NewRecorder(), request("POST", remote, ""), secret)
		return err
	}
	var locked *LockedError
	for i := range 6 {
		if err := try("198.51.100.1:1", "wrong"); !errors.Is(err, ErrInvalid) {
			t.Fatalf("attempt %d: %v", i, err)
		}
	}
	// Locked: even the right secret is not looked at, from any port.
	if err := try("198.51.100.1:2", secret); !errors.As(err, &locked) || locked.RetryAfter != time.Second {
		t.Fatalf("after six failures: %v", err)
	}
	h := http.Header{}
	SetHeaders(h, locked)
	if h.Get("Retry-After") != "1" || Status(locked) != 429 {
		t.Error(h)
	}
	if err := try("198.51.100.2:1", secret); err != nil {
		t.Errorf("another address is locked too: %v", err)
	}
	for want := 2 * time.Second; want < 20*time.Minute; want *= 2 {
		c.advance(maxLock)
		try("198.51.100.1:1", "wrong")
		if err := try("198.51.100.1:1", secret); !errors.As(err, &locked) || locked.RetryAfter != min(want, maxLock) {
			t.Fatalf("lock is %v, want %v", err, want)
		}
	}
	c.advance(maxLock)
	if err := try("198.51.100.1:1", secret); err != nil {
		t.Errorf("after the lock: %v", err)
	}
	// Many addresses: a short lock for all but those who were right lately.
	for i := range 60 {
		try(fmt.Sprintf("203.0.113.%d:1", i), "wrong")
	}
	if err := try("192.0.2.200:1", secret); !errors.As(err, &locked) || locked.RetryAfter > maxOverall {
		t.Errorf("overall lock: %v", err)
	}
	if err := try("198.51.100.2:1", secret); err != nil {
		t.Errorf("the owner is locked out by others: %v", err)
	}
	// One IPv6 network counts as one.
	c.advance(time.Hour)
	for i := range 6 {
		try(fmt.Sprintf("[2001:db8::%x]:1", i+1), "wrong")
	}
	if err := try("[2001:db8::ff]:1", secret); !errors.As(err, &locked) {
		t.Errorf("same /64: %v", err)
	}
}

func TestLimiterMemoryIsBounded(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	l := newLimiter(5, c.now)
	for i := range 3 * maxRecords {
		c.advance(time.Millisecond)
		a := fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255)
		l.failed(a)
		if i%2 == 0 {
			l.succeeded(a)
		}
	}
	if len(l.addrs) > maxRecords || len(l.trusted) > maxRecords {
		t.Errorf("%d and %d records", len(l.addrs), len(l.trusted))
	}
}

func TestDamagedFile(t *testing.T) {
	s, secret, _, _ := open(t)
	s.CreateToken("makes a backup", View, 0)
	path := filepath.Join(s.dir, fileName)
	os.WriteFile(path, []byte(`{"version":1,`), 0o600)
	again, err := Open(s.dir, s.opt)
	if err != nil {
		t.Fatal(err)
	}
	if again.NewOwnerSecret() != "" {
		t.Error("damage made a new owner")
	}
	login(t, again, secret)
	os.WriteFile(path, []byte("x"), 0o600)
	os.WriteFile(path+".bak", []byte("x"), 0o600)
	if _, err := Open(s.dir, s.opt); err == nil || !strings.Contains(err.Error(), "remove "+path) {
		t.Errorf("damaged beyond repair: %v", err)
	}
}

func TestDevelopmentMode(t *testing.T) {
	s := NewDev(Options{})
	for _, tc := range []struct {
		host, remote, origin string
		want                 error
	}{
		{"localhost:8080", "127.0.0.1:5", "", nil},
		{"127.0.0.1:8080", "127.0.0.1:5", "http://127.0.0.1:8080", nil},
		{"[::1]:8080", "[::1]:5", "", nil},
		{"attacker.example:8080", "127.0.0.1:5", "", ErrHost},
		{"localhost.attacker.example", "127.0.0.1:5", "", ErrHost},
		{"localhost:8080", "192.0.2.4:5", "", ErrHost},
		{"localhost:8080", "127.0.0.1:5", "https://attacker.example", ErrCrossSite},
		{"localhost:8080", "127.0.0.1:5", "http://localhost:9999", ErrCrossSite},
	} {
		r := httptest.NewRequest(http.MethodPost, "/whep", nil)
		r.Host, r.RemoteAddr = tc.host, tc.remote
		if tc.origin != "" {
			r.Header.Set("Origin", tc.origin)
		}
		g, err := s.Authorize(r)
		if !errors.Is(err, tc.want) || (err == nil) != g.Allows(Admin) {
			t.Errorf("%+v: %v %v", tc, g, err)
		}
	}
	if _, _, err := s.CreateToken("x", View, 0); err == nil {
		t.Error("development mode made a token")
	}
}

func TestPrintOwner(t *testing.T) {
	var plain, term bytes.Buffer
	secret := strings.Repeat("ABCDEFG", 4)
	PrintOwner(&plain, "https://node.local:8443/", secret, false)
	PrintOwner(&term, "https://node.local:8443/", secret, true)
	if !strings.Contains(plain.String(), "ABCD-EFGA-") || !strings.Contains(plain.String(), "https://node.local:8443/#secret="+secret) {
		t.Error(plain.String())
	}
	if strings.ContainsAny(plain.String(), "█\x1b") || !strings.Contains(term.String(), "█") {
		t.Error("the QR code belongs on terminals only")
	}
}

func TestParseScopes(t *testing.T) {
	if s, err := ParseScopes("view, open"); err != nil || s != View|OpenDoor || s.String() != "view,open" {
		t.Error(s, err)
	}
	for _, bad := range []string{"", ",", "root", "view,root"} {
		if _, err := ParseScopes(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzAuthorize(f *testing.F) {
	s, err := Open(f.TempDir(), Options{MaxFailures: 100})
	if err != nil {
		f.Fatal(err)
	}
	secret := s.NewOwnerSecret()
	text, _, _ := s.CreateToken("t", View, 0)
	f.Add("Bearer "+text[:20], "edgecam=x", secret[1:])
	f.Add("Basic eDp5", "__Host-edgecam=ec_A_B", "")
	f.Fuzz(func(t *testing.T, header, cookie, typed string) {
		r := request("GET", "192.0.2.1:1", "")
		r.Header.Set("Authorization", header)
		r.Header.Set("Cookie", cookie)
		if g, err := s.Authorize(r); err == nil && header != "Bearer "+text {
			id, sec, _ := splitToken(strings.TrimSpace(header[7:]))
			if id+sec != text[3:11]+text[12:] {
				t.Errorf("%q %q was let in as %v", header, cookie, g)
			}
		}
		s.limit = newLimiter(100, time.Now)
		if _, err := s.Login(httptest.NewRecorder(), request("POST", "192.0.2.1:1", ""), typed); err == nil && normalise(typed) != secret {
			t.Errorf("%q is not the secret", typed)
		}
	})
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"version":1,"owner":{"hash":"AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if st, err := decode(data); err == nil && (st.Owner.Hash == hash{}) {
			t.Error("a state without an owner was accepted")
		}
	})
}
