package tlscert

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLifeOfACertificate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	ips := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback, net.IPv4(192, 0, 2, 5)}
	now := time.Now()
	machine, given := []string{"localhost", "node", "node.local"}, []string{"Door.Example", "192.0.2.77"}
	open := func() *Manager {
		t.Helper()
		m := &Manager{
			dir: dir, hosts: given, names: func() ([]string, []net.IP) { return slices.Clone(machine), slices.Clone(ips) },
			now: func() time.Time { return now },
		}
		if err := m.Refresh(); err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := open()
	first := m.Fingerprint()
	if len(first) != 95 || strings.Count(first, ":") != 31 {
		t.Errorf("fingerprint %q", first)
	}
	if info, _ := os.Stat(filepath.Join(dir, fileName)); info.Mode().Perm() != 0o600 {
		t.Errorf("key file has mode %v", info.Mode())
	}
	for _, host := range []string{"localhost", "node.local", "door.example", "127.0.0.1", "::1", "192.0.2.5", "192.0.2.77"} {
		if err := m.cert.Load().Leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	same := func(want bool, why string) {
		t.Helper()
		m := open()
		if (m.Fingerprint() == first) != want {
			t.Errorf("%s: certificate kept is %v, want %v", why, !want, want)
		}
		first = m.Fingerprint()
	}
	same(true, "restart")
	ips = ips[:2]
	same(true, "address gone")
	now = now.Add(lifetime - 60*24*time.Hour)
	same(true, "59 days left")
	now = now.Add(40 * 24 * time.Hour)
	same(false, "19 days left")
	ips = append(ips, net.IPv4(198, 51, 100, 3))
	same(true, "new address")
	given = append(given, "198.51.100.4")
	same(false, "another address given")
	machine = append(machine, "node2.local")
	same(false, "another name of the machine")
	now = now.Add(-500 * 24 * time.Hour)
	same(false, "clock set back")
	os.WriteFile(filepath.Join(dir, fileName), []byte("junk"), 0o600)
	os.WriteFile(filepath.Join(dir, fileName+".bak"), []byte("junk"), 0o600)
	same(false, "damaged file")
}

func TestHandshake(t *testing.T) {
	m, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if d := m.Expires().Sub(m.cert.Load().Leaf.NotBefore); d > 398*24*time.Hour {
		t.Errorf("lives %v, too long for some browsers", d)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: m.GetCertificate})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			c.(*tls.Conn).Handshake()
			c.Close()
		}
	}()
	pool := x509.NewCertPool()
	pool.AddCert(m.cert.Load().Leaf)
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestFilesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	put := func(at time.Time) {
		text, err := generate(time.Now(), []string{"a.example"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile(cert, text, 0o600)
		os.WriteFile(key, text, 0o600)
		os.Chtimes(cert, at, at)
	}
	put(time.Unix(1000, 0))
	f, err := OpenFiles(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	before := f.Fingerprint()
	put(time.Unix(2000, 0))
	f.GetCertificate(nil)
	if f.Fingerprint() == before {
		t.Error("the new certificate is not used")
	}
	before = f.Fingerprint()
	os.WriteFile(cert, []byte("half"), 0o600)
	f.checked.Store(0)
	if c, err := f.GetCertificate(nil); err != nil || Fingerprint(c.Leaf) != before {
		t.Error("a damaged file took the good certificate away")
	}
	if _, err := OpenFiles(filepath.Join(dir, "absent"), key); err == nil || !strings.Contains(err.Error(), "http.tls_cert") {
		t.Error(err)
	}
}
