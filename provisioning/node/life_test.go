package node_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/authority"
	"github.com/edgecam/edgecam/provisioning/broker"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/command"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/fleet"
	"github.com/edgecam/edgecam/provisioning/node"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/queue"
	"github.com/edgecam/edgecam/provisioning/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	serial = "10000000abcdef01"
	id     = "ec-" + serial
	secret = "owner-secret-of-the-test"
)

// fast makes waits short, so that the tests are.
var fast = client.Backoff{First: 20 * time.Millisecond, Most: 200 * time.Millisecond, Least: 5 * time.Millisecond}

// site is a fleet for a test: an authority, and a broker that start starts.
type site struct {
	t     *testing.T
	dir   string
	port  int // in the site file: where nodes find the broker
	own   int // the broker's own, if something is between
	auth  *authority.Authority
	start func() func()
}

func newSite(t *testing.T) *site {
	t.Helper()
	port := freePort(t)
	s := &site{t: t, port: port, dir: filepath.Join(t.TempDir(), "authority")}
	if err := authority.Init(s.dir, authority.InitOptions{
		Broker: fmt.Sprintf("tls://127.0.0.1:%d", port), Hosts: []string{"localhost", "127.0.0.1"}, Name: "test", Now: time.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	// The keys that a person has put into a safe are needed for nothing here.
	for _, name := range []string{authority.RootKey, authority.CmdRootKey} {
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if s.auth, err = authority.Open(s.dir, authority.Options{}); err != nil {
		t.Fatal(err)
	}
	return s
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

func (s *site) read(name string) []byte {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return data
}

func (s *site) site() enrol.Site {
	s.t.Helper()
	out, err := enrol.ParseSite(s.read(authority.SiteFile))
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// listen returns the port that the broker listens on.
func (s *site) listen() int {
	if s.own != 0 {
		return s.own
	}
	return s.port
}

// embedded starts edgecam's own broker.
func (s *site) embedded() func() {
	s.t.Helper()
	cert, err := tls.LoadX509KeyPair(filepath.Join(s.dir, "broker.crt"), filepath.Join(s.dir, "broker.key"))
	if err != nil {
		s.t.Fatal(err)
	}
	pool, err := pki.Pool(string(s.read(authority.RootCert)))
	if err != nil {
		s.t.Fatal(err)
	}
	fsys, err := durable.OpenDir(filepath.Join(s.dir, "broker"))
	if err != nil {
		s.t.Fatal(err)
	}
	b, err := broker.Start(broker.Options{
		Listen: fmt.Sprintf("127.0.0.1:%d", s.listen()), Clients: pool, FS: fsys,
		Cert:    func() (*tls.Certificate, error) { return &cert, nil },
		Revoked: func(c *x509.Certificate) bool { return s.auth.IsRevoked(c.Subject.CommonName, pki.SerialHex(c)) },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return func() { b.Close() }
}

// mosquitto starts Debian's broker with the configuration that the authority
// prints.
func (s *site) mosquitto() func() {
	s.t.Helper()
	bin, err := exec.LookPath("mosquitto")
	if err != nil {
		bin = "/usr/sbin/mosquitto"
	}
	if _, err := os.Stat(bin); err != nil {
		if os.Getenv("EDGECAM_CI") == "1" {
			s.t.Fatal("mosquitto is not installed; scripts/setup test installs it")
		}
		s.t.Skip("mosquitto is not installed; scripts/setup test installs it")
	}
	conf := filepath.Join(s.dir, "mosquitto.conf")
	text := acl.MosquittoConfig(s.dir, s.listen()) + "persistence_location " + s.dir + "/\n"
	if os.Geteuid() == 0 {
		text += "user root\n"
	}
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(s.dir, "mosquitto.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(bin, "-c", conf, "-v")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for range 100 {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.listen()))
		if err == nil {
			c.Close()
			return func() {
				cmd.Process.Kill()
				cmd.Wait()
				log.Close()
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	cmd.Process.Kill()
	cmd.Wait()
	s.t.Fatalf("mosquitto does not listen:\n%s", s.read("mosquitto.log"))
	return nil
}

// device is a node under test and what it did.
type device struct {
	*site
	dir     string
	mu      sync.Mutex
	applied []string
	doors   int
	node    *node.Node
	end     func() error

	keepAlive time.Duration
	clock     node.Clock    // nil: the system's
	rotation  time.Duration // between two looks whether one is due
}

// boot opens the node's state and runs it.
func (d *device) boot() {
	d.t.Helper()
	fsys, err := durable.OpenDir(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	n, err := node.Open(node.Options{
		FS: fsys, Site: d.site.site(), Serial: serial, Board: "test board", Software: "v0.4.1", OwnerSecret: secret,
		Backoff: fast, Probation: 150 * time.Millisecond, AckTimeout: 3 * time.Second, KeepAlive: d.keepAlive, Clock: d.clock, RotationCheck: d.rotation,
		Check: func(cfg []byte) []wire.Fault {
			if strings.Contains(string(cfg), "wrong") {
				return []wire.Fault{{Path: "wrong", Code: "unknown"}}
			}
			return nil
		},
		Apply: func(cfg []byte) { d.mu.Lock(); d.applied = append(d.applied, string(cfg)); d.mu.Unlock() },
		Healthy: func() error {
			d.mu.Lock()
			defer d.mu.Unlock()
			if strings.Contains(d.applied[len(d.applied)-1], "sick") {
				return errors.New("no picture")
			}
			return nil
		},
		Ops: []command.Op{{Name: "open-door", Signed: true, MaxTTL: time.Minute, Run: func(context.Context, command.Call) (any, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.doors++
			return nil, nil
		}}},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	d.node = n
	d.end = func() error { cancel(); return <-done }
}

// bootUntil runs the node until cond holds. A request that came before the
// authority listened is made again at once, instead of at the retry.
func (d *device) bootUntil(what string, cond func() bool) {
	d.t.Helper()
	for try := 0; ; try++ {
		d.boot()
		for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			if cond() {
				return
			}
		}
		if try == 4 {
			d.t.Fatalf("not in %d runs: %s", try+1, what)
		}
		d.end()
	}
}

// operator connects an operator's end and returns it and how to end it.
func (s *site) operator(onEvent func(string, wire.Event)) (*fleet.Operator, func()) {
	s.t.Helper()
	e, err := authority.ServiceEndpoint(s.dir, acl.Operator, string(s.read(authority.RootCert)), fmt.Sprintf("tls://127.0.0.1:%d", s.listen()))
	if err != nil {
		s.t.Fatal(err)
	}
	key, err := pki.ParseKey(s.read(authority.CmdKey))
	if err != nil {
		s.t.Fatal(err)
	}
	o := fleet.New(fleet.Options{
		Endpoint: e, ClientID: "operator-test", KeyID: authority.CommandKeyID, Key: key.(ed25519.PrivateKey), OnEvent: onEvent, Backoff: fast,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); o.Run(ctx) }()
	ready, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	if err := o.Ready(ready, 50*time.Millisecond); err != nil {
		s.t.Fatal(err)
	}
	return o, func() { cancel(); <-done }
}

func (s *site) serveAuthority() func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.auth.Serve(ctx, fast) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	}
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !cond(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 15 s: %s", what)
		}
	}
}

func TestLifeEmbedded(t *testing.T) {
	s := newSite(t)
	s.start = s.embedded
	life(t, s)
}

func TestLifeMosquitto(t *testing.T) {
	s := newSite(t)
	s.start = s.mosquitto
	life(t, s)
}

// life is the whole of it: from a sealed box over a claim, events,
// configuration, commands and rotation to decommissioning.
func life(t *testing.T, s *site) {
	stopBroker := s.start()
	defer func() { stopBroker() }()
	stopAuthority := s.serveAuthority()
	defer func() { stopAuthority() }()
	var emu sync.Mutex
	var events []wire.Event
	op, stopOp := s.operator(func(_ string, e wire.Event) { emu.Lock(); events = append(events, e); emu.Unlock() })
	defer func() { stopOp() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	// Claim, after an approval by a person: the secret is not registered.
	d := &device{site: s, dir: filepath.Join(t.TempDir(), "node")}
	d.boot()
	defer func() { d.end() }()
	eventually(t, "the claim waits for approval", func() bool {
		n, err := s.auth.Node(id)
		return err == nil && n.Asking != "" && n.Asking == d.node.Fingerprint()
	})
	if _, err := s.auth.Approve(id, d.node.Fingerprint(), "lobby"); err != nil {
		t.Fatal(err)
	}
	d.end()
	d.boot() // instead of waiting for the retry
	n, err := op.Wait(ctx, id, func(n fleet.NodeState) bool { return n.Online && n.Birth.Session > 0 })
	if err != nil {
		t.Fatal(err)
	}
	if n.Birth.Group != "lobby" || n.Birth.Software != "v0.4.1" {
		t.Fatalf("%+v", n)
	}
	eventually(t, "the node is active", func() bool { return d.node.Phase() == enrol.Active })
	eventually(t, "the authority has seen the birth", func() bool { n, _ := s.auth.Node(id); return n.Status == authority.Active })
	s.forbidden(t, op)

	// Events, in order, once each.
	d.node.Event(queue.Ring, "ring", nil)
	d.node.Event(queue.Normal, "motion", map[string]any{"x": 1})
	count := func() int { emu.Lock(); defer emu.Unlock(); return len(events) }
	eventually(t, "two events", func() bool { return count() == 2 })

	// Desired configuration: group, node, a sick one, a wrong one.
	if _, err := op.SetDesired(ctx, "group:lobby", wire.Desired{Config: []byte(`{"a":1,"b":1}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err = op.Wait(ctx, id, func(n fleet.NodeState) bool { return n.Report.GroupRevision == 1 && n.Report.State == wire.ReportOK }); err != nil {
		t.Fatal(err)
	}
	set := func(cfg string) fleet.NodeState {
		t.Helper()
		rev, err := op.SetDesired(ctx, id, wire.Desired{Config: []byte(cfg)})
		if err != nil {
			t.Fatal(err)
		}
		n, err := op.Wait(ctx, id, func(n fleet.NodeState) bool { return fleet.Settled(n, rev) })
		if err != nil {
			t.Fatalf("%v: %+v", err, n.Report)
		}
		return n
	}
	good := set(`{"b":2}`)
	if good.Report.State != wire.ReportOK || string(d.node.Config()) != `{"a":1,"b":2}` {
		t.Fatalf("%+v %s", good.Report, d.node.Config())
	}
	if n := set(`{"b":"sick"}`); n.Report.State != wire.ReportRolledBack || n.Report.Errors[0].Code != "unhealthy" || n.Report.Applied != good.Report.Applied {
		t.Fatalf("%+v", n.Report)
	}
	if n := set(`{"wrong":1}`); n.Report.State != wire.ReportRejected || n.Report.Errors[0].Path != "wrong" {
		t.Fatalf("%+v", n.Report)
	}
	if string(d.node.Config()) != `{"a":1,"b":2}` {
		t.Fatalf("%s", d.node.Config())
	}

	// A command, and its replay by somebody who listened.
	if a, err := op.Command(ctx, id, "open-door", nil, 30*time.Second); err != nil || a.State != wire.AckDone || d.doors != 1 {
		t.Fatal(a, err, d.doors)
	}

	// Rotation: the old key goes, the old certificate is revoked.
	before, _ := s.auth.Node(id)
	if _, err := op.Command(ctx, id, "rotate", nil, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the rotation", func() bool {
		n, _ := s.auth.Node(id)
		return n.Status == authority.Active && n.Key != before.Key && len(n.Revoked) == 1
	})
	eventually(t, "connected after the rotation", func() bool { return d.node.Connected() && d.node.Phase() == enrol.Active })

	// The broker goes away: local life goes on, rings wait, and come late.
	stopBroker()
	eventually(t, "the loss is noticed", func() bool { return !d.node.Connected() })
	began := time.Now()
	d.node.Event(queue.Ring, "ring", map[string]any{"n": 2})
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("an event without a broker took %v", took)
	}
	d.end()
	stopBroker = s.start()
	eventually(t, "the operator is back", op.Connected)
	d.boot()
	eventually(t, "the ring that waited", func() bool { return count() >= 3 })
	emu.Lock()
	if last := events[len(events)-1]; last.Type != "ring" || !last.Late || events[0].Late {
		t.Errorf("a ring from before the start: %+v", last)
	}
	emu.Unlock()

	// Taken back: the broker refuses the certificate, the authority says why,
	// and the node stays away until its owner wants it again.
	if err := s.auth.Revoke(id); err != nil {
		t.Fatal(err)
	}
	stopBroker()
	stopBroker = s.start() // reads the list of what was taken back
	eventually(t, "the node is suspended", func() bool { return d.node.Phase() == enrol.Suspended })
	if d.node.Event(queue.Ring, "ring", nil); d.node.Connected() && d.node.Phase() == enrol.Active {
		t.Error("a revoked node is active")
	}
	if _, err := s.auth.Expect(serial, secret, "lobby"); err != nil {
		t.Fatal(err)
	}
	d.end()
	d.boot() // instead of waiting for the retry
	eventually(t, "the node is back", func() bool { return d.node.Phase() == enrol.Active && d.node.Connected() })
	eventually(t, "the operator is back", op.Connected)

	// The end.
	if _, err := op.Wait(ctx, id, func(n fleet.NodeState) bool {
		now, _ := d.node.Session()
		return n.Online && n.Birth.Session == now
	}); err != nil {
		t.Fatal(err)
	}
	keyFile := d.keys()
	if _, err := op.Command(ctx, id, "decommission", nil, time.Minute); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the operator forgets the node", func() bool { _, known := op.Node(id); return !known })
	if err := d.end(); !errors.Is(err, node.ErrReset) {
		t.Errorf("Run returned %v", err)
	}
	if len(keyFile) == 0 || len(d.keys()) != 0 {
		t.Errorf("keys before %v, after %v", keyFile, d.keys())
	}
	d.boot()
	if d.node.Phase() != enrol.Decommissioned || d.node.Config() != nil {
		t.Errorf("phase %s, configuration %s", d.node.Phase(), d.node.Config())
	}
}

// certify makes a certificate as another node of the fleet has one.
func (s *site) certify(name string) {
	s.t.Helper()
	certs, err := pki.ParseCerts(string(s.read("ca.crt")))
	if err != nil {
		s.t.Fatal(err)
	}
	key, err := pki.ParseKey(s.read("ca.key"))
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := pki.Signer{Cert: certs[0], Key: key}.NewClient(name, time.Now(), time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := pki.EncodeKey(c.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	for suffix, data := range map[string][]byte{".crt": []byte(pki.EncodeCert(c.Cert, certs[0])), ".key": text} {
		if err := os.WriteFile(filepath.Join(s.dir, name+suffix), data, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// keys lists the key files that the node has.
func (d *device) keys() []string {
	names, _ := filepath.Glob(filepath.Join(d.dir, "key-*"))
	return names
}

// once connects, publishes a message and leaves. Brokers acknowledge what they
// drop, drop it without a word, or end the connection: each message has its own.
func (s *site) once(t *testing.T, who string, e client.Endpoint, m client.Message) {
	t.Helper()
	up := make(chan struct{}, 1)
	c := client.New(client.Options{
		Endpoint: func(context.Context) (client.Endpoint, error) { return e, nil }, Backoff: fast, AckTimeout: time.Second,
		Up: func(context.Context, client.Endpoint) error {
			select {
			case up <- struct{}{}:
			default:
			}
			return nil
		},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx) }()
	defer func() { cancel(); <-done }()
	select {
	case <-up:
	case <-ctx.Done():
		t.Fatalf("%s does not connect", who)
	}
	m.QoS = 1
	_ = c.Publish(ctx, m)
}

// forbidden publishes what no client may, and shows at the operator, who reads
// all nodes, that nothing of it arrives. Then what is allowed does arrive: the
// listener was not deaf.
func (s *site) forbidden(t *testing.T, op *fleet.Operator) {
	t.Helper()
	const other, neighbour = "ec-00000000000000ff", "ec-00000000000000ee"
	s.certify(neighbour)
	for _, who := range []string{acl.Claim, acl.Operator, acl.Authority, neighbour} {
		e, err := authority.ServiceEndpoint(s.dir, who, string(s.read(authority.RootCert)), s.site().Broker)
		if err != nil {
			t.Fatal(err)
		}
		if e.ClientID = who + "-intruder"; who == neighbour {
			e.ClientID = who // another would be refused at once
		}
		messages := []client.Message{
			{Topic: wire.Up(other, wire.UpStatus), Payload: wire.Encode(wire.Status{State: wire.Online, Session: 1})},
			{Topic: wire.Up(id, wire.UpStatus), Payload: wire.Encode(wire.Status{State: wire.Gone, Session: 1 << 60})},
		}
		if who != acl.Operator {
			messages = append(messages, client.Message{
				Topic: wire.Down(id, wire.DnDesired), Retain: true, Payload: wire.Encode(wire.Desired{Revision: 99, Config: []byte("{}")}),
			})
		}
		for _, m := range messages {
			s.once(t, who, e, m)
		}
	}
	time.Sleep(200 * time.Millisecond)
	if _, known := op.Node(other); known {
		t.Error("a message for another node arrived")
	}
	if n, _ := op.Node(id); !n.Online || n.Status.Session >= 1<<60 {
		t.Errorf("a forged status arrived: %+v", n.Status)
	}
	if d, _ := op.Desired(id); d.Revision != 0 {
		t.Error("a forged desired configuration arrived")
	}
}
