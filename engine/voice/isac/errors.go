package isac

import "errors"

var (
	// ErrCorrupt reports a payload that no encoder can have written. The
	// decoder's state is unchanged by it: call Conceal.
	ErrCorrupt = errors.New("isac: corrupt payload")
	// ErrUnsupported reports a payload or a setting this codec does not know.
	ErrUnsupported = errors.New("isac: unsupported")
	// ErrBufferTooSmall reports a slice that has no room for the result.
	ErrBufferTooSmall = errors.New("isac: buffer too small")
	// ErrTooLarge reports a block that does not fit the payload limit even at
	// the coarsest quantisation.
	ErrTooLarge = errors.New("isac: block exceeds the payload limit")
)
