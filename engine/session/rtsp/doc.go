// Package rtsp serves a session.Manager's picture and voice to recorders by RTSP
// 1.0 (RFC 2326): VP8 (RFC 7741) and Opus (RFC 7587), the packets of all other
// viewers, over the RTSP connection itself or over UDP, with sender reports that
// keep both in step. Nothing is told without a credential (digest, RFC 7616). A
// reader counts as a viewer; their number is bounded, and one that does not keep
// up is ended without the others noticing.
package rtsp
