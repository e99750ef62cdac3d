// Package broker is an MQTT broker for one house and for tests, built on
// mochi-mqtt: one TLS listener that demands a client certificate, the access
// rules of package acl, and bounded clients. A fleet uses a broker of its own.
//
// Desired configurations, which are retained, survive a restart; what nodes
// retain they publish again when they connect.
package broker

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/storage"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// Options make a broker.
type Options struct {
	Listen string // HOST:PORT
	// Cert gives the broker's certificate, asked for at every handshake.
	Cert func() (*tls.Certificate, error)
	// Clients are the roots that clients' certificates must lead to.
	Clients *x509.CertPool
	// Revoked reports whether a client's certificate was taken back; may be nil.
	Revoked func(*x509.Certificate) bool
	// FS keeps retained desired configurations; nil: in memory only.
	FS         durable.FS
	MaxClients int // default 1000
	Log        *slog.Logger
}

// Broker is a running broker.
type Broker struct {
	opt    Options
	server *mqtt.Server
	listen *listener
	close  func() error
}

// handshakeTimeout bounds how long a stranger may hold a connection.
const handshakeTimeout = 10 * time.Second

// Start listens and serves until Close.
func Start(opt Options) (*Broker, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.MaxClients <= 0 {
		opt.MaxClients = 1000
	}
	if opt.Cert == nil || opt.Clients == nil {
		return nil, errors.New("broker: a certificate and the clients' roots are needed")
	}
	caps := mqtt.NewDefaultServerCapabilities()
	caps.MaximumClients = int64(opt.MaxClients)
	caps.MaximumPacketSize = wire.MaxPayload + 1024
	caps.MaximumClientWritesPending = 256
	caps.MaximumInflight, caps.ReceiveMaximum = 128, 128
	caps.MaximumQos = 1
	caps.SharedSubAvailable = 0
	caps.MaximumSessionExpiryInterval = 3600
	// The library warns of every connection that ends; what matters is logged
	// here.
	server := mqtt.New(&mqtt.Options{Capabilities: caps, Logger: slog.New(slog.DiscardHandler)})
	b := &Broker{opt: opt, server: server, close: sync.OnceValue(server.Close)}
	if err := server.AddHook(&access{opt: opt, server: server}, nil); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	if opt.FS != nil {
		kept, err := loadRetained(opt.FS, opt.Log)
		if err != nil {
			return nil, err
		}
		if err := server.AddHook(kept, nil); err != nil {
			return nil, fmt.Errorf("broker: %w", err)
		}
	}
	l, err := net.Listen("tcp", opt.Listen)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: opt.Clients,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return opt.Cert() },
		VerifyConnection: func(s tls.ConnectionState) error {
			if opt.Revoked != nil && opt.Revoked(s.PeerCertificates[0]) {
				return errors.New("broker: the client's certificate is revoked")
			}
			return nil
		},
	}
	b.listen = &listener{Listener: l, cfg: cfg, strangers: map[*conn]struct{}{}}
	if err := server.AddListener(listeners.NewNet("tls", b.listen)); err != nil {
		return nil, fmt.Errorf("broker: %w", errors.Join(err, l.Close()))
	}
	if err := server.Serve(); err != nil {
		return nil, fmt.Errorf("broker: %w", errors.Join(err, l.Close()))
	}
	return b, nil
}

// Addr returns where the broker listens.
func (b *Broker) Addr() string { return b.listen.Addr().String() }

// Clients returns how many clients are connected.
func (b *Broker) Clients() int { return int(b.server.Info.Clone().ClientsConnected) }

// Sweep ends the connections of clients whose certificate was revoked since
// they connected.
func (b *Broker) Sweep() {
	if b.opt.Revoked == nil {
		return
	}
	for _, cl := range b.server.Clients.GetAll() {
		if cert := certificate(cl); cert != nil && !cl.Closed() && b.opt.Revoked(cert) {
			b.opt.Log.Warn("client's certificate is revoked", "client_id", cl.ID)
			_ = b.server.DisconnectClient(cl, packets.ErrNotAuthorized)
		}
	}
}

// Close ends all connections. Only the first call does.
func (b *Broker) Close() error {
	b.listen.stop()
	return b.close()
}

// listener makes TLS connections whose handshake is bounded in time.
type listener struct {
	net.Listener
	cfg *tls.Config

	mu        sync.Mutex
	stopped   bool
	strangers map[*conn]struct{} // whose handshake is not done
}

// stop ends the connections of strangers, which the library does not know and
// would wait for.
func (l *listener) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	for c := range l.strangers {
		_ = c.NetConn().Close()
	}
}

func (l *listener) add(c *conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return errors.Join(net.ErrClosed, c.NetConn().Close())
	}
	l.strangers[c] = struct{}{}
	return nil
}

func (l *listener) remove(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.strangers, c)
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tc := &conn{Conn: tls.Server(c, l.cfg), listener: l}
	if err := l.add(tc); err != nil {
		return nil, err
	}
	return tc, nil
}

