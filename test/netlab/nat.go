package netlab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
)

// NAT is a kind of network address translator.
type NAT string

// The kinds of NAT, in the words of RFC 4787 and, in brackets, the classic ones.
const (
	// NoNAT routes.
	NoNAT NAT = "none"
	// FullCone maps and filters independently of the endpoint (full cone).
	FullCone NAT = "full"
	// Restricted maps independently, filters by address (restricted cone).
	Restricted NAT = "restricted"
	// PortRestricted maps independently, filters by address and port
	// (port-restricted cone).
	PortRestricted NAT = "port-restricted"
	// Symmetric maps and filters by address and port (symmetric).
	Symmetric NAT = "symmetric"
	// NoUDP is PortRestricted, and lets no UDP through.
	NoUDP NAT = "no-udp"
)

// Place is a machine of a NATLab.
type Place string

// The places: two hosts, each behind a NAT of its own, and the internet between
// them.
const (
	HostA    Place = "a"
	NATA     Place = "nata"
	Internet Place = "inet"
	NATB     Place = "natb"
	HostB    Place = "b"
)

// Addresses of a NATLab. The internet has two, as RFC 5780 wants them.
const (
	InternetAddr  = "198.51.100.10"
	InternetAddr2 = "198.51.100.11"
	InternetAddr6 = "2001:db8:100::10"
	HostAAddr     = "10.71.0.2"
	HostBAddr     = "10.72.0.2"
	// HostASecond and HostBSecond are on another network behind the same NAT,
	// after Move.
	HostASecond = "10.81.0.2"
	HostBSecond = "10.82.0.2"
	PublicA     = "198.51.100.1"
	PublicB     = "198.51.100.2"
)

// NATLab is two hosts behind NATs, as network namespaces of Linux with rules of
// nftables. It takes root, and the commands ip and nft.
type NATLab struct {
	prefix string
	ctx    context.Context // of the commands that change it
}

var labs atomic.Int32

// NewNATLab makes a laboratory; Close removes it. Errors wrap ErrNamespaces if
// this machine cannot have one. IPv6 is routed without a NAT, whatever the kinds,
// and stopped by NoUDP.
func NewNATLab(ctx context.Context, a, b NAT) (*NATLab, error) {
	for _, name := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(name); err != nil || os.Geteuid() != 0 {
			return nil, fmt.Errorf("%w (and nft, for NATs)", ErrNamespaces)
		}
	}
	l := &NATLab{prefix: "ecn" + strconv.Itoa(os.Getpid()) + "x" + strconv.Itoa(int(labs.Add(1))), ctx: ctx}
	if err := l.build(a, b); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *NATLab) name(p Place) string { return l.prefix + string(p) }

