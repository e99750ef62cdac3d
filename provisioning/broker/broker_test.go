package broker_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/broker"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/wire"
)

const node = "ec-10000000abcdef01"

// house is a running broker and what makes clients for it.
type house struct {
	broker *broker.Broker
	root   pki.Signer
	pool   *x509.CertPool
}

func pair(s pki.Signer) tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{s.Cert.Raw}, PrivateKey: s.Key, Leaf: s.Cert}
}

func start(t *testing.T) house {
	t.Helper()
	root, err := pki.NewRoot("test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	server, err := root.NewServer([]string{"127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pki.Pool(pki.EncodeCert(root.Cert))
	if err != nil {
		t.Fatal(err)
	}
	cert := pair(server)
	b, err := broker.Start(broker.Options{
		Listen: "127.0.0.1:0", Clients: pool, Cert: func() (*tls.Certificate, error) { return &cert, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return house{b, root, pool}
}

// options are those of a client that is who its client id says.
func (h house) options(t *testing.T, name string) *mqtt.ClientOptions {
	t.Helper()
	s, err := h.root.NewClient(name, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return mqtt.NewClientOptions().AddBroker("tls://" + h.broker.Addr()).SetClientID(name).SetCleanSession(true).
		SetAutoReconnect(false).SetConnectRetry(false).SetProtocolVersion(4).
		SetTLSConfig(&tls.Config{RootCAs: h.pool, Certificates: []tls.Certificate{pair(s)}})
}

func wait(t *testing.T, what string, token mqtt.Token) {
	t.Helper()
	if !token.WaitTimeout(10 * time.Second) {
		t.Fatalf("%s: not within 10 s", what)
	}
	if err := token.Error(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// TestComesBack has a client come back again and again, after it has left and
// beside a connection of its own that nobody ended. Each time it must hear what
// is sent to it.
func TestComesBack(t *testing.T) {
	h := start(t)
	if err := h.broker.ForgetSlowly(30 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	home := mqtt.NewClient(h.options(t, acl.Home))
	wait(t, "connect", home.Connect())
	defer home.Disconnect(0)
	opt := h.options(t, node)
	topic := wire.Down(node, wire.DnHA) + "/ring"
	c := mqtt.NewClient(opt)
	defer func() { c.Disconnect(0) }()
	for i := range 30 {
		if i%3 > 0 {
			c.Disconnect(0)
		}
		heard := make(chan struct{}, 4)
		c = mqtt.NewClient(opt)
		wait(t, "connect", c.Connect())
		wait(t, "subscribe", c.Subscribe(topic, 1, func(mqtt.Client, mqtt.Message) { heard <- struct{}{} }))
		if i%3 == 1 {
			time.Sleep(time.Millisecond)
		}
		wait(t, "publish", home.Publish(topic, 1, false, "PRESS"))
		select {
		case <-heard:
		case <-time.After(5 * time.Second):
			t.Fatalf("connection %d hears nothing", i)
		}
	}
}

// TestStopsBesideStrangers ends a broker while somebody holds a connection
// without a word.
func TestStopsBesideStrangers(t *testing.T) {
	h := start(t)
	c, err := net.Dial("tcp", h.broker.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// Served in turn: when this one is connected, the stranger has been taken.
	home := mqtt.NewClient(h.options(t, acl.Home))
	wait(t, "connect", home.Connect())
	begin := time.Now()
	h.broker.Close()
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("stopped after %v", d)
	}
	if err := c.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("the stranger's connection is left open: %v", err)
	}
}
