package wire

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Envelope carries bytes and their signature. The signature is over the bytes
// themselves, with Context before them, so that no JSON has to be brought into
// a canonical form and nothing signed for one purpose serves another.
type Envelope struct {
	Payload string `json:"p"`             // standard base64
	KeyID   string `json:"kid,omitempty"` // empty: not signed
	Sig     string `json:"sig,omitempty"` // standard base64 of an ed25519 signature
}

// Purposes of signatures.
const (
	ContextCommand = "ec1 command\n"
	ContextKeys    = "ec1 keys\n"
	ContextUpdate  = "ec1 update\n"
)

// RootKeyID names the offline key that signs key sets.
const RootKeyID = "root"

// Why an envelope is refused.
var (
	ErrUnsigned   = errors.New("wire: not signed")
	ErrSignature  = errors.New("wire: signature is wrong")
	ErrUnknownKey = errors.New("wire: signed by an unknown key")
)

// Sign wraps payload.
func Sign(context, keyID string, key ed25519.PrivateKey, payload []byte) Envelope {
	sig := ed25519.Sign(key, append([]byte(context), payload...))
	return Envelope{base64.StdEncoding.EncodeToString(payload), keyID, base64.StdEncoding.EncodeToString(sig)}
}

// Unsigned wraps payload without a signature.
func Unsigned(payload []byte) Envelope {
	return Envelope{Payload: base64.StdEncoding.EncodeToString(payload)}
}

// Bytes returns the payload without looking at the signature.
func (e Envelope) Bytes() ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(e.Payload)
	if err != nil {
		return nil, fmt.Errorf("%w: payload: %w", ErrFormat, err)
	}
	return b, nil
}

// Verify returns the payload if pub has signed it for this purpose.
func (e Envelope) Verify(context string, pub ed25519.PublicKey) ([]byte, error) {
	payload, err := e.Bytes()
	if err != nil {
		return nil, err
	}
	if e.Sig == "" {
		return nil, ErrUnsigned
	}
	sig, err := base64.StdEncoding.DecodeString(e.Sig)
	if err != nil || len(pub) != ed25519.PublicKeySize || !ed25519.Verify(pub, append([]byte(context), payload...), sig) {
		return nil, ErrSignature
	}
	return payload, nil
}

// KeySet is what the offline key signs: which online keys may sign what.
type KeySet struct {
	Serial uint64 `json:"serial"` // a node takes no lower one
	Keys   []Key  `json:"keys"`
}

// Key is an online signing key.
type Key struct {
	ID      string   `json:"kid"`
	Public  []byte   `json:"pub"`               // ed25519
	Ops     []string `json:"ops,omitempty"`     // empty: all commands; "update-manifest" for updates
	Expires int64    `json:"expires,omitempty"` // Unix seconds
}

// ParseKeySet checks and decodes a signed key set.
func ParseKeySet(data []byte, root ed25519.PublicKey) (KeySet, error) {
	var e Envelope
	var ks KeySet
	if err := Decode(data, MaxMessage, &e); err != nil {
		return ks, err
	}
	payload, err := e.Verify(ContextKeys, root)
	if err != nil {
		return ks, fmt.Errorf("key set: %w", err)
	}
	if err := Decode(payload, MaxMessage, &ks); err != nil {
		return ks, err
	}
	if len(ks.Keys) == 0 || len(ks.Keys) > 16 {
		return ks, fmt.Errorf("%w: key set with %d keys", ErrFormat, len(ks.Keys))
	}
	for _, k := range ks.Keys {
		if !Word(k.ID) || k.ID == RootKeyID || len(k.Public) != ed25519.PublicKeySize {
			return ks, fmt.Errorf("%w: key set holds a bad key", ErrFormat)
		}
	}
	return ks, nil
}

// Verify returns e's payload if a key of the set that may do op at this time
// has signed it. A zero now leaves expiry out, for a node without a clock.
func (ks KeySet) Verify(context string, e Envelope, op string, now time.Time) ([]byte, error) {
	if e.Sig == "" {
		return nil, ErrUnsigned
	}
	for _, k := range ks.Keys {
		if k.ID != e.KeyID {
			continue
		}
		if len(k.Ops) > 0 && !slices.Contains(k.Ops, op) {
			return nil, fmt.Errorf("%w: key %s may not sign %q", ErrUnknownKey, k.ID, op)
		}
		if k.Expires > 0 && !now.IsZero() && now.Unix() > k.Expires {
			return nil, fmt.Errorf("%w: key %s has expired", ErrUnknownKey, k.ID)
		}
		return e.Verify(context, k.Public)
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknownKey, e.KeyID)
}
