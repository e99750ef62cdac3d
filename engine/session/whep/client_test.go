package whep

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/session"
)

func dialing(url string) DialOptions {
	return DialOptions{URL: url, Call: session.CallConfig{Video: true, Listen: true, Loopback: true}}
}

func TestClientRefusals(t *testing.T) {
	for _, c := range []struct {
		name      string
		answer    func(w http.ResponseWriter)
		code      int
		retry     time.Duration
		temporary bool
		text      string
	}{
		{"no token", func(w http.ResponseWriter) { fail(w, 401, "unauthorized", "send a valid token") }, 401, 0, false, "send a valid token"},
		{"nothing in common", func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotAcceptable) }, 406, 0, false, "cannot serve what was offered"},
		{"full", func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "7")
			fail(w, 503, "full", "try again later")
		}, 503, 7 * time.Second, true, "try again later"},
		{"full until a date", func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", time.Now().Add(30*time.Second).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusServiceUnavailable)
		}, 503, 29 * time.Second, true, "no place free"},
		{"absurd date", func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "99999999")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, 503, time.Hour, true, ""},
		{"an HTML page", func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, "<html>"+strings.Repeat("x", 5000))
		}, 502, 0, true, "502 Bad Gateway"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.answer(w) }))
			defer s.Close()
			defer http.DefaultClient.CloseIdleConnections()
			_, err := Dial(context.Background(), dialing(s.URL))
			var e *StatusError
			if !errors.As(err, &e) || e.Code != c.code || e.Temporary() != c.temporary || !strings.Contains(err.Error(), c.text) || len(err.Error()) > 600 {
				t.Fatalf("%v", err)
			}
			if e.RetryAfter < c.retry-time.Second || e.RetryAfter > c.retry+2*time.Second {
				t.Errorf("retry after %v, want %v", e.RetryAfter, c.retry)
			}
		})
	}
}

func TestClientProtocolErrors(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter){
		"not SDP by type": func(w http.ResponseWriter) { w.WriteHeader(http.StatusCreated) },
		"endless": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusCreated)
			_, _ = io.Copy(w, io.LimitReader(zeros{}, 1<<20))
		},
		"elsewhere":           func(w http.ResponseWriter) { sdpHeader(w, "https://elsewhere.example/x") },
		"another scheme":      func(w http.ResponseWriter) { sdpHeader(w, "file:///etc/passwd") },
		"text that is no SDP": func(w http.ResponseWriter) { sdpHeader(w, "/x"); _, _ = io.WriteString(w, "hello") },
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
			defer s.Close()
			defer http.DefaultClient.CloseIdleConnections()
			if _, err := Dial(context.Background(), dialing(s.URL)); !errors.Is(err, ErrProtocol) && !errors.Is(err, session.ErrBadAnswer) {
				t.Errorf("%v", err)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func sdpHeader(w http.ResponseWriter, location string) {
	w.Header().Set("Content-Type", typeSDP)
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusCreated)
}

// TestClientSession: the token opens the session, media connects, Close deletes
// it at the server, and no goroutine stays (TestMain).
func TestClientSession(t *testing.T) {
	s := newServer(t, nil, Options{})
	if _, err := Dial(context.Background(), dialing(s.url+"/whep")); err == nil || !strings.Contains(err.Error(), "401") {
		t.Fatalf("without a token: %v", err)
	}
	connected := make(chan struct{})
	o := dialing(s.url + "/whep")
	o.Authorization = "Bearer good"
	o.Hooks.Connected = func() { close(connected) }
	c, err := Dial(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-connected:
	case <-time.After(patience):
		t.Fatal("not connected")
	}
	for end := time.Now().Add(patience); s.m.Stats().Connected != 1; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%+v, want one session", s.m.Stats())
		}
	}
	// A candidate that turns up late is taken by the server.
	c.candidate("1 1 udp 2130706431 127.0.0.1 40000 typ host")
	c.work.Wait()
	c.Close(context.Background())
	if st := s.m.Stats(); st.Connected+st.HalfOpen != 0 {
		t.Errorf("%+v after Close", st)
	}
	if c.Reason() != "hung up" {
		t.Errorf("reason %q", c.Reason())
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestPinnedCertificate(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer s.Close()
	right := Fingerprint(s.Certificate())
	for pin, want := range map[string]string{right: "503", strings.ToLower(strings.ReplaceAll(right, ":", "")): "503", strings.Repeat("AB:", 32): ErrFingerprint.Error()} {
		cfg, err := PinnedTLS(pin)
		if err != nil {
			t.Fatal(err)
		}
		o := dialing(s.URL)
		tr := &http.Transport{TLSClientConfig: cfg}
		o.HTTP = &http.Client{Transport: tr}
		if _, err := Dial(context.Background(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("pin %.12s: %v", pin, err)
		}
		tr.CloseIdleConnections()
	}
	// Without a pin the certificate that signed itself is refused.
	var bad *tls.CertificateVerificationError
	if _, err := Dial(context.Background(), dialing(s.URL)); !errors.As(err, &bad) {
		t.Errorf("%v", err)
	}
	for _, wrong := range []string{"", "zz", strings.Repeat("0", 62)} {
		if _, err := PinnedTLS(wrong); !errors.Is(err, ErrFingerprint) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}
