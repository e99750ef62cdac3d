package app

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/cli"
	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/command"
	"github.com/edgecam/edgecam/provisioning/update"
	"github.com/edgecam/edgecam/provisioning/update/slot"
)

// TestUpdateCommand gives the fleet's command to a node: what is wrong is in
// its answer; what is right is downloaded, put on trial, and ends the node so
// that the launcher starts it.
func TestUpdateCommand(t *testing.T) {
	program := []byte("a program")
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(program) }))
	defer server.Close()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	sum := sha256.Sum256(program)
	sign := func(index uint64) json.RawMessage {
		t.Helper()
		out, err := update.Sign(update.Manifest{
			Format: 1, Version: "v2", Index: index, Expires: time.Now().Add(time.Hour).Unix(),
			Programs: []update.Program{{Arch: "arm64", URL: server.URL + "/p", Size: int64(len(program)), SHA256: hex.EncodeToString(sum[:])}},
		}, key)
		must(t, err)
		return out
	}
	dir, err := durable.OpenDir(t.TempDir())
	must(t, err)
	must(t, slot.Write(dir, slot.State{Current: slot.Installed, Index: 5}))
	trust, err := update.TrustKeys(base64.StdEncoding.EncodeToString(pub))
	must(t, err)
	n := &node{log: slog.New(slog.DiscardHandler)}
	u := &updates{app: n, dir: dir, updater: update.New(update.Options{
		FS: dir, Trust: trust, Arch: "arm64", Installed: "x", HTTP: server.Client(), Now: func() (time.Time, bool) { return time.Now(), true },
	})}
	n.updates = u
	f := &fleet{app: n}
	ctx, stop := context.WithCancelCause(t.Context())
	end := u.start(ctx, stop)
	code := func(args any) string {
		t.Helper()
		text, err := json.Marshal(args)
		must(t, err)
		_, err = f.update(ctx, command.Call{ID: "command1", Args: text})
		var ce *command.CodeError
		if errors.As(err, &ce) {
			return ce.Code
		}
		if err != nil {
			return err.Error()
		}
		return ""
	}
	for _, c := range []struct {
		args any
		want string
	}{
		{map[string]any{}, "args"},
		{map[string]any{"manifest": json.RawMessage(`{"p":""}`)}, "signature"},
		{map[string]any{"manifest": sign(4)}, "rollback-index"},
		{map[string]any{"url": "http://127.0.0.1/manifest.json"}, "download"},
		{map[string]any{"uri": "x"}, "args"},
	} {
		if got := code(c.args); got != c.want {
			t.Errorf("%v: %q, want %q", c.args, got, c.want)
		}
	}
	if got := code(map[string]any{"manifest": sign(6)}); got != "" {
		t.Fatal(got)
	}
	within(t, "the node ends", func() bool { return errors.Is(context.Cause(ctx), cli.ErrRestart) })
	end()
	if s, err := slot.Read(dir); err != nil || s.Trial != slot.A || s.TrialID != "command1" {
		t.Errorf("%+v, %v", s, err)
	}
	base, _ := url.Parse(server.URL)
	if err := u.install(sign(7), base, "late", false); !errors.Is(err, errNotRunning) {
		t.Errorf("after the end: %v", err)
	}
	if cli.ExitCode(cli.ErrRestart) != cli.ExitRestart {
		t.Error("the exit code does not tell")
	}
}
