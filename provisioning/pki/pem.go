package pki

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// EncodeCert returns certificates as PEM.
func EncodeCert(certs ...*x509.Certificate) string {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return string(out)
}

// maxCerts bounds a chain.
const maxCerts = 8

// ParseCerts reads one or more certificates.
func ParseCerts(text string) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	rest := []byte(text)
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" || len(out) == maxCerts {
			return nil, errors.New("pki: not a list of certificates")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("pki: %w", err)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, errors.New("pki: no certificate found")
	}
	return out, nil
}

// EncodeKey returns a private key as PEM.
func EncodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParseKey reads what EncodeKey wrote.
func ParseKey(data []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("pki: no PRIVATE KEY found")
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	s, ok := k.(crypto.Signer)
	if !ok {
		return nil, errors.New("pki: the key cannot sign")
	}
	return s, nil
}

// NewSigningKey returns an ed25519 key for commands.
func NewSigningKey() (ed25519.PublicKey, ed25519.PrivateKey, error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("pki: %w", err)
	}
	return pub, key, nil
}

// Errors of VerifyNode.
var (
	ErrWrongKey  = errors.New("pki: the certificate is for another key")
	ErrWrongName = errors.New("pki: the certificate is for another name")
	ErrChain     = errors.New("pki: the certificate does not lead to the trusted root")
)

// VerifyNode checks a certificate that was issued to a node: for its key, its
// id and up to the root. A zero now leaves the dates out, for a node without a
// clock. The leaf is returned.
func VerifyNode(chainPEM, rootPEM, id string, pub crypto.PublicKey, now time.Time) (*x509.Certificate, error) {
	certs, err := ParseCerts(chainPEM)
	if err != nil {
		return nil, err
	}
	leaf := certs[0]
	if pub != nil {
		if k, ok := leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !k.Equal(pub) {
			return nil, ErrWrongKey
		}
	}
	if leaf.Subject.CommonName != id {
		return nil, fmt.Errorf("%w: %q", ErrWrongName, leaf.Subject.CommonName)
	}
	roots, err := Pool(rootPEM)
	if err != nil {
		return nil, err
	}
	between := x509.NewCertPool()
	for _, c := range certs[1:] {
		between.AddCert(c)
	}
	if now.IsZero() {
		// Any moment at which the whole chain was valid.
		now = leaf.NotBefore.Add(backdate)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrChain, err)
	}
	return leaf, nil
}

// Pool returns the roots of a PEM text.
func Pool(rootPEM string) (*x509.CertPool, error) {
	roots, err := ParseCerts(rootPEM)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, r := range roots {
		pool.AddCert(r)
	}
	return pool, nil
}
