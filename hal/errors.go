package hal

import (
	"errors"
	"fmt"
)

// Kind classifies a device failure by what the caller can do about it.
type Kind uint8

// The kinds of device failure.
const (
	Other       Kind = iota // unclassified: close, and open again later
	Gone                    // the device is not there (unplugged, never present)
	Busy                    // another process holds the device
	Overrun                 // data was lost; the device goes on
	Timeout                 // the device stopped delivering
	Unsupported             // the device cannot do what was asked
	Permission              // the process may not open the device
)

var kindNames = [...]string{"other", "gone", "busy", "overrun", "timeout", "unsupported", "permission"}

// String returns the kind in lower case, as metrics label it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// ErrClosed is returned by calls on a device after its Close.
var ErrClosed = errors.New("hal: device is closed")

// Error is a device failure.
type Error struct {
	Op   string // what was tried: "open", "set format", "read"
	Path string // which device: "/dev/video0", "hw:CARD=Device"
	Kind Kind
	Err  error // the cause, from the kernel or a library
}

// Error gives operation, device, kind and cause on one line.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("hal: %s %s: %s", e.Op, e.Path, e.Kind)
	}
	return fmt.Sprintf("hal: %s %s: %v (%s)", e.Op, e.Path, e.Err, e.Kind)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first *Error in err's chain, or Other.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Other
}
