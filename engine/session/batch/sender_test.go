package batch

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"
)

// open returns a socket, and its address.
func open(t testing.TB, network, at string) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	c, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(at)))
	if err != nil {
		t.Skip("no such address here: ", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// datagram is recognised by its bytes.
func datagram(n, size int) []byte {
	return bytes.Repeat([]byte{byte(n)}, size)
}

// expect reads datagrams and compares.
func expect(t *testing.T, c *net.UDPConn, want ...[]byte) {
	t.Helper()
	b := make([]byte, 4096)
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for i, w := range want {
		n, _, err := c.ReadFromUDPAddrPort(b)
		if err != nil {
			t.Fatalf("datagram %d of %d: %v", i, len(want), err)
		}
		if !bytes.Equal(b[:n], w) {
			t.Fatalf("datagram %d: %d bytes of %d, want %d of %d", i, n, b[0], len(w), w[0])
		}
	}
}

// silent reports an error if a datagram arrives that is there already.
func silent(t *testing.T, c *net.UDPConn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, _, err := c.ReadFromUDPAddrPort(make([]byte, 10)); err == nil {
		t.Errorf("a datagram of %d bytes or more has arrived", n)
	}
}

func write(t *testing.T, s *Sender, to netip.AddrPort, data ...[]byte) {
	t.Helper()
	for _, b := range data {
		if n, err := s.WriteToAddrPort(b, to); n != len(b) || err != nil {
			t.Fatal(n, err)
		}
	}
}

func TestSender(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(at, func(t *testing.T) {
			from, _ := open(t, "udp", at)
			x, xa := open(t, "udp", at)
			y, ya := open(t, "udp", at)
			s := New(from)
			write(t, s, xa, datagram(1, 100))
			expect(t, x, datagram(1, 100)) // not held: at once
			s.Hold()
			var want [][]byte
			for i, size := range []int{900, 900, 900, 899, 900, 900, 20, 30, 1200, 1200, 1} {
				want = append(want, datagram(10+i, size))
			}
			write(t, s, xa, want...)
			write(t, s, ya, datagram(2, 300))
			write(t, s, xa, datagram(3, 300))
			if runtime.GOOS == "linux" {
				silent(t, x)
				silent(t, y)
			}
			s.Flush()
			expect(t, x, append(want, datagram(3, 300))...)
			expect(t, y, datagram(2, 300))
			silent(t, x)
			if got := s.Stats(); runtime.GOOS == "linux" && (got.Held != 13 || got.Calls != 1 || got.Merged != 10 || got.Failed != 0) {
				t.Errorf("%+v", got)
			}
			write(t, s, ya, datagram(4, 1))
			expect(t, y, datagram(4, 1))
		})
	}
}

// TestBound: more than there is room for leaves before the end, in order.
func TestBound(t *testing.T) {
	from, _ := open(t, "udp", "127.0.0.1:0")
	x, xa := open(t, "udp", "127.0.0.1:0")
	_ = x.SetReadBuffer(4 << 20)
	s := New(from)
	s.Hold()
	var want [][]byte
	for i := range 100 {
		want = append(want, datagram(i, 1+i%3*700))
	}
	write(t, s, xa, want[:50]...)
	write(t, s, xa, datagram(200, maxDatagram+1)) // not one to wait, but in order
	expect(t, x, append(want[:50:50], datagram(200, maxDatagram+1))...)
	write(t, s, xa, want[50:]...)
	s.Flush()
	expect(t, x, want[50:]...)
	s.Hold()
	for i := range 3 * maxDatagrams {
		write(t, s, xa, datagram(i, 1000))
	}
	if s.queue != nil && (s.queue.len() > maxDatagrams) {
		t.Errorf("%d messages are held", s.queue.len())
	}
	s.Flush()
	for i := range 3 * maxDatagrams {
		expect(t, x, datagram(i, 1000))
	}
}

// TestRefused: what cannot be sent to one receiver does not keep others from
// theirs, and the next write there tells.
func TestRefused(t *testing.T) {
	from, _ := open(t, "udp4", "127.0.0.1:0")
	x, xa := open(t, "udp4", "127.0.0.1:0")
	// Without SO_BROADCAST that address is refused.
	bad := netip.MustParseAddrPort("255.255.255.255:9")
	s := New(from)
	s.Hold()
	write(t, s, xa, datagram(1, 10))
	if _, err := s.conn.WriteToUDPAddrPort(datagram(2, 10), bad); err == nil {
		t.Skip("this system lets everything through")
	}
	if n, err := s.WriteToAddrPort(datagram(2, 10), bad); runtime.GOOS == "linux" && (n != 10 || err != nil) {
		t.Errorf("held: %d %v", n, err)
	}
	write(t, s, xa, datagram(3, 10))
	_, _ = s.WriteToAddrPort(datagram(4, 10), bad)
	_, _ = s.WriteToAddrPort(datagram(5, 10), bad)
	write(t, s, xa, datagram(6, 10))
	s.Flush()
	expect(t, x, datagram(1, 10), datagram(3, 10), datagram(6, 10))
	for _, held := range []bool{true, false} {
		if held {
			s.Hold()
		}
		if _, err := s.WriteToAddrPort(datagram(7, 10), bad); err == nil {
			t.Error("nobody is told")
		}
		write(t, s, xa, datagram(8, 10))
		if held {
			s.Flush()
		}
		expect(t, x, datagram(8, 10))
	}
	if runtime.GOOS == "linux" && s.Stats().Failed != 2 {
		t.Errorf("%+v", s.Stats())
	}
}

// TestFailures: errors are kept for few receivers, and not for long.
func TestFailures(t *testing.T) {
	s := New(nil)
	boom := errors.New("boom")
	to := func(i int) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), uint16(i)) }
	for i := range 2 * maxFailures {
		s.fail(to(i), boom)
		s.fail(to(i), fmt.Errorf("again: %w", boom))
	}
	if len(s.failures) != maxFailures || s.failed(to(3)) != nil || !errors.Is(s.failed(to(maxFailures+3)), boom) || s.failed(to(maxFailures+3)) != nil {
		t.Errorf("%d kept", len(s.failures))
	}
	for i := range s.failures {
		s.failures[i].at = s.failures[i].at.Add(-2 * failureAge)
	}
	if err := s.failed(to(maxFailures + 4)); err != nil || s.broken.Load() != 0 || len(s.failures) != 0 {
		t.Errorf("after long: %v, %d kept", err, len(s.failures))
	}
}

