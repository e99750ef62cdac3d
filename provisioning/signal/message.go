package signal

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/edgecam/edgecam/provisioning/wire"
)

// Kinds of messages.
const (
	TypeOffer      = "offer"      // SDP: the viewer's offer; answered
	TypeCandidates = "candidates" // SDP: an SDP fragment (RFC 8840)
	TypeRestart    = "restart"    // SDP: a fragment with new credentials; answered
	TypeBye        = "bye"        // either side ends the session
	TypeAnswer     = "answer"     // SDP: answer, or the fragment of a restart
	TypeError      = "error"      // Error says why
)

// skew is how far two clocks may be apart, and how old a message may be.
const skew = 90 * time.Second

// MaxMessage bounds a message on the wire: an offer has up to 64 KiB, and base 64
// makes a third more of it.
const MaxMessage = 112 << 10

// Body is what both sides sign.
type Body struct {
	Version int    `json:"v"` // 1
	Type    string `json:"type"`
	Node    string `json:"node"`
	Peer    string `json:"peer"` // the viewer's name, see Peer
	// Session is the viewer's choice, 16 to 32 hex digits; Seq rises with each
	// message of a side in it.
	Session string `json:"sid"`
	Seq     uint64 `json:"seq"`
	Time    int64  `json:"iat"` // Unix seconds
	// Nonce is that of the node's birth, for a node without a clock.
	Nonce string `json:"nonce,omitempty"`
	// Request is the SHA-256 of the request's body that a reply is for, in base 64.
	Request string      `json:"re,omitempty"`
	SDP     string      `json:"sdp,omitempty"`
	Error   string      `json:"error,omitempty"`
	Servers []ICEServer `json:"ice,omitempty"` // with an answer
}

// ICEServer is a STUN or TURN server for the viewer.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// signed is a message: a body as bytes, its signature, and with requests the
// grant.
type signed struct {
	Grant   *wire.Envelope `json:"grant,omitempty"`
	Payload string         `json:"p"`
	Sig     string         `json:"sig"`
}

func seal(context string, key *ecdsa.PrivateKey, grant *wire.Envelope, b Body) (message, payload []byte, err error) {
	b.Version = 1
	payload = wire.Encode(b)
	sig, err := sign(key, context, payload)
	if err != nil {
		return nil, nil, err
	}
	return wire.Encode(signed{grant, base64.StdEncoding.EncodeToString(payload), base64.StdEncoding.EncodeToString(sig)}), payload, nil
}

// unseal decodes a message without having checked the signature, which is
// returned with the bytes that it is for.
func unseal(data []byte) (s signed, b Body, payload, sig []byte, err error) {
	if err := wire.Decode(data, MaxMessage, &s); err != nil {
		return s, b, nil, nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if payload, err = base64.StdEncoding.DecodeString(s.Payload); err == nil {
		sig, err = base64.StdEncoding.DecodeString(s.Sig)
	}
	if err == nil {
		err = wire.Decode(payload, MaxMessage, &b)
	}
	if err == nil && (b.Version != 1 || !validSession(b.Session)) {
		err = fmt.Errorf("version %d, session %q", b.Version, b.Session)
	}
	if err != nil {
		return s, b, nil, nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return s, b, payload, sig, nil
}

func validSession(s string) bool {
	if len(s) < 16 || len(s) > 32 {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}

// hashOf names a request in its reply.
func hashOf(payload []byte) string {
	sum := sha256.Sum256(payload)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// fingerprints returns the DTLS fingerprints of a description, without the name of
// the hash; ok is false if one is not by SHA-256 or there is none.
func fingerprints(sdp string) (out []string, ok bool) {
	for line := range strings.Lines(sdp) {
		value, is := strings.CutPrefix(strings.TrimSpace(line), "a=fingerprint:")
		if !is {
			continue
		}
		hash, fp, _ := strings.Cut(value, " ")
		if !strings.EqualFold(hash, "sha-256") {
			return nil, false
		}
		out = append(out, strings.ToUpper(strings.TrimSpace(fp)))
	}
	return out, len(out) > 0
}
