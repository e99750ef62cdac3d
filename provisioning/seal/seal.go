// Package seal encrypts what a node sends of its owner's privacy, such as
// pictures, so that neither the broker nor who runs it can see it: HPKE (RFC
// 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
// ChaCha20-Poly1305. The node holds the owner's public key only: what it has
// sent it cannot read again.
//
// What is sealed is bound to the node, the command and the kind of content, so
// that it does not open as the answer to another question. It does not prove
// who has sealed it: whoever knows the public key can. That is for the
// connection's certificate to say.
package seal

import (
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// Overhead is how much longer than the plain text a sealed one is: the
// ephemeral key and the authentication tag.
const Overhead = 32 + 16

// PublicSize is the length of an owner's public key.
const PublicSize = 32

// Errors of this package.
var (
	ErrKey  = errors.New("seal: not a usable X25519 key")
	ErrOpen = errors.New("seal: does not open: sealed for another key or another purpose, or changed on its way")
)

// Purpose is what sealed content is bound to.
type Purpose struct {
	Node    string // id
	Command string // id of the command that it answers
	Type    string // media type
}

// info returns the purpose as HPKE takes it. None of the fields can hold a line
// feed that would make two purposes one: it is refused.
func (p Purpose) info() ([]byte, error) {
	text := "ec1 sealed\n" + p.Node + "\n" + p.Command + "\n" + p.Type
	lines := 0
	for _, c := range []byte(text) {
		if c == '\n' {
			lines++
		}
	}
	if lines != 3 {
		return nil, fmt.Errorf("seal: purpose %q holds a line feed", p)
	}
	return []byte(text), nil
}

func suite() (hpke.KDF, hpke.AEAD) { return hpke.HKDFSHA256(), hpke.ChaCha20Poly1305() }

// Public is an owner's public key. The zero value seals nothing.
type Public struct{ key *ecdh.PublicKey }

// ParsePublic takes the 32 bytes of an X25519 public key. Points of small
// order, which would give the secret away, are refused.
func ParsePublic(data []byte) (Public, error) {
	key, err := ecdh.X25519().NewPublicKey(data)
	if err != nil {
		return Public{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	p := Public{key}
	if _, err := p.Seal(Purpose{}, nil); err != nil {
		return Public{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return p, nil
}

// Bytes returns the key's 32 bytes.
func (p Public) Bytes() []byte { return p.key.Bytes() }

// ID names the key: the first 16 hex digits of its SHA-256.
func (p Public) ID() string {
	sum := sha256.Sum256(p.key.Bytes())
	return hex.EncodeToString(sum[:8])
}

// Seal encrypts data so that only the key's owner can read it, and only as what
// its purpose says.
func (p Public) Seal(purpose Purpose, data []byte) ([]byte, error) {
	info, err := purpose.info()
	if err != nil {
		return nil, err
	}
	if p.key == nil {
		return nil, ErrKey
	}
	to, err := hpke.NewDHKEMPublicKey(p.key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	kdf, aead := suite()
	out, err := hpke.Seal(to, kdf, aead, info, data)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return out, nil
}

// Private is an owner's private key.
type Private struct{ key *ecdh.PrivateKey }

// NewPrivate makes a key.
func NewPrivate() (Private, error) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return Private{}, fmt.Errorf("seal: %w", err)
	}
	return Private{key}, nil
}

const pemType = "PRIVATE KEY"

// ParsePrivate reads a key from PEM (PKCS #8, as Encode and OpenSSL write it).
func ParsePrivate(text []byte) (Private, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemType {
		return Private{}, fmt.Errorf("%w: no %s found", ErrKey, pemType)
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Private{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	key, ok := k.(*ecdh.PrivateKey)
	if !ok || key.Curve() != ecdh.X25519() {
		return Private{}, fmt.Errorf("%w: it is of another kind", ErrKey)
	}
	return Private{key}, nil
}

// Encode returns the key in PEM.
func (k Private) Encode() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), nil
}

// Public returns the public half.
func (k Private) Public() Public { return Public{k.key.PublicKey()} }

// Open decrypts what was sealed for this key and purpose.
func (k Private) Open(purpose Purpose, sealed []byte) ([]byte, error) {
	info, err := purpose.info()
	if err != nil {
		return nil, err
	}
	if len(sealed) < Overhead {
		return nil, fmt.Errorf("%w: %d bytes only", ErrOpen, len(sealed))
	}
	own, err := hpke.NewDHKEMPrivateKey(k.key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	kdf, aead := suite()
	data, err := hpke.Open(own, kdf, aead, info, sealed)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrOpen, err)
	}
	return data, nil
}
