//go:build !linux || !cgo

package alsa

import (
	"context"
	"errors"
	"log/slog"

	"github.com/edgecam/edgecam/hal"
)

var errNoCgo = errors.New("alsa: built without cgo, or not for Linux: real sound cards are not available in this program")

// Driver finds no cards in this build. It implements [hal.SoundDriver].
type Driver struct{ log *slog.Logger }

var _ hal.SoundDriver = (*Driver)(nil)

// New returns a driver that lists nothing. A nil log discards.
func New(log *slog.Logger) *Driver {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Driver{log: log}
}

// Cards returns an empty list and says why in the log.
func (d *Driver) Cards(context.Context) ([]hal.CardInfo, error) {
	d.log.Info("alsa: built without cgo")
	return nil, nil
}

// OpenMicrophone fails with Kind Unsupported.
func (d *Driver) OpenMicrophone(_ context.Context, id string) (hal.Microphone, error) {
	return nil, &hal.Error{Op: "open", Path: id, Kind: hal.Unsupported, Err: errNoCgo}
}

// OpenSpeaker fails with Kind Unsupported.
func (d *Driver) OpenSpeaker(_ context.Context, id string) (hal.Speaker, error) {
	return nil, &hal.Error{Op: "open", Path: id, Kind: hal.Unsupported, Err: errNoCgo}
}
