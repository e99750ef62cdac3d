// Package session serves one camera and one microphone to many WebRTC viewers,
// and brings their voices back.
//
// A [Manager] owns one UDP port (and, on request, the TCP port of the same
// number) that carries the media of every viewer. Signalling is not its
// business: whoever receives an SDP offer (package whep does over HTTP) hands
// it to [Manager.Answer] together with a [Grant] that says what this viewer may
// do, and gets the answer back.
//
// # Media out
//
// [Manager.WriteVideo] cuts a VP8 frame into RTP payloads once (RFC 7741) and
// hands references to every viewer's own bounded queue; a goroutine per viewer
// puts the header in front (own SSRC, sequence number and timestamp offset,
// RFC 3550) and encrypts. The camera's goroutine therefore never waits for a
// network. A viewer whose queue is full loses pictures until the next key
// frame, and is counted. All viewers share one history of sent packets from
// which negative acknowledgements (RFC 4585) are answered; a viewer keeps two
// small tables that map its sequence numbers to it.
//
// A new viewer starts with a key frame: it is asked for as soon as the viewer's
// address is proven by ICE, while the DTLS handshake still runs, so that it is
// usually waiting when the handshake ends. If one was sent a few frames ago,
// that one and its successors are replayed instead.
//
// # Clocks
//
// RTP timestamps and the NTP times of sender reports come from one monotonic
// clock, read at capture ([media.EncodedVideo.CapturedAt]), so receivers can
// line up picture and sound however long encoding took. Audio timestamps count
// samples; their slow drift against that clock is carried by the sender reports.
//
// # Media in
//
// A viewer's microphone reaches [Hooks].Talk when its grant allows to
// talk; otherwise the answer refuses it. A data channel named "edgecam", opened
// by the viewer, carries text messages both ways.
//
// # Specifications
//
// RFC 8829 (JSEP), RFC 9429, RFC 8843 (BUNDLE), RFC 8445 (ICE), RFC 6544
// (ICE-TCP), RFC 3550 (RTP), RFC 3711 (SRTP), RFC 4585 (NACK, PLI), RFC 5104
// (FIR), RFC 7741 (VP8), RFC 7587 (Opus), RFC 3952 (iLBC), RFC 3551 (G.711, G.722), RFC 8831 (data channels).
package session
