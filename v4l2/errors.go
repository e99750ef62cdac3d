//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/edgecam/edgecam/hal"
)

// Causes of failure that do not come from the kernel.
var (
	errNoCamera   = errors.New("v4l2: no camera with this ID is connected; `edgecam devices` lists those there are")
	errNoFrames   = errors.New("v4l2: the camera has stopped delivering frames")
	errNoFormat   = errors.New("v4l2: the camera offers no pixel format that edgecam reads (YUV 4:2:0 and 4:2:2, RGB of 16 to 32 bits, grey, MJPEG, Bayer of 8 and 10 bits)")
	errOnlyH264   = errors.New("v4l2: this node gives H.264 alone, which is not decoded here; video.codec h264 passes it on to viewers, beside another camera node of the same device")
	errNoBuffers  = errors.New("v4l2: the driver gave no buffers")
	errNoControl  = errors.New("v4l2: the camera has no such control")
	errReadOnly   = errors.New("v4l2: the control is read-only")
	errNoCrop     = errors.New("v4l2: the camera cannot read out a part of its picture")
	errOutOfRange = errors.New("v4l2: the value is outside the control's range")
)

// fail wraps a failed call as a *hal.Error. The kind follows from the kernel's
// error number.
func fail(op, path string, err error) *hal.Error {
	kind := kindOf(err)
	switch kind {
	case hal.Permission:
		err = fmt.Errorf("%w: add the user to the group \"video\", or grant access to the device", err)
	case hal.Busy:
		err = fmt.Errorf("%w: another program is using the camera", err)
	}
	return &hal.Error{Op: op, Path: path, Kind: kind, Err: err}
}

// ended reports a call that its context ended: Timeout for a deadline.
func ended(op, path string, err error) *hal.Error {
	kind := hal.Other
	if errors.Is(err, context.DeadlineExceeded) {
		kind = hal.Timeout
	}
	return &hal.Error{Op: op, Path: path, Kind: kind, Err: err}
}

func kindOf(err error) hal.Kind {
	switch {
	case errors.Is(err, fs.ErrNotExist),
		errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO),
		errors.Is(err, errNoCamera):
		return hal.Gone
	case errors.Is(err, syscall.EBUSY):
		return hal.Busy
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return hal.Permission
	case errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, errNoFrames), errors.Is(err, errNoCoded):
		return hal.Timeout
	case errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOTTY), errors.Is(err, syscall.ERANGE),
		errors.Is(err, errNoFormat), errors.Is(err, errOnlyH264), errors.Is(err, errNoCodec), errors.Is(err, errNoRawFormat), errors.Is(err, errNoControl), errors.Is(err, errReadOnly), errors.Is(err, errOutOfRange):
		return hal.Unsupported
	}
	return hal.Other
}
