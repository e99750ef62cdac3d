//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"fmt"

	"github.com/edgecam/edgecam/hal"
	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

// Bounds on what is taken from a driver's lists.
const (
	maxControls  = 1024
	maxMenuItems = 256
)

// typeBitMask is V4L2_CTRL_TYPE_BITMASK.
const typeBitMask = uapi.CtrlTypeBitMask

// Controls lists what can be adjusted, with present values. Menu entries that
// the camera lacks have empty names. Buttons, texts and arrays are left out.
func (c *Camera) Controls() ([]hal.Control, error) {
	c.controlling.Lock()
	defer c.controlling.Unlock()
	if c.isClosed() {
		return nil, hal.ErrClosed
	}
	var out []hal.Control
	id := uint32(0)
	for range maxControls {
		q, err := c.kernel.queryControl(id | nextControl)
		if err != nil {
			if kindOf(err) == hal.Unsupported {
				return out, nil // the end of the list, or no controls at all
			}
			return nil, fail("list controls", c.path, err)
		}
		if q.id <= id {
			return out, nil // a driver that would go round for ever
		}
		id = q.id
		if ctl, ok := c.describe(q); ok {
			out = append(out, ctl)
		}
	}
	return out, nil
}

func (c *Camera) isClosed() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// adjustable reports whether a control's value is a single number.
func adjustable(q controlInfo) bool {
	if q.flags&(controlDisabled|controlWriteOnly|controlPayload) != 0 || q.elems > 1 {
		return false
	}
	switch q.kind {
	case uapi.CtrlTypeInt, uapi.CtrlTypeBool, uapi.CtrlTypeMenu, uapi.CtrlTypeIntegerMenu, uapi.CtrlTypeInt64, typeBitMask:
		return true
	}
	return false
}

func (c *Camera) describe(q controlInfo) (hal.Control, bool) {
	if !adjustable(q) {
		return hal.Control{}, false
	}
	value, err := c.kernel.control(q.id, q.kind == uapi.CtrlTypeInt64)
	if err != nil {
		return hal.Control{}, false // listed, but not to be had at present
	}
	if q.kind == typeBitMask {
		value = int64(uint32(value))
	}
	ctl := hal.Control{
		ID: q.id, Name: q.name, Min: q.min, Max: q.max, Step: max(q.step, 1),
		Default: q.def, Value: value, ReadOnly: q.flags&controlReadOnly != 0,
	}
	integer := q.kind == uapi.CtrlTypeIntegerMenu
	if integer || q.kind == uapi.CtrlTypeMenu {
		for i := int64(0); i <= q.max && i < maxMenuItems; i++ {
			name := ""
			if i >= q.min {
				if name, err = c.kernel.menuItem(q.id, uint32(i), integer); err != nil {
					name = "" // a gap in the menu
				}
			}
			ctl.Menu = append(ctl.Menu, name)
		}
	}
	return ctl, true
}

// ControlValue returns the present value of a control that is a number.
func (c *Camera) ControlValue(id uint32) (int64, error) {
	c.controlling.Lock()
	defer c.controlling.Unlock()
	if c.isClosed() {
		return 0, hal.ErrClosed
	}
	q, err := c.kernel.queryControl(id &^ nextControl)
	if err == nil && !adjustable(q) {
		err = fmt.Errorf("%w that is a number: %s", errNoControl, q.name)
	}
	if err != nil {
		return 0, fail("read control", c.path, err)
	}
	value, err := c.kernel.control(q.id, q.kind == uapi.CtrlTypeInt64)
	if err != nil {
		return 0, fail("read control", c.path, fmt.Errorf("%w: %s", err, q.name))
	}
	if q.kind == typeBitMask {
		value = int64(uint32(value))
	}
	return value, nil
}

// SetControl sets a control by its V4L2 ID. Values outside the range, and
// controls that are read-only or not there, are Kind Unsupported. For a button
// the value has no meaning.
func (c *Camera) SetControl(id uint32, value int64) error {
	c.controlling.Lock()
	defer c.controlling.Unlock()
	if c.isClosed() {
		return hal.ErrClosed
	}
	q, err := c.kernel.queryControl(id &^ nextControl)
	if err != nil || q.flags&controlDisabled != 0 {
		if err == nil || kindOf(err) == hal.Unsupported {
			err = fmt.Errorf("%w: 0x%08x", errNoControl, id)
		}
		return fail("set control", c.path, err)
	}
	switch {
	case q.flags&controlReadOnly != 0:
		return fail("set control", c.path, fmt.Errorf("%w: %s", errReadOnly, q.name))
	case q.kind == uapi.CtrlTypeButton:
		value = 0
	case !adjustable(q):
		return fail("set control", c.path, fmt.Errorf("%w that is a number: %s", errNoControl, q.name))
	// A bit mask has no order: its maximum is the set of its bits.
	case q.kind == typeBitMask && uint64(value)&^uint64(q.max) != 0,
		q.kind != typeBitMask && (value < q.min || value > q.max):
		return fail("set control", c.path, fmt.Errorf("%w: %s is %d to %d, not %d", errOutOfRange, q.name, q.min, q.max, value))
	}
	if q.kind == typeBitMask {
		value = int64(int32(uint32(value))) // bit 31 is the sign of the kernel's field
	}
	if err := c.kernel.setControl(q.id, value, q.kind == uapi.CtrlTypeInt64); err != nil {
		return fail("set control", c.path, fmt.Errorf("%w: %s", err, q.name))
	}
	return nil
}
