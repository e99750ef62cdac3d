package batch

import (
	"net/netip"
	"syscall"
	"testing"
)

// kernel stands between a sender and the system.
type kernel struct {
	s     *Sender
	calls int
	// verdict is asked about each message; 0: it goes through.
	verdict func(h *mmsghdr) syscall.Errno
}

func (k *kernel) sendmmsg(fd uintptr, msgs []mmsghdr) (int, syscall.Errno) {
	k.calls++
	for i := range msgs {
		if errno := k.verdict(&msgs[i]); errno != 0 {
			if i == 0 {
				return 0, errno
			}
			return sendmmsg(fd, msgs[:i])
		}
	}
	return sendmmsg(fd, msgs)
}

// TestKernels: what one kernel, interface or path refuses leaves otherwise.
func TestKernels(t *testing.T) {
	merged := func(h *mmsghdr) bool { return h.hdr.Controllen > 0 }
	interrupted := 0
	for _, c := range []struct {
		name       string
		verdict    func(h *mmsghdr) syscall.Errno
		off, merge bool // afterwards
	}{
		{"as it is", func(*mmsghdr) syscall.Errno { return 0 }, false, true},
		{"no checksums", func(h *mmsghdr) syscall.Errno {
			if merged(h) {
				return syscall.EIO
			}
			return 0
		}, false, false},
		{"narrow path", func(h *mmsghdr) syscall.Errno {
			if merged(h) {
				return syscall.EMSGSIZE
			}
			return 0
		}, false, true},
		{"no sendmmsg", func(*mmsghdr) syscall.Errno { return syscall.ENOSYS }, true, true},
		{"forbidden", func(*mmsghdr) syscall.Errno { return syscall.EPERM }, true, true},
		{"interrupted", func(*mmsghdr) syscall.Errno {
			if interrupted++; interrupted%5 != 0 {
				return syscall.EINTR
			}
			return 0
		}, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, _ := open(t, "udp", "127.0.0.1:0")
			x, xa := open(t, "udp", "127.0.0.1:0")
			y, ya := open(t, "udp", "127.0.0.1:0")
			s := New(from)
			s.open(xa.Addr())
			if s.queue.off || !s.queue.merge {
				t.Skip("this kernel has no sendmmsg or no UDP_SEGMENT")
			}
			s.queue.sendmmsg = (&kernel{s: s, verdict: c.verdict}).sendmmsg
			for range 3 {
				s.Hold()
				write(t, s, ya, datagram(1, 50))
				write(t, s, xa, datagram(2, 900), datagram(3, 900), datagram(4, 5))
				write(t, s, ya, datagram(5, 50))
				s.Flush()
				expect(t, x, datagram(2, 900), datagram(3, 900), datagram(4, 5))
				expect(t, y, datagram(1, 50), datagram(5, 50))
				silent(t, x)
				silent(t, y)
			}
			if s.queue.off != c.off || s.queue.merge != c.merge || s.Stats().Failed != 0 {
				t.Errorf("off %v, merge %v, %+v", s.queue.off, s.queue.merge, s.Stats())
			}
		})
	}
}

// TestFamily: an address that the socket's family does not have is refused, not
// sent elsewhere.
func TestFamily(t *testing.T) {
	from, _ := open(t, "udp4", "127.0.0.1:0")
	x, xa := open(t, "udp4", "127.0.0.1:0")
	s := New(from)
	s.Hold()
	if _, err := s.WriteToAddrPort(datagram(1, 10), netip.AddrPortFrom(netip.IPv6Loopback(), xa.Port())); err == nil {
		t.Error("taken")
	}
	mapped := netip.AddrPortFrom(netip.AddrFrom16(xa.Addr().As16()), xa.Port())
	write(t, s, mapped, datagram(2, 10))
	s.Flush()
	expect(t, x, datagram(2, 10))
}

// TestOldKernel: without the option datagrams are not put together.
func TestOldKernel(t *testing.T) {
	from, _ := open(t, "udp", "127.0.0.1:0")
	x, xa := open(t, "udp", "127.0.0.1:0")
	s := New(from)
	s.open(xa.Addr())
	s.queue.merge = false
	s.queue.sendmmsg = func(fd uintptr, msgs []mmsghdr) (int, syscall.Errno) {
		for i := range msgs {
			if msgs[i].hdr.Control != nil {
				t.Error("put together")
			}
		}
		return sendmmsg(fd, msgs)
	}
	s.Hold()
	write(t, s, xa, datagram(1, 900), datagram(2, 900))
	s.Flush()
	expect(t, x, datagram(1, 900), datagram(2, 900))
}
