//go:build !linux || !cgo || (!amd64 && !arm64)

package v4l2

import (
	"context"
	"errors"
	"log/slog"

	"github.com/edgecam/edgecam/hal"
)

var errNoCgo = errors.New("v4l2: built without cgo, or for a machine other than 64-bit Linux: real cameras are not available in this program")

// Driver finds no cameras in this build. It implements [hal.CameraDriver].
type Driver struct{ log *slog.Logger }

var _ hal.CameraDriver = (*Driver)(nil)

// New returns a driver that lists nothing. A nil log discards.
func New(log *slog.Logger) *Driver {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Driver{log: log}
}

// Cameras returns an empty list and says why in the log.
func (d *Driver) Cameras(context.Context) ([]hal.CameraInfo, error) {
	d.log.Info("v4l2: built without cgo")
	return nil, nil
}

// OpenCamera fails with Kind Unsupported.
func (d *Driver) OpenCamera(_ context.Context, id string, _ hal.VideoMode) (hal.Camera, error) {
	return nil, &hal.Error{Op: "open", Path: id, Kind: hal.Unsupported, Err: errNoCgo}
}

// Encoders returns an empty list.
func (d *Driver) Encoders(context.Context) ([]hal.EncoderInfo, error) { return nil, nil }

// OpenEncoder fails with Kind Unsupported.
func (d *Driver) OpenEncoder(_ context.Context, id string, _ hal.EncoderConfig) (hal.VideoEncoder, error) {
	return nil, &hal.Error{Op: "open", Path: id, Kind: hal.Unsupported, Err: errNoCgo}
}
