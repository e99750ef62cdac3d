// Package lan makes nodes known on the local network and finds them there, by
// multicast DNS (RFC 6762) and service discovery (RFC 6763) as "_edgecam._tcp".
//
// What is said is what a person needs to reach the page and to tell two nodes
// apart. It holds no serial number, no state and nothing that opens anything.
package lan

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/pion/logging"
	"github.com/pion/mdns/v2"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// ServiceType is the type of the service that nodes announce.
const ServiceType = "_edgecam._tcp"

// multicast addresses that the sockets are bound to, with RFC 6762's port.
const (
	group4 = "224.0.0.251:5353"
	group6 = "[ff02::fb]:5353"
)

// lookAgain is the time between two looks at the network interfaces. An
// address that appears later, such as Wi-Fi's, is announced within it.
const lookAgain = 10 * time.Second

// unknown is no state of the interfaces.
const unknown = "not looked at yet"

// ErrNoNetwork is returned when no interface can carry multicast DNS.
var ErrNoNetwork = errors.New("lan: no network interface with an address; connect a cable or Wi-Fi")

// Node is what is said of a node.
type Node struct {
	Name    string // for people, at most 63 bytes of it are used
	Host    string // name of the machine, without ".local"
	Port    int    // of the page
	TLS     bool   // whether the page is served by HTTPS
	Version string
	Board   string
}

// service returns n as DNS-SD has it.
func (n Node) service() mdns.ServiceInstance {
	secure := "0"
	if n.TLS {
		secure = "1"
	}
	return mdns.ServiceInstance{
		Instance: label(n.Name), Service: ServiceType, Domain: "local", Host: host(n.Host) + ".local.", Port: uint16(n.Port),
		Text: []mdns.TXTEntry{
			mdns.NewTXTString("txtvers", "1"), mdns.NewTXTString("tls", secure), mdns.NewTXTString("path", "/"),
			mdns.NewTXTString("version", n.Version), mdns.NewTXTString("board", n.Board),
		},
	}
}

// label returns name as an instance name: printable, at most 63 bytes.
func label(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	for len(name) > 63 {
		r := []rune(name)
		name = string(r[:len(r)-1])
	}
	if name == "" {
		return "edgecam"
	}
	return name
}

// host returns name as a host name: its first label, letters, digits and
// hyphens.
func host(name string) string {
	name, _, _ = strings.Cut(strings.ToLower(name), ".")
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return -1
	}, name)
	name = strings.Trim(name, "-")
	if len(name) > 63 {
		name = strings.TrimRight(name[:63], "-")
	}
	if name == "" {
		return "edgecam"
	}
	return name
}

// Announce makes the node known until ctx is done, on every interface that has
// an address, also those that get one later. Trouble is logged once per kind
// and never ends it: the page works without being announced.
func Announce(ctx context.Context, n Node, log *slog.Logger) {
	announce(ctx, n, log, networks, lookAgain)
}

func announce(ctx context.Context, n Node, log *slog.Logger, networks func() ([]net.Interface, string), again time.Duration) {
	var conn *mdns.Conn
	known, said := unknown, ""
	defer func() { closeConn(conn) }()
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		if ifaces, key := networks(); key != known {
			closeConn(conn)
			known = key
			var err error
			if conn, err = open(ifaces, log, n.service()); err == nil {
				said = ""
				log.Debug("announced on the local network", "service", ServiceType, "interfaces", len(ifaces))
			} else {
				known = unknown // tried again at the next look
				if err.Error() != said {
					said = err.Error()
					log.Info("node is not announced on the local network", "error", err)
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func closeConn(c *mdns.Conn) {
	if c != nil {
		_ = c.Close() // nothing is to be saved
	}
}

// networks returns the interfaces that are up and have an address, and a text
// that changes with them.
func networks() ([]net.Interface, string) { return up(net.FlagMulticast, net.FlagLoopback) }

// up returns the interfaces that are up, with the flags want and without the
// flags not.
func up(want, not net.Flags) (found []net.Interface, key string) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, ""
	}
	var b strings.Builder
	for _, i := range all {
		if i.Flags&(want|net.FlagUp) != want|net.FlagUp || i.Flags&not != 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil || len(addrs) == 0 {
			continue
		}
		found = append(found, i)
		fmt.Fprint(&b, i.Index, i.Name, addrs)
	}
	return slices.Clip(found), b.String()
}

// open returns a connection to the multicast groups on ifaces that answers for
// the services.
func open(ifaces []net.Interface, log *slog.Logger, services ...mdns.ServiceInstance) (*mdns.Conn, error) {
	if len(ifaces) == 0 {
		return nil, ErrNoNetwork
	}
	opts := []mdns.ServerOption{
		mdns.WithInterfaces(ifaces...), mdns.WithLoggerFactory(quiet{}), mdns.WithQueryInterval(time.Second),
		mdns.WithIncludeLoopback(slices.ContainsFunc(ifaces, func(i net.Interface) bool { return i.Flags&net.FlagLoopback != 0 })),
	}
	for _, s := range services {
		opts = append(opts, mdns.WithService(s), mdns.WithLocalNames(strings.TrimSuffix(s.Host, ".")))
	}
	var p4 *ipv4.PacketConn
	var p6 *ipv6.PacketConn
	c4, err := listen("udp4", group4)
	if err == nil {
		p4 = ipv4.NewPacketConn(c4)
	}
	c6, err6 := listen("udp6", group6)
	if err6 == nil {
		p6 = ipv6.NewPacketConn(c6)
	}
	if p4 == nil && p6 == nil {
		return nil, fmt.Errorf("lan: %w", errors.Join(err, err6))
	}
	conn, err := mdns.NewServer(p4, p6, opts...)
	if err != nil {
		for _, c := range []*net.UDPConn{c4, c6} {
			if c != nil {
				_ = c.Close()
			}
		}
		return nil, fmt.Errorf("lan: %w", err)
	}
	for _, s := range services {
		// Unasked for once, so that those who browse see it at once (RFC 6762
		// section 8.3).
		if err := conn.UpdateTXT(s.Instance, s.Service, s.Text); err != nil {
			log.Debug("first announcement failed", "error", err)
		}
	}
	return conn, nil
}

func listen(network, addr string) (*net.UDPConn, error) {
	a, err := net.ResolveUDPAddr(network, addr)
	if err != nil {
		return nil, err
	}
	// A multicast address is bound shared (SO_REUSEADDR), so that another
	// responder on this machine, such as avahi, goes on working.
	return net.ListenUDP(network, a)
}

// quiet keeps the library's messages out of the log: it reports every packet
// of every device of the network that it cannot use.
type quiet struct{}

func (quiet) NewLogger(string) logging.LeveledLogger {
	return logging.NewDefaultLeveledLoggerForScope("mdns", logging.LogLevelDisabled, nil)
}
