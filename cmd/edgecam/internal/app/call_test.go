package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/provisioning/authority"
)

// TestCallNetwork: a station's call goes by the servers of its configuration, and
// trusts the authorities of webrtc.turn_ca_file.
func TestCallNetwork(t *testing.T) {
	cfg := config.Defaults()
	cfg.WebRTC.ICEServers = []config.ICEServer{{URLs: []string{"turns:turn.example"}, Secret: "shared"}}
	pems := filepath.Join(t.TempDir(), "none.pem")
	must(t, os.WriteFile(pems, []byte("nothing"), 0o600))
	cfg.WebRTC.TURNCAFile = pems
	var c session.CallConfig
	if err := callNetwork(cfg, &c); err == nil || !strings.Contains(err.Error(), "webrtc.turn_ca_file") {
		t.Errorf("a file without a certificate: %v", err)
	}
	if c = (session.CallConfig{Loopback: true}); callNetwork(cfg, &c) != nil || c.ICEServers != nil {
		t.Errorf("a call on this machine uses %v", c.ICEServers)
	}
	cfg.WebRTC.TURNCAFile = filepath.Join(newFleetSite(t).authDir, authority.RootCert)
	c = session.CallConfig{}
	must(t, callNetwork(cfg, &c))
	if c.TURNRoots == nil || len(c.ICEServers) != 1 || c.ICEServers[0].Secret != "shared" {
		t.Errorf("the call has %+v", c)
	}
}
