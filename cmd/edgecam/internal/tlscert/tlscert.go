// Package tlscert keeps the certificate that the node makes for itself:
// browsers give the microphone to pages on HTTPS only, and a node in a home has
// no name that a public authority would sign. It is an ECDSA P-256 key in the
// state folder, made at the first start and again before it expires or when
// the node's names change; its fingerprint is printed so that a careful user can
// compare it with what the browser shows.
//
// It names the addresses that the machine had when it was made, but others do
// not renew it: they come late at the first start and change with the network,
// while browsers and indoor stations hold on to the certificate itself.
package tlscert

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/internal/atomicfile"
)

const (
	fileName = "tls.pem" // key and certificate together: one file cannot mismatch
	// Apple's systems refuse server certificates that live longer than this.
	lifetime    = 397 * 24 * time.Hour
	renewBefore = 30 * 24 * time.Hour
)

// Manager holds the present certificate. Its methods may be called from any
// goroutine.
type Manager struct {
	dir   string
	hosts []string
	names func() (hosts []string, ips []net.IP) // of this machine
	now   func() time.Time
	cert  atomic.Pointer[tls.Certificate]
}

// Open reads the certificate in dir, or makes one for this machine's names and
// addresses and the further hosts (names or addresses).
func Open(dir string, hosts ...string) (*Manager, error) {
	m := &Manager{dir: dir, hosts: hosts, names: machineNames, now: time.Now}
	return m, m.Refresh()
}

// Refresh makes a new certificate if the present one expires soon or does not
// cover every name of the machine, and every name and address that was given to
// Open. The machine's addresses do not count: users are not asked to trust again
// for nothing.
func (m *Manager) Refresh() error {
	names, found := m.names()
	hosts, ips := m.wanted(names, nil)
	if c := m.cert.Load(); c != nil && m.good(c, hosts, ips) {
		return nil
	}
	path := filepath.Join(m.dir, fileName)
	data, _, err := atomicfile.Read(path, func(b []byte) error {
		_, err := parse(b)
		return err
	})
	if err == nil {
		if c, err := parse(data); err == nil && m.good(c, hosts, ips) {
			m.cert.Store(c)
			return nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) && errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("tlscert: %w", err)
	}
	hosts, ips = m.wanted(names, found)
	text, err := generate(m.now(), hosts, ips)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return fmt.Errorf("tlscert: %w", err)
	}
	if err := atomicfile.Write(path, text, 0o600); err != nil {
		return fmt.Errorf("tlscert: %w", err)
	}
	c, err := parse(text)
	if err != nil {
		return err
	}
	m.cert.Store(c)
	return nil
}

// Run refreshes the certificate twice a day until ctx is done.
func (m *Manager) Run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(12 * time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		before := m.Fingerprint()
		if err := m.Refresh(); err != nil {
			log.Error("certificate renewal failed", "error", err)
		} else if fp := m.Fingerprint(); fp != before {
			log.Info("certificate renewed", "sha256", fp, "expires", m.Expires())
		}
	}
}

// GetCertificate is for tls.Config.
func (m *Manager) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return m.cert.Load(), nil
}

// Fingerprint returns the certificate's SHA-256 as browsers show it.
func (m *Manager) Fingerprint() string { return Fingerprint(m.cert.Load().Leaf) }

// Expires returns when the certificate ends.
func (m *Manager) Expires() time.Time { return m.cert.Load().Leaf.NotAfter }

// Fingerprint returns a certificate's SHA-256 as pairs of hexadecimal digits.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(pairs, ":")
}

// wanted adds what was given to Open to names and addresses, each once.
func (m *Manager) wanted(hosts []string, ips []net.IP) ([]string, []net.IP) {
	for _, h := range m.hosts {
		if ip := net.ParseIP(strings.Trim(h, "[]")); ip != nil {
			ips = append(ips, ip)
		} else {
			hosts = append(hosts, strings.ToLower(h))
		}
	}
	slices.Sort(hosts)
	slices.SortFunc(ips, func(a, b net.IP) int { return slices.Compare(a.To16(), b.To16()) })
	return slices.Compact(hosts), slices.CompactFunc(ips, net.IP.Equal)
}

