package hal

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestOutage(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	lines := func(what string, want int, contains string) {
		t.Helper()
		got := strings.Count(out.String(), "\n")
		if got != want || !strings.Contains(out.String(), contains) {
			t.Errorf("%s: %d lines, want %d with %q:\n%s", what, got, want, contains, out.String())
		}
		out.Reset()
	}
	var o Outage
	o.Over(log, "microphone")
	lines("never away", 0, "")
	for range 100 {
		o.Failed(log, "microphone", &Error{Op: "open", Path: "card", Kind: Gone, Err: errors.New("no such card")})
	}
	lines("a hundred tries", 1, "kind=gone")
	o.Failed(log, "microphone", &Error{Op: "open", Path: "card", Kind: Busy, Err: errors.New("in use")})
	lines("another cause", 1, "tries=101")
	o.Over(log, "microphone")
	lines("back", 1, "outage_s=")
	o.Over(log, "microphone")
	lines("still there", 0, "")
	o.Failed(log, "microphone", errors.New("in use"))
	lines("away once more", 1, "tries=1 ")
}
