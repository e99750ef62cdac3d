package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/cli"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/sim"
	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/broker"
	fleettool "github.com/edgecam/edgecam/provisioning/fleet"
)

// simulatedReset gives nodes a reset button on simulated lines.
func simulatedReset(t *testing.T) *sim.LineDriver {
	t.Helper()
	lines, before := sim.NewLineDriver(), resetLines
	resetLines = func(*slog.Logger) hal.LineDriver { return lines }
	t.Cleanup(func() { resetLines = before })
	return lines
}

const resetConfig = "\nlines: {reset: {name: reset}, reset_light: {name: reset-light}, reset_hold_ms: 3000}\n"

// runNode runs a node until the test ends.
func runNode(t *testing.T, o cli.RunOptions) {
	t.Helper()
	log := &lockedBuffer{}
	o.Stdout, o.Log = io.Discard, slog.New(slog.NewTextHandler(log, nil))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, o) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(log.String())
		}
	})
}

// hold presses the reset button for as long as it takes.
func hold(t *testing.T, lines *sim.LineDriver) {
	t.Helper()
	// A press counts from where the node watches: the line is taken then.
	within(t, "the button is watched", func() bool {
		in, err := lines.OpenInput(t.Context(), hal.InputConfig{Line: hal.LineRef{Name: "reset"}})
		if err == nil {
			must(t, in.Close())
		}
		return hal.KindOf(err) == hal.Busy
	})
	time.Sleep(200 * time.Millisecond)
	must(t, lines.Set("reset", true))
	within(t, "the light answers", func() bool { lit, err := lines.State("reset-light"); return err == nil && lit })
	time.Sleep(3200 * time.Millisecond)
	must(t, lines.Set("reset", false))
}

// TestResetButton: a node without a fleet gets another owner secret and
// certificate, and keeps running.
func TestResetButton(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a whole node")
	}
	lines := simulatedReset(t)
	dir := t.TempDir()
	file, state := filepath.Join(dir, "edgecam.yaml"), filepath.Join(dir, "state")
	must(t, os.WriteFile(file, fmt.Appendf(nil, "camera: {source: sim}\nmicrophone: {enabled: false}\nspeaker: {enabled: false}\n"+
		"http: {listen: \"\", https_listen: \"127.0.0.1:%d\", announce: false}\nwebrtc: {udp_port: 0, ice_tcp: false}\n%s", freePort(t), resetConfig), 0o600))
	load := func(provisioned []byte) (*config.Loaded, error) {
		l, err := config.Load(config.Sources{Path: file, Provisioned: config.Text{Name: "provisioned", YAML: provisioned}})
		if err == nil {
			l.StateDir = state
		}
		return l, err
	}
	l, err := load(nil)
	must(t, err)
	must(t, os.MkdirAll(filepath.Join(state, fleetDir), 0o700))
	must(t, os.WriteFile(filepath.Join(state, fleetDir, "key-of-a-former-fleet"), []byte("secret"), 0o600))
	runNode(t, cli.RunOptions{Config: l.Config, Load: load})
	access := filepath.Join(state, "auth.json")
	var before []byte
	within(t, "the node has its secrets", func() bool { before, err = os.ReadFile(access); return err == nil && len(glob(state)) > 2 })
	others := glob(state)

	hold(t, lines)
	within(t, "new secrets", func() bool {
		after, err := os.ReadFile(access)
		return err == nil && bytes.Contains(after, []byte("owner")) && !bytes.Equal(before, after) && len(glob(state)) == len(others)
	})
	if resetMarked(state) {
		t.Error("the reset has not ended")
	}
	if left := glob(filepath.Join(state, fleetDir)); len(left) > 0 {
		t.Errorf("left of a former fleet: %q", left)
	}
}

func glob(dir string) []string {
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	return names
}

