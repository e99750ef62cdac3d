package session

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/edgecam/edgecam/engine/session/nat"
)

// turnDialTimeout bounds the connection to a TURN server over TCP or TLS.
const turnDialTimeout = 5 * time.Second

// turnDialer connects to TURN servers over TCP, and over TLS where their address
// says turns: it trusts the roots that it was given, which the ICE library has no
// place for. It implements golang.org/x/net/proxy.Dialer.
type turnDialer struct {
	roots *x509.CertPool
	tls   map[string]string // host and port of servers with TLS, and their name
}

func newTURNDialer(servers []ICEServer, roots *x509.CertPool) turnDialer {
	d := turnDialer{roots: roots, tls: map[string]string{}}
	for _, s := range servers {
		for _, text := range s.URLs {
			if u, err := nat.ParseURI(text); err == nil && u.Scheme == "turns" && u.Transport == "tcp" {
				d.tls[net.JoinHostPort(u.Host, strconv.Itoa(int(u.Port)))] = u.Host
			}
		}
	}
	return d
}

// Dial connects to a TURN server.
func (d turnDialer) Dial(network, addr string) (net.Conn, error) {
	plain := &net.Dialer{Timeout: turnDialTimeout}
	name, secure := d.tls[addr]
	if !secure {
		return plain.Dial(network, addr)
	}
	c, err := tls.DialWithDialer(plain, network, addr, &tls.Config{ServerName: name, RootCAs: d.roots, MinVersion: tls.VersionTLS12})
	if err != nil {
		return nil, fmt.Errorf("session: TURN server %s: %w", addr, err)
	}
	return c, nil
}
