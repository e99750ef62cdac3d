package nat

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Config says whom Discover asks.
type Config struct {
	// Servers are STUN or TURN servers as URIs (RFC 7064, RFC 7065), such as
	// "stun:stun.example.org:3478"; those over TLS are left out. Two with
	// different addresses, or one with the usage of RFC 5780, tell how the NAT
	// maps; the latter is needed to tell what it filters.
	Servers []string
	// Timeout bounds the wait for each answer; 0 means 2 s. The whole takes at
	// most four times as long.
	Timeout time.Duration
}

const defaultTimeout = 2 * time.Second

// ErrNoServer says that there is nobody to ask.
var ErrNoServer = errors.New("nat: no STUN server")

// Discover finds out what stands between this machine and the servers. It fails
// only if there is no server to ask or the context ends; what does not answer is
// in the report.
func Discover(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	var uris []URI
	for _, s := range cfg.Servers {
		u, err := ParseURI(s)
		if err != nil {
			return nil, err
		}
		if u.UDP() && !slices.ContainsFunc(uris, func(k URI) bool { return k.Host == u.Host && k.Port == u.Port }) {
			uris = append(uris, u)
		}
	}
	if len(uris) == 0 {
		return nil, fmt.Errorf("%w: name one, such as stun:stun.example.org:3478", ErrNoServer)
	}
	r := &Report{At: time.Now()}
	defer func() { r.Took = time.Since(r.At) }()
	found := resolve(ctx, uris, cfg.Timeout)
	var wg sync.WaitGroup
	for _, family := range []struct {
		out **Family
		v6  bool
	}{{&r.IPv4, false}, {&r.IPv6, true}} {
		var targets []target
		for _, t := range found {
			if t.addr.IsValid() && t.addr.Addr().Is6() == family.v6 || !t.addr.IsValid() && !family.v6 {
				targets = append(targets, t)
			}
		}
		if len(targets) > 0 && (!family.v6 || route(targets[0].addr).IsValid()) {
			wg.Go(func() { *family.out = discover(ctx, targets, cfg.Timeout) })
		}
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("nat: %w", err)
	}
	return r, nil
}

// target is a server's address; without one err says why.
type target struct {
	url  string
	addr netip.AddrPort
	err  error
}

// resolve looks the servers' names up, for each one address per family.
func resolve(ctx context.Context, uris []URI, timeout time.Duration) []target {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out := make([][]target, len(uris))
	var wg sync.WaitGroup
	for i, u := range uris {
		wg.Go(func() {
			addrs, err := u.resolve(ctx)
			if err != nil {
				out[i] = []target{{url: u.String(), err: err}}
			}
			for _, a := range addrs {
				out[i] = append(out[i], target{url: u.String(), addr: a})
			}
		})
	}
	wg.Wait()
	return slices.Concat(out...)
}

// route returns the own address from which a server is reached, if any is.
func route(to netip.AddrPort) netip.Addr {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to)) // sends nothing
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// sight is the public address that one destination saw.
type sight struct{ to, mapped netip.AddrPort }

func discover(ctx context.Context, targets []target, timeout time.Duration) *Family {
	f := &Family{Mapping: MappingUnknown, Filtering: FilteringUnknown, Hairpin: HairpinUnknown, UDP: UDPSilent, Servers: make([]Server, len(targets))}
	var local netip.Addr
	for _, t := range targets {
		if t.addr.IsValid() && !local.IsValid() {
			local = route(t.addr)
		}
	}
	seen := make(chan transaction, 8)
	s, done, err := listen(netip.AddrPortFrom(local, 0), func(id transaction) {
		select {
		case seen <- id:
		default:
		}
	})
	if !local.IsValid() || err != nil {
		for i, t := range targets {
			err := errors.Join(t.err, err)
			if err == nil {
				err = errors.New("nat: this machine has no address to reach it from")
			}
			f.Servers[i] = Server{URL: t.url, Address: t.addr, Error: err.Error()}
		}
		if err == nil {
			done()
		}
		return f
	}
	defer done()
	f.Local = s.Local()
	var wg sync.WaitGroup
	others := make([]netip.AddrPort, len(targets))
	for i, t := range targets {
		wg.Go(func() { f.Servers[i], others[i] = ask(ctx, s, t, timeout) })
	}
	wg.Wait()
	var sights []sight
	helper := -1 // the server of RFC 5780 that is asked
	for i, sv := range f.Servers {
		switch {
		case sv.Mapped.IsValid():
			f.UDP = UDPWorks
			sights = append(sights, sight{sv.Address, sv.Mapped})
			if sv.Discovery && helper < 0 {
				helper = i
			}
		case sv.TCP && f.UDP == UDPSilent:
			f.UDP = UDPBlocked
		}
	}
	if len(sights) == 0 {
		return f
	}
	f.Public = sights[0].mapped
	f.PortKept = f.Public.Port() == f.Local.Port()
	if helper >= 0 {
		primary, other := f.Servers[helper].Address, others[helper]
		wg.Go(func() { f.Filtering = filtering(ctx, local, primary, timeout) })
		sights = append(sights, look(ctx, s, []netip.AddrPort{netip.AddrPortFrom(other.Addr(), primary.Port()), other}, timeout)...)
	}
	f.Mapping = mapping(f.Local, sights)
	if f.Mapping != MappingNone {
		f.Hairpin = hairpin(ctx, local, f.Public, seen, timeout)
	}
	wg.Wait()
	return f
}

