package hal

import (
	"context"

	"github.com/edgecam/edgecam/engine/media"
)

// DisplayInfo describes a screen that a driver found.
type DisplayInfo struct {
	// ID opens the display: the device node, with the connector's name behind a
	// colon where one device has several ("/dev/dri/card0:HDMI-A-1").
	ID            string `json:"id"`
	Name          string `json:"name"`
	Driver        string `json:"driver"`
	Width, Height int    // pixels, of the mode in force or preferred
	Problem       string `json:"problem,omitempty"`
}

// Display is an open screen. One goroutine shows; Close may be called from any,
// once or more.
type Display interface {
	// Size is the size of the pictures that Show takes, in pixels.
	Size() (width, height int)
	// Show puts a picture of exactly that size on the screen. It may wait for
	// the screen's refresh; the picture is the caller's again when it returns.
	Show(p *media.Picture) error
	Close() error
}

// DisplayDriver finds and opens screens. The id "" means the first usable.
type DisplayDriver interface {
	Displays(ctx context.Context) ([]DisplayInfo, error)
	OpenDisplay(ctx context.Context, id string) (Display, error)
}