// TestResetButtonInFleet: the node takes leave of the broker, and claims anew
// with another key.
func TestResetButtonInFleet(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a whole node")
	}
	lines := simulatedReset(t)
	site := newFleetSite(t)
	load, _ := site.configure(freePort(t), "{udp_port: 0, ice_tcp: false}")
	text, err := os.ReadFile(site.file)
	must(t, err)
	must(t, os.WriteFile(site.file, append(text, resetConfig...), 0o600))
	l, err := load(nil)
	must(t, err)
	cert, err := tls.LoadX509KeyPair(filepath.Join(site.authDir, "broker.crt"), filepath.Join(site.authDir, "broker.key"))
	must(t, err)
	b, err := broker.Start(broker.Options{
		Listen: fmt.Sprintf("127.0.0.1:%d", site.port), Clients: site.roots, Cert: func() (*tls.Certificate, error) { return &cert, nil },
	})
	must(t, err)
	t.Cleanup(func() { b.Close() })
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	t.Cleanup(func() { stop(); wg.Wait() })
	wg.Go(func() { _ = site.auth.Serve(ctx, fastBackoff) })
	op := site.operator(fleettool.Options{})
	wg.Go(func() { op.Run(ctx) })
	runNode(t, cli.RunOptions{Config: l.Config, Load: load})
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	first, err := op.Wait(wait, testID, func(n fleettool.NodeState) bool { return n.Online && n.Birth.Session > 0 })
	must(t, err)
	keys, err := filepath.Glob(filepath.Join(site.stateDir, fleetDir, "key-*"))
	if err != nil || len(keys) == 0 {
		t.Fatalf("keys %q, %v", keys, err)
	}

	hold(t, lines)
	within(t, "it takes leave: nothing of it is kept by the broker", func() bool { _, known := op.Node(testID); return !known })
	again, err := op.Wait(wait, testID, func(n fleettool.NodeState) bool { return n.Online && n.Birth.Session > first.Birth.Session })
	must(t, err)
	if again.Birth.CertSerial == first.Birth.CertSerial {
		t.Error("the same certificate")
	}
	for _, k := range keys {
		if _, err := os.Stat(k); err == nil {
			t.Errorf("%s is still there", k)
		}
	}
	if resetMarked(site.stateDir) {
		t.Error("the reset has not ended")
	}
}

// TestResetGoesOn: a mark that a power cut has left erases all but the site's
// file, and the number of runs of a fleet that the node is no longer in.
func TestResetGoesOn(t *testing.T) {
	cfg := config.Defaults()
	cfg.StateDir = t.TempDir()
	d, err := durable.OpenDir(cfg.StateDir)
	must(t, err)
	former, err := durable.OpenDir(filepath.Join(cfg.StateDir, fleetDir))
	must(t, err)
	fill := func() {
		for _, name := range []string{"auth.json", "tls.key", "site.json", "x.tmp"} {
			must(t, durable.Replace(d, name, []byte("secret of "+name)))
		}
		for _, name := range []string{"key-1", "state", "runs", "runs.bak"} {
			must(t, durable.Replace(former, name, []byte(name)))
		}
	}
	left := func(want string) {
		t.Helper()
		a, err := d.Names()
		must(t, err)
		b, err := former.Names()
		must(t, err)
		if got := strings.Join(a, " ") + " | " + strings.Join(b, " "); got != want {
			t.Errorf("left: %s, want %s", got, want)
		}
	}
	fill()
	must(t, finishReset(cfg))
	left("auth.json site.json tls.key x.tmp | key-1 runs runs.bak state")
	// What lies on the medium under a name that has gone is seen by a second one.
	medium := filepath.Join(t.TempDir(), "medium")
	must(t, os.Link(filepath.Join(cfg.StateDir, "tls.key"), medium))
	must(t, markReset(cfg.StateDir))
	must(t, finishReset(cfg))
	left(" | runs runs.bak")
	if text, err := os.ReadFile(medium); err != nil || bytes.Contains(text, []byte("secret")) {
		t.Errorf("on the medium is still %q (%v)", text, err)
	}
	// Where the system answers, it is asked, and nothing else is left.
	t.Setenv(systemAnswers, "1")
	must(t, finishReset(cfg))
	left(" | runs runs.bak")
	fill()
	must(t, markReset(cfg.StateDir))
	must(t, finishReset(cfg))
	left("system-reset | runs runs.bak")
	t.Setenv(systemAnswers, "")
	must(t, os.Remove(filepath.Join(cfg.StateDir, systemRequest)))
	fill()
	cfg.Fleet.SiteFile = filepath.Join(cfg.StateDir, "site.json")
	must(t, markReset(cfg.StateDir))
	must(t, finishReset(cfg))
	left("site.json | key-1 runs runs.bak state")
}
