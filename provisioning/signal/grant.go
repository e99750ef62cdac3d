package signal

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/edgecam/edgecam/provisioning/wire"
)

// OpGrant is what a key of the fleet's set must be allowed to sign.
const OpGrant = "grant"

// What a viewer may do.
const (
	ScopeView = "view"
	ScopeTalk = "talk"
	ScopeOpen = "open"
)

// MaxLife is the longest life that a node accepts of a grant.
const MaxLife = 90 * 24 * time.Hour

// Grant says who may have sessions with which node. It is of use to nobody but
// the owner of the viewer's private key.
type Grant struct {
	Version int    `json:"v"` // 1
	Node    string `json:"node"`
	// NodeKey is the node's signalling key: the viewer takes answers of no other.
	NodeKey string   `json:"node_key"`
	Subject string   `json:"sub"` // for logs
	Key     string   `json:"key"` // the viewer's
	Scopes  []string `json:"scopes"`
	Begins  int64    `json:"nbf"` // Unix seconds
	Expires int64    `json:"exp"`
	// Fingerprint, if set, is the viewer's DTLS certificate's, like a=fingerprint
	// without "sha-256": one browser, one certificate.
	Fingerprint string `json:"fp,omitempty"`
}

// Issue signs a grant.
func Issue(g Grant, keyID string, key ed25519.PrivateKey) (wire.Envelope, error) {
	g.Version = 1
	if err := g.check(); err != nil {
		return wire.Envelope{}, err
	}
	return wire.Sign(contextGrant, keyID, key, wire.Encode(g)), nil
}

func (g *Grant) check() error {
	_, err := parseKey(g.Key)
	_, nodeErr := parseKey(g.NodeKey)
	switch {
	case g.Version != 1 || !wire.ValidID(g.Node) || len(g.Subject) > 64 || err != nil || nodeErr != nil || len(g.Scopes) > 8:
		return errors.Join(fmt.Errorf("%w: grant", ErrFormat), err, nodeErr)
	case g.Begins < 0 || g.Expires <= g.Begins || g.Expires-g.Begins > int64(MaxLife/time.Second):
		return fmt.Errorf("%w: it must live up to %v", ErrGrant, MaxLife)
	case !slices.Contains(g.Scopes, ScopeView):
		return fmt.Errorf("%w: it lacks the scope %s", ErrGrant, ScopeView)
	}
	return nil
}

// verifyGrant returns what a key of the set has granted. A zero now is a clock
// that was never set: life times are then not looked at.
func verifyGrant(e wire.Envelope, keys wire.KeySet, node, nodeKey string, now time.Time) (Grant, error) {
	var g Grant
	payload, err := keys.Verify(contextGrant, e, OpGrant, now)
	if err != nil {
		return g, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if err := wire.Decode(payload, wire.MaxMessage, &g); err != nil {
		return g, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err := g.check(); err != nil {
		return g, err
	}
	switch {
	case g.Node != node:
		return g, fmt.Errorf("%w: it is for node %s", ErrGrant, g.Node)
	case g.NodeKey != nodeKey:
		return g, fmt.Errorf("%w: it is for another key of this node: the node was reset", ErrGrant)
	case !now.IsZero() && now.Add(skew).Unix() < g.Begins:
		return g, fmt.Errorf("%w: it begins later", ErrGrant)
	case !now.IsZero() && now.Unix() >= g.Expires:
		return g, fmt.Errorf("%w: it has expired", ErrGrant)
	}
	return g, nil
}

// Attestation is a node's word for its signalling key, signed with the key of its
// certificate: who issues grants learns the key over a broker that may lie.
type Attestation struct {
	Node  string   `json:"node"`
	Key   string   `json:"key"`
	Chain [][]byte `json:"chain"` // DER, the node's own first
	Sig   []byte   `json:"sig"`
}

// Attest makes a node's attestation.
func Attest(node string, key *ecdsa.PublicKey, cert tls.Certificate) (Attestation, error) {
	a := Attestation{Node: node, Key: PublicKey(key)}
	private, ok := cert.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || len(cert.Certificate) == 0 {
		return a, errors.New("signal: the node's certificate has no P-256 key")
	}
	a.Chain = cert.Certificate
	var err error
	a.Sig, err = sign(private, contextAttest, []byte(a.Node+" "+a.Key))
	return a, err
}

// Verify checks an attestation against the fleet's root.
func (a Attestation) Verify(node string, roots *x509.CertPool, now time.Time) error {
	if len(a.Chain) == 0 || len(a.Chain) > 4 {
		return fmt.Errorf("%w: %d certificates", ErrFormat, len(a.Chain))
	}
	leaf, err := x509.ParseCertificate(a.Chain[0])
	if err != nil {
		return fmt.Errorf("%w: certificate: %w", ErrFormat, err)
	}
	between := x509.NewCertPool()
	for _, der := range a.Chain[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("%w: certificate: %w", ErrFormat, err)
		}
		between.AddCert(c)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		return fmt.Errorf("%w: certificate: %w", ErrSignature, err)
	}
	public, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if a.Node != node || leaf.Subject.CommonName != node || !ok || !verify(public, contextAttest, []byte(a.Node+" "+a.Key), a.Sig) {
		return fmt.Errorf("%w: the key is not the node's", ErrSignature)
	}
	_, err = parseKey(a.Key)
	return err
}
