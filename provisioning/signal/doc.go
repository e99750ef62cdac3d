// Package signal makes WebRTC sessions over a node's broker connection, for
// viewers that cannot reach the node's own web server. The broker carries the
// messages and is trusted with nothing: it can neither watch, nor put itself or
// somebody else in the place of the node or of the viewer, nor make a session out
// of messages that it has kept.
//
//	issuer ──grant──▶ viewer ──offer──▶ broker ──▶ node
//	                  viewer ◀──answer── broker ◀── node
//
// A [Grant] is signed by a key of the fleet's set that may sign "grant". It binds
// the node, the node's signalling key, the viewer's key, what the viewer may do,
// and a time; it may bind the viewer's DTLS fingerprint as well. The viewer signs
// its offer, which holds the fingerprint that DTLS will be held to, with the
// granted key; the node signs its answer, together with the hash of the offer that
// it is for, with its signalling key. So both ends of DTLS are known to each other
// before the first packet of media.
//
// Signatures are ECDSA with P-256 and SHA-256, as r and s of 32 bytes each, which
// is what browsers make with keys that scripts cannot read; grants are signed with
// ed25519 like a fleet's commands.
package signal
