package signal

import (
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/edgecam/edgecam/provisioning/wire"
)

// Dialog is the viewer's side of one session. It does no I/O: what Request returns
// is published on wire.Down(node, wire.DnRTC), and what comes on the topic that
// Topic names is given to Reply. Its methods are called from one goroutine.
type Dialog struct {
	grant    Grant
	envelope wire.Envelope
	key      *ecdsa.PrivateKey
	nodeKey  *ecdsa.PublicKey
	session  string
	seq, in  uint64
	asked    string // hash of the request that waits for its reply
	// Nonce is that of the node's birth. A node without a clock answers an offer or
	// a restart without it with an error that has it; Reply keeps it, and the request
	// is to be sent again.
	Nonce string
}

// NewDialog begins a session with the node of a grant, whose viewer key is key.
// The signature of the grant is the node's to check.
func NewDialog(grant wire.Envelope, key *ecdsa.PrivateKey) (*Dialog, error) {
	payload, err := grant.Bytes()
	if err != nil {
		return nil, err
	}
	d := &Dialog{envelope: grant, key: key}
	if err := wire.Decode(payload, wire.MaxMessage, &d.grant); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err := d.grant.check(); err != nil {
		return nil, err
	}
	if d.grant.Key != PublicKey(&key.PublicKey) {
		return nil, fmt.Errorf("%w: it is for another viewer's key", ErrGrant)
	}
	if d.nodeKey, err = parseKey(d.grant.NodeKey); err != nil {
		return nil, err
	}
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // does not fail (crypto/rand)
	d.session = hex.EncodeToString(raw[:])
	return d, nil
}

// Node returns the node's id.
func (d *Dialog) Node() string { return d.grant.Node }

// Topic is where replies come.
func (d *Dialog) Topic() string { return wire.Up(d.grant.Node, wire.UpRTC) + "/" + Peer(d.grant.Key) }

// Request makes the next message. Offer and restart wait for a reply; another
// request before it takes their place.
func (d *Dialog) Request(kind, sdp string) ([]byte, error) {
	d.seq++
	b := Body{
		Type: kind, Node: d.grant.Node, Peer: Peer(d.grant.Key), Session: d.session, Seq: d.seq,
		Time: time.Now().Unix(), Nonce: d.Nonce, SDP: sdp,
	}
	message, payload, err := seal(contextRequest, d.key, &d.envelope, b)
	if err != nil {
		return nil, err
	}
	if kind == TypeOffer || kind == TypeRestart {
		d.asked = hashOf(payload)
	}
	return message, nil
}

// Reply checks a message. Only what the node has signed, for this session, in
// order and, with an answer or an error, for the last request is returned; errors
// are for the log, since anybody may publish.
func (d *Dialog) Reply(message []byte) (Body, error) {
	_, b, payload, sig, err := unseal(message)
	if err != nil {
		return Body{}, err
	}
	switch {
	case !verify(d.nodeKey, contextReply, payload, sig):
		return Body{}, ErrSignature
	case b.Node != d.grant.Node || b.Peer != Peer(d.grant.Key) || b.Session != d.session:
		return Body{}, fmt.Errorf("%w: it is for another session", ErrReplay)
	case b.Seq <= d.in:
		return Body{}, fmt.Errorf("%w: message %d", ErrReplay, b.Seq)
	case b.Type != TypeBye && (d.asked == "" || b.Request != d.asked):
		return Body{}, fmt.Errorf("%w: it is not for this request", ErrReplay)
	case b.Type == TypeAnswer && d.in == 0:
		if _, ok := fingerprints(b.SDP); !ok {
			return Body{}, fmt.Errorf("%w: the answer has no SHA-256 fingerprint", ErrFormat)
		}
	}
	if b.Type == TypeError && b.Nonce != "" {
		// Not of the session's messages: with an offer it is not there yet.
		d.Nonce, d.asked = b.Nonce, ""
		return b, nil
	}
	d.in = b.Seq
	if b.Type != TypeBye {
		d.asked = ""
	}
	return b, nil
}
