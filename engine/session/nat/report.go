package nat

import (
	"net/netip"
	"time"
)

// Mapping says how a NAT chooses the public address of a socket (RFC 4787
// section 4.1, RFC 5780 section 4.3).
type Mapping string

// The mapping behaviours.
const (
	MappingUnknown             Mapping = "unknown"
	MappingNone                Mapping = "no-nat"               // the public address is the own one
	MappingEndpointIndependent Mapping = "endpoint-independent" // one for all destinations
	MappingAddress             Mapping = "address-dependent"    // one for each destination address
	MappingAddressPort         Mapping = "address-and-port-dependent"
	// MappingDependent differs between destinations; no server had what it takes
	// to tell by what.
	MappingDependent Mapping = "dependent"
)

// Filtering says what a NAT lets in (RFC 4787 section 5, RFC 5780 section 4.4).
type Filtering string

// The filtering behaviours.
const (
	FilteringUnknown             Filtering = "unknown"
	FilteringEndpointIndependent Filtering = "endpoint-independent" // from anybody, once the socket has sent
	FilteringAddress             Filtering = "address-dependent"
	FilteringAddressPort         Filtering = "address-and-port-dependent"
)

// Hairpin says whether two behind the same NAT reach each other at their public
// addresses (RFC 4787 section 6).
type Hairpin string

// The hairpinning behaviours.
const (
	HairpinUnknown Hairpin = "unknown"
	HairpinYes     Hairpin = "yes"
	HairpinNo      Hairpin = "no"
)

// UDP says whether UDP gets out at all.
type UDP string

// The states of UDP.
const (
	UDPWorks   UDP = "works"
	UDPBlocked UDP = "blocked"   // a server answers over TCP alone
	UDPSilent  UDP = "no-answer" // no server answers at all
)

// Server is what one STUN server has told.
type Server struct {
	URL     string         `json:"url"`
	Address netip.AddrPort `json:"address,omitzero"`
	// Mapped is the public address that it saw.
	Mapped netip.AddrPort `json:"mapped,omitzero"`
	RTTms  float64        `json:"rtt_ms,omitempty"`
	// TCP says that the server answers over TCP; it is asked only if it does not
	// over UDP.
	TCP bool `json:"tcp,omitempty"`
	// Discovery says that it has a second address, for RFC 5780.
	Discovery bool   `json:"behaviour_discovery,omitempty"`
	Software  string `json:"software,omitempty"`
	Error     string `json:"error,omitempty"`
}

// Family is what was found for one address family.
type Family struct {
	UDP       UDP            `json:"udp"`
	Local     netip.AddrPort `json:"local,omitzero"`
	Public    netip.AddrPort `json:"public,omitzero"`
	Mapping   Mapping        `json:"mapping"`
	Filtering Filtering      `json:"filtering"`
	Hairpin   Hairpin        `json:"hairpin"`
	// PortKept says that the public port is the local one.
	PortKept bool     `json:"port_kept"`
	Servers  []Server `json:"servers"`
}

// Report is the result of Discover.
type Report struct {
	At   time.Time     `json:"at"`
	Took time.Duration `json:"took_ns"`
	// IPv4 and IPv6 are nil where no server has an address of the family, or this
	// machine has none to reach it from.
	IPv4 *Family `json:"ipv4,omitempty"`
	IPv6 *Family `json:"ipv6,omitempty"`
}

// Kind names the NAT in the classic words.
func (f *Family) Kind() string {
	switch {
	case f.UDP == UDPBlocked:
		return "UDP blocked"
	case f.UDP == UDPSilent:
		return "no answer"
	case f.Mapping == MappingNone && f.Filtering == FilteringEndpointIndependent:
		return "open internet"
	case f.Mapping == MappingNone && f.Filtering == FilteringUnknown:
		return "no NAT"
	case f.Mapping == MappingNone:
		return "no NAT, behind a firewall"
	case f.Mapping == MappingAddress || f.Mapping == MappingAddressPort || f.Mapping == MappingDependent:
		return "symmetric NAT"
	case f.Mapping == MappingUnknown:
		return "NAT of an unknown kind"
	case f.Filtering == FilteringEndpointIndependent:
		return "full cone NAT"
	case f.Filtering == FilteringAddress:
		return "restricted cone NAT"
	case f.Filtering == FilteringAddressPort:
		return "port-restricted cone NAT"
	}
	return "cone NAT"
}

// Advice says in one sentence what that means for viewers from outside.
func (f *Family) Advice() string {
	switch k := f.Kind(); k {
	case "UDP blocked":
		return "viewers from outside need a TURN server that is reached over TCP or TLS (turn:…?transport=tcp, turns:…)"
	case "no answer":
		return "no STUN server answers: look at the network connection, the servers' names, and the firewall"
	case "open internet", "full cone NAT":
		return "viewers from outside connect directly"
	case "no NAT", "no NAT, behind a firewall", "cone NAT", "restricted cone NAT", "port-restricted cone NAT":
		return "viewers from outside connect directly unless they are behind a symmetric NAT: then a TURN server is needed"
	case "symmetric NAT":
		return "viewers behind a full cone NAT or none connect directly, all others need a TURN server, or a port forwarding and webrtc.public_ips"
	}
	return "name a second STUN server with another address to learn more"
}
