package signal

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
)

// What signatures are made for: nothing signed for one purpose serves another.
const (
	contextGrant   = "ec1 grant\n"
	contextRequest = "ec1 rtc request\n"
	contextReply   = "ec1 rtc reply\n"
	contextAttest  = "ec1 rtc key\n"
)

// Why a message is refused.
var (
	ErrFormat    = errors.New("signal: message is malformed")
	ErrSignature = errors.New("signal: signature is wrong")
	ErrGrant     = errors.New("signal: the grant does not allow this")
	ErrReplay    = errors.New("signal: the message is old or was seen before")
)

// NewKey makes a signing key.
func NewKey() (*ecdsa.PrivateKey, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("signal: make key: %w", err)
	}
	return k, nil
}

// PublicKey returns a key as messages have it: the uncompressed point of SEC 1
// section 2.3.3, 65 bytes, in standard base 64.
func PublicKey(k *ecdsa.PublicKey) string {
	p, err := k.Bytes()
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(p)
}

// parseKey reads such a key.
func parseKey(s string) (*ecdsa.PublicKey, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%w: key: %w", ErrFormat, err)
	}
	k, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b)
	if err != nil {
		return nil, fmt.Errorf("%w: key: %w", ErrFormat, err)
	}
	return k, nil
}

// Peer returns the name under which the viewer with a public key is answered: 16
// hex digits of its hash.
func Peer(publicKey string) string {
	sum := sha256.Sum256([]byte(publicKey))
	return hex.EncodeToString(sum[:8])
}

func digest(context string, payload []byte) []byte {
	h := sha256.New()
	h.Write([]byte(context))
	h.Write(payload)
	return h.Sum(nil)
}

// sign returns r and s, 32 bytes each (IEEE P1363, as browsers have it).
func sign(k *ecdsa.PrivateKey, context string, payload []byte) ([]byte, error) {
	r, s, err := ecdsa.Sign(rand.Reader, k, digest(context, payload))
	if err != nil {
		return nil, fmt.Errorf("signal: sign: %w", err)
	}
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return out, nil
}

func verify(k *ecdsa.PublicKey, context string, payload, sig []byte) bool {
	if len(sig) != 64 {
		return false
	}
	return ecdsa.Verify(k, digest(context, payload), new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
}
