package wire

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

const (
	nonceLen = 16 // hex digits
	idPrefix = "ec-"
)

// NodeID returns the node id of a board with this serial number: "ec-" and the
// serial itself if it is 16 hex digits, as a Raspberry Pi's is, else 16 digits
// of its hash.
func NodeID(serial string) string {
	s := strings.ToLower(strings.TrimSpace(serial))
	if validHex(s, 16) {
		return idPrefix + s
	}
	sum := sha256.Sum256([]byte(s))
	return idPrefix + hex.EncodeToString(sum[:8])
}

// ValidID reports whether s is a node id.
func ValidID(s string) bool {
	h, ok := strings.CutPrefix(s, idPrefix)
	return ok && validHex(h, 16)
}

func validHex(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for i := range n {
		if c := s[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

// NewNonce returns 64 random bits as 16 hex digits.
func NewNonce() string {
	var b [nonceLen / 2]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// ValidNonce reports whether s is what NewNonce returns.
func ValidNonce(s string) bool { return validHex(s, nonceLen) }

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewULID returns a sortable unique id: 48 bits of milliseconds since 1970 and
// 80 random bits as 26 characters of Crockford's base 32. Without a clock the
// time part means nothing and the random part alone makes it unique.
func NewULID(now time.Time) string {
	var b [16]byte
	rand.Read(b[6:])
	ms := uint64(max(now.UnixMilli(), 0))
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	out := make([]byte, 26)
	// 128 bits from the right, five at a time; the first character has three.
	var acc uint
	bits, n := 0, 25
	for i := 15; i >= 0; i-- {
		acc |= uint(b[i]) << bits
		for bits += 8; bits >= 5; bits -= 5 {
			out[n] = crockford[acc&31]
			acc >>= 5
			n--
		}
	}
	out[0] = crockford[acc&31]
	return string(out)
}

// ValidMessageID reports whether s can be the id of a command or an event: 8
// to 36 legal characters of a topic level.
func ValidMessageID(s string) bool { return len(s) >= 8 && len(s) <= 36 && Word(s) }
