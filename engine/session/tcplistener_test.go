package session

import (
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"
)

func silent(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// ended reports whether the other side has closed a connection.
func ended(c net.Conn, within time.Duration) bool {
	_ = c.SetReadDeadline(time.Now().Add(within))
	_, err := c.Read(make([]byte, 1))
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// TestSilentTCP connects to the port of ICE-TCP and says nothing: nobody waits for
// that at the end.
func TestSilentTCP(t *testing.T) {
	cfg := Defaults()
	cfg.UDPPort, cfg.Loopback = 0, true
	n, err := New(cfg, Hooks{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := silent(t, fmt.Sprintf("127.0.0.1:%d", n.Port()))
	if ended(c, 200*time.Millisecond) {
		t.Fatal("the connection is refused")
	}
	began := time.Now()
	if err := n.Close(t.Context()); err != nil {
		t.Error(err)
	}
	// Waiting for its first packet takes as long as one may take to connect.
	if took, least := time.Since(began), Defaults().ConnectTimeout; took > least*3/4 {
		t.Errorf("closing took %v", took)
	}
	if !ended(c, 10*time.Second) {
		t.Error("the connection outlives the node")
	}
}

// TestTCPFlood: more silent connections than there are places.
func TestTCPFlood(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &tcpListener{Listener: inner}
	accept := func() (client, server net.Conn) {
		client = silent(t, inner.Addr().String())
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return client, server
	}
	good, server := accept()
	if _, err := server.Write([]byte{1}); err != nil { // an answer
		t.Fatal(err)
	}
	if n, err := good.Read(make([]byte, 1)); n != 1 {
		t.Fatal(err)
	}
	first, _ := accept()
	second, _ := accept()
	for range maxTCP - 2 {
		accept()
	}
	if !ended(first, 10*time.Second) {
		t.Error("the oldest does not make room")
	}
	if ended(second, 50*time.Millisecond) || ended(good, 50*time.Millisecond) {
		t.Error("one that was answered, or a later one, has been ended")
	}
	if len(l.conns) != maxTCP {
		t.Errorf("%d connections are kept", len(l.conns))
	}
	_ = server.Close()
	if len(l.conns) != maxTCP-1 {
		t.Error("a connection that has ended keeps its place")
	}
	if err := l.Close(); err != nil || !ended(second, 10*time.Second) {
		t.Errorf("a connection outlives its listener (%v)", err)
	}
}
