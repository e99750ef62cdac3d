//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"errors"
	"slices"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

var (
	_ hal.ControlWatcher = (*Camera)(nil)
	_ hal.BufferExporter = (*Camera)(nil)
)

// WatchControls subscribes to changes of controls. What this Camera sets itself is
// not told; a change that such a setting brings about elsewhere is.
func (c *Camera) WatchControls(ids []uint32, changed func(id uint32, value int64)) (watched []uint32) {
	c.controlling.Lock()
	defer c.controlling.Unlock()
	if c.isClosed() {
		return nil
	}
	for _, id := range ids {
		if err := c.kernel.watchControl(id); err != nil {
			c.log.Debug("v4l2: no events of a control", "path", c.path, "control", id, "err", err)
			continue
		}
		watched = append(watched, id)
	}
	c.changed.Store(&changed)
	return watched
}

// tellChanges hands changes of controls on.
func (c *Camera) tellChanges(changes []controlChange) {
	changed := c.changed.Load()
	if changed == nil || *changed == nil {
		return
	}
	for i, ch := range changes {
		// A control that moves by itself tells every step; the last one counts.
		if !slices.ContainsFunc(changes[i+1:], func(later controlChange) bool { return later.id == ch.id }) {
			(*changed)(ch.id, ch.value)
		}
	}
}

// ExportFrame returns a DMABUF descriptor of the buffer that f is in, which the
// caller closes. The kernel fills the buffer anew once f is released, whoever reads
// it.
func (c *Camera) ExportFrame(f *media.Frame) (fd int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return -1, hal.ErrClosed
	}
	for i := range c.buffers {
		if b := &c.buffers[i]; &b.frame == f && b.out {
			if fd, err = c.kernel.exportBuffer(uint32(i)); err != nil {
				return -1, fail("export buffer", c.path, err)
			}
			return fd, nil
		}
	}
	return -1, &hal.Error{Op: "export buffer", Path: c.path, Kind: hal.Unsupported, Err: errNotHeld}
}

var errNotHeld = errors.New("v4l2: the frame is not one that this camera has handed out")
