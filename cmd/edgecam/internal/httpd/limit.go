package httpd

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// limited is a listener that accepts at most max connections at once, and from
// one address outside this machine at most a quarter of them, so that one
// client cannot shut the others out. When it is full, the connection that has
// been idle longest makes room.
type limited struct {
	net.Listener
	slots  chan struct{}
	closed chan struct{}
	once   sync.Once

	mu     sync.Mutex
	byHost map[string]int
	idle   map[*limitedConn]time.Time // since when
	share  int
}

func newLimited(l net.Listener, limit int) *limited {
	limit = max(limit, 8)
	return &limited{
		Listener: l, slots: make(chan struct{}, limit), closed: make(chan struct{}),
		byHost: map[string]int{}, idle: map[*limitedConn]time.Time{}, share: max(limit/4, 8),
	}
}

// Accept waits for a free slot, then for a connection.
func (l *limited) Accept() (net.Conn, error) {
	if err := l.slot(); err != nil {
		return nil, err
	}
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			<-l.slots
			return nil, err
		}
		host, ok := l.enter(c)
		if !ok {
			c.Close()
			continue
		}
		lc := &limitedConn{Conn: c}
		lc.leave = sync.OnceFunc(func() { l.leave(lc, host) })
		return lc, nil
	}
}

// slot waits for room.
func (l *limited) slot() error {
	for {
		select {
		case l.slots <- struct{}{}:
			return nil
		default:
		}
		l.closeIdle()
		select {
		case l.slots <- struct{}{}:
			return nil
		case <-l.closed:
			return net.ErrClosed
		case <-time.After(100 * time.Millisecond): // one may have become idle
		}
	}
}

func (l *limited) closeIdle() {
	l.mu.Lock()
	var oldest *limitedConn
	now := time.Now()
	for c, since := range l.idle {
		if since.After(now) {
			continue // it has just come
		}
		if oldest == nil || since.Before(l.idle[oldest]) {
			oldest = c
		}
	}
	delete(l.idle, oldest)
	l.mu.Unlock()
	if oldest != nil {
		oldest.Close()
	}
}

// newGrace is how long a new connection has for its TLS handshake and its first
// request's header before it makes room for others. It only counts while all slots
// are taken.
const newGrace = time.Second

// connState is for http.Server: it tells which connections are idle.
func (l *limited) connState(c net.Conn, state http.ConnState) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	lc, ok := c.(*limitedConn)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch state {
	case http.StateIdle:
		l.idle[lc] = time.Now()
	case http.StateNew:
		// A request whose header is not there after a while may never be: the
		// connection makes room like an idle one.
		l.idle[lc] = time.Now().Add(newGrace)
	default:
		delete(l.idle, lc)
	}
}

// Close stops listening and wakes Accept.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

func (l *limited) enter(c net.Conn) (host string, ok bool) {
	a, isTCP := c.RemoteAddr().(*net.TCPAddr)
	if !isTCP || a.IP.IsLoopback() {
		return "", true
	}
	host = a.IP.String()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byHost[host] >= l.share {
		return host, false
	}
	l.byHost[host]++
	return host, true
}

func (l *limited) leave(c *limitedConn, host string) {
	<-l.slots
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.idle, c)
	if host == "" {
		return
	}
	if l.byHost[host]--; l.byHost[host] <= 0 {
		delete(l.byHost, host)
	}
}

type limitedConn struct {
	net.Conn
	leave func()
}

// Close frees the connection's slot.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.leave()
	return err
}
