package session

import (
	"strings"
	"testing"
)

// TestCallServers: a call makes credentials of the secret that it shares with a TURN
// server, and never shows the secret.
func TestCallServers(t *testing.T) {
	c, err := NewCall(CallConfig{Listen: true, Loopback: true, ICEServers: []ICEServer{
		{URLs: []string{"stun:127.0.0.1:3478"}},
		{URLs: []string{"turn:127.0.0.1:3478"}, Secret: "shared secret"},
	}}, CallHooks{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	servers := c.pc.GetConfiguration().ICEServers
	if len(servers) != 2 {
		t.Fatalf("servers %+v", servers)
	}
	password, _ := servers[1].Credential.(string)
	if !strings.HasSuffix(servers[1].Username, ":call") || password == "" || strings.Contains(password, "secret") {
		t.Errorf("TURN server with %q and %q", servers[1].Username, password)
	}
}
