package client_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/broker"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "ec-10000000abcdef01"

var fast = client.Backoff{First: 10 * time.Millisecond, Most: 50 * time.Millisecond, Least: time.Millisecond}

// ca is a fleet's certificates for a test.
type ca struct {
	t      *testing.T
	issuer pki.Signer
	roots  *x509.CertPool
}

func newCA(t *testing.T) ca {
	t.Helper()
	root, err := pki.NewRoot("test", time.Now().Add(-48*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(root.Cert)
	return ca{t, root, pool}
}

func pair(s pki.Signer) *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{s.Cert.Raw}, PrivateKey: s.Key}
}

func (c ca) server(host string, at time.Time) *tls.Certificate {
	c.t.Helper()
	s, err := c.issuer.NewServer([]string{host}, at)
	if err != nil {
		c.t.Fatal(err)
	}
	return pair(s)
}

func (c ca) client(cn string) *tls.Config {
	c.t.Helper()
	s, err := c.issuer.NewClient(cn, time.Now(), time.Hour)
	if err != nil {
		c.t.Fatal(err)
	}
	return &tls.Config{RootCAs: c.roots, Certificates: []tls.Certificate{*pair(s)}}
}

func (c ca) broker(cert *tls.Certificate, revoked func(*x509.Certificate) bool) *broker.Broker {
	c.t.Helper()
	b, err := broker.Start(broker.Options{
		Listen: "127.0.0.1:0", Clients: c.roots, Revoked: revoked, Cert: func() (*tls.Certificate, error) { return cert, nil },
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { b.Close() })
	return b
}

// raw is a broker made of one function per connection.
func (c ca) raw(serve func(net.Conn)) string {
	c.t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*c.server("127.0.0.1", time.Now())}})
	if err != nil {
		c.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(10 * time.Second))
				serve(conn)
			}()
		}
	}()
	c.t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// failure runs a client until its first failure.
func failure(t *testing.T, e client.Endpoint) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	failed := make(chan error, 16)
	send := func(_ client.Endpoint, err error) {
		select {
		case failed <- err:
		default:
		}
	}
	c := client.New(client.Options{
		Endpoint: func(context.Context) (client.Endpoint, error) { return e, nil },
		Failed:   send, Down: send, Backoff: fast, ConnectTimeout: 1500 * time.Millisecond, AckTimeout: 1500 * time.Millisecond,
	})
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx) }()
	defer func() { cancel(); <-done }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		t.Fatal("nothing failed")
		return nil
	}
}

// connack accepts a client.
func connack(c net.Conn, code byte) {
	buf := make([]byte, 512)
	if _, err := c.Read(buf); err == nil {
		c.Write([]byte{0x20, 2, 0, code})
	}
}

func TestFaults(t *testing.T) {
	c := newCA(t)
	stranger := newCA(t)
	good := c.broker(c.server("127.0.0.1", time.Now()), nil)
	other := c.broker(c.server("mqtt.example", time.Now()), nil)
	expired := c.broker(c.server("127.0.0.1", time.Now().Add(-400*24*time.Hour)), nil)
	revoking := c.broker(c.server("127.0.0.1", time.Now()), func(*x509.Certificate) bool { return true })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	cases := []struct {
		name, addr string
		tls        *tls.Config
		clientID   string
		filters    []string
		want       client.Kind
	}{
		{"nobody listens", closed.Addr().String(), c.client(id), id, nil, client.KindNetwork},
		{"no answer", mute.Addr().String(), c.client(id), id, nil, client.KindBusy},
		{"no answer after the handshake", c.raw(func(n net.Conn) { io.Copy(io.Discard, n) }), c.client(id), id, nil, client.KindBusy},
		{"closes at once", c.raw(func(net.Conn) {}), c.client(id), id, nil, client.KindNetwork},
		{"broker of a stranger", stranger.broker(stranger.server("127.0.0.1", time.Now()), nil).Addr(), c.client(id), id, nil, client.KindServer},
		{"broker of another name", other.Addr(), c.client(id), id, nil, client.KindServer},
		{"broker's certificate expired", expired.Addr(), c.client(id), id, nil, client.KindServer},
		{"no client certificate", good.Addr(), &tls.Config{RootCAs: c.roots}, id, nil, client.KindOwnCert},
		{"client of a stranger", good.Addr(), &tls.Config{RootCAs: c.roots, Certificates: stranger.client(id).Certificates}, id, nil, client.KindOwnCert},
		{"client revoked", revoking.Addr(), c.client(id), id, nil, client.KindOwnCert},
		{"another's client id", good.Addr(), c.client(id), "ec-0000000000000000", nil, client.KindRefused},
		{"server unavailable", c.raw(func(n net.Conn) { connack(n, 3) }), c.client(id), id, nil, client.KindRefused},
		{"packet of 200 MB announced", c.raw(func(n net.Conn) {
			connack(n, 0)
			n.Write([]byte{0x30, 0xff, 0xff, 0xff, 0x60})
			io.Copy(io.Discard, n)
		}), c.client(id), id, nil, client.KindProtocol},
		{"length field without end", c.raw(func(n net.Conn) {
			connack(n, 0)
			n.Write([]byte{0x30, 0x80, 0x80, 0x80, 0x80, 0x80})
			io.Copy(io.Discard, n)
		}), c.client(id), id, nil, client.KindProtocol},
	}
	for _, x := range cases {
		err := failure(t, client.Endpoint{Broker: "tls://" + x.addr, TLS: x.tls, ClientID: x.clientID, Filters: x.filters})
		if got := client.KindOf(err); got != x.want {
			t.Errorf("%s: %s, want %s: %v", x.name, got, x.want, err)
		}
	}
	if err := failure(t, client.Endpoint{Broker: "tcp://" + good.Addr(), ClientID: id}); !errors.Is(err, client.ErrInsecure) {
		t.Errorf("plain MQTT: %v", err)
	}
}

