package browser_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/testdata"
	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/authority"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/fleet"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/signal"
	"github.com/edgecam/edgecam/provisioning/wire"
)

const (
	fleetSerial = "10000000abcdef01"
	fleetSecret = "a secret of the owner"
	brokerUser  = "viewer"
	brokerWord  = "watch only"
)

// mosquitto is a real broker: mutual TLS for nodes and services, WebSocket with a
// password and no more rights than signalling takes for viewers. Below test/ they
// may do what they like.
type mosquitto struct {
	conf           string
	tls, webSocket int
	cmd            *exec.Cmd
	log            strings.Builder
}

func newMosquitto(t *testing.T, authDir string, port int) *mosquitto {
	t.Helper()
	for _, tool := range []string{"/usr/sbin/mosquitto", "mosquitto_passwd"} {
		if _, err := exec.LookPath(tool); err != nil {
			testdata.Missing(t, "%s is not installed (Debian: apt install mosquitto)", tool)
		}
	}
	dir := t.TempDir()
	m := &mosquitto{conf: filepath.Join(dir, "mosquitto.conf"), tls: port, webSocket: freePort(t)}
	rules := "pattern readwrite test/#\n"
	for _, r := range acl.ViewerRules {
		rules += fmt.Sprintf("pattern %s %s\n", map[bool]string{true: "write", false: "read"}[r.Write], r.Filter)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("nodes.acl", acl.Mosquitto())
	write("viewers.acl", rules)
	write("mosquitto.conf", fmt.Sprintf(`user root
per_listener_settings true
listener %d 127.0.0.1
cafile %[2]s/ca-chain.crt
certfile %[2]s/broker.crt
keyfile %[2]s/broker.key
require_certificate true
use_identity_as_username true
acl_file %[3]s/nodes.acl
listener %[4]d 127.0.0.1
protocol websockets
socket_domain ipv4
allow_anonymous false
password_file %[3]s/passwords
acl_file %[3]s/viewers.acl
`, port, authDir, dir, m.webSocket))
	if out, err := exec.Command("mosquitto_passwd", "-b", "-c", filepath.Join(dir, "passwords"), brokerUser, brokerWord).CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_passwd: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		m.stop()
		if t.Failed() {
			t.Logf("mosquitto's log:\n%s", tail(m.log.String(), 4000))
		}
	})
	return m
}

func (m *mosquitto) start() error {
	m.cmd = exec.Command("/usr/sbin/mosquitto", "-c", m.conf)
	m.cmd.Stdout, m.cmd.Stderr = &m.log, &m.log
	if err := m.cmd.Start(); err != nil {
		return err
	}
	for range 200 {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", m.webSocket)); err == nil {
			return c.Close()
		}
		time.Sleep(25 * time.Millisecond)
	}
	return fmt.Errorf("mosquitto does not listen")
}

func (m *mosquitto) stop() {
	if m.cmd == nil {
		return
	}
	_ = m.cmd.Process.Signal(syscall.SIGTERM)
	_ = m.cmd.Wait()
	m.cmd = nil
}

// site is a fleet of one node; operator may ask it, key signs grants.
type site struct {
	dir, node string
	operator  *fleet.Operator
	key       ed25519.PrivateKey
	nodeKey   string
}

// newSite makes a fleet whose broker is at port.
func newSite(t *testing.T, port int) *site {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &site{dir: t.TempDir(), node: wire.NodeID(fleetSerial)}
	url := fmt.Sprintf("tls://127.0.0.1:%d", port)
	must(authority.Init(s.dir, authority.InitOptions{Broker: url, Hosts: []string{"127.0.0.1"}, Name: "test", Now: time.Now()}))
	auth, err := authority.Open(s.dir, authority.Options{})
	must(err)
	_, err = auth.Expect(fleetSerial, fleetSecret, "")
	must(err)
	root, err := os.ReadFile(filepath.Join(s.dir, authority.RootCert))
	must(err)
	text, err := os.ReadFile(filepath.Join(s.dir, authority.CmdKey))
	must(err)
	key, err := pki.ParseKey(text)
	must(err)
	s.key = key.(ed25519.PrivateKey)
	pauses := client.Backoff{First: 50 * time.Millisecond, Most: time.Second, Least: 10 * time.Millisecond}
	o := fleet.Options{ClientID: "operator-test", KeyID: authority.CommandKeyID, Key: s.key, Backoff: pauses}
	o.Endpoint, err = authority.ServiceEndpoint(s.dir, acl.Operator, string(root), url)
	must(err)
	s.operator = fleet.New(o)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = auth.Serve(ctx, pauses) })
	wg.Go(func() { s.operator.Run(ctx) })
	t.Cleanup(func() { stop(); wg.Wait() })
	return s
}

