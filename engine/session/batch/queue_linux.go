package batch

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is struct mmsghdr of sendmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// controlLen is the space of a control message with a uint16 (UDP_SEGMENT).
const controlLen = unix.SizeofCmsghdr + 8

// message is one or several datagrams to one receiver: all have the length of the
// first, but for the last, which may be shorter and then closes the message.
type message struct {
	to         netip.AddrPort
	begin, end int // in queue.data
	size       int // of the first datagram
	count      int
	closed     bool
}

// queue holds datagrams back to back, and the structures that the kernel is told of
// them with. Sender.mu guards it.
type queue struct {
	raw      syscall.RawConn
	v6       bool // the socket's family
	off      bool // sendmmsg is not to be had
	merge    bool // the kernel cuts messages into datagrams
	sendmmsg func(fd uintptr, msgs []mmsghdr) (int, syscall.Errno)

	data      []byte
	datagrams int
	n         int // messages
	messages  [maxDatagrams]message

	headers [maxDatagrams]mmsghdr
	vectors [maxDatagrams]unix.Iovec
	names   [maxDatagrams]unix.RawSockaddrInet6
	control [maxDatagrams][controlLen]byte

	// attempt is given to raw.Write, and kept: a closure per call would allocate.
	attempt     func(fd uintptr) bool
	first, sent int
	errno       syscall.Errno
}

func newQueue(c *net.UDPConn) *queue {
	q := &queue{off: true, sendmmsg: sendmmsg, data: make([]byte, 0, maxBytes)}
	q.attempt = q.try
	raw, err := c.SyscallConn()
	if err != nil {
		return q
	}
	q.raw = raw
	_ = raw.Control(func(fd uintptr) {
		name, err := unix.Getsockname(int(fd))
		if err != nil {
			return
		}
		_, v4 := name.(*unix.SockaddrInet4)
		_, q.v6 = name.(*unix.SockaddrInet6)
		q.off = !v4 && !q.v6
		// A kernel that does not know the option would send one long datagram.
		_, err = unix.GetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT)
		q.merge = err == nil
	})
	return q
}

func (q *queue) works() bool { return !q.off }

// reaches reports whether the socket's family has the address.
func (q *queue) reaches(a netip.Addr) bool { return q.v6 || a.Unmap().Is4() }
func (q *queue) len() int                  { return q.n }

// add takes a copy of a datagram; false: there is no room.
func (q *queue) add(b []byte, to netip.AddrPort) bool {
	if q.datagrams == maxDatagrams || len(q.data)+len(b) > cap(q.data) {
		return false
	}
	begin := len(q.data)
	q.data = append(q.data, b...)
	q.datagrams++
	if q.n > 0 && q.merge {
		m := &q.messages[q.n-1]
		if m.to == to && !m.closed && len(b) <= m.size && m.end-m.begin+len(b) <= maxMessage {
			m.end += len(b)
			m.count++
			m.closed = len(b) < m.size
			return true
		}
	}
	q.messages[q.n] = message{to: to, begin: begin, end: len(q.data), size: len(b), count: 1}
	q.n++
	return true
}

// maxMessage keeps a message within what UDP's length field can tell.
const maxMessage = 60_000

// send sends everything and leaves the queue empty.
func (q *queue) send(s *Sender) {
	for i := range q.n {
		q.describe(i)
		if c := q.messages[i].count; c > 1 {
			s.stats.Merged += uint64(c)
		}
	}
	s.stats.Held += uint64(q.datagrams)
	for q.first = 0; q.first < q.n; {
		err := q.write(s)
		m := &q.messages[q.first]
		switch {
		case err == nil:
			q.first += q.sent
		case errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EPERM) && !q.off && q.refused(s, m):
			q.off = true
			for ; q.first < q.n; q.first++ {
				q.single(s, &q.messages[q.first])
			}
		case errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded):
			// Nothing leaves any more, or the socket's owner gives up waiting.
			for ; q.first < q.n; q.first++ {
				s.fail(q.messages[q.first].to, err)
			}
		case m.count > 1:
			// The kernel, the interface or the path does not take it in one piece.
			// A path may be too narrow (EMSGSIZE); all else holds for all.
			if !errors.Is(err, syscall.EMSGSIZE) && unmergeable(err) {
				q.merge = false
			}
			q.single(s, m)
			q.first++
		default:
			s.fail(m.to, err)
			q.first++
		}
	}
	q.data, q.datagrams, q.n = q.data[:0], 0, 0
}

