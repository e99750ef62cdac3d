package app

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/authority"
	"github.com/edgecam/edgecam/provisioning/client"
	fleettool "github.com/edgecam/edgecam/provisioning/fleet"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/seal"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// fastBackoff makes waits short, so that the tests are.
var fastBackoff = client.Backoff{First: 50 * time.Millisecond, Most: time.Second, Least: 10 * time.Millisecond}

// fleetSite is a fleet of one node, whose broker is at port.
type fleetSite struct {
	*testing.T
	authDir, stateDir, file string
	port                    int
	auth                    *authority.Authority
	root                    string // certificate in PEM
	roots                   *x509.CertPool
	key                     ed25519.PrivateKey // of the operator's commands
}

func newFleetSite(t *testing.T) *fleetSite {
	t.Helper()
	dir := t.TempDir()
	s := &fleetSite{
		T: t, authDir: filepath.Join(dir, "authority"), stateDir: filepath.Join(dir, "state"), file: filepath.Join(dir, "edgecam.yaml"), port: freePort(t),
	}
	must(t, authority.Init(s.authDir, authority.InitOptions{Broker: s.broker(), Hosts: []string{"127.0.0.1"}, Name: "test", Now: time.Now()}))
	var err error
	s.auth, err = authority.Open(s.authDir, authority.Options{})
	must(t, err)
	_, err = s.auth.Expect(testSerial, ownerSecret, "")
	must(t, err)
	must(t, os.MkdirAll(s.stateDir, 0o700))
	root, err := os.ReadFile(filepath.Join(s.authDir, authority.RootCert))
	must(t, err)
	s.root = string(root)
	s.roots, err = pki.Pool(s.root)
	must(t, err)
	text, err := os.ReadFile(filepath.Join(s.authDir, authority.CmdKey))
	must(t, err)
	key, err := pki.ParseKey(text)
	must(t, err)
	s.key = key.(ed25519.PrivateKey)
	return s
}

func (s *fleetSite) broker() string { return fmt.Sprintf("tls://127.0.0.1:%d", s.port) }

// open opens what came beside an answer with the owner's key, and sees that
// nothing but that key would show it.
func (s *fleetSite) open(a wire.Ack, blob []byte) []byte {
	s.Helper()
	var r struct{ Type, Sealed string }
	must(s.T, json.Unmarshal(a.Result, &r))
	text, err := os.ReadFile(filepath.Join(s.authDir, authority.OwnerKey))
	must(s.T, err)
	key, err := seal.ParsePrivate(text)
	must(s.T, err)
	if r.Sealed != key.Public().ID() || bytes.Contains(blob, []byte("JFIF")) || bytes.Contains(blob, []byte("PK\x03\x04")) || bytes.Contains(blob, []byte(".json")) {
		s.Errorf("not sealed for the owner: %s", a.Result)
	}
	data, err := key.Open(seal.Purpose{Node: testID, Command: a.ID, Type: r.Type}, blob)
	must(s.T, err)
	return data
}

// configure writes the node's file, with the line of its WebRTC settings, and
// returns how it is loaded and the first configuration.
func (s *fleetSite) configure(httpPort int, webrtc string) (load func(provisioned []byte) (*config.Loaded, error), first *config.Config) {
	s.Helper()
	must(s.T, os.WriteFile(s.file, fmt.Appendf(nil, `
camera: {source: sim}
microphone: {enabled: false}
speaker: {enabled: false}
http: {listen: "127.0.0.1:%d", https_listen: ""}
webrtc: %s
fleet: {site_file: %q, owner_secret: %q, serial: %q}
`, httpPort, webrtc, filepath.Join(s.authDir, authority.SiteFile), ownerSecret, testSerial), 0o600))
	load = func(provisioned []byte) (*config.Loaded, error) {
		l, err := config.Load(config.Sources{Path: s.file, Provisioned: config.Text{Name: "provisioned", YAML: provisioned}})
		if err == nil {
			l.StateDir = s.stateDir
		}
		return l, err
	}
	l, err := load(nil)
	must(s.T, err)
	return load, l.Config
}

// operator returns a tool with the operator's rights; o says what it listens to.
func (s *fleetSite) operator(o fleettool.Options) *fleettool.Operator {
	s.Helper()
	var err error
	o.Endpoint, err = authority.ServiceEndpoint(s.authDir, acl.Operator, s.root, s.broker())
	must(s.T, err)
	o.ClientID, o.KeyID, o.Key, o.Backoff = "operator-test", authority.CommandKeyID, s.key, fastBackoff
	return fleettool.New(o)
}
