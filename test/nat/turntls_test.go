package nat

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/test/netlab"
)

// roots reads authorities; nil for none.
func roots(text string) *x509.CertPool {
	if text == "" {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(text))
	return pool
}

// selfSigned makes an authority and a certificate of it for the laboratory's TURN
// server: the authority in PEM, and the files of the server.
func selfSigned(t *testing.T) (ca, certFile, keyFile string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	make := func(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(err)
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		if parent == nil {
			parent, parentKey = template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
		must(err)
		cert, err := x509.ParseCertificate(der)
		must(err)
		return cert, key
	}
	root, rootKey := make(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "laboratory"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	cert, key := make(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "turn"}, IPAddresses: []net.IP{net.ParseIP(netlab.InternetAddr)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, root, rootKey)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "turn.crt"), filepath.Join(dir, "turn.key")
	must(os.Chmod(dir, 0o755))
	must(os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o644))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	must(os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o644))
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})), certFile, keyFile
}

// TestTURNOverTLS connects two networks that let no UDP through by a TURN server
// with TLS whose certificate is of an authority of one's own; without the authority
// there is no way.
func TestTURNOverTLS(t *testing.T) {
	ca, cert, key := selfSigned(t)
	other, _, _ := selfSigned(t)
	turns := session.ICEServer{URLs: []string{"turns:" + netlab.InternetAddr + ":5349?transport=tcp"}, Username: turnUser, Credential: turnPassword}
	servers := []session.ICEServer{turns}
	for _, c := range []struct {
		name, ca string
		works    bool
	}{{"its authority", ca, true}, {"another authority", other, false}} {
		t.Run(c.name, func(t *testing.T) {
			l := lab(t, netlab.NoUDP, netlab.NoUDP)
			if err := l.WithoutIPv6(); err != nil {
				t.Fatal(err)
			}
			coturn(t, l, "--lt-cred-mech", "--user="+turnUser+":"+turnPassword, "--cert="+cert, "--pkey="+key, "--tls-listening-port=5349")
			got, failure := connectTrusting(t, l, servers, servers, 2000, c.ca)
			switch {
			case c.works && failure != nil:
				t.Fatalf("%s: %+v", failure.Verdict(), failure.Pairs)
			case c.works && !strings.Contains(got.Pair, "relay"):
				t.Errorf("connected by %s", got.Pair)
			case !c.works && failure == nil:
				t.Errorf("connected by %s", got.Pair)
			}
			t.Logf("%d ms, %s", got.TookMS, got.Pair)
		})
	}
}