func (l *NATLab) ip(format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	if out, err := exec.CommandContext(l.ctx, "ip", strings.Fields(line)...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: ip %s: %w: %s", ErrNamespaces, line, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// lines runs several ip commands; "@x" stands for the namespace of place x.
func (l *NATLab) lines(text string) error {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		words := strings.Fields(line)
		for i, w := range words {
			if p, ok := strings.CutPrefix(w, "@"); ok {
				words[i] = l.name(Place(p))
			}
		}
		if err := l.ip("%s", strings.Join(words, " ")); err != nil {
			return err
		}
	}
	return nil
}

func (l *NATLab) build(a, b NAT) error {
	for _, p := range []Place{HostA, NATA, Internet, NATB, HostB} {
		if err := l.ip("netns add %s", l.name(p)); err != nil {
			return err
		}
		if err := l.ip("-n %s link set lo up", l.name(p)); err != nil {
			return err
		}
		// Addresses are of use at once, not after a look for duplicates.
		settings := []string{"-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0"}
		if p != HostA && p != HostB {
			settings = append(settings, "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
		}
		if out, err := l.Command(l.ctx, p, "sysctl", settings...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: sysctl: %w: %s", ErrNamespaces, err, strings.TrimSpace(string(out)))
		}
	}
	// A default route into the void: without one a TURN server on the internet
	// takes a private peer address for a failure of its own.
	if err := l.lines(`
		-n @inet link add br0 type bridge
		-n @inet link set br0 up
		-n @inet addr add ` + InternetAddr + `/24 dev br0
		-n @inet addr add ` + InternetAddr2 + `/24 dev br0
		-n @inet addr add ` + InternetAddr6 + `/64 dev br0 nodad
		-n @inet neigh add 198.51.100.254 lladdr 02:00:00:00:00:fe dev br0
		-n @inet route add default via 198.51.100.254`); err != nil {
		return err
	}
	for i, side := range []struct {
		nat, host Place
		kind      NAT
	}{{NATA, HostA, a}, {NATB, HostB, b}} {
		if err := l.side(i+1, side.nat, side.host, side.kind); err != nil {
			return err
		}
	}
	// What is behind no NAT is on the internet.
	for n, side := range []struct {
		kind  NAT
		other Place
	}{{a, NATB}, {b, NATA}} {
		for _, from := range []Place{Internet, side.other} {
			for _, net := range []string{"10.7", "10.8"} {
				if side.kind != NoNAT {
					continue
				}
				if err := l.ip("-n %s route add %s%d.0.0/24 via 198.51.100.%d", l.name(from), net, n+1, n+1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (l *NATLab) side(n int, nat, host Place, kind NAT) error {
	r := strings.NewReplacer("@nat", "@"+string(nat), "@host", "@"+string(host), "N", strconv.Itoa(n))
	if err := l.lines(r.Replace(`
		-n @nat link add wan type veth peer name portN netns @inet
		-n @inet link set portN master br0 up
		-n @nat addr add 198.51.100.N/24 dev wan
		-n @nat addr add 2001:db8:100::N/64 dev wan nodad
		-n @nat link set wan up
		-n @nat link add lan type veth peer name eth0 netns @host
		-n @nat addr add 10.7N.0.1/24 dev lan
		-n @nat addr add 2001:db8:N::1/64 dev lan nodad
		-n @nat link set lan up
		-n @host addr add 10.7N.0.2/24 dev eth0
		-n @host addr add 2001:db8:N::2/64 dev eth0 nodad
		-n @host link set eth0 up
		-n @host route add default via 10.7N.0.1
		-n @host -6 route add default via 2001:db8:N::1
		-n @inet route add 2001:db8:N::/64 via 2001:db8:100::N
		-n @nat link add lan2 type veth peer name wlan0 netns @host
		-n @nat addr add 10.8N.0.1/24 dev lan2
		-n @nat link set lan2 up`)); err != nil {
		return err
	}
	if err := l.ip("-n %s -6 route add 2001:db8:%d::/64 via 2001:db8:100::%d", l.name(nat), 3-n, 3-n); err != nil {
		return err
	}
	return l.rules(n, nat, kind)
}

// rules writes the NAT's rules.
func (l *NATLab) rules(n int, nat Place, kind NAT) error {
	var post, pre, forward string
	host := fmt.Sprintf("10.7%d.0.2", n)
	switch kind {
	case NoNAT:
	case Symmetric:
		post, forward = "oifname wan masquerade fully-random", "iifname wan ip protocol udp ct state new drop"
	case PortRestricted, NoUDP:
		post, forward = "oifname wan masquerade", "iifname wan ip protocol udp ct state new drop"
	case FullCone:
		post, pre = "oifname wan masquerade", "iifname wan udp dport 1024-65535 dnat to "+host
	case Restricted:
		post, pre = "oifname wan masquerade", "iifname wan ip saddr . udp dport @asked dnat to "+host
		forward = "oifname wan update @asked { ip daddr . udp sport }\niifname wan ct state new ip saddr . udp dport != @asked drop"
	default:
		return fmt.Errorf("netlab: unknown NAT %q", kind)
	}
	if kind == NoUDP {
		forward += "\nmeta l4proto udp drop"
	}
	// Unsolicited packets are dropped before the kernel notes a connection for
	// them, which would take the port from the mapping that is made later.
	text := fmt.Sprintf(`
table inet nat {
	set asked { type ipv4_addr . inet_service; flags dynamic,timeout; timeout 1m; size 64; }
	chain post { type nat hook postrouting priority 100; meta nfproto ipv4 %s; }
	chain pre { type nat hook prerouting priority -100; meta nfproto ipv4 %s; }
	chain forward { type filter hook forward priority 0; %s; }
	chain input { type filter hook input priority 0; iifname wan meta l4proto udp ct state new drop; }
}`, orNothing(post), orNothing(pre), strings.ReplaceAll(orNothing(forward), "\n", "; "))
	if kind == NoNAT {
		text = "table inet nat { }"
	}
	if kind == Restricted || kind == FullCone {
		text = strings.ReplaceAll(text, "dnat to", "dnat ip to")
	}
	cmd := exec.CommandContext(l.ctx, "ip", "netns", "exec", l.name(nat), "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: nft: %w: %s", ErrNamespaces, err, strings.TrimSpace(string(out)))
	}
	return nil
}

func orNothing(rule string) string {
	if rule == "" {
		return "accept"
	}
	return rule
}

// WithoutIPv6 takes their IPv6 addresses from the hosts: NATs are IPv4's.
func (l *NATLab) WithoutIPv6() error {
	return l.lines(`
		-n @a -6 addr flush dev eth0 scope global
		-n @b -6 addr flush dev eth0 scope global`)
}

// Move takes a host from its cable to another network behind the same NAT, as
// from Ethernet to Wi-Fi: the old address is gone, the new one is there after a
// while that the caller waits.
func (l *NATLab) Move(host Place, between func()) error {
	if err := l.Unplug(host); err != nil {
		return err
	}
	if between != nil {
		between()
	}
	return l.Join(host)
}

// Unplug pulls a host's cable: its address is gone.
func (l *NATLab) Unplug(host Place) error {
	return l.lines(fmt.Sprintf(`
		-n @%[1]s link set eth0 down
		-n @%[1]s addr flush dev eth0`, host))
}

// Join has a host on the other network behind its NAT.
func (l *NATLab) Join(host Place) error {
	return l.lines(fmt.Sprintf(`
		-n @%[1]s addr add 10.8%[2]d.0.2/24 dev wlan0
		-n @%[1]s link set wlan0 up
		-n @%[1]s route replace default via 10.8%[2]d.0.1`, host, sideOf(host)))
}

// Return takes a host back to its cable.
func (l *NATLab) Return(host Place) error {
	return l.lines(fmt.Sprintf(`
		-n @%[1]s link set wlan0 down
		-n @%[1]s addr flush dev wlan0
		-n @%[1]s addr add 10.7%[2]d.0.2/24 dev eth0
		-n @%[1]s link set eth0 up
		-n @%[1]s route replace default via 10.7%[2]d.0.1`, host, sideOf(host)))
}

// sideOf is the number that a host's addresses have.
func sideOf(host Place) int {
	if host == HostB {
		return 2
	}
	return 1
}

// Command returns a command that will run at a place.
func (l *NATLab) Command(ctx context.Context, p Place, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", l.name(p), name}, args...)...)
}

// Close removes the laboratory. What runs in it must have ended.
func (l *NATLab) Close() error {
	var err error
	for _, p := range []Place{HostA, NATA, Internet, NATB, HostB} {
		out, e := exec.Command("ip", "netns", "del", l.name(p)).CombinedOutput()
		if e != nil && !strings.Contains(string(out), "No such file") {
			err = errors.Join(err, fmt.Errorf("netlab: remove namespace: %w: %s", e, strings.TrimSpace(string(out))))
		}
	}
	return err
}