func (m *Manager) good(c *tls.Certificate, hosts []string, ips []net.IP) bool {
	now := m.now()
	// A clock that was set back far would otherwise make the node's own
	// certificate look as if it came from the future.
	if now.Before(c.Leaf.NotBefore) || now.Add(renewBefore).After(c.Leaf.NotAfter) {
		return false
	}
	for _, h := range hosts {
		if !slices.Contains(c.Leaf.DNSNames, h) {
			return false
		}
	}
	for _, ip := range ips {
		if !slices.ContainsFunc(c.Leaf.IPAddresses, ip.Equal) {
			return false
		}
	}
	return true
}

// machineNames returns localhost, the host name with and without .local, and
// the addresses of all interfaces. Temporary IPv6 addresses change daily and
// would renew the certificate each time, so of IPv6 only loopback, link-local
// and unique local ones count.
func machineNames() (hosts []string, ips []net.IP) {
	hosts = []string{"localhost"}
	if h, err := os.Hostname(); err == nil && validHost(h) {
		h = strings.ToLower(h)
		short, _, _ := strings.Cut(h, ".")
		hosts = append(hosts, h, short, short+".local")
	}
	ips = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return hosts, ips
	}
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.IsUnspecified() || n.IP.IsMulticast() {
			continue
		}
		if n.IP.To4() != nil || n.IP.IsPrivate() || n.IP.IsLinkLocalUnicast() {
			ips = append(ips, n.IP)
		}
	}
	return hosts, ips
}

func validHost(h string) bool {
	return h != "" && len(h) <= 253 && !strings.ContainsFunc(h, func(r rune) bool {
		return !(r == '-' || r == '.' || r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z')
	})
}

func generate(now time.Time, hosts []string, ips []net.IP) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("tlscert: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("tlscert: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "edgecam " + hosts[0]},
		// Viewers' clocks may be behind.
		NotBefore:             now.Add(-24 * time.Hour).UTC(),
		NotAfter:              now.Add(lifetime - 24*time.Hour).UTC(),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              hosts,
		IPAddresses:           ips,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("tlscert: %w", err)
	}
	pk, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("tlscert: %w", err)
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return append(out, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pk})...), nil
}

func parse(text []byte) (*tls.Certificate, error) {
	c, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, fmt.Errorf("tlscert: %w", err)
	}
	return &c, nil
}

// Files serves a certificate from PEM files that something else keeps up to
// date: they are read again when they change.
type Files struct {
	certPath, keyPath string
	cert              atomic.Pointer[tls.Certificate]
	stamp             atomic.Int64
	checked           atomic.Int64
}

// OpenFiles reads the certificate chain and key once, to fail early.
func OpenFiles(certPath, keyPath string) (*Files, error) {
	f := &Files{certPath: certPath, keyPath: keyPath}
	return f, f.load()
}

func (f *Files) load() error {
	c, err := tls.LoadX509KeyPair(f.certPath, f.keyPath)
	if err != nil {
		return fmt.Errorf("tlscert: http.tls_cert and http.tls_key: %w", err)
	}
	f.stamp.Store(modified(f.certPath))
	f.cert.Store(&c)
	return nil
}

func modified(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.ModTime().UnixNano()
}

// GetCertificate is for tls.Config. At most every ten seconds it looks whether
// the file changed; a pair that does not load leaves the old one in use.
func (f *Files) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	now := time.Now().Unix()
	if last := f.checked.Load(); now-last >= 10 && f.checked.CompareAndSwap(last, now) {
		if m := modified(f.certPath); m != 0 && m != f.stamp.Load() {
			if err := f.load(); err != nil {
				f.checked.Store(now)
			}
		}
	}
	return f.cert.Load(), nil
}

// Fingerprint returns the certificate's SHA-256.
func (f *Files) Fingerprint() string { return Fingerprint(f.cert.Load().Leaf) }
