// Package whep is the HTTP side of a session: WHEP, the WebRTC-HTTP egress
// protocol (draft-ietf-wish-whep), with the resource rules it shares with WHIP
// (RFC 9725).
//
//	POST    <endpoint>            application/sdp offer → 201, answer, Location
//	PATCH   <endpoint>/<session>  application/trickle-ice-sdpfrag (RFC 8840):
//	                              candidates → 204, ICE restart → 200
//	DELETE  <endpoint>/<session>  → 200
//	OPTIONS either                → 204, what is allowed, Accept-Post, CORS
//
// A handler serves any path whose last segment is Options.Endpoint ("whep"), so
// it can be mounted at /whep and at /camera/whep alike. The session's name in
// Location is 160 random bits. Errors are application/problem+json (RFC 9457)
// whose detail says what to do.
package whep