// TestComesBack: a broker that goes and comes is found again; a message is
// acknowledged or fails, and never hangs.
func TestComesBack(t *testing.T) {
	c := newCA(t)
	var silent atomic.Bool
	addr := c.raw(func(n net.Conn) {
		connack(n, 0)
		buf := make([]byte, 4096)
		for {
			m, err := n.Read(buf)
			if err != nil {
				return
			}
			if buf[0]>>4 == 3 && !silent.Load() { // PUBLISH: acknowledge
				topic := int(buf[2])<<8 | int(buf[3])
				n.Write([]byte{0x40, 2, buf[4+topic], buf[5+topic]})
			}
			_ = m
		}
	})
	up := make(chan struct{}, 16)
	cl := client.New(client.Options{
		Endpoint: func(context.Context) (client.Endpoint, error) {
			return client.Endpoint{Broker: "tls://" + addr, TLS: c.client(id), ClientID: id}, nil
		},
		Up: func(context.Context, client.Endpoint) error { up <- struct{}{}; return nil }, Backoff: fast, AckTimeout: time.Second,
	})
	m := client.Message{Topic: wire.Up(id, wire.UpEvent), Payload: []byte("{}"), QoS: 1}
	if err := cl.Publish(t.Context(), m); !errors.Is(err, client.ErrOffline) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); cl.Run(ctx) }()
	defer func() { cancel(); <-done }()
	<-up
	if err := cl.Publish(ctx, m); err != nil {
		t.Fatal(err)
	}
	silent.Store(true)
	if err := cl.Publish(ctx, m); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	select {
	case <-up: // another connection was made because of it
	case <-time.After(10 * time.Second):
		t.Fatal("no other connection after a missing acknowledgement")
	}
}

// TestTakeover: two clients with one id throw each other out, and calm down.
func TestTakeover(t *testing.T) {
	c := newCA(t)
	b := c.broker(c.server("127.0.0.1", time.Now()), nil)
	cfg := c.client(acl.Operator)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var cs [2]*client.Client
	done := make(chan struct{}, 2)
	for i := range cs {
		cs[i] = client.New(client.Options{
			Endpoint: func(context.Context) (client.Endpoint, error) {
				return client.Endpoint{Broker: "tls://" + b.Addr(), TLS: cfg, ClientID: "operator-x"}, nil
			},
			Backoff: client.Backoff{First: 20 * time.Millisecond, Most: 10 * time.Second, Least: 10 * time.Millisecond, Stable: time.Minute, Lost: 20 * time.Millisecond},
		})
		go func() { cs[i].Run(ctx); done <- struct{}{} }()
	}
	<-done
	<-done
	n := cs[0].Stats().Connects + cs[1].Stats().Connects
	if n < 3 || n > 60 {
		t.Errorf("%d connections in three seconds", n)
	}
	t.Logf("%d connections in three seconds", n)
}

// TestOrderAndRetained: messages come in order, with the retained flag as sent
// by the broker.
func TestOrderAndRetained(t *testing.T) {
	c := newCA(t)
	b := c.broker(c.server("127.0.0.1", time.Now()), nil)
	got := make(chan client.Received, 64)
	start := func(cn, cid string, filters []string, handle func(client.Received)) *client.Client {
		ctx, cancel := context.WithCancel(t.Context())
		up := make(chan struct{}, 1)
		cl := client.New(client.Options{
			Endpoint: func(context.Context) (client.Endpoint, error) {
				return client.Endpoint{Broker: "tls://" + b.Addr(), TLS: c.client(cn), ClientID: cid, Filters: filters}, nil
			},
			Up: func(context.Context, client.Endpoint) error { up <- struct{}{}; return nil }, Handle: handle, Backoff: fast,
		})
		done := make(chan struct{})
		go func() { defer close(done); cl.Run(ctx) }()
		t.Cleanup(func() { cancel(); <-done })
		<-up
		return cl
	}
	op := start(acl.Operator, "operator-1", nil, nil)
	ctx := t.Context()
	if err := op.Publish(ctx, client.Message{Topic: wire.Down(id, wire.DnDesired), QoS: 1, Retain: true, Payload: []byte("kept")}); err != nil {
		t.Fatal(err)
	}
	start(id, id, []string{wire.Down(id, "#")}, func(m client.Received) { got <- m })
	if m := <-got; !m.Retained || string(m.Payload) != "kept" {
		t.Fatalf("%+v", m)
	}
	for i := range 20 {
		if err := op.Publish(ctx, client.Message{Topic: wire.Down(id, wire.DnCommand), QoS: 1, Payload: fmt.Append(nil, i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		m := <-got
		for m.Topic != wire.Down(id, wire.DnCommand) {
			m = <-got // this broker acknowledges before it delivers: a live copy may follow
		}
		if m.Retained || string(m.Payload) != fmt.Sprint(i) {
			t.Fatalf("message %d: %+v", i, m)
		}
	}
}
