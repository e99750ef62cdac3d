package cli

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/whep"
)

// TestExplain fails in the ways that people meet first, and looks for what to do.
func TestExplain(t *testing.T) {
	refuse := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	plain, secure := httptest.NewServer(refuse(http.StatusUnauthorized)), httptest.NewTLSServer(refuse(http.StatusForbidden))
	defer plain.Close()
	defer secure.Close()
	secure.Config.ErrorLog = nil
	elsewhere := httptest.NewServer(refuse(http.StatusMethodNotAllowed))
	defer elsewhere.Close()
	for _, c := range []struct {
		url, want string
		client    *http.Client
	}{
		{"http://" + nobody, "does the node run", nil},
		{plain.URL, "--token-file", nil},
		{strings.Replace(plain.URL, "http:", "https:", 1), "speaks HTTP", nil},
		{secure.URL, "--fingerprint", nil},
		{secure.URL, "--scopes", secure.Client()},
		{elsewhere.URL, "has no path", nil},
		{"http://door.invalid", "IP address", nil},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		_, err := whep.Dial(ctx, whep.DialOptions{URL: c.url + "/whep", HTTP: c.client, Call: session.CallConfig{Video: true, Loopback: true}})
		cancel()
		if got := explain(err); !strings.Contains(got, c.want) {
			t.Errorf("%s: %v: %q, want something of %q", c.url, err, got, c.want)
		}
	}
	if got := explain(nil); got != "" {
		t.Errorf("nothing is wrong: %q", got)
	}
}
