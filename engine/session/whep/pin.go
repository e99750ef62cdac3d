package whep

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// ErrFingerprint says that the server's certificate is not the one that is expected.
var ErrFingerprint = errors.New("whep: certificate fingerprint")

// PinnedTLS trusts the one certificate with the given SHA-256 fingerprint,
// whoever signed it and whatever its names: for nodes that made their
// certificate themselves. Colons, spaces and case do not matter.
func PinnedTLS(fingerprint string) (*tls.Config, error) {
	want, err := hex.DecodeString(strings.NewReplacer(":", "", " ", "", "-", "").Replace(fingerprint))
	if err != nil || len(want) != sha256.Size {
		return nil, fmt.Errorf("%w: %q is not the SHA-256 of a certificate, 64 hexadecimal digits", ErrFingerprint, fingerprint)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// The chain is not verified because the certificate itself is.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return fmt.Errorf("%w: the server shows no certificate", ErrFingerprint)
			}
			if got := sha256.Sum256(s.PeerCertificates[0].Raw); got != [sha256.Size]byte(want) {
				return fmt.Errorf("%w is %s, not the expected one: the node has a new certificate, or this is another machine", ErrFingerprint, Fingerprint(s.PeerCertificates[0]))
			}
			return nil
		},
	}, nil
}

// Fingerprint is a certificate's SHA-256 as pairs of hexadecimal digits.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}
