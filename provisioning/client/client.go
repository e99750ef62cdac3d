// Package client holds one MQTT 3.1.1 connection open: TLS 1.2 or newer with a
// client certificate, a last will, one SUBSCRIBE, and pauses of its own between
// attempts. The library (paho) does the protocol; when to connect, with what
// and how often is decided here, and nothing outlives [Client.Run].
package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// Message is something to publish.
type Message struct {
	Topic   string
	Payload []byte
	QoS     byte // 0 or 1
	Retain  bool
}

// Received is a message from the broker. It is acknowledged to the broker when
// the handler has returned.
type Received struct {
	Topic    string
	Payload  []byte
	Retained bool
}

// Endpoint is where and as whom to connect, asked for before every attempt:
// certificates are rotated, and a node moves to another broker.
type Endpoint struct {
	Broker   string // tls://HOST:PORT; tcp:// needs Insecure
	ClientID string
	TLS      *tls.Config // with client certificate and roots; ServerName is filled in
	Insecure bool
	// Username and Password are for brokers that know clients by them.
	Username, Password string
	Will               *Message
	Filters            []string // subscribed to with QoS 1
	// Tag is given back to Up, Down and Failed, so that the caller knows which
	// of its certificates was used.
	Tag string
}

// DefaultKeepAlive is how long a connection may be silent before it is asked
// whether it still stands.
const DefaultKeepAlive = time.Minute

// Options make a Client.
type Options struct {
	// Endpoint is called before every attempt.
	Endpoint func(ctx context.Context) (Endpoint, error)
	// Handle is called for every message, one at a time.
	Handle func(Received)
	// Up is called when the connection stands and the subscriptions are
	// acknowledged; it may publish. Its error ends the connection.
	Up func(ctx context.Context, e Endpoint) error
	// Leaving is called before a connection that stands is ended from this
	// side; it may publish a farewell.
	Leaving func(ctx context.Context, e Endpoint)
	// Down is called when a connection that was up has ended.
	Down func(e Endpoint, err error)
	// Failed is called when an attempt has failed.
	Failed func(e Endpoint, err error)

	// Inbox bounds the messages that wait for Handle; default 64. More are
	// dropped, or with Wait hold the connection up until there is room: only
	// for a Handle that never publishes.
	Inbox int
	Wait  bool

	Backoff   Backoff
	KeepAlive time.Duration // default DefaultKeepAlive
	// ConnectTimeout bounds an attempt, TLS and CONNACK included; default 90 s. It
	// is long, since giving up does not help a broker to which a whole fleet
	// comes back: it spends its time on handshakes for clients that are gone.
	ConnectTimeout time.Duration
	AckTimeout     time.Duration // of a QoS 1 publish, default 30 s
	Log            *slog.Logger
}

// Stats are counters since New.
type Stats struct {
	Attempts  uint64
	Connects  uint64
	Published uint64
	Received  uint64
	Dropped   uint64 // received, but the handler was too far behind
	BytesIn   uint64 // payloads and topics
	BytesOut  uint64
}

// Client is such a connection.
type Client struct {
	opt   Options
	again chan struct{} // connect anew, at once
	inbox chan delivery

	mu   sync.Mutex
	conn mqtt.Client // nil while down

	attempts, connects, published, received, dropped, bytesIn, bytesOut atomic.Uint64
}

// New makes a client; Run connects it.
func New(opt Options) *Client {
	opt.Backoff = opt.Backoff.withDefaults()
	if opt.KeepAlive <= 0 {
		opt.KeepAlive = DefaultKeepAlive
	}
	if opt.ConnectTimeout <= 0 {
		opt.ConnectTimeout = 90 * time.Second
	}
	if opt.AckTimeout <= 0 {
		opt.AckTimeout = 30 * time.Second
	}
	if opt.Inbox <= 0 {
		opt.Inbox = 64
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Client{opt: opt, again: make(chan struct{}, 1), inbox: make(chan delivery, opt.Inbox)}
}

// Stats returns the counters.
func (c *Client) Stats() Stats {
	return Stats{
		c.attempts.Load(), c.connects.Load(), c.published.Load(), c.received.Load(), c.dropped.Load(), c.bytesIn.Load(), c.bytesOut.Load(),
	}
}

// Connected reports whether the connection stands.
func (c *Client) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn != nil
}

// Reconnect ends the connection, if there is one, and connects again without a
// pause: identity or broker have changed.
func (c *Client) Reconnect() {
	select {
	case c.again <- struct{}{}:
	default:
	}
}

