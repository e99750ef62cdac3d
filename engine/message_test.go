package engine

import (
	"context"
	"log/slog"
	"testing"

	"github.com/edgecam/edgecam/engine/session"
)

// FuzzMessage hands an engine whatever a viewer without rights may send over the
// data channel: nothing happens.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{
		`{"type":"door","id":"7","action":"open"}`, `{"type":"talk","on":true}`, `{"type":"talk"}`,
		`{"type":"duplex","id":"8","duplex":"half"}`, `{"type":"call","id":"9","action":"answer"}`,
		`{"type":"call","action":"hangup"}`, `{"type":"ptz","zoom":2,"x":1,"y":1}`, `{"type":`, `[]`, `null`, `{"type":7}`,
	} {
		f.Add([]byte(s))
	}
	cfg := Defaults()
	cfg.Session.UDPPort, cfg.Session.Loopback, cfg.Session.ICETCP = 0, true, false
	e, err := New(cfg, Devices{}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = e.sessions.Close(context.Background()) })
	f.Fuzz(func(t *testing.T, b []byte) {
		e.message(&session.Viewer{}, b)
		if s := e.call.current().state; s != CallIdle {
			t.Errorf("the call is %s", s)
		}
		if v := e.View(); v != wholeView {
			t.Errorf("the picture shows %+v", v)
		}
	})
}
