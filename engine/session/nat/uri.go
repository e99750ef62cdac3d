package nat

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ErrURI says that an address of a STUN or TURN server cannot be used.
var ErrURI = errors.New("nat: bad STUN or TURN address")

// URI is the address of a STUN or TURN server (RFC 7064, RFC 7065).
type URI struct {
	Scheme    string // stun, stuns, turn or turns
	Host      string
	Port      uint16
	Transport string // udp or tcp
}

// ParseURI reads an address such as "stun:stun.example.org" or
// "turns:turn.example.org:443?transport=tcp". Errors wrap ErrURI.
func ParseURI(s string) (URI, error) {
	bad := func(why string) (URI, error) {
		return URI{}, fmt.Errorf("%w: %q %s (an example: stun:stun.example.org:3478)", ErrURI, s, why)
	}
	scheme, rest, ok := strings.Cut(s, ":")
	u := URI{Scheme: strings.ToLower(scheme), Port: 3478, Transport: "udp"}
	switch u.Scheme {
	case "stun", "turn":
	case "stuns", "turns":
		u.Port, u.Transport = 5349, "tcp"
	default:
		return bad("must begin with stun:, stuns:, turn: or turns:")
	}
	if !ok || strings.HasPrefix(rest, "//") {
		return bad("must be like " + u.Scheme + ":HOST:PORT")
	}
	rest, query, has := strings.Cut(rest, "?")
	if has {
		t, ok := strings.CutPrefix(query, "transport=")
		if t = strings.ToLower(t); !ok || t != "udp" && t != "tcp" || strings.HasPrefix(u.Scheme, "stun") {
			return bad("may end in ?transport=udp or ?transport=tcp, for turn and turns alone")
		}
		u.Transport = t
	}
	u.Host = rest
	if host, port, err := net.SplitHostPort(rest); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return bad("has a port that is not 1 to 65535")
		}
		u.Host, u.Port = host, uint16(n)
	} else if strings.HasPrefix(rest, "[") && strings.HasSuffix(rest, "]") {
		u.Host = rest[1 : len(rest)-1]
	}
	if u.Host == "" || strings.ContainsAny(u.Host, " \t\r\n<>\"\\/@[]") || strings.Contains(u.Host, ":") && net.ParseIP(u.Host) == nil {
		return bad("has no usable host")
	}
	return u, nil
}

// String returns the shortest form.
func (u URI) String() string {
	s := u.Scheme + ":" + net.JoinHostPort(u.Host, strconv.Itoa(int(u.Port)))
	if plain := map[string]string{"turn": "udp", "turns": "tcp"}[u.Scheme]; plain != "" && plain != u.Transport {
		s += "?transport=" + u.Transport
	}
	return s
}

// UDP reports whether the server answers Binding requests over plain UDP.
func (u URI) UDP() bool {
	return (u.Scheme == "stun" || u.Scheme == "turn") && u.Transport == "udp"
}

// resolve returns the first address of each family.
func (u URI) resolve(ctx context.Context) ([]netip.AddrPort, error) {
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Host)
	if err != nil {
		return nil, fmt.Errorf("nat: look up %s: %w", u.Host, err)
	}
	var v4, v6 bool
	var out []netip.AddrPort
	for _, ip := range ips {
		if ip = ip.Unmap(); ip.Is6() && !v6 || ip.Is4() && !v4 {
			out = append(out, netip.AddrPortFrom(ip, u.Port))
			v4, v6 = v4 || ip.Is4(), v6 || ip.Is6()
		}
	}
	return out, nil
}