// ask asks one server, over TCP if it does not answer over UDP.
func ask(ctx context.Context, s *Socket, t target, timeout time.Duration) (sv Server, other netip.AddrPort) {
	sv = Server{URL: t.url, Address: t.addr}
	if t.err != nil {
		sv.Error = t.err.Error()
		return sv, other
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r, rtt, err := s.bind(limited, t.addr, changeNothing)
	if err != nil {
		sv.Error = err.Error()
		var refused *ServerError
		if !errors.As(err, &refused) {
			sv.TCP = askTCP(ctx, t.addr, timeout)
		}
		return sv, other
	}
	sv.Mapped, sv.Software, sv.RTTms = r.answer.mapped, r.answer.software, float64(rtt.Microseconds())/1000
	if o := r.answer.other; o.IsValid() && !o.Addr().IsUnspecified() && o.Addr() != t.addr.Addr() && o.Port() != t.addr.Port() {
		sv.Discovery, other = true, o
	}
	return sv, other
}

// askTCP reports whether a server answers over TCP (RFC 8489 section 6.2.2).
func askTCP(ctx context.Context, server netip.AddrPort, timeout time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", server.String())
	if err != nil {
		return false
	}
	defer c.Close()
	if d, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(d)
	}
	if _, err := c.Write(request(newTransaction(), changeNothing)); err != nil {
		return false
	}
	b := make([]byte, headerLen, 1<<11)
	if _, err := io.ReadFull(c, b); err != nil {
		return false
	}
	b = b[:headerLen+min(int(binary.BigEndian.Uint16(b[2:])), cap(b)-headerLen)]
	if _, err := io.ReadFull(c, b[headerLen:]); err != nil {
		return false
	}
	_, err = parseAnswer(b)
	return err == nil
}

// look asks further addresses of a server; those that do not answer are left out.
func look(ctx context.Context, s *Socket, at []netip.AddrPort, timeout time.Duration) []sight {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	found := make([]sight, len(at))
	var wg sync.WaitGroup
	for i, to := range at {
		wg.Go(func() {
			if r, _, err := s.bind(ctx, to, changeNothing); err == nil {
				found[i] = sight{to, r.answer.mapped}
			}
		})
	}
	wg.Wait()
	return slices.DeleteFunc(found, func(s sight) bool { return !s.mapped.IsValid() })
}

// mapping compares what destinations saw (RFC 5780 section 4.3).
func mapping(local netip.AddrPort, sights []sight) Mapping {
	if !slices.ContainsFunc(sights, func(s sight) bool { return s.mapped != local }) {
		return MappingNone
	}
	byAddress, samePort, addresses := false, MappingUnknown, false
	for i, a := range sights {
		for _, b := range sights[i+1:] {
			switch {
			case a.to.Addr() != b.to.Addr():
				addresses = true
				byAddress = byAddress || a.mapped != b.mapped
			case a.mapped != b.mapped:
				samePort = MappingAddressPort
			case samePort == MappingUnknown:
				samePort = MappingAddress
			}
		}
	}
	switch {
	case samePort == MappingAddressPort:
		return MappingAddressPort
	case !addresses:
		return MappingUnknown
	case !byAddress:
		return MappingEndpointIndependent
	case samePort == MappingAddress:
		return MappingAddress
	}
	return MappingDependent
}

// filtering asks for answers from elsewhere (RFC 5780 section 4.4), from a socket
// that nothing else was sent from.
func filtering(ctx context.Context, local netip.Addr, primary netip.AddrPort, timeout time.Duration) Filtering {
	s, done, err := listen(netip.AddrPortFrom(local, 0), nil)
	if err != nil {
		return FilteringUnknown
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if _, _, err := s.bind(ctx, primary, changeNothing); err != nil {
		return FilteringUnknown
	}
	var both, port reply
	var errBoth, errPort error
	var wg sync.WaitGroup
	wg.Go(func() { both, _, errBoth = s.bind(ctx, primary, changeBoth) })
	wg.Go(func() { port, _, errPort = s.bind(ctx, primary, changePort) })
	wg.Wait()
	var refused *ServerError
	switch {
	case errors.As(errBoth, &refused), errors.As(errPort, &refused),
		errBoth == nil && both.from == primary, errPort == nil && port.from == primary:
		return FilteringUnknown // the server does not change
	case errBoth == nil:
		return FilteringEndpointIndependent
	case errPort == nil:
		return FilteringAddress
	}
	return FilteringAddressPort
}

// hairpin sends from a second socket to the public address of the first (RFC
// 5780 section 4.5).
func hairpin(ctx context.Context, local netip.Addr, public netip.AddrPort, seen <-chan transaction, timeout time.Duration) Hairpin {
	s, done, err := listen(netip.AddrPortFrom(local, 0), nil)
	if err != nil {
		return HairpinUnknown
	}
	defer done()
	id := newTransaction()
	msg := request(id, changeNothing)
	ctx, cancel := context.WithTimeout(ctx, timeout/2)
	defer cancel()
	again := time.NewTicker(firstRTO)
	defer again.Stop()
	for {
		if _, err := s.WriteToUDPAddrPort(msg, public); err != nil {
			return HairpinNo
		}
		select {
		case got := <-seen:
			if got == id {
				return HairpinYes
			}
		case <-again.C:
		case <-ctx.Done():
			return HairpinNo
		}
	}
}
