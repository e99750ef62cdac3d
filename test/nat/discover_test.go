package nat

import (
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/session/nat"
	"github.com/edgecam/edgecam/test/netlab"
)

// TestDiscover compares what is found with what was built, for each kind of NAT.
func TestDiscover(t *testing.T) {
	for _, c := range []struct {
		kind      netlab.NAT
		mapping   nat.Mapping
		filtering nat.Filtering
		hairpin   nat.Hairpin
		udp       nat.UDP
		name      string
	}{
		{netlab.NoNAT, nat.MappingNone, nat.FilteringEndpointIndependent, nat.HairpinUnknown, nat.UDPWorks, "open internet"},
		{netlab.FullCone, nat.MappingEndpointIndependent, nat.FilteringEndpointIndependent, nat.HairpinNo, nat.UDPWorks, "full cone NAT"},
		{netlab.Restricted, nat.MappingEndpointIndependent, nat.FilteringAddress, nat.HairpinNo, nat.UDPWorks, "restricted cone NAT"},
		{netlab.PortRestricted, nat.MappingEndpointIndependent, nat.FilteringAddressPort, nat.HairpinNo, nat.UDPWorks, "port-restricted cone NAT"},
		{netlab.Symmetric, nat.MappingAddressPort, nat.FilteringAddressPort, nat.HairpinNo, nat.UDPWorks, "symmetric NAT"},
		{netlab.NoUDP, nat.MappingUnknown, nat.FilteringUnknown, nat.HairpinUnknown, nat.UDPBlocked, "UDP blocked"},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			l := lab(t, c.kind, netlab.NoNAT)
			coturn(t, l, "--no-auth")
			var r nat.Report
			role(t, l, netlab.HostA, "discover", nat.Config{
				Servers: []string{"stun:" + netlab.InternetAddr, "turns:" + netlab.InternetAddr}, Timeout: 1500 * time.Millisecond,
			}, &r)
			f := r.IPv4
			if f == nil {
				t.Fatalf("nothing about IPv4: %+v", r)
			}
			if f.Mapping != c.mapping || f.Filtering != c.filtering || f.UDP != c.udp || f.Kind() != c.name || f.Hairpin != c.hairpin {
				t.Errorf("%+v (%s), want %+v", f, f.Kind(), c)
			}
			if f.UDP != nat.UDPWorks {
				return
			}
			want := netlab.PublicA
			if c.kind == netlab.NoNAT {
				want = netlab.HostAAddr
			}
			if f.Public.Addr().String() != want || len(f.Servers) != 1 || !f.Servers[0].Discovery || f.Servers[0].RTTms <= 0 {
				t.Errorf("%+v", f)
			}
			t.Logf("%s in %v", f.Kind(), r.Took.Round(time.Millisecond))
		})
	}
}

// TestDiscoverWithPlainServers: without RFC 5780 two servers tell the mapping,
// one cannot; names that do not resolve and silent servers are named.
func TestDiscoverWithPlainServers(t *testing.T) {
	l := lab(t, netlab.Symmetric, netlab.PortRestricted)
	coturn(t, l, "--no-auth", "--no-rfc5780")
	two := []string{"stun:" + netlab.InternetAddr, "stun:" + netlab.InternetAddr2 + ":3478", "stun:[" + netlab.InternetAddr6 + "]"}
	for _, c := range []struct {
		at      netlab.Place
		servers []string
		mapping nat.Mapping
	}{
		{netlab.HostA, two, nat.MappingDependent},
		{netlab.HostB, two, nat.MappingEndpointIndependent},
		{netlab.HostB, two[:1], nat.MappingUnknown},
		{netlab.HostB, append(two[:2:2], "stun:198.51.100.77", "stun:nowhere.invalid"), nat.MappingEndpointIndependent},
	} {
		var r nat.Report
		role(t, l, c.at, "discover", nat.Config{Servers: c.servers, Timeout: time.Second}, &r)
		if r.IPv4 == nil || r.IPv4.Mapping != c.mapping || r.IPv4.Filtering != nat.FilteringUnknown {
			t.Errorf("%s %v: %+v", c.at, c.servers, r.IPv4)
		}
		if len(c.servers) == 3 && (r.IPv6 == nil || r.IPv6.Mapping != nat.MappingNone || !strings.HasPrefix(r.IPv6.Public.String(), "[2001:db8:")) {
			t.Errorf("IPv6: %+v", r.IPv6)
		}
		if len(c.servers) == 4 && (r.IPv4.Servers[2].Error == "" || r.IPv4.Servers[3].Error == "") {
			t.Errorf("servers that are not there: %+v", r.IPv4.Servers)
		}
	}
}
