package session

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/session/nat"
)

func TestReflexiveCandidates(t *testing.T) {
	ap := netip.MustParseAddrPort
	sdp := "v=0\r\nm=audio 9 X 0\r\na=mid:0\r\na=candidate:1 1 udp 2130706431 10.0.0.2 8555 typ host\r\na=candidate:2 1 tcp 1 10.0.0.2 8555 typ host tcptype passive\r\na=end-of-candidates\r\nm=video 9 X 0\r\na=mid:1\r\n"
	got := withReflexive(sdp, []nat.Mapped{{Local: ap("10.0.0.2:8555"), Public: ap("198.51.100.1:40000")}, {Local: ap("[2001:db8::2]:8555"), Public: ap("[2001:db8::9]:8555")}})
	want := "a=candidate:2 1 tcp 1 10.0.0.2 8555 typ host tcptype passive\r\n" +
		"a=candidate:nat0 1 udp 1694498815 198.51.100.1 40000 typ srflx raddr 10.0.0.2 rport 8555\r\n" +
		"a=candidate:nat1 1 udp 1694498559 2001:db8::9 8555 typ srflx raddr 2001:db8::2 rport 8555\r\na=end-of-candidates\r\n"
	if !strings.Contains(got, want) || strings.Count(got, "srflx") != 2 {
		t.Errorf("%s", got)
	}
	if withReflexive(sdp, nil) != sdp {
		t.Error("changed without need")
	}
	many := make([]nat.Mapped, 9)
	for i := range many {
		many[i] = nat.Mapped{Local: ap("10.0.0.2:1"), Public: ap("192.0.2.1:1")}
	}
	if n := strings.Count(withReflexive(sdp, many), "srflx"); n != maxReflexive {
		t.Errorf("%d public addresses", n)
	}
}

func TestTimeLimitedCredentials(t *testing.T) {
	servers := []ICEServer{{URLs: []string{"stun:a.example"}}, {URLs: []string{"turn:b.example", "turns:b.example"}, Secret: "shared"}}
	soon := time.Now().Add(time.Hour)
	got := forUser(servers, "tablet", soon)
	user, password := nat.Credential("shared", "tablet", soon)
	if got[0].Username != "" || got[1].Username != user || got[1].Credential != password || got[1].Secret != "" || servers[1].Secret == "" {
		t.Errorf("%+v", got)
	}
	day := forUser(servers, "tablet", time.Now().Add(1000*time.Hour))
	if first, _, _ := strings.Cut(day[1].Username, ":"); len(first) != 10 || day[1].Username == user {
		t.Errorf("%+v", day)
	}
	if r := relays(servers, "x"); len(r) != 1 || len(r[0].URLs) != 2 {
		t.Errorf("%+v", r)
	}
	for _, bad := range []ICEServer{
		{},
		{URLs: []string{"turn:b.example"}},
		{URLs: []string{"turn:b.example"}, Secret: "s", Username: "u", Credential: "c"},
		{URLs: []string{"turn:b.example", "stun:b.example"}, Secret: "s"},
		{URLs: []string{"turn://b.example"}, Secret: "s"},
	} {
		if len(bad.validate()) == 0 {
			t.Errorf("%+v is taken", bad)
		}
	}
}

func TestVerdicts(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range []Failure{
		{Connected: true},
		{},
		{PairCount: 1, Pairs: []TriedPair{{}}},
		{PairCount: 1, Pairs: []TriedPair{{Sent: 7}}},
		{PairCount: 1, Pairs: []TriedPair{{Sent: 7, Heard: 2}}},
		{PairCount: 1, Pairs: []TriedPair{{Sent: 7, Heard: 2, Answered: 1}}},
	} {
		seen[f.Verdict()] = true
	}
	if len(seen) != 6 {
		t.Errorf("%d verdicts for six cases", len(seen))
	}
}

// TestFollowsAddresses: the sockets of an address that is gone are closed after a
// while, and one that has come is served.
func TestFollowsAddresses(t *testing.T) {
	cfg := Defaults()
	cfg.UDPPort, cfg.Loopback, cfg.ICETCP = 0, true, true
	changes := 0
	m, err := New(cfg, Hooks{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	m.stop() // nobody else looks
	m.background.Wait()
	v6 := netip.MustParseAddr("::1")
	was := m.sockets.udp.addrs()
	m.sockets.drop(v6)
	gone := map[netip.Addr]time.Time{}
	now := time.Now()
	if m.refit(now, gone) {
		changes++
	}
	if len(m.sockets.udp.addrs()) != len(was) || changes != min(len(was)-1, 1) {
		t.Errorf("%v became %v, %d changes", was, m.sockets.udp.addrs(), changes)
	}
	m.cfg.Loopback = false
	m.cfg.Interfaces = []string{"none-of-these"}
	if !m.refit(now, gone) || len(m.sockets.udp.addrs()) != len(was) {
		t.Error("addresses that are gone are dropped at once, or are not noticed")
	}
	if m.refit(now.Add(goneAfter/2), gone) || len(m.sockets.udp.addrs()) != len(was) {
		t.Error("addresses that are gone are dropped too soon, or told twice")
	}
	m.refit(now.Add(2*goneAfter), gone)
	if n := len(m.sockets.udp.addrs()) + len(m.sockets.tcp.all()); n != 0 {
		t.Errorf("%d sockets left", n)
	}
}
