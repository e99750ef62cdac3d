package session

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/edgecam/edgecam/engine/session/codec"
)

// DefaultUDPPort is the port of all media unless configured otherwise.
const DefaultUDPPort = 8555

// MDNSMode says how multicast DNS names (RFC 8828's ".local" candidates) are
// treated. Browsers hide their addresses behind such names; a viewer on the
// same network still connects with MDNSOff, since the node's own address is in
// the answer and the viewer's is learnt from its first packet.
type MDNSMode string

// The multicast DNS modes.
const (
	MDNSOff            MDNSMode = "off"
	MDNSQuery          MDNSMode = "query"            // resolve the viewers' names
	MDNSQueryAndGather MDNSMode = "query-and-gather" // and hide the node's own addresses
)

// PlayoutDelay is the range of jitter-buffer delays that viewers are asked to
// keep for video, in the playout-delay header extension. The zero value asks
// for the picture as soon as it is there, which is right for live view.
// Resolution 10 ms, at most 40.95 s.
type PlayoutDelay struct{ Min, Max time.Duration }

// Config configures a Manager.
type Config struct {
	// UDPPort carries all media of all viewers; 0 takes any free port.
	UDPPort int
	// Loopback restricts the sockets to 127.0.0.1 and ::1. Otherwise every
	// address of the machine (or of Interfaces) is bound, loopback included.
	Loopback bool
	// Interfaces names the network interfaces to use; empty means all.
	Interfaces []string
	// ICETCP also accepts media over TCP on the same port number (RFC 6544),
	// for networks that drop UDP.
	ICETCP bool
	// ICEServers are told to viewers. The node asks the STUN servers among them
	// for the public addresses of its media port, which answers name.
	ICEServers []ICEServer
	// GatherWait, when positive, makes the node have an address at the TURN
	// servers too, for each viewer; an answer waits that long at most for it.
	// With 0 an answer goes out at once.
	GatherWait time.Duration
	// TURNRoots are the authorities that TURN servers with TLS (turns:) must have
	// their certificate of; nil means the system's.
	TURNRoots *x509.CertPool
	// PublicIPs are addresses under which a router forwards the port to this
	// node (1:1 NAT); they are offered besides the node's own.
	PublicIPs []string
	// MaxViewers bounds the sessions, connected or not.
	MaxViewers int
	// MaxHalfOpen bounds the sessions that have not connected yet.
	MaxHalfOpen int
	// ConnectTimeout ends sessions that do not connect.
	ConnectTimeout time.Duration
	// VoiceCodecs are the codecs that are spoken with viewers, the preferred
	// first; empty means all.
	VoiceCodecs []codec.Name
	// PlayoutDelay of video.
	PlayoutDelay PlayoutDelay
	// MDNS is how ".local" candidates are treated; "" means MDNSOff.
	MDNS MDNSMode
}

// Defaults returns the configuration of a node on a local network.
func Defaults() Config {
	return Config{
		UDPPort:        DefaultUDPPort,
		ICETCP:         true,
		MaxViewers:     32,
		MaxHalfOpen:    16,
		ConnectTimeout: 15 * time.Second,
		MDNS:           MDNSOff,
	}
}

// withDefaults fills fields whose zero value has no meaning of its own.
func (c Config) withDefaults() Config {
	d := Defaults()
	if c.MaxViewers == 0 {
		c.MaxViewers = d.MaxViewers
	}
	if c.MaxHalfOpen == 0 {
		c.MaxHalfOpen = min(d.MaxHalfOpen, c.MaxViewers)
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = d.ConnectTimeout
	}
	if c.MDNS == "" {
		c.MDNS = MDNSOff
	}
	if len(c.VoiceCodecs) == 0 {
		c.VoiceCodecs = codec.Names()
	}
	return c
}

// Validate reports every value that cannot work, joined.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("session: "+format, args...)) }
	if c.UDPPort < 0 || c.UDPPort > 65535 {
		bad("udp port %d: must be 0 (any) to 65535", c.UDPPort)
	}
	if c.MaxViewers < 1 || c.MaxViewers > 10000 {
		bad("max viewers %d: must be 1 to 10000", c.MaxViewers)
	}
	if c.MaxHalfOpen < 1 || c.MaxHalfOpen > c.MaxViewers {
		bad("max half-open sessions %d: must be 1 to the maximum of viewers, %d", c.MaxHalfOpen, c.MaxViewers)
	}
	if c.ConnectTimeout < time.Second || c.ConnectTimeout > 10*time.Minute {
		bad("connect timeout %v: must be 1s to 10m", c.ConnectTimeout)
	}
	if c.GatherWait < 0 || c.GatherWait > 10*time.Second {
		bad("gather wait %v: must be 0 to 10s", c.GatherWait)
	}
	const longest = 4095 * 10 * time.Millisecond
	if c.PlayoutDelay.Min < 0 || c.PlayoutDelay.Max < c.PlayoutDelay.Min || c.PlayoutDelay.Max > longest {
		bad("playout delay %v to %v: must satisfy 0 <= min <= max <= %v", c.PlayoutDelay.Min, c.PlayoutDelay.Max, longest)
	}
	switch c.MDNS {
	case MDNSOff, MDNSQuery, MDNSQueryAndGather:
	default:
		bad("mdns mode %q: must be %q, %q or %q", c.MDNS, MDNSOff, MDNSQuery, MDNSQueryAndGather)
	}
	for _, n := range c.VoiceCodecs {
		if _, err := codec.Lookup(n); err != nil {
			errs = append(errs, fmt.Errorf("session: %w", err))
		}
	}
	for _, ip := range c.PublicIPs {
		if a, err := netip.ParseAddr(ip); err != nil || a.Zone() != "" {
			bad("public address %q: must be an IPv4 or IPv6 address", ip)
		}
	}
	if len(c.PublicIPs) > 0 && c.MDNS == MDNSQueryAndGather {
		bad("public addresses cannot be combined with mdns mode %q, which hides addresses", c.MDNS)
	}
	for _, s := range c.ICEServers {
		errs = append(errs, s.validate()...)
	}
	return errors.Join(errs...)
}
