package session

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
)

const (
	// socketBuffer is asked of the kernel for each UDP socket: a key frame to
	// many viewers leaves in one burst. The kernel may grant less.
	socketBuffer = 2 << 20
	// tcpWriteBuffer bounds what an ICE-TCP viewer may have queued; beyond it
	// packets are refused, which the sender takes for an overrun.
	tcpWriteBuffer = 256 << 10
	// tcpReadPackets is how many packets one ICE-TCP viewer may have waiting.
	tcpReadPackets = 32
)

// sockets are the media sockets: one UDP socket per local address, all with the
// same port, and the TCP listeners beside them.
type sockets struct {
	port int
	udp  *ice.MultiUDPMuxDefault
	tcp  *ice.MultiTCPMuxDefault // nil without ICE-TCP
}

// openSockets binds a socket to every address rather than one to the
// unspecified address, so that answers leave from the address that was asked.
func openSockets(cfg Config, lf logging.LoggerFactory) (*sockets, error) {
	addrs, err := localAddrs(cfg)
	if err != nil {
		return nil, err
	}
	// With port 0 the first socket chooses; another process may have that
	// number on TCP or on another address, so try a few.
	attempts := 1
	if cfg.UDPPort == 0 {
		attempts = 16
	}
	for {
		attempts--
		s, err := bindAll(cfg, addrs, lf)
		if err == nil || attempts == 0 || !errors.Is(err, ErrPortInUse) {
			return s, err
		}
	}
}

func bindAll(cfg Config, addrs []netip.Addr, lf logging.LoggerFactory) (*sockets, error) {
	s := &sockets{port: cfg.UDPPort}
	var udp []*net.UDPConn
	var tcp []net.Listener
	undo := func() {
		for _, c := range udp {
			_ = c.Close()
		}
		for _, l := range tcp {
			_ = l.Close()
		}
	}
	var firstErr error
	for _, a := range addrs {
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, uint16(s.port))))
		if err != nil {
			if inUse(err) {
				undo()
				return nil, portError("UDP", a, s.port, err)
			}
			// An address may vanish or be tentative (IPv6); others will do.
			firstErr = errors.Join(firstErr, err)
			continue
		}
		if s.port == 0 {
			s.port = c.LocalAddr().(*net.UDPAddr).Port
		}
		_ = c.SetReadBuffer(socketBuffer)
		_ = c.SetWriteBuffer(socketBuffer)
		udp = append(udp, c)
		if !cfg.ICETCP {
			continue
		}
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, uint16(s.port))))
		if err != nil {
			if inUse(err) {
				undo()
				return nil, portError("TCP", a, s.port, err)
			}
			firstErr = errors.Join(firstErr, err)
			continue
		}
		tcp = append(tcp, l)
	}
	if len(udp) == 0 {
		undo()
		return nil, fmt.Errorf("session: no media socket could be opened on UDP port %d: %w", s.port, firstErr)
	}
	var um []ice.UDPMux
	for _, c := range udp {
		um = append(um, ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: c, Logger: lf.NewLogger("ice")}))
	}
	s.udp = ice.NewMultiUDPMuxDefault(um...)
	if len(tcp) > 0 {
		var tm []ice.TCPMux
		for _, l := range tcp {
			tm = append(tm, ice.NewTCPMuxDefault(ice.TCPMuxParams{
				Listener: l, Logger: lf.NewLogger("ice"),
				ReadBufferSize: tcpReadPackets, WriteBufferSize: tcpWriteBuffer,
				FirstStunBindTimeout: Defaults().ConnectTimeout, AliveDurationForConnFromStun: Defaults().ConnectTimeout,
			}))
		}
		s.tcp = ice.NewMultiTCPMuxDefault(tm...)
	}
	return s, nil
}

func (s *sockets) close() error {
	var err error
	if s.tcp != nil {
		err = s.tcp.Close()
	}
	return errors.Join(err, s.udp.Close())
}

func inUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EACCES)
}

func portError(network string, a netip.Addr, port int, err error) error {
	if errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("session: %s port %d on %v may not be opened (ports below 1024 need a privilege): choose another media port (setting udp_port): %w", network, port, a, err)
	}
	return fmt.Errorf("%w: %s port %d on %v is taken by another process: stop it, or choose another media port (setting udp_port; 0 takes any free one): %w", ErrPortInUse, network, port, a, err)
}

// localAddrs lists the addresses to bind.
func localAddrs(cfg Config) ([]netip.Addr, error) {
	ifs, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("session: list network interfaces: %w", err)
	}
	var out []netip.Addr
	known := make([]string, 0, len(ifs))
	for _, i := range ifs {
		known = append(known, i.Name)
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		if cfg.Loopback && i.Flags&net.FlagLoopback == 0 {
			continue
		}
		if !cfg.Loopback && len(cfg.Interfaces) > 0 && !slices.Contains(cfg.Interfaces, i.Name) {
			continue
		}
		as, err := i.Addrs()
		if err != nil {
			continue // the interface went away
		}
		for _, a := range as {
			n, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			ip, ok := netip.AddrFromSlice(n.IP)
			if !ok {
				continue
			}
			ip = ip.Unmap()
			// Link-local IPv6 addresses need a zone, which a candidate cannot
			// carry (RFC 8839 section 5.1).
			if ip.IsLinkLocalUnicast() && ip.Is6() || ip.IsMulticast() {
				continue
			}
			if cfg.Loopback && !ip.IsLoopback() {
				continue
			}
			if !slices.Contains(out, ip) {
				out = append(out, ip)
			}
		}
	}
	if len(out) == 0 {
		if len(cfg.Interfaces) > 0 && !cfg.Loopback {
			return nil, fmt.Errorf("session: no address on interfaces %v (there are: %v)", cfg.Interfaces, known)
		}
		return nil, fmt.Errorf("session: no network address to listen on (interfaces: %v)", known)
	}
	return out, nil
}
