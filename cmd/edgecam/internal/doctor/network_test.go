package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/nat"
)

func networkChecks(t *testing.T, servers []config.ICEServer, f *nat.Family, err error, failures []session.Failure) []Check {
	t.Helper()
	sys := machine(t, pi)
	sys.Discover = func(context.Context, []string) (*nat.Report, error) {
		return &nat.Report{IPv4: f}, err
	}
	s := Subject{Config: config.Defaults(), StateDir: t.TempDir()}
	s.Config.WebRTC.ICEServers = servers
	if failures != nil {
		data, err := json.Marshal(failures)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.StateDir, FailuresFile), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var r Report
	checkNetwork(context.Background(), &r, sys, s)
	return r.Checks
}

func TestNetwork(t *testing.T) {
	stun := []config.ICEServer{{URLs: []string{"stun:s.example"}}}
	turn := append(stun, config.ICEServer{URLs: []string{"turn:s.example"}, Secret: "x"})
	symmetric := &nat.Family{UDP: nat.UDPWorks, Mapping: nat.MappingAddressPort, Filtering: nat.FilteringAddressPort}
	for i, c := range []struct {
		servers []config.ICEServer
		f       *nat.Family
		err     error
		status  Status
		says    string
	}{
		{nil, nil, nil, OK, "no STUN or TURN server"},
		{stun, nil, errors.New("no such host"), Warning, "no such host"},
		{stun, symmetric, nil, Warning, "symmetric NAT"},
		{turn, symmetric, nil, OK, "symmetric NAT"},
		{turn, &nat.Family{UDP: nat.UDPBlocked}, nil, Warning, "UDP blocked"},
	} {
		got := networkChecks(t, c.servers, c.f, c.err, nil)
		if len(got) != 1 || got[0].Status != c.status || !strings.Contains(got[0].Summary, c.says) {
			t.Errorf("%d: %+v", i, got)
		}
	}
}

func TestWhyViewersCouldNotConnect(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	f := session.Failure{At: now.Add(-time.Hour), Reason: "did not connect in time", PairCount: 2, Pairs: []session.TriedPair{{Local: "host udp 10.0.0.2:8555", Remote: "srflx udp 198.51.100.1:9", Sent: 7}}}
	old := f
	old.At = now.Add(-30 * 24 * time.Hour)
	got := networkChecks(t, nil, nil, nil, []session.Failure{f, f, f, f, old})
	if len(got) != 1+told || got[1].Status != Note || !strings.Contains(got[1].Summary, "198.51.100.1") || !strings.Contains(got[1].Remedy, "TURN") {
		t.Errorf("%+v", got)
	}
	if got = networkChecks(t, nil, nil, nil, []session.Failure{old}); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}
