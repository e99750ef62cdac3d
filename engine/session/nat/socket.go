package nat

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/session/batch"
)

// Socket is a UDP socket on which STUN transactions run beside other traffic:
// whoever reads from it never sees their answers. It implements net.PacketConn
// and the reader and writer without allocations that pion's ICE looks for.
type Socket struct {
	*net.UDPConn
	// Batch sends what WriteToAddrPort is given.
	Batch *batch.Sender

	busy atomic.Int32 // transactions under way; 0 spares a look at each packet

	mu      sync.Mutex
	waiting map[transaction]chan<- reply
}

type reply struct {
	answer answer
	err    error
	from   netip.AddrPort
}

// NewSocket wraps a socket. Somebody must read from it while transactions run.
func NewSocket(c *net.UDPConn) *Socket {
	return &Socket{UDPConn: c, Batch: batch.New(c), waiting: map[transaction]chan<- reply{}}
}

// Local returns the address that the socket is bound to.
func (s *Socket) Local() netip.AddrPort {
	a := s.UDPConn.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// ReadFromAddrPort reads the next packet that is not an answer to a transaction
// of this socket.
func (s *Socket) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := s.ReadFromUDPAddrPort(b)
		if err != nil || s.busy.Load() == 0 || !s.take(b[:n], from) {
			return n, from, err
		}
	}
}

// ReadFrom is ReadFromAddrPort for net.PacketConn.
func (s *Socket) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := s.ReadFromAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteToAddrPort sends a packet, or leaves it in Batch while that is held.
func (s *Socket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return s.Batch.WriteToAddrPort(b, to)
}

// take keeps a packet that somebody waits for.
func (s *Socket) take(b []byte, from netip.AddrPort) bool {
	kind, id, ok := head(b)
	if !ok || kind != typeSuccess && kind != typeError {
		return false
	}
	s.mu.Lock()
	ch := s.waiting[id]
	delete(s.waiting, id) // a second answer to a repeated request tells nothing
	s.mu.Unlock()
	if ch == nil {
		return false
	}
	a, err := parseAnswer(b)
	ch <- reply{a, err, netip.AddrPortFrom(from.Addr().Unmap(), from.Port())}
	return true
}

// firstRTO is the time after which a request is sent again, doubled each time
// (RFC 8489 section 6.2.1 has 500 ms for paths nothing is known of; an answer
// that is late is still taken).
const firstRTO = 200 * time.Millisecond

// bind is a Binding transaction. It ends with the context.
func (s *Socket) bind(ctx context.Context, server netip.AddrPort, c change) (reply, time.Duration, error) {
	id := newTransaction()
	answered := make(chan reply, 1)
	s.mu.Lock()
	s.waiting[id] = answered
	s.mu.Unlock()
	s.busy.Add(1)
	defer func() {
		s.busy.Add(-1)
		s.mu.Lock()
		delete(s.waiting, id)
		s.mu.Unlock()
	}()
	msg := request(id, c)
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for rto := firstRTO; ; {
		select {
		case r := <-answered:
			return r, time.Since(began), r.err
		case <-ctx.Done():
			return reply{}, 0, fmt.Errorf("nat: %v does not answer: %w", server, ctx.Err())
		case <-timer.C:
			if _, err := s.WriteToUDPAddrPort(msg, server); err != nil {
				return reply{}, 0, fmt.Errorf("nat: ask %v: %w", server, err)
			}
			timer.Reset(rto)
			rto = min(2*rto, 1600*time.Millisecond)
		}
	}
}

// listen opens a socket for transactions alone. Requests that arrive at it are
// told to seen, which may be nil. The returned function closes it.
func listen(local netip.AddrPort, seen func(transaction)) (*Socket, func(), error) {
	network := "udp4"
	if local.Addr().Is6() {
		network = "udp6"
	}
	c, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(local))
	if err != nil {
		return nil, nil, fmt.Errorf("nat: open socket: %w", err)
	}
	s := NewSocket(c)
	s.busy.Add(1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 2048)
		for {
			n, _, err := s.ReadFromAddrPort(b)
			if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
				return
			}
			if err != nil {
				continue // an ICMP error of an earlier packet
			}
			if kind, id, ok := head(b[:n]); ok && kind == typeRequest && seen != nil {
				seen(id)
			}
		}
	}()
	return s, func() { _ = c.Close(); <-done }, nil
}
