package session

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/pion/ice/v4"

	"github.com/edgecam/edgecam/engine/session/batch"
	"github.com/edgecam/edgecam/engine/session/nat"
)

// errNoSocket says that an address was taken away meanwhile.
var errNoSocket = errors.New("session: no media socket at this address")

// udpMux gives ICE agents the UDP sockets of the local addresses, which come and
// go. It implements ice.UDPMux.
type udpMux struct {
	mu    sync.Mutex
	socks map[netip.Addr]udpSocket
	order []netip.Addr
	// sends is what packets leave through, made anew with each change.
	sends atomic.Pointer[[]*batch.Sender]
}

type udpSocket struct {
	*ice.UDPMuxDefault
	socket *nat.Socket
}

func (m *udpMux) add(a netip.Addr, s udpSocket) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.socks[a] = s
	m.order = append(m.order, a)
	m.changed()
}

// changed is called under mu.
func (m *udpMux) changed() {
	list := make([]*batch.Sender, 0, len(m.order))
	for _, a := range m.order {
		list = append(list, m.socks[a].socket.Batch)
	}
	m.sends.Store(&list)
}

// senders returns what packets leave through; it is not to be changed.
func (m *udpMux) senders() []*batch.Sender {
	if list := m.sends.Load(); list != nil {
		return *list
	}
	return nil
}

// take removes an address and returns what has to be closed.
func (m *udpMux) take(a netip.Addr) (udpSocket, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.socks[a]
	delete(m.socks, a)
	m.order = without(m.order, a)
	m.changed()
	return s, ok
}

func without(list []netip.Addr, a netip.Addr) []netip.Addr {
	out := make([]netip.Addr, 0, len(list))
	for _, x := range list {
		if x != a {
			out = append(out, x)
		}
	}
	return out
}

func (m *udpMux) addrs() []netip.Addr {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]netip.Addr(nil), m.order...)
}

func (m *udpMux) all() []udpSocket {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]udpSocket, 0, len(m.order))
	for _, a := range m.order {
		out = append(out, m.socks[a])
	}
	return out
}

// sockets returns those that STUN servers may be asked from.
func (m *udpMux) sockets() []*nat.Socket {
	var out []*nat.Socket
	for _, s := range m.all() {
		out = append(out, s.socket)
	}
	return out
}

// GetConn implements ice.UDPMux.
func (m *udpMux) GetConn(ufrag string, addr net.Addr) (net.PacketConn, error) {
	a, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return nil, fmt.Errorf("session: media socket: %w", err)
	}
	m.mu.Lock()
	s, ok := m.socks[a.Addr().Unmap()]
	m.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("%w: %v", errNoSocket, a)
	}
	return s.GetConn(ufrag, addr)
}

// RemoveConnByUfrag implements ice.UDPMux.
func (m *udpMux) RemoveConnByUfrag(ufrag string) {
	for _, s := range m.all() {
		s.RemoveConnByUfrag(ufrag)
	}
}

// GetListenAddresses implements ice.UDPMux.
func (m *udpMux) GetListenAddresses() []net.Addr {
	var out []net.Addr
	for _, s := range m.all() {
		out = append(out, s.LocalAddr())
	}
	return out
}

// Close implements ice.UDPMux.
func (m *udpMux) Close() error {
	var err error
	for _, a := range m.addrs() {
		if s, ok := m.take(a); ok {
			err = errors.Join(err, s.Close())
		}
	}
	return err
}

// tcpMux is udpMux for ICE-TCP. It implements ice.TCPMux and ice.AllConnsGetter:
// an agent asks for each local address in turn, and gets the listener of that one
// alone.
type tcpMux struct {
	mu    sync.Mutex
	socks map[netip.Addr]*ice.TCPMuxDefault
}

func (m *tcpMux) add(a netip.Addr, s *ice.TCPMuxDefault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.socks[a] = s
}

func (m *tcpMux) take(a netip.Addr) (*ice.TCPMuxDefault, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.socks[a]
	delete(m.socks, a)
	return s, ok
}

func (m *tcpMux) all() []*ice.TCPMuxDefault {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]*ice.TCPMuxDefault, 0, len(m.socks))
	for _, s := range m.socks {
		out = append(out, s)
	}
	return out
}

// GetConnByUfrag implements ice.TCPMux.
func (m *tcpMux) GetConnByUfrag(ufrag string, isIPv6 bool, local net.IP) (net.PacketConn, error) {
	a, _ := netip.AddrFromSlice(local)
	m.mu.Lock()
	s, ok := m.socks[a.Unmap()]
	m.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("%w: %v", errNoSocket, local)
	}
	return s.GetConnByUfrag(ufrag, isIPv6, local)
}

// GetAllConns implements ice.AllConnsGetter.
func (m *tcpMux) GetAllConns(ufrag string, isIPv6 bool, local net.IP) ([]net.PacketConn, error) {
	c, err := m.GetConnByUfrag(ufrag, isIPv6, local)
	if err != nil {
		return nil, err
	}
	return []net.PacketConn{c}, nil
}

// RemoveConnByUfrag implements ice.TCPMux.
func (m *tcpMux) RemoveConnByUfrag(ufrag string) {
	for _, s := range m.all() {
		s.RemoveConnByUfrag(ufrag)
	}
}

// Close implements ice.TCPMux.
func (m *tcpMux) Close() error {
	var err error
	for _, s := range m.all() {
		err = errors.Join(err, s.Close())
	}
	return err
}