// learn waits for the node and asks for its signalling key.
func (s *site) learn(ctx context.Context) error {
	if _, err := s.operator.Wait(ctx, s.node, func(n fleet.NodeState) bool { return n.Online && n.Birth.Session > 0 }); err != nil {
		return err
	}
	ack, err := s.operator.Command(ctx, s.node, "signal-key", nil, 30*time.Second)
	if err != nil {
		return err
	}
	var word signal.Attestation
	err = json.Unmarshal(ack.Result, &word)
	s.nodeKey = word.Key
	return err
}

// grant serves grants: ?key= is the viewer's, ?by=stranger is signed by nobody
// whom the node knows, ?old=1 has expired.
func (s *site) grant(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	key, begins := s.key, time.Now().Add(-time.Minute)
	if q.Get("by") == "stranger" {
		_, key, _ = ed25519.GenerateKey(nil)
	}
	if q.Get("old") != "" {
		begins = begins.Add(-time.Hour)
	}
	e, err := signal.Issue(signal.Grant{
		Node: s.node, NodeKey: s.nodeKey, Subject: "browser", Key: q.Get("key"), Scopes: []string{signal.ScopeView},
		Begins: begins.Unix(), Expires: begins.Add(30 * time.Minute).Unix(),
	}, authority.CommandKeyID, key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_ = json.NewEncoder(w).Encode(e)
}

// owner returns a client that is signed in as the node's owner.
func (n *node) owner(t *testing.T) *http.Client {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	owner := &http.Client{Jar: jar, Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	t.Cleanup(owner.CloseIdleConnections)
	body, _ := json.Marshal(map[string]string{"secret": n.ownerSecret(t)})
	resp, err := owner.Post(n.URL+"/api/login", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return owner
}

// viewers serves how many watch the node, asked by its owner.
func (n *node) viewers(t *testing.T) http.HandlerFunc {
	t.Helper()
	owner := n.owner(t)
	return func(w http.ResponseWriter, _ *http.Request) {
		resp, err := owner.Get(n.URL + "/api/status")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		var status struct {
			Viewers *int `json:"viewers"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&status); err != nil || status.Viewers == nil {
			http.Error(w, fmt.Sprintf("no status: %s %v", resp.Status, err), http.StatusBadGateway)
			return
		}
		fmt.Fprint(w, *status.Viewers)
	}
}

// TestBroker watches a node from a page on another host that reaches nothing of it
// but its broker, by MQTT over WebSocket.
func TestBroker(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a node, a broker and a browser")
	}
	tl := findTools(t)
	port := freePort(t)
	s := newSite(t, port)
	m := newMosquitto(t, s.dir, port)
	if err := m.start(); err != nil {
		t.Fatal(err)
	}
	n := newNode(t, true, "FLEET_SITE_FILE="+filepath.Join(s.dir, authority.SiteFile), "FLEET_OWNER_SECRET="+fleetSecret, "FLEET_SERIAL="+fleetSerial)
	if err := n.start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.learn(ctx); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(filepath.Join("..", ".."))))
	mux.HandleFunc("/grant", s.grant)
	mux.HandleFunc("/viewers", n.viewers(t))
	before, _ := s.operator.Node(s.node)
	host := httptest.NewServer(mux)
	defer host.Close()
	tl.run(t, "broker", map[string]any{
		"url": host.URL, "node": n.URL, "broker": fmt.Sprintf("ws://127.0.0.1:%d/mqtt", m.webSocket), "user": brokerUser, "password": brokerWord,
	}, func(ask string) error {
		switch ask {
		case "stop broker":
			m.stop()
			return nil
		case "start broker":
			return m.start()
		case "await node":
			// The node pauses up to 15 s after it has lost a broker, so that fleets do not come all at once.
			ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
			defer cancel()
			now, err := s.operator.Wait(ctx, s.node, func(n fleet.NodeState) bool { return n.Online && n.Birth.Session > before.Birth.Session })
			before = now
			return err
		}
		return fmt.Errorf("unknown request %q", ask)
	})
}