// Publish sends m. With QoS 1 it waits for the broker's acknowledgement.
func (c *Client) Publish(ctx context.Context, m Message) error {
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if conn == nil {
		return ErrOffline
	}
	return c.publish(ctx, conn, m)
}

func (c *Client) publish(ctx context.Context, conn mqtt.Client, m Message) error {
	token := conn.Publish(m.Topic, m.QoS, m.Retain, m.Payload)
	timer := time.NewTimer(c.opt.AckTimeout)
	defer timer.Stop()
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			return fmt.Errorf("client: publish: %w", err)
		}
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		// A broker that takes and does not acknowledge: another connection may.
		c.Reconnect()
		return fmt.Errorf("client: publish: %w", context.DeadlineExceeded)
	}
	c.published.Add(1)
	c.bytesOut.Add(uint64(len(m.Payload) + len(m.Topic)))
	return nil
}

// Run keeps the connection until ctx is done.
func (c *Client) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { c.handle(ctx) })
	defer wg.Wait()
	if c.opt.Backoff.Start > 0 && !c.sleep(ctx, rand.N(c.opt.Backoff.Start)) {
		return
	}
	for t := (trouble{since: time.Now()}); ctx.Err() == nil; {
		began, connects := time.Now(), c.connects.Load()
		e, err := c.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errAgain) {
			t = trouble{since: time.Now()}
			if !c.sleep(ctx, 10*time.Millisecond) {
				return
			}
			continue
		}
		now, kind := time.Now(), KindOf(err)
		pause := t.next(c.opt.Backoff, now, c.connects.Load() > connects, now.Sub(began), kind)
		c.opt.Log.Warn("broker not connected", "broker", e.Broker, "kind", kind.String(), "pause_ms", pause.Milliseconds(), "error", err)
		if !c.sleep(ctx, pause) {
			return
		}
	}
}

// errAgain ends a session that Reconnect was called in.
var errAgain = errors.New("client: to be connected anew")

// sleep waits; Reconnect ends the wait.
func (c *Client) sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.again:
	case <-ctx.Done():
		return false
	}
	return true
}

// session is one attempt and, if it succeeds, the connection's life.
func (c *Client) session(ctx context.Context) (Endpoint, error) {
	e, err := c.opt.Endpoint(ctx)
	if err != nil {
		return e, c.failed(e, fmt.Errorf("%w: %w", errLocal, err))
	}
	c.attempts.Add(1)
	lost := make(chan error, 1)
	conn, g, err := c.connect(ctx, e, lost)
	if err != nil {
		return e, c.failed(e, err)
	}
	defer conn.Disconnect(100)
	if err := c.subscribe(ctx, conn, e.Filters); err != nil {
		return e, c.failed(e, explain(err, g))
	}
	c.connects.Add(1)
	c.mu.Lock()
	c.conn = conn
	c.mu.Unlock()
	down := func(err error) error {
		c.mu.Lock()
		c.conn = nil
		c.mu.Unlock()
		if c.opt.Down != nil {
			c.opt.Down(e, err)
		}
		return err
	}
	if c.opt.Up != nil {
		upCtx, cancel := context.WithTimeout(ctx, c.opt.AckTimeout)
		err := c.opt.Up(upCtx, e)
		cancel()
		if err != nil {
			return e, down(explain(err, g))
		}
	}
	select {
	case err := <-lost:
		return e, down(explain(err, g))
	case <-c.again:
		c.leave(ctx, e)
		return e, down(errAgain)
	case <-ctx.Done():
		c.leave(ctx, e)
		return e, down(ctx.Err())
	}
}

// leaveTimeout bounds a farewell.
const leaveTimeout = 2 * time.Second

func (c *Client) leave(ctx context.Context, e Endpoint) {
	if c.opt.Leaving == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	c.opt.Leaving(ctx, e)
}

// explain prefers why reading failed to what the library makes of it.
func explain(err error, g *guard) error {
	if g == nil {
		return err
	}
	if r := g.reason(); r != nil && KindOf(r) != KindNetwork {
		return errors.Join(err, r)
	}
	return err
}

func (c *Client) failed(e Endpoint, err error) error {
	if c.opt.Failed != nil {
		c.opt.Failed(e, err)
	}
	return err
}

