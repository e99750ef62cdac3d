package session

import (
	"net"
	"sync"
	"sync/atomic"
)

// maxTCP bounds the connections to one ICE-TCP listener.
const maxTCP = 256

// tcpListener keeps account of the connections that strangers open: when all places
// are taken, the oldest that nobody has answered yet makes room, and none outlives
// the listener. ice.TCPMuxDefault waits for each one's first packet, also when it is
// closed itself.
type tcpListener struct {
	net.Listener
	mu     sync.Mutex
	conns  []*tcpConn // in order of arrival
	closed bool
}

// tcpConn is one of them.
type tcpConn struct {
	net.Conn
	from     *tcpListener
	answered atomic.Bool // something was sent, so that the first packet was right
}

// Accept implements net.Listener.
func (l *tcpListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		conn := &tcpConn{Conn: c, from: l}
		if oldest, ok := l.add(conn); !ok {
			_ = c.Close()
			continue
		} else if oldest != nil {
			_ = oldest.Close()
		}
		return conn, nil
	}
}

// add gives a connection a place, and returns who has to make room for it.
func (l *tcpListener) add(c *tcpConn) (oldest *tcpConn, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, false
	}
	if len(l.conns) >= maxTCP {
		for _, o := range l.conns {
			if !o.answered.Load() {
				oldest = o
				break
			}
		}
		if oldest == nil {
			return nil, false
		}
	}
	l.conns = append(l.conns, c)
	return oldest, true
}

// Close implements net.Listener: all connections end, too.
func (l *tcpListener) Close() error {
	err := l.Listener.Close()
	l.mu.Lock()
	all := l.conns
	l.conns, l.closed = nil, true
	l.mu.Unlock()
	for _, c := range all {
		_ = c.Conn.Close()
	}
	return err
}

func (c *tcpConn) Write(b []byte) (int, error) {
	c.answered.Store(true)
	return c.Conn.Write(b)
}

func (c *tcpConn) Close() error {
	l := c.from
	l.mu.Lock()
	for i, o := range l.conns {
		if o == c {
			l.conns = append(l.conns[:i], l.conns[i+1:]...)
			break
		}
	}
	l.mu.Unlock()
	return c.Conn.Close()
}
