// Package jitter turns the RTP packets of a VP8 stream back into frames that
// can be decoded, in order and in time: a video jitter buffer.
//
// [Buffer.Insert] takes packets as they arrive, reordered, doubled or late.
// [Buffer.Next] hands out the next frame when its time has come, and never one
// whose references are missing: what a decoder makes of these frames is what
// the encoder meant, at the price of the picture standing still until a loss is
// mended. [Buffer.Feedback] says what to ask the sender for: packets again
// (NACK, RFC 4585 section 6.2.1), a key frame (PLI, section 6.3.1), or that a
// long-term reference has arrived (RPSI, section 6.3.3). [Buffer.Wake] says when
// to call again if nothing arrives.
//
// # What can be decoded
//
// Without further signs a frame needs the one before it, by sequence number or
// PictureID. Streams with temporal layers (TL0PICIDX, TID, Y) go on with the
// base layer when frames above it are lost, and take an upper layer up again at
// a frame that refers to the base layer alone. A frame marked as
// non-reference may be missing without consequence. KEYIDX ties a frame to its
// key frame.
//
// # When it is shown
//
// A frame is due at the earliest possible arrival (the least transit time of the
// last ten seconds) plus a delay that covers 97 of 100 frames' lateness by a
// histogram that forgets, retransmissions included. The bounds of the delay are
// the playout-delay header extension's; with 0 to 0 frames come out as soon as
// they can be decoded. With sender reports of both streams, [Buffer.SyncTo]
// holds the picture back until it is in step with the sound.
//
// The package has no clock and no goroutine: times are passed in. It allocates
// nothing per packet once its buffers have grown. A Buffer is for one goroutine.
//
// Specifications: RFC 7741 (VP8 payload), RFC 3550 (RTP), RFC 4585 (feedback),
// W3C webrtc-stats (names of the statistics).
package jitter
