//go:build linux && cgo

package alsa

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/edgecam/edgecam/hal"
	"github.com/gen2brain/malgo"
)

// Causes of failure that do not come from the kernel or from miniaudio.
var (
	errNoCard    = errors.New("alsa: no sound card with this id is connected; `edgecam devices` lists those there are")
	errDirection = errors.New("alsa: the card cannot do this: it has no PCM device of that number and direction")
	errNoLibrary = errors.New("alsa: libasound.so.2 cannot be loaded: install it (Debian: apt-get install libasound2)")
	errStalled   = errors.New("alsa: the card has stopped taking or delivering samples")
	errUnplugged = errors.New("alsa: the card has been unplugged")
	errLost      = errors.New("alsa: samples were lost before this block")
)

// fail wraps a failed call as a *hal.Error with the kind that follows from it.
func fail(op, path string, err error) *hal.Error {
	kind := kindOf(err)
	switch kind {
	case hal.Permission:
		err = fmt.Errorf("%w: add the user to the group \"audio\", or grant access to /dev/snd", err)
	case hal.Busy:
		err = fmt.Errorf("%w: another program is using the card", err)
	}
	return &hal.Error{Op: op, Path: path, Kind: kind, Err: err}
}

func kindOf(err error) hal.Kind {
	switch {
	case errors.Is(err, errNoCard), errors.Is(err, errUnplugged), errors.Is(err, fs.ErrNotExist),
		errors.Is(err, syscall.ENODEV), errors.Is(err, malgo.ErrNoDevice), errors.Is(err, malgo.ErrDoesNotExist):
		return hal.Gone
	case errors.Is(err, malgo.ErrBusy), errors.Is(err, malgo.ErrAlreadyInUse), errors.Is(err, syscall.EBUSY):
		return hal.Busy
	case errors.Is(err, malgo.ErrAccessDenied), errors.Is(err, fs.ErrPermission):
		return hal.Permission
	case errors.Is(err, errLost):
		return hal.Overrun
	case errors.Is(err, errStalled):
		return hal.Timeout
	case errors.Is(err, errDirection), errors.Is(err, errNoLibrary), errors.Is(err, malgo.ErrFormatNotSupported),
		errors.Is(err, malgo.ErrDeviceTypeNotSupported), errors.Is(err, malgo.ErrInvalidArgs):
		return hal.Unsupported
	}
	return hal.Other
}

// ended reports a call that its context ended: Timeout for a deadline.
func ended(op, path string, err error) *hal.Error {
	kind := hal.Other
	if errors.Is(err, context.DeadlineExceeded) {
		kind = hal.Timeout
	}
	return &hal.Error{Op: op, Path: path, Kind: kind, Err: err}
}
