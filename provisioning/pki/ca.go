// Package pki makes and checks the certificates of a fleet: a root that is kept
// offline, an issuing authority below it that signs for nodes, brokers and
// services, and P-256 keys that never leave the machine that made them.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Lifetimes of certificates.
const (
	RootLife    = 20 * 365 * 24 * time.Hour
	IssuerLife  = 5 * 365 * 24 * time.Hour
	NodeLife    = 90 * 24 * time.Hour
	ServiceLife = 365 * 24 * time.Hour
)

// backdate covers clocks that are a little behind.
const backdate = 5 * time.Minute

// Signer is a certificate that can sign others.
type Signer struct {
	Cert *x509.Certificate
	Key  crypto.Signer
}

// NewKey returns a P-256 key.
func NewKey() (*ecdsa.PrivateKey, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	return k, nil
}

func serial() *big.Int {
	var b [16]byte
	rand.Read(b[:])
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b[:])
}

// NewRoot makes a self-signed root.
func NewRoot(name string, now time.Time) (Signer, error) {
	key, err := NewKey()
	if err != nil {
		return Signer{}, err
	}
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(RootLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLen: 1,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return sign(t, t, key, key)
}

// NewIssuer makes an issuing authority below root.
func (root Signer) NewIssuer(name string, now time.Time) (Signer, error) {
	key, err := NewKey()
	if err != nil {
		return Signer{}, err
	}
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(IssuerLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return sign(t, root.Cert, key, root.Key)
}

// NewServer makes a key and certificate for a broker with these names and
// addresses.
func (s Signer) NewServer(hosts []string, now time.Time) (Signer, error) {
	if len(hosts) == 0 {
		return Signer{}, errors.New("pki: a broker's certificate needs at least one host name or address")
	}
	t := &x509.Certificate{Subject: pkix.Name{CommonName: hosts[0]}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return s.leaf(t, now, ServiceLife)
}

// NewClient makes a key and certificate for a service or an operator.
func (s Signer) NewClient(name string, now time.Time, life time.Duration) (Signer, error) {
	return s.leaf(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, now, life)
}

func (s Signer) leaf(t *x509.Certificate, now time.Time, life time.Duration) (Signer, error) {
	key, err := NewKey()
	if err != nil {
		return Signer{}, err
	}
	s.fill(t, now, life)
	return sign(t, s.Cert, key, s.Key)
}

// Again signs a certificate like old, for the same key, name and use and as long
// a life, from now on.
func (s Signer) Again(old *x509.Certificate, now time.Time) (*x509.Certificate, error) {
	t := &x509.Certificate{Subject: old.Subject, DNSNames: old.DNSNames, IPAddresses: old.IPAddresses, ExtKeyUsage: old.ExtKeyUsage}
	s.fill(t, now, old.NotAfter.Sub(old.NotBefore)-backdate)
	der, err := x509.CreateCertificate(rand.Reader, t, s.Cert, old.PublicKey, s.Key)
	if err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	return x509.ParseCertificate(der)
}

func (s Signer) fill(t *x509.Certificate, now time.Time, life time.Duration) {
	t.SerialNumber = serial()
	t.NotBefore, t.NotAfter = now.Add(-backdate), now.Add(life)
	if t.NotAfter.After(s.Cert.NotAfter) {
		t.NotAfter = s.Cert.NotAfter
	}
	t.KeyUsage, t.BasicConstraintsValid = x509.KeyUsageDigitalSignature, true
}

func sign(t, parent *x509.Certificate, key *ecdsa.PrivateKey, by crypto.Signer) (Signer, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), by)
	if err != nil {
		return Signer{}, fmt.Errorf("pki: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return Signer{}, fmt.Errorf("pki: %w", err)
	}
	return Signer{cert, key}, nil
}

// NewCSR returns a certificate request for node id as PEM.
func NewCSR(id string, key crypto.Signer) (string, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: id}}, key)
	if err != nil {
		return "", fmt.Errorf("pki: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), nil
}

// ParseCSR checks a request: one PEM block, signed by its own P-256 key, with
// nothing but id for a subject and no extensions.
func ParseCSR(text, id string) (*x509.CertificateRequest, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(rest) > 0 {
		return nil, errors.New("pki: not one CERTIFICATE REQUEST in PEM")
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("pki: certificate request: %w", err)
	}
	if err := r.CheckSignature(); err != nil {
		return nil, fmt.Errorf("pki: certificate request: %w", err)
	}
	if k, ok := r.PublicKey.(*ecdsa.PublicKey); !ok || k.Curve != elliptic.P256() {
		return nil, errors.New("pki: certificate request: the key is not P-256")
	}
	if r.Subject.String() != "CN="+id || len(r.Extensions) > 0 {
		return nil, fmt.Errorf("pki: certificate request is for %q, must be for CN=%s and nothing else", r.Subject, id)
	}
	return r, nil
}

// SignNode signs a checked request for node id.
func (s Signer) SignNode(r *x509.CertificateRequest, id string, now time.Time, life time.Duration) (*x509.Certificate, error) {
	t := &x509.Certificate{Subject: pkix.Name{CommonName: id}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	s.fill(t, now, life)
	der, err := x509.CreateCertificate(rand.Reader, t, s.Cert, r.PublicKey, s.Key)
	if err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	return x509.ParseCertificate(der)
}

// Revoked is one entry of a revocation list.
type Revoked struct {
	Serial string    `json:"serial"` // hex
	At     time.Time `json:"at"`
}

// NewCRL returns the issuer's revocation list as PEM.
func (s Signer) NewCRL(number int64, revoked []Revoked, now time.Time, life time.Duration) ([]byte, error) {
	t := &x509.RevocationList{Number: big.NewInt(number), ThisUpdate: now.Add(-backdate), NextUpdate: now.Add(life)}
	for _, r := range revoked {
		n, ok := new(big.Int).SetString(r.Serial, 16)
		if !ok {
			return nil, fmt.Errorf("pki: serial number %q is not hex", r.Serial)
		}
		t.RevokedCertificateEntries = append(t.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: n, RevocationTime: r.At})
	}
	der, err := x509.CreateRevocationList(rand.Reader, t, s.Cert, s.Key)
	if err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), nil
}

// SerialHex returns a certificate's serial number as Revoked has it.
func SerialHex(c *x509.Certificate) string { return c.SerialNumber.Text(16) }

// Fingerprint returns the first 16 hex digits of the hash of a public key, for
// a person to compare.
func Fingerprint(pub crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "unknown"
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:8])
}