// TestClosed: the socket goes while something is held.
func TestClosed(t *testing.T) {
	from, _ := open(t, "udp", "127.0.0.1:0")
	_, xa := open(t, "udp", "127.0.0.1:0")
	s := New(from)
	s.Hold()
	_, _ = s.WriteToAddrPort(datagram(1, 10), xa)
	_ = from.Close()
	_, _ = s.WriteToAddrPort(datagram(2, 10), xa)
	s.Flush()
	if _, err := s.WriteToAddrPort(datagram(3, 10), xa); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if _, err := s.WriteToAddrPort(datagram(3, 10), xa); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	s.Hold()
	_, _ = s.WriteToAddrPort(datagram(4, 10), xa)
	s.Flush()
}

// TestManyWriters: nothing is lost or mixed up while several write and hold.
func TestManyWriters(t *testing.T) {
	from, _ := open(t, "udp", "127.0.0.1:0")
	s := New(from)
	const writers, each = 4, 300
	var wg sync.WaitGroup
	for w := range writers {
		x, xa := open(t, "udp", "127.0.0.1:0")
		_ = x.SetReadBuffer(4 << 20)
		wg.Go(func() {
			for i := range each {
				if w == 0 {
					s.Hold()
				}
				if _, err := s.WriteToAddrPort(datagram(i, 1+(i*37)%1200), xa); err != nil {
					t.Error(err)
				}
				if w == 0 {
					s.Flush()
				}
				_ = x.SetReadDeadline(time.Now().Add(10 * time.Second))
				b := make([]byte, 2000)
				n, _, err := x.ReadFromUDPAddrPort(b)
				if err != nil || !bytes.Equal(b[:n], datagram(i, 1+(i*37)%1200)) {
					t.Errorf("writer %d datagram %d: %d bytes, %v", w, i, n, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestAllocations(t *testing.T) {
	from, _ := open(t, "udp", "127.0.0.1:0")
	_, xa := open(t, "udp", "127.0.0.1:0")
	s := New(from)
	b := datagram(1, 1100)
	if a := testing.AllocsPerRun(50, func() {
		s.Hold()
		for range 20 {
			_, _ = s.WriteToAddrPort(b, xa)
		}
		s.Flush()
	}); a != 0 {
		t.Errorf("%v allocations per batch", a)
	}
}
