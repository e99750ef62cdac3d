//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"slices"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// Cameras that code H.264 by themselves offer it on a node of its own, or beside
// other formats on one. Nothing here decodes it, so it is given to those alone who
// ask for it, and others never get it.

var _ hal.RatedCamera = (*Camera)(nil)

// takeFormats leaves those of a node's abilities that may be negotiated for a wish.
func takeFormats(abs []ability, want media.PixelFormat) []ability {
	return slices.DeleteFunc(abs, func(a ability) bool {
		return (formatOf(a.code) == media.FormatH264) != (want == media.FormatH264)
	})
}

// SetBitrate changes the rate of a camera that codes by itself. Most have no such
// control: Kind Unsupported.
func (c *Camera) SetBitrate(bps int) error { return c.control(controlBitrate, int64(bps)) }

// ForceKey makes its next frame a key frame. Most have no such control: Kind
// Unsupported.
func (c *Camera) ForceKey() error { return c.control(controlForceKey, 1) }

// control sets a control that is not listed among what people adjust.
func (c *Camera) control(id uint32, value int64) error {
	c.controlling.Lock()
	defer c.controlling.Unlock()
	if c.isClosed() {
		return hal.ErrClosed
	}
	if err := c.kernel.setControl(id, value, false); err != nil {
		return fail("set control", c.path, err)
	}
	return nil
}

// begins reports whether compressed data begins as its format does: a JPEG picture
// with the marker SOI, an access unit with a start code.
func begins(f media.PixelFormat, data []byte) bool {
	if f == media.FormatH264 {
		return len(data) > 4 && data[0] == 0 && data[1] == 0 && (data[2] == 1 || data[2] == 0 && data[3] == 1)
	}
	return len(data) >= 2 && data[0] == 0xff && data[1] == 0xd8
}
