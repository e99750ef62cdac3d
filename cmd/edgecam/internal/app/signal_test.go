package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/cli"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/internal/testdata"
	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/authority"
	"github.com/edgecam/edgecam/provisioning/client"
	fleettool "github.com/edgecam/edgecam/provisioning/fleet"
	"github.com/edgecam/edgecam/provisioning/signal"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// mosquitto starts a real broker: mutual TLS for nodes and services, and for
// viewers a listener with no more rights than signalling takes.
func mosquitto(t *testing.T, authDir string, port, open int) {
	t.Helper()
	path, err := exec.LookPath("/usr/sbin/mosquitto")
	if err != nil {
		testdata.Missing(t, "no mosquitto")
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "nodes.acl"), []byte(acl.Mosquitto()), 0o600))
	var viewers strings.Builder
	for _, r := range acl.ViewerRules {
		fmt.Fprintf(&viewers, "topic %s %s\n", map[bool]string{true: "write", false: "read"}[r.Write], r.Filter)
	}
	must(t, os.WriteFile(filepath.Join(dir, "viewers.acl"), []byte(viewers.String()), 0o600))
	conf := filepath.Join(dir, "mosquitto.conf")
	must(t, os.WriteFile(conf, fmt.Appendf(nil, `user root
per_listener_settings true
listener %d 127.0.0.1
cafile %[2]s/ca-chain.crt
certfile %[2]s/broker.crt
keyfile %[2]s/broker.key
require_certificate true
use_identity_as_username true
acl_file %[3]s/nodes.acl
listener %[4]d 127.0.0.1
allow_anonymous true
acl_file %[3]s/viewers.acl
`, port, authDir, dir, open), 0o600))
	var log lockedBuffer
	cmd := exec.Command(path, "-c", conf)
	cmd.Stdout, cmd.Stderr = &log, &log
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	within(t, "mosquitto listens", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", open))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// brokerViewer is a viewer that reaches nothing but the broker. meddle is the
// hostile broker: it may change what goes either way.
type brokerViewer struct {
	*testing.T
	conn   *client.Client
	in     chan []byte
	meddle func(up bool, m []byte) []byte
	offer  string // last that was sent
}

func newBrokerViewer(t *testing.T, open int, topic string) *brokerViewer {
	t.Helper()
	v := &brokerViewer{T: t, in: make(chan []byte, 64)}
	up := make(chan struct{}, 1)
	v.conn = client.New(client.Options{
		Endpoint: func(context.Context) (client.Endpoint, error) {
			return client.Endpoint{Broker: fmt.Sprintf("tcp://127.0.0.1:%d", open), Insecure: true, ClientID: "viewer-" + wire.NewNonce(), Filters: []string{topic}}, nil
		},
		Handle: func(r client.Received) {
			b := r.Payload
			if v.meddle != nil {
				b = v.meddle(false, b)
			}
			v.in <- b
		},
		Up: func(context.Context, client.Endpoint) error { up <- struct{}{}; return nil },
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); v.conn.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	select {
	case <-up:
	case <-time.After(10 * time.Second):
		t.Fatal("the viewer's connection to the broker does not stand")
	}
	return v
}

func (v *brokerViewer) send(d *signal.Dialog, kind, sdp string) {
	v.Helper()
	if kind == signal.TypeOffer {
		v.offer = sdp
	}
	m, err := d.Request(kind, sdp)
	if err != nil {
		v.Fatal(err)
	}
	if v.meddle != nil {
		m = v.meddle(true, m)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	must(v.T, v.conn.Publish(ctx, client.Message{Topic: wire.Down(d.Node(), wire.DnRTC), QoS: 1, Payload: m}))
}

// answer waits for a message that the dialog takes; refused counts the others.
func (v *brokerViewer) answer(d *signal.Dialog, within time.Duration) (b signal.Body, refused int, ok bool) {
	deadline := time.After(within)
	for {
		select {
		case m := <-v.in:
			b, err := d.Reply(m)
			switch {
			case err != nil:
				refused++
			case b.Type == signal.TypeError && b.Nonce != "" && v.offer != "":
				v.send(d, signal.TypeOffer, v.offer) // the node's clock is not set
			default:
				return b, refused, true
			}
		case <-deadline:
			return signal.Body{}, refused, false
		}
	}
}

// TestSignalling watches a whole node through a real broker, and lets the broker
// try to come between.
func TestSignalling(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a whole node")
	}
	site := newFleetSite(t)
	open := freePort(t)
	mosquitto(t, site.authDir, site.port, open)
	load, first := site.configure(freePort(t), `{udp_port: 0, ice_tcp: false, ice_servers: [{urls: ["turn:127.0.0.1:9"], secret: "not to be told"}], relay_wait_ms: 0}`)
	var log lockedBuffer
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer func() {
		stop()
		wg.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	}()
	wg.Go(func() {
		if err := Run(ctx, cli.RunOptions{
			Config: first, Load: load, Stdout: io.Discard, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		}); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() { _ = site.auth.Serve(ctx, fastBackoff) })
	op := site.operator(fleettool.Options{})
	wg.Go(func() { op.Run(ctx) })
	wait, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	_, err := op.Wait(wait, testID, func(n fleettool.NodeState) bool { return n.Online && n.Birth.Session > 0 && n.Report.State != "" })
	must(t, err)

	// The issuer learns the node's key over the broker, and believes it because
	// of the fleet's root.
	ack, err := op.Command(wait, testID, "signal-key", nil, 30*time.Second)
	must(t, err)
	var word signal.Attestation
	must(t, json.Unmarshal(ack.Result, &word))
	must(t, word.Verify(testID, site.roots, time.Now()))
	lie := word
	other, err := signal.NewKey()
	must(t, err)
	if lie.Key = signal.PublicKey(&other.PublicKey); lie.Verify(testID, site.roots, time.Now()) == nil {
		t.Error("another key passes for the node's")
	}
	if word.Verify("ec-10000000abcdef99", site.roots, time.Now()) == nil {
		t.Error("the key passes for another node's")
	}

	viewerKey, err := signal.NewKey()
	must(t, err)
	grant := func(k *ecdsa.PrivateKey, scopes ...string) wire.Envelope {
		env, err := signal.Issue(signal.Grant{
			Node: testID, NodeKey: word.Key, Subject: "phone", Key: signal.PublicKey(&k.PublicKey), Scopes: scopes,
			Begins: time.Now().Unix() - 5, Expires: time.Now().Unix() + 600,
		}, authority.CommandKeyID, site.key)
		must(t, err)
		return env
	}
	dialog := func() *signal.Dialog {
		d, err := signal.NewDialog(grant(viewerKey, signal.ScopeView), viewerKey)
		must(t, err)
		return d
	}
	d := dialog()
	v := newBrokerViewer(t, open, d.Topic())
	pictures := make(chan struct{}, 4096)
	watch := func() (*session.Call, string) {
		c, err := session.NewCall(session.CallConfig{Video: true, Loopback: true}, session.CallHooks{Video: func(session.VideoPacket) {
			select {
			case pictures <- struct{}{}:
			default:
			}
		}}, nil)
		must(t, err)
		t.Cleanup(c.Close)
		offer, err := c.Offer(wait)
		must(t, err)
		return c, offer
	}

	// An honest broker.
	call, offer := watch()
	began := time.Now()
	v.send(d, signal.TypeOffer, offer)
	reply, _, ok := v.answer(d, 20*time.Second)
	if !ok || reply.Type != signal.TypeAnswer {
		t.Fatalf("%+v", reply)
	}
	if len(reply.Servers) != 1 || reply.Servers[0].Credential == "" || strings.Contains(fmt.Sprint(reply), "not to be told") {
		t.Errorf("%+v", reply.Servers)
	}
	must(t, call.Accept(reply.SDP))
	for range 20 {
		select {
		case <-pictures:
		case <-time.After(20 * time.Second):
			t.Fatal("no picture")
		}
	}
	t.Logf("20 packets of the picture %v after the offer", time.Since(began).Round(time.Millisecond))
	v.send(d, signal.TypeBye, "")
	if reply, _, ok := v.answer(d, 10*time.Second); !ok || reply.Type != signal.TypeBye {
		t.Errorf("%+v", reply)
	}
	call.Close()

	// A hostile one: it puts the fingerprint of its own DTLS end into what passes,
	// and signs that with keys of its own, or leaves the signatures as they were.
	mallory, err := signal.NewKey()
	must(t, err)
	for _, attack := range []struct {
		name   string
		up     bool
		resign bool
	}{{"offer, old signature", true, false}, {"offer, own signature", true, true}, {"answer, old signature", false, false}} {
		d := dialog()
		v.meddle = func(up bool, m []byte) []byte {
			if up != attack.up {
				return m
			}
			m = swapFingerprint(t, m)
			if attack.resign {
				m = resign(t, m, mallory)
			}
			return m
		}
		call, offer := watch()
		v.send(d, signal.TypeOffer, offer)
		reply, refused, ok := v.answer(d, 2*time.Second)
		if ok {
			t.Errorf("%s: the viewer was answered: %+v", attack.name, reply)
		}
		if attack.up == (refused > 0) {
			t.Errorf("%s: %d replies were refused by the viewer", attack.name, refused)
		}
		v.meddle = nil
		call.Close()
	}
	// A viewer without a grant of the fleet's is not even answered.
	stranger, err := signal.NewDialog(strangersGrant(t, word.Key, mallory), mallory)
	must(t, err)
	v.send(stranger, signal.TypeOffer, offer)
	if reply, _, ok := v.answer(stranger, time.Second); ok {
		t.Errorf("a stranger was answered: %+v", reply)
	}
}

// envelope is a message as the broker sees it.
type envelope struct {
	Grant   *wire.Envelope `json:"grant,omitempty"`
	Payload string         `json:"p"`
	Sig     string         `json:"sig"`
}

// opened returns a message and what is in it.
func opened(t *testing.T, m []byte) (e envelope, body signal.Body) {
	t.Helper()
	must(t, json.Unmarshal(m, &e))
	b, err := base64.StdEncoding.DecodeString(e.Payload)
	must(t, err)
	must(t, json.Unmarshal(b, &body))
	return e, body
}

func swapFingerprint(t *testing.T, m []byte) []byte {
	t.Helper()
	e, body := opened(t, m)
	var out strings.Builder
	for line := range strings.Lines(body.SDP) {
		if strings.HasPrefix(line, "a=fingerprint:") {
			line = "a=fingerprint:sha-256 " + strings.TrimSuffix(strings.Repeat("EE:", 32), ":") + "\r\n"
		}
		out.WriteString(line)
	}
	body.SDP = out.String()
	b, err := json.Marshal(body)
	must(t, err)
	e.Payload = base64.StdEncoding.EncodeToString(b)
	m, err = json.Marshal(e)
	must(t, err)
	return m
}

// resign is what a broker can do with keys of its own: the viewer's grant is then
// no longer for the key that has signed.
func resign(t *testing.T, m []byte, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	e, body := opened(t, m)
	d, err := signal.NewDialog(strangersGrant(t, signal.PublicKey(&key.PublicKey), key), key)
	must(t, err)
	own, err := d.Request(signal.TypeOffer, body.SDP)
	must(t, err)
	var mine envelope
	must(t, json.Unmarshal(own, &mine))
	mine.Grant = e.Grant
	m, err = json.Marshal(mine)
	must(t, err)
	return m
}

// strangersGrant is signed by nobody whom the node knows.
func strangersGrant(t *testing.T, nodeKey string, key *ecdsa.PrivateKey) wire.Envelope {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	must(t, err)
	e, err := signal.Issue(signal.Grant{
		Node: testID, NodeKey: nodeKey, Subject: "stranger", Key: signal.PublicKey(&key.PublicKey), Scopes: []string{signal.ScopeView},
		Begins: time.Now().Unix() - 5, Expires: time.Now().Unix() + 600,
	}, authority.CommandKeyID, private)
	must(t, err)
	return e
}
