package auth

import (
	"crypto/md5" //nolint:gosec // what RTSP clients speak (RFC 7616 section 3.3)
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// DigestRealm is the realm of digest authentication.
const DigestRealm = "edgecam"

// Digest is the answer to a challenge of digest authentication (RFC 7616 section
// 3.4, MD5 without qop, which is what RTSP clients speak): the user name is a
// token's ID, the password the token's whole text. The caller has checked that
// the nonce is its own.
type Digest struct {
	Username, Nonce, Method, URI, Response string
}

// digestKey is H(A1) of a token: what a server needs to check answers. It is worth
// the token for digest authentication, and nothing anywhere else: the token has
// 160 random bits and cannot be found from it.
func digestKey(id, text string) string { return md5Hex(id, DigestRealm, text) }

func md5Hex(parts ...string) string {
	sum := md5.Sum([]byte(strings.Join(parts, ":"))) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// AuthorizeDigest returns what the sender of a digest may do. Wrong answers count
// for the limiter as wrong tokens do.
func (s *Store) AuthorizeDigest(remote string, d Digest) (Grant, error) {
	return s.guarded(remote, func(st *state) (Grant, string, error) {
		for _, t := range st.Tokens {
			if t.ID != d.Username || t.DigestKey == "" {
				continue
			}
			want := md5Hex(t.DigestKey, d.Nonce, md5Hex(d.Method, d.URI))
			if subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(d.Response))) != 1 {
				break
			}
			return s.granted(t)
		}
		return Grant{}, "", ErrInvalid
	})
}

// AuthorizeLocal returns what somebody without any credential may do: everything in
// development mode from this machine, nothing otherwise.
func (s *Store) AuthorizeLocal(remote string) (Grant, error) {
	if a := client(remote); s.dev && a.IsLoopback() {
		return Grant{Subject: "development", Scopes: All}, nil
	}
	return Grant{}, ErrNoCredential
}
