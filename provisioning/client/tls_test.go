package client_test

import (
	"crypto/tls"
	"io"
	"testing"
	"time"

	"github.com/edgecam/edgecam/provisioning/client"
)

// TestOldTLS: neither side speaks a TLS before 1.2, even to one that knows no
// other, and both speak 1.2.
func TestOldTLS(t *testing.T) {
	c := newCA(t)
	b := c.broker(c.server("127.0.0.1", time.Now()), nil)
	for version, want := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		cfg := c.client(id)
		cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS10, version
		conn, err := tls.Dial("tcp", b.Addr(), cfg)
		if err == nil {
			if got := conn.ConnectionState().Version; got != version {
				t.Errorf("spoke %s", tls.VersionName(got))
			}
			conn.Close()
		}
		if (err == nil) != want {
			t.Errorf("the broker speaks %s: %v", tls.VersionName(version), err)
		}
	}

	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{*c.server("127.0.0.1", time.Now())}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
	})
	if err != nil {
		t.Fatal(err)
	}
	done, spoke := make(chan struct{}), make(chan bool, 64)
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			_, err = conn.Read(make([]byte, 1))
			spoke <- err == nil
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
	}()
	cfg := c.client(id)
	cfg.MinVersion = tls.VersionTLS10 // the client knows better than who uses it
	err = failure(t, client.Endpoint{Broker: "tls://" + l.Addr().String(), TLS: cfg, ClientID: id})
	if <-spoke {
		t.Error("the client speaks TLS 1.1")
	}
	if k := client.KindOf(err); k != client.KindProtocol {
		t.Errorf("kind %s: the authority would be asked for another certificate: %v", k, err)
	}
	l.Close()
	<-done
}
