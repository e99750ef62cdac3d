// Package nat finds out what stands between a node and the internet: the public
// address of a socket, and how the network address translator in front of it
// maps and filters, by STUN (RFC 8489) with the usage of RFC 5780. It makes the
// time-limited credentials of TURN servers, keeps the mapping of a media port
// alive, and tells when the machine's own addresses change.
//
// [Discover] is a measurement of a few seconds with sockets of its own. A
// [Keeper] works on the sockets that media goes through, beside the media.
package nat