type conn struct {
	*tls.Conn
	listener *listener
	greeted  bool
}

// Read makes the handshake first, on the connection's own goroutine.
func (c *conn) Read(p []byte) (int, error) {
	if !c.greeted {
		c.greeted = true
		defer c.listener.remove(c)
		ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
		defer cancel()
		if err := c.HandshakeContext(ctx); err != nil {
			return 0, errors.Join(err, c.Close())
		}
	}
	return c.Conn.Read(p)
}

// access is the hook that lets clients in and checks topics.
type access struct {
	mqtt.HookBase
	opt    Options
	server *mqtt.Server
}

// ID implements mqtt.Hook.
func (*access) ID() string { return "edgecam-access" }

// Provides implements mqtt.Hook.
func (*access) Provides(b byte) bool {
	return bytes.IndexByte([]byte{mqtt.OnConnectAuthenticate, mqtt.OnACLCheck}, b) >= 0
}

func certificate(cl *mqtt.Client) *x509.Certificate {
	c, ok := cl.Net.Conn.(*conn)
	if !ok {
		return nil
	}
	certs := c.ConnectionState().PeerCertificates
	if len(certs) == 0 {
		return nil
	}
	return certs[0]
}

func commonName(cl *mqtt.Client) string {
	if c := certificate(cl); c != nil {
		return c.Subject.CommonName
	}
	return ""
}

// OnConnectAuthenticate implements mqtt.Hook: the certificate was checked by
// TLS, its name must be one of ours and go with the client id.
func (a *access) OnConnectAuthenticate(cl *mqtt.Client, _ packets.Packet) bool {
	cn := commonName(cl)
	ok := acl.ClientIDAllowed(cn, cl.ID)
	if !ok {
		a.opt.Log.Warn("client refused", "name", cn, "client_id", cl.ID)
		return false
	}
	a.takeOver(cl.ID)
	return true
}

// takeOverTimeout bounds the wait for a connection that is being ended.
const takeOverTimeout = 5 * time.Second

// takeOver ends the connection that has the client id and waits until nothing
// is left of it. The library forgets a connection by its id, after it has ended
// and beside whatever comes next: a client that came back meanwhile would lose
// its subscriptions and hear nothing until it reconnects once more.
func (a *access) takeOver(id string) {
	for deadline := time.Now().Add(takeOverTimeout); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		old, ok := a.server.Clients.Get(id)
		if !ok || !forgotten(old) {
			return
		}
		if !old.Closed() {
			_ = a.server.DisconnectClient(old, packets.ErrSessionTakenOver)
		}
	}
}

// forgotten reports whether the library drops a client when its connection has
// ended. Sessions that outlive it are handed over in order.
func forgotten(cl *mqtt.Client) bool {
	p := cl.Properties
	if p.ProtocolVersion < 5 {
		return p.Clean
	}
	return p.Props.SessionExpiryInterval == 0
}

// OnACLCheck implements mqtt.Hook.
func (*access) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	return acl.Allowed(commonName(cl), topic, write)
}

const retainedFile = "retained.json"

// retained is the hook that keeps desired configurations on disk.
type retained struct {
	mqtt.HookBase
	fsys durable.FS
	log  *slog.Logger

	mu   sync.Mutex
	docs map[string][]byte // by topic
}

func loadRetained(fsys durable.FS, log *slog.Logger) (*retained, error) {
	r := &retained{fsys: fsys, log: log, docs: map[string][]byte{}}
	if err := durable.Load(fsys, retainedFile, &r.docs); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("broker: %w; remove the file to go on without it", err)
	}
	return r, nil
}

// ID implements mqtt.Hook.
func (*retained) ID() string { return "edgecam-retained" }

// Provides implements mqtt.Hook.
func (*retained) Provides(b byte) bool {
	return bytes.IndexByte([]byte{mqtt.OnRetainMessage, mqtt.StoredRetainedMessages}, b) >= 0
}

// OnRetainMessage implements mqtt.Hook.
func (r *retained) OnRetainMessage(_ *mqtt.Client, pk packets.Packet, _ int64) {
	t, err := wire.ParseTopic(pk.TopicName)
	if err != nil || t.Kind != wire.DnDesired {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(pk.Payload) == 0 {
		delete(r.docs, pk.TopicName)
	} else {
		r.docs[pk.TopicName] = bytes.Clone(pk.Payload)
	}
	if err := durable.Save(r.fsys, retainedFile, r.docs); err != nil {
		r.log.Error("retained messages not saved", "error", err)
	}
}

// StoredRetainedMessages implements mqtt.Hook.
func (r *retained) StoredRetainedMessages() ([]storage.Message, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []storage.Message
	for topic, payload := range r.docs {
		out = append(out, storage.Message{
			T: storage.RetainedKey, ID: storage.RetainedKey + "_" + topic, TopicName: topic, Payload: payload, Created: time.Now().Unix(),
			FixedHeader: packets.FixedHeader{Type: packets.Publish, Retain: true, Qos: 1},
		})
	}
	return out, nil
}
