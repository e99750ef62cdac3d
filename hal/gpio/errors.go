package gpio

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/edgecam/edgecam/hal"
)

// Causes of failure that do not come from the kernel.
var (
	errNoLine    = errors.New("gpio: no such line; `edgecam devices` lists the chips and lines there are")
	errNoRef     = errors.New("gpio: a line needs a chip label and an offset, or a name")
	errAmbiguous = errors.New("gpio: several lines answer to this; name the chip label and the offset")
	errOldKernel = errors.New("gpio: the kernel lacks the GPIO v2 interface (Linux 5.10 or later is needed)")
)

// fail wraps a failed call as a *hal.Error with the kind that follows from it.
func fail(op, path string, err error) error {
	if errors.Is(err, os.ErrClosed) {
		return hal.ErrClosed
	}
	kind := kindOf(err)
	switch {
	case kind == hal.Permission:
		err = fmt.Errorf("%w: add the user to the group \"gpio\", or grant access to the device", err)
	case kind == hal.Busy:
		err = fmt.Errorf("%w: the line is in use by another program or driver", err)
	case errors.Is(err, syscall.ENOTTY):
		err = fmt.Errorf("%w (%w)", errOldKernel, err)
	}
	return &hal.Error{Op: op, Path: path, Kind: kind, Err: err}
}

func kindOf(err error) hal.Kind {
	switch {
	case errors.Is(err, errNoLine), errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO):
		return hal.Gone
	case errors.Is(err, syscall.EBUSY):
		return hal.Busy
	case errors.Is(err, fs.ErrPermission):
		return hal.Permission
	case errors.Is(err, errNoRef), errors.Is(err, errAmbiguous), errors.Is(err, errOldKernel),
		errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOTTY), errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, errNotSupported):
		return hal.Unsupported
	}
	return hal.Other
}

// errNotSupported is the kernel's internal ENOTSUPP, which chips without a
// bias or an interrupt let through.
const errNotSupported = syscall.Errno(524)

// ended reports a call that its context ended: Timeout for a deadline.
func ended(op, path string, err error) error {
	kind := hal.Other
	if errors.Is(err, context.DeadlineExceeded) {
		kind = hal.Timeout
	}
	return &hal.Error{Op: op, Path: path, Kind: kind, Err: err}
}
