package app

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/cli"
	"github.com/edgecam/edgecam/engine/session/nat"
	"github.com/edgecam/edgecam/provisioning/broker"
	fleettool "github.com/edgecam/edgecam/provisioning/fleet"
	"github.com/edgecam/edgecam/provisioning/wire"
)

const (
	testSerial  = "10000000abcdef02"
	testID      = "ec-" + testSerial
	ownerSecret = "a-very-secret-owner-secret"
)

// lockedBuffer collects a log written by many goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// unzip returns a bundle's files by name.
func unzip(t *testing.T, data []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		must(t, err)
		files[f.Name], err = io.ReadAll(r)
		must(t, err)
		must(t, r.Close())
	}
	return files
}

// stunServer answers binding requests (RFC 8489) until the test ends.
func stunServer(t *testing.T) string {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := c.ReadFromUDP(buf)
			if err != nil {
				return
			}
			m := &stun.Message{Raw: append([]byte(nil), buf[:n]...)}
			if m.Decode() != nil || m.Type != stun.BindingRequest {
				continue
			}
			answer, err := stun.Build(m, stun.BindingSuccess, &stun.XORMappedAddress{IP: from.IP, Port: from.Port}, stun.Fingerprint)
			if err == nil {
				_, _ = c.WriteToUDP(answer.Raw, from)
			}
		}
	}()
	return c.LocalAddr().String()
}