func (c *Client) connect(ctx context.Context, e Endpoint, lost chan<- error) (mqtt.Client, *guard, error) {
	u, err := url.Parse(e.Broker)
	if err != nil || u.Hostname() == "" {
		return nil, nil, fmt.Errorf("%w: broker address %q must be like tls://HOST:8883", errLocal, e.Broker)
	}
	var g *guard
	o := mqtt.NewClientOptions().AddBroker(e.Broker).SetClientID(e.ClientID).SetProtocolVersion(4).
		SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false).SetOrderMatters(true).SetAutoAckDisabled(true).
		SetKeepAlive(c.opt.KeepAlive).SetPingTimeout(min(c.opt.KeepAlive/2, 20*time.Second)).
		SetConnectTimeout(c.opt.ConnectTimeout).SetWriteTimeout(c.opt.AckTimeout).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { c.receive(ctx, m) }).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) {
			select {
			case lost <- err:
			default:
			}
		}).
		SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
			conn, err := c.dial(ctx, u, e)
			if err == nil {
				g = &guard{Conn: conn}
				return g, nil
			}
			return nil, err
		})
	if w := e.Will; w != nil {
		o.SetBinaryWill(w.Topic, w.Payload, w.QoS, w.Retain)
	}
	if e.Username != "" {
		o.SetUsername(e.Username).SetPassword(e.Password)
	}
	conn := mqtt.NewClient(o)
	token := conn.Connect()
	select {
	case <-token.Done():
	case <-ctx.Done():
		conn.Disconnect(0)
		return nil, g, ctx.Err()
	}
	if err := token.Error(); err != nil {
		conn.Disconnect(0)
		if g != nil && timedOut(err) {
			err = errors.Join(errBusy, err)
		}
		return nil, g, fmt.Errorf("client: connect: %w", explain(err, g))
	}
	return conn, g, nil
}

// dialTimeout bounds the wait for TCP: whoever listens answers that at once.
const dialTimeout = 20 * time.Second

func (c *Client) dial(ctx context.Context, u *url.URL, e Endpoint) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opt.ConnectTimeout)
	defer cancel()
	port := u.Port()
	var secure bool
	switch u.Scheme {
	case "tls", "ssl", "mqtts":
		secure = true
		if port == "" {
			port = "8883"
		}
	default:
		if !e.Insecure {
			return nil, ErrInsecure
		}
		if port == "" {
			port = "1883"
		}
	}
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil || !secure {
		return conn, err
	}
	cfg := &tls.Config{}
	if e.TLS != nil {
		cfg = e.TLS.Clone()
	}
	cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	if cfg.ServerName == "" {
		cfg.ServerName = u.Hostname()
	}
	tc := tls.Client(conn, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		if timedOut(err) {
			err = errors.Join(errBusy, err)
		}
		return nil, errors.Join(err, conn.Close())
	}
	return tc, nil
}

func (c *Client) subscribe(ctx context.Context, conn mqtt.Client, filters []string) error {
	if len(filters) == 0 {
		return nil
	}
	m := map[string]byte{}
	for _, f := range filters {
		m[f] = 1
	}
	token := conn.SubscribeMultiple(m, nil)
	timer := time.NewTimer(c.opt.AckTimeout)
	defer timer.Stop()
	select {
	case <-token.Done():
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("client: subscribe: %w", context.DeadlineExceeded)
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("client: subscribe: %w", err)
	}
	for f, code := range token.(*mqtt.SubscribeToken).Result() {
		if code == 0x80 {
			return fmt.Errorf("client: the broker refuses the subscription to %s", f)
		}
	}
	return nil
}

// receive takes a message from the library, which must not wait for long.
func (c *Client) receive(ctx context.Context, m mqtt.Message) {
	c.received.Add(1)
	c.bytesIn.Add(uint64(len(m.Payload()) + len(m.Topic())))
	d := delivery{Received{m.Topic(), m.Payload(), m.Retained()}, m.Ack}
	if c.opt.Wait {
		select {
		case c.inbox <- d:
		case <-ctx.Done():
		}
		return
	}
	select {
	case c.inbox <- d:
	case <-ctx.Done():
	default:
		// Not acknowledging would stop the broker for good.
		c.dropped.Add(1)
		m.Ack()
	}
}

// delivery is a message and its acknowledgement.
type delivery struct {
	Received
	ack func()
}

func (c *Client) handle(ctx context.Context) {
	for {
		select {
		case m := <-c.inbox:
			if c.opt.Handle != nil {
				c.opt.Handle(m.Received)
			}
			m.ack()
		case <-ctx.Done():
			return
		}
	}
}
