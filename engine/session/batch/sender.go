package batch

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxDatagrams and maxBytes bound what is held.
	maxDatagrams = 64
	maxBytes     = 96 << 10
	// maxDatagram is the longest datagram that is held: longer ones, which no
	// media is, leave at once.
	maxDatagram = 1500
	// maxFailures is how many receivers may have an error waiting for them, and
	// failureAge for how long it is worth telling.
	maxFailures = 64
	failureAge  = time.Second
)

// Stats are counters over a Sender's life.
type Stats struct {
	// Held counts datagrams that left in batches, Calls the system calls for them,
	// Merged those that were a part of a longer message, Failed those refused.
	Held, Calls, Merged, Failed uint64
}

// Sender writes datagrams to a socket. While it is held, datagrams of all
// goroutines wait in it; Flush sends them in order. It is safe for concurrent use.
//
// A datagram that was held and then refused by the system does not hurt others. The
// error is returned by the next write to the same receiver, which is not sent: as
// sockets do with errors that they learn of later.
type Sender struct {
	conn    *net.UDPConn
	holding atomic.Int32
	broken  atomic.Int32 // errors that wait

	mu       sync.Mutex
	queue    *queue // nil until something is held
	failures []failure
	stats    Stats
}

type failure struct {
	to  netip.AddrPort
	err error
	at  time.Time
}

// New returns a Sender for a socket, which stays the caller's.
func New(c *net.UDPConn) *Sender {
	return &Sender{conn: c}
}

// Hold makes datagrams wait until Flush. Each call of it must be followed by one of
// Flush, soon: what comes meanwhile from other goroutines waits as well.
func (s *Sender) Hold() { s.holding.Add(1) }

// Flush sends what waits, and ends a Hold.
func (s *Sender) Flush() {
	s.mu.Lock()
	s.flush()
	s.holding.Add(-1)
	s.mu.Unlock()
}

// Stats returns the counters.
func (s *Sender) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// WriteToAddrPort sends a datagram, or keeps a copy while the sender is held.
func (s *Sender) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if s.holding.Load() == 0 && s.broken.Load() == 0 {
		return s.conn.WriteToUDPAddrPort(b, to)
	}
	s.mu.Lock()
	if s.broken.Load() > 0 {
		if err := s.failed(to); err != nil {
			s.mu.Unlock()
			return 0, err
		}
	}
	if s.holding.Load() == 0 || len(b) == 0 || len(b) > maxDatagram || to.Addr().Zone() != "" || !s.open(to.Addr()) {
		s.flush() // what has waited goes first
		s.mu.Unlock()
		return s.conn.WriteToUDPAddrPort(b, to)
	}
	if !s.queue.add(b, to) {
		s.flush()
		s.queue.add(b, to)
	}
	s.mu.Unlock()
	return len(b), nil
}

// open makes the queue, and reports whether an address is one for it. Called under
// mu.
func (s *Sender) open(a netip.Addr) bool {
	if s.queue == nil {
		s.queue = newQueue(s.conn)
	}
	return s.queue.works() && s.queue.reaches(a)
}

// flush sends what waits. Called under mu.
func (s *Sender) flush() {
	if s.queue != nil && s.queue.len() > 0 {
		s.queue.send(s)
	}
}

// fail keeps an error for the next write to a receiver. Called under mu.
func (s *Sender) fail(to netip.AddrPort, err error) {
	s.stats.Failed++
	now := time.Now()
	for i := range s.failures {
		if s.failures[i].to == to {
			s.failures[i].err, s.failures[i].at = err, now
			return
		}
	}
	if len(s.failures) == maxFailures {
		s.failures = append(s.failures[:0], s.failures[1:]...)
	}
	s.failures = append(s.failures, failure{to: to, err: err, at: now})
	s.broken.Store(int32(len(s.failures)))
}

// failed takes the error that waits for a receiver, if there is one. Called under mu.
func (s *Sender) failed(to netip.AddrPort) (err error) {
	now := time.Now()
	kept := s.failures[:0]
	for _, f := range s.failures {
		switch {
		case now.Sub(f.at) > failureAge:
		case f.to == to:
			err = f.err
		default:
			kept = append(kept, f)
		}
	}
	clear(s.failures[len(kept):])
	s.failures = kept
	s.broken.Store(int32(len(kept)))
	return err
}