// TestFleet runs the real node, with simulated devices, as a member of a
// fleet: it starts without a broker, is claimed, takes and refuses
// configurations, carries out commands, and is reset.
func TestFleet(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a whole node")
	}
	site := newFleetSite(t)

	// The node, before there is a broker.
	httpPort := freePort(t)
	load, first := site.configure(httpPort, fmt.Sprintf(`{udp_port: 0, ice_tcp: false, ice_servers: [{urls: ["stun:%s"]}]}`, stunServer(t)))
	var log lockedBuffer
	level := &slog.LevelVar{}
	level.Set(slog.LevelDebug)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, cli.RunOptions{
			Config: first, Load: load, Level: level, Stdout: io.Discard, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level})),
		})
	}()
	stopped := false
	defer func() {
		stop()
		if !stopped {
			<-done
		}
		if t.Failed() {
			t.Log(log.String())
		}
	}()
	within(t, "the node serves without a broker", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", httpPort))
		if err == nil {
			c.Close()
		}
		return err == nil
	})

	// Broker, authority, operator.
	cert, err := tls.LoadX509KeyPair(filepath.Join(site.authDir, "broker.crt"), filepath.Join(site.authDir, "broker.key"))
	must(t, err)
	b, err := broker.Start(broker.Options{
		Listen: fmt.Sprintf("127.0.0.1:%d", site.port), Clients: site.roots, Cert: func() (*tls.Certificate, error) { return &cert, nil },
	})
	must(t, err)
	defer b.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { _ = site.auth.Serve(ctx, fastBackoff) })
	blobs := make(chan []byte, 8)
	events := make(chan wire.Event, 64)
	op := site.operator(fleettool.Options{
		OnBlob:  func(_, _ string, data []byte) { blobs <- data },
		OnEvent: func(_ string, e wire.Event) { events <- e },
	})
	wg.Go(func() { op.Run(ctx) })
	wait, cancel := context.WithTimeout(ctx, 100*time.Second)
	defer cancel()
	n, err := op.Wait(wait, testID, func(n fleettool.NodeState) bool { return n.Online && n.Birth.Session > 0 && n.Report.State != "" })
	must(t, err)
	// This one was started without its launcher, so that nothing can update it.
	if !slices.Equal(n.Birth.Ops, slices.DeleteFunc(slices.Clone(fleetOps), func(op string) bool { return op == "update" && !updatable() })) {
		t.Errorf("commands %q, want those of %q", n.Birth.Ops, fleetOps)
	}

	// Refused: not the fleet's, unknown, not there.
	for _, c := range []struct{ cfg, path, code string }{
		{`{"fleet":{"site_file":"/x"}}`, "fleet", "forbidden"},
		{`{"home_assistant":{"enabled":true,"lock":true}}`, "home_assistant", "forbidden"},
		{`{"uplink":{"url":"https://elsewhere.example/whip"}}`, "uplink", "forbidden"},
		{`{"lines":{"relay":{"active_low":true}}}`, "lines", "forbidden"},
		{`{"video":{"sped":1}}`, "video.sped", "schema"},
		{`{"camera":{"source":"v4l2:/dev/video99"}}`, "camera.source", "reality"},
	} {
		rev, err := op.SetDesired(wait, testID, wire.Desired{Config: []byte(c.cfg)})
		must(t, err)
		n, err := op.Wait(wait, testID, func(n fleettool.NodeState) bool { return fleettool.Settled(n, rev) })
		must(t, err)
		if r := n.Report; r.State != wire.ReportRejected || r.Errors[0].Path != c.path || r.Errors[0].Code != c.code {
			t.Errorf("%s: %+v", c.cfg, r)
		}
	}
	// A port that is taken passes every check and fails in reality: back.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	rev, err := op.SetDesired(wait, testID, wire.Desired{Config: fmt.Appendf(nil, `{"http":{"listen":%q}}`, taken.Addr())})
	must(t, err)
	n, err = op.Wait(wait, testID, func(n fleettool.NodeState) bool { return fleettool.Settled(n, rev) })
	must(t, err)
	if r := n.Report; r.State != wire.ReportRolledBack || r.Errors[0].Code != "failed" || r.Applied != "factory" {
		t.Fatalf("%+v", r)
	}
	within(t, "the node serves with the old configuration", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", httpPort))
		if err == nil {
			c.Close()
		}
		return err == nil
	})

	// Commands on the real engine.
	do := func(op2 string, args any) wire.Ack {
		t.Helper()
		ack, err := op.Command(wait, testID, op2, args, 30*time.Second)
		if err != nil {
			t.Fatalf("%s: %v", op2, err)
		}
		return ack
	}
	do("open-door", nil)
	within(t, "the door's event", func() bool { ev := <-events; return ev.Type == "door" })
	shot := do("snapshot", nil)
	if jpeg := site.open(shot, <-blobs); !bytes.HasPrefix(jpeg, []byte{0xff, 0xd8}) {
		t.Errorf("the snapshot is no JPEG: % x", jpeg[:4])
	}
	do("log-level", map[string]any{"level": "warn", "minutes": 1})
	if level.Level() != slog.LevelWarn {
		t.Error("the log's level has not changed")
	}
	bundle := unzip(t, site.open(do("diagnostics", nil), <-blobs))
	for _, name := range []string{"version.json", "fleet.json", "engine.json", "config.json"} {
		if !json.Valid(bundle[name]) || bytes.Contains(bundle[name], []byte(ownerSecret)) {
			t.Errorf("%s of the bundle is missing, or holds a secret: %s", name, bundle[name])
		}
	}
	if !bytes.Contains(bundle["fleet.json"], []byte(testID)) || !bytes.Contains(bundle["config.json"], []byte("fleet.owner_secret")) {
		t.Errorf("the bundle does not say which node it is of, or how it is configured: %s", bundle["fleet.json"])
	}
	found := do("nat-test", nil)
	var report nat.Report
	if err := json.Unmarshal(found.Result, &report); err != nil || report.IPv4 == nil || report.IPv4.UDP != nat.UDPWorks || !report.IPv4.Public.Addr().IsLoopback() {
		t.Errorf("NAT test: %s (%v)", found.Result, err)
	}
	do("ring-test", nil)
	within(t, "the test ring", func() bool { ev := <-events; return ev.Type == "ring" && ev.Data["test"] == true })

	// What is desired outlives a reset, since the broker keeps it.
	rev, err = op.SetDesired(wait, testID, wire.Desired{Config: []byte(`{}`)})
	must(t, err)
	_, err = op.Wait(wait, testID, func(n fleettool.NodeState) bool { return fleettool.Settled(n, rev) && n.Report.State == wire.ReportOK })
	must(t, err)

	// Factory reset: keys and the owner's access file are new.
	before, err := os.ReadFile(filepath.Join(site.stateDir, "auth.json"))
	must(t, err)
	keys, _ := filepath.Glob(filepath.Join(site.stateDir, fleetDir, "key-*"))
	if len(keys) == 0 {
		t.Error("no key on disk")
	}
	oldKey, err := os.ReadFile(filepath.Join(site.stateDir, fleetDir, signalKeyFile))
	must(t, err)
	do("factory-reset", nil)
	within(t, "new access file, old keys gone", func() bool {
		after, err := os.ReadFile(filepath.Join(site.stateDir, "auth.json"))
		for _, k := range keys {
			if _, kerr := os.Stat(k); kerr == nil {
				return false
			}
		}
		return err == nil && bytes.Contains(after, []byte("owner")) && !bytes.Equal(before, after)
	})
	within(t, "another signalling key", func() bool {
		newKey, err := os.ReadFile(filepath.Join(site.stateDir, fleetDir, signalKeyFile))
		return err == nil && !bytes.Equal(newKey, oldKey)
	})
	// It claims again, by the owner's secret, with a new key.
	_, err = op.Wait(wait, testID, func(n fleettool.NodeState) bool { return n.Online })
	must(t, err)

	stop()
	stopped = true
	must(t, <-done)
	text := log.String()
	private, err := os.ReadFile(filepath.Join(site.authDir, "claim.key"))
	must(t, err)
	for _, secret := range []string{ownerSecret, "PRIVATE KEY", strings.Split(string(private), "\n")[1]} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds a secret (%.12q…)", secret)
		}
	}
}

func within(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}
