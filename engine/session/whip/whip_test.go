package whip

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edgecam/edgecam/engine/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func manager(t *testing.T) *session.Manager {
	t.Helper()
	cfg := session.Defaults()
	cfg.UDPPort, cfg.Loopback, cfg.ICETCP = 0, true, false
	m, err := session.New(cfg, session.Hooks{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return m
}

// TestDoesNotGiveUp: whatever the server does, there is another attempt, each with
// the token and a whole offer, and no session is left behind.
func TestDoesNotGiveUp(t *testing.T) {
	m := manager(t)
	var mu sync.Mutex
	asked := 0
	deleted := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer opensesame" {
			t.Errorf("%s without the token", r.Method)
		}
		if r.Method == http.MethodDelete {
			deleted[r.URL.Path] = true
			return
		}
		offer, _ := io.ReadAll(r.Body)
		for _, want := range []string{"a=sendonly", "VP8/90000", "opus/48000/2", "a=candidate:", "a=group:BUNDLE 0 1", "a=rtcp-fb:96 nack pli"} {
			if !strings.Contains(string(offer), want) {
				t.Errorf("the offer lacks %s:\n%s", want, offer)
			}
		}
		for _, no := range []string{"PCMU", "red/90000", "a=sendrecv"} {
			if strings.Contains(string(offer), no) {
				t.Errorf("the offer has %s", no)
			}
		}
		switch asked++; asked {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusCreated)
		case 3:
			w.Header().Set("Location", "http://elsewhere.example/x")
			w.Header().Set("Content-Type", typeSDP)
			w.WriteHeader(http.StatusCreated)
		case 4:
			http.Redirect(w, r, "http://elsewhere.example/whip", http.StatusTemporaryRedirect)
		case 5:
			panic(http.ErrAbortHandler)
		default:
			w.Header().Set("Location", "/gone")
			w.Header().Set("Content-Type", typeSDP)
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, "v=0\r\nnot an answer")
		}
	}))
	defer server.Close()
	p, err := New(m, Options{URL: server.URL + "/whip", Token: "opensesame", Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	deadline := time.Now().Add(20 * time.Second)
	for {
		mu.Lock()
		n, gone := asked, deleted["/gone"]
		mu.Unlock()
		if n >= 7 && gone {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d attempts, deleted %v", n, gone)
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	<-done
	http.DefaultClient.CloseIdleConnections()
	if s := m.Stats(); s.Connected+s.HalfOpen != 0 || p.Live() || p.Sessions() != 0 {
		t.Errorf("%+v", s)
	}
}

func TestPauses(t *testing.T) {
	p, err := New(manager(t), Options{URL: "http://192.0.2.1/whip"})
	if err != nil {
		t.Fatal(err)
	}
	other := errors.New("x")
	for _, c := range []struct {
		failures int
		err      error
		least    time.Duration
		most     time.Duration
	}{
		{0, other, 500 * time.Millisecond, time.Second},
		{3, other, 4 * time.Second, 8 * time.Second},
		{1000, other, 30 * time.Second, time.Minute},
		{0, &StatusError{Code: 401}, 30 * time.Second, time.Minute},
		{0, &StatusError{Code: 503, RetryAfter: 2 * time.Minute}, 2 * time.Minute, 4 * time.Minute},
	} {
		seen := map[time.Duration]bool{}
		for range 100 {
			d := p.pause(c.failures, c.err)
			if seen[d] = true; d < c.least || d > c.most {
				t.Errorf("%d failures, %v: %v", c.failures, c.err, d)
			}
		}
		if len(seen) < 50 {
			t.Errorf("%d different pauses of 100", len(seen))
		}
	}
	for _, bad := range []string{"", "door/whip", "ftp://x/y", "https://"} {
		if _, err := New(nil, Options{URL: bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
