package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Secrets are written in Crockford's base 32: no letter that is taken for a
// digit, and either case may be typed.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const (
	ownerSymbols = 28 // 140 bits
	tokenSymbols = 32 // 160 bits
	idSymbols    = 8  // names a token, no secret
)

// randomSymbols returns n symbols of 5 random bits each.
func randomSymbols(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails: package crypto/rand ends the program instead
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return string(b)
}

// normalise maps what people type to symbols: case, look-alikes, separators.
func normalise(s string) string {
	if len(s) > 128 {
		return ""
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			r -= 'a' - 'A'
		case r == '-' || r == ' ' || r == '\t' || r == '\n' || r == '\r':
			return -1
		}
		switch r {
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		return r
	}, s)
}

// Groups returns the secret in groups of four, easy to read out and to type.
func Groups(secret string) string {
	var out []string
	for len(secret) > 4 {
		out, secret = append(out, secret[:4]), secret[4:]
	}
	return strings.Join(append(out, secret), "-")
}

// hash is a salted SHA-256. Its text form is "salt.digest" in base 64.
type hash struct {
	salt [16]byte
	sum  [32]byte
}

func newHash(secret string) hash {
	var h hash
	rand.Read(h.salt[:])
	h.sum = h.digest(secret)
	return h
}

func (h hash) digest(secret string) [32]byte {
	return sha256.Sum256(append(append([]byte("edgecam auth 1\x00"), h.salt[:]...), secret...))
}

// matches compares in constant time.
func (h hash) matches(secret string) bool {
	sum := h.digest(secret)
	return subtle.ConstantTimeCompare(sum[:], h.sum[:]) == 1
}

// MarshalText writes "salt.digest".
func (h hash) MarshalText() ([]byte, error) {
	e := base64.RawStdEncoding
	return fmt.Appendf(nil, "%s.%s", e.EncodeToString(h.salt[:]), e.EncodeToString(h.sum[:])), nil
}

// UnmarshalText reads "salt.digest".
func (h *hash) UnmarshalText(b []byte) error {
	salt, sum, ok := strings.Cut(string(b), ".")
	e := base64.RawStdEncoding.Strict()
	s, err1 := e.DecodeString(salt)
	d, err2 := e.DecodeString(sum)
	if !ok || err1 != nil || err2 != nil || len(s) != len(h.salt) || len(d) != len(h.sum) {
		return errors.New("auth: malformed hash")
	}
	copy(h.salt[:], s)
	copy(h.sum[:], d)
	return nil
}
