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

	"github.com/edgecam/edgecam/engine/session/nat"
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
	udp  *udpMux
	tcp  *tcpMux // nil without ICE-TCP
	lf   logging.LoggerFactory
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
	s := &sockets{port: cfg.UDPPort, udp: &udpMux{socks: map[netip.Addr]udpSocket{}}, lf: lf}
	if cfg.ICETCP {
		s.tcp = &tcpMux{socks: map[netip.Addr]*ice.TCPMuxDefault{}}
	}
	var firstErr error
	for _, a := range addrs {
		if err := s.bind(a); errors.Is(err, ErrPortInUse) || errors.Is(err, syscall.EACCES) {
			_ = s.close()
			return nil, err
		} else if err != nil {
			// An address may vanish or be tentative (IPv6); others will do.
			firstErr = errors.Join(firstErr, err)
		}
	}
	if len(s.udp.addrs()) == 0 {
		_ = s.close()
		return nil, fmt.Errorf("session: no media socket could be opened on UDP port %d: %w", s.port, firstErr)
	}
	if s.tcp != nil && len(s.tcp.all()) == 0 {
		s.tcp = nil
	}
	return s, nil
}

// bind opens the sockets of one address. The first chooses the port if it is 0.
func (s *sockets) bind(a netip.Addr) error {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, uint16(s.port))))
	if err != nil {
		if inUse(err) {
			return portError("UDP", a, s.port, err)
		}
		return err
	}
	port := c.LocalAddr().(*net.UDPAddr).Port
	_ = c.SetReadBuffer(socketBuffer)
	_ = c.SetWriteBuffer(socketBuffer)
	if s.tcp != nil {
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, uint16(port))))
		switch {
		case err == nil:
			s.tcp.add(a, ice.NewTCPMuxDefault(ice.TCPMuxParams{
				Listener: &tcpListener{Listener: l}, Logger: s.lf.NewLogger("ice"),
				ReadBufferSize: tcpReadPackets, WriteBufferSize: tcpWriteBuffer,
				FirstStunBindTimeout: Defaults().ConnectTimeout, AliveDurationForConnFromStun: Defaults().ConnectTimeout,
			}))
		case inUse(err):
			_ = c.Close()
			return portError("TCP", a, port, err)
		}
	}
	s.port = port
	socket := nat.NewSocket(c)
	s.udp.add(a, udpSocket{ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket, Logger: s.lf.NewLogger("ice")}), socket})
	return nil
}

// drop closes the sockets of an address that is gone.
func (s *sockets) drop(a netip.Addr) {
	if u, ok := s.udp.take(a); ok {
		_ = u.Close()
	}
	if s.tcp == nil {
		return
	}
	if t, ok := s.tcp.take(a); ok {
		_ = t.Close()
	}
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