// refused finds out whether EPERM means the system call, which a sandbox may
// forbid, rather than a packet filter's verdict on one receiver.
func (q *queue) refused(s *Sender, m *message) bool {
	_, err := s.conn.WriteToUDPAddrPort(q.data[m.begin:m.begin+min(m.size, m.end-m.begin)], m.to)
	if err != nil {
		return false
	}
	// The first datagram has left.
	m.begin += m.size
	m.count--
	return true
}

// unmergeable reports whether an error says that an interface cannot do without the
// datagrams' being made by us: no checksums (EIO), IPsec (EIO, EINVAL).
func unmergeable(err error) bool {
	return errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EOPNOTSUPP)
}

// single sends a message's datagrams one by one.
func (q *queue) single(s *Sender, m *message) {
	for at := m.begin; at < m.end; at += m.size {
		s.stats.Calls++
		if _, err := s.conn.WriteToUDPAddrPort(q.data[at:min(at+m.size, m.end)], m.to); err != nil {
			s.fail(m.to, err)
			return
		}
	}
}

// describe fills in the kernel's structures for a message.
func (q *queue) describe(i int) {
	m := &q.messages[i]
	v := &q.vectors[i]
	v.Base = &q.data[m.begin]
	v.SetLen(m.end - m.begin)
	h := &q.headers[i].hdr
	*h = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&q.names[i])), Iov: v}
	h.Namelen = q.name(&q.names[i], m.to)
	h.SetIovlen(1)
	if m.count == 1 {
		return
	}
	c := &q.control[i]
	ch := (*unix.Cmsghdr)(unsafe.Pointer(c))
	ch.Level, ch.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	ch.SetLen(unix.CmsgLen(2))
	*(*uint16)(unsafe.Pointer(&c[unix.CmsgLen(0)])) = uint16(m.size)
	h.Control = &c[0]
	h.SetControllen(unix.CmsgSpace(2))
}

// name writes a socket address of the socket's family and returns its length.
func (q *queue) name(n *unix.RawSockaddrInet6, to netip.AddrPort) uint32 {
	port := func(p *uint16) {
		b := (*[2]byte)(unsafe.Pointer(p))
		b[0], b[1] = byte(to.Port()>>8), byte(to.Port())
	}
	if q.v6 {
		*n = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: to.Addr().As16()}
		port(&n.Port)
		return unix.SizeofSockaddrInet6
	}
	n4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(n))
	*n4 = unix.RawSockaddrInet4{Family: unix.AF_INET}
	if a := to.Addr().Unmap(); a.Is4() {
		n4.Addr = a.As4()
	}
	port(&n4.Port)
	return unix.SizeofSockaddrInet4
}

// write hands the messages from first on to the kernel, which takes one or more of
// them, their number in sent, or an error that is of the first.
func (q *queue) write(s *Sender) error {
	s.stats.Calls++
	q.sent, q.errno = 0, 0
	if err := q.raw.Write(q.attempt); err != nil {
		return err
	}
	if q.errno != 0 {
		return q.errno
	}
	return nil
}

// try is one attempt; false makes the runtime wait until the socket takes more.
func (q *queue) try(fd uintptr) bool {
	for {
		q.sent, q.errno = q.sendmmsg(fd, q.headers[q.first:q.n])
		if q.errno != syscall.EINTR {
			return q.errno != syscall.EAGAIN
		}
	}
}

func sendmmsg(fd uintptr, msgs []mmsghdr) (int, syscall.Errno) {
	n, _, errno := syscall.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&msgs[0])), uintptr(len(msgs)), 0, 0, 0)
	return int(n), errno
}
