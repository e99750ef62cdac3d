package session

import "errors"

// Errors of this package. They come wrapped with what happened; test with
// [errors.Is].
var (
	// ErrPortInUse: the media port belongs to another process.
	ErrPortInUse = errors.New("session: media port in use")
	// ErrFull: MaxViewers or MaxHalfOpen is reached. Trying again later may work.
	ErrFull = errors.New("session: no room for another viewer")
	// ErrClosed: the manager or the viewer has been closed.
	ErrClosed = errors.New("session: closed")
	// ErrBadOffer: the SDP offer cannot be answered.
	ErrBadOffer = errors.New("session: bad offer")
	// ErrNoVP8: the offer asks for video but not for VP8. It is an ErrBadOffer.
	ErrNoVP8 = errors.New("offer has no VP8")
	// ErrForbidden: the grant does not allow to view, or has expired.
	ErrForbidden = errors.New("session: not allowed")
	// ErrNoChannel: the viewer has not opened the data channel "edgecam".
	ErrNoChannel = errors.New("session: viewer has no data channel")
	// ErrTooSlow: the viewer does not take its messages; this one is not sent.
	ErrTooSlow = errors.New("session: viewer does not keep up")
	// ErrTooLarge: a message exceeds MaxMessageBytes.
	ErrTooLarge = errors.New("session: message too large")
)
