package drm

import (
	"errors"
	"fmt"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// card is an open device.
type card struct {
	sys        kernel
	fd         int
	path       string
	crtcs      []uint32
	connectors []uint32
}

// output is a connector with a screen.
type output struct {
	name      string
	connector uint32
	crtc      uint32 // that drives it or can, 0: none
	mode      modeInfo
}

// outputs lists the connectors that have a screen. Errors are of type *hal.Error.
func (c *card) outputs() ([]output, error) {
	dumb := getCap{capability: capDumbBuffer}
	if err := c.sys.ioctl(c.fd, ioctlGetCap, unsafe.Pointer(&dumb)); err != nil {
		return nil, deviceError("get capability", c.path, err)
	}
	if err := c.resources(); err != nil {
		return nil, err
	}
	if dumb.value == 0 && len(c.connectors) > 0 {
		return nil, unsupported(c.path, "the device has no buffers that a processor can draw into")
	}
	var out []output
	taken := map[uint32]bool{}
	for _, id := range c.connectors {
		o, ok, err := c.output(id, taken)
		if err != nil {
			return nil, err
		}
		if ok {
			taken[o.crtc] = true
			out = append(out, o)
		}
	}
	return out, nil
}

// resources asks for the ids of the device's parts: first how many, then which.
// Screens may be plugged in between.
func (c *card) resources() error {
	for range 4 {
		var count cardRes
		if err := c.sys.ioctl(c.fd, ioctlResources, unsafe.Pointer(&count)); err != nil {
			return deviceError("get resources", c.path, err)
		}
		if count.countConnectors > connectorsAtMost || count.countCRTCs > connectorsAtMost {
			return unsupported(c.path, "%d connectors and %d picture controllers", count.countConnectors, count.countCRTCs)
		}
		c.crtcs, c.connectors = make([]uint32, count.countCRTCs), make([]uint32, count.countConnectors)
		r := cardRes{countCRTCs: count.countCRTCs, countConnectors: count.countConnectors}
		r.crtcs, r.connectors = at(c.crtcs), at(c.connectors)
		if err := c.sys.ioctl(c.fd, ioctlResources, unsafe.Pointer(&r)); err != nil {
			return deviceError("get resources", c.path, err)
		}
		if r.countConnectors == count.countConnectors && r.countCRTCs == count.countCRTCs {
			return nil
		}
	}
	return deviceError("get resources", c.path, errors.New("screens come and go"))
}

// at is the address of a list, nil for an empty one.
func at[T any](list []T) unsafe.Pointer {
	if len(list) == 0 {
		return nil
	}
	return unsafe.Pointer(&list[0])
}

// output describes a connector; ok is false if it has no screen.
func (c *card) output(id uint32, taken map[uint32]bool) (o output, ok bool, err error) {
	for range 4 {
		count := getConnector{connector: id}
		if err := c.sys.ioctl(c.fd, ioctlGetConnector, unsafe.Pointer(&count)); err != nil {
			return o, false, deviceError("get connector", c.path, err)
		}
		if count.connection != connected || count.countModes == 0 || count.countEncoders > connectorsAtMost || count.countModes > modesAtMost {
			return o, false, nil
		}
		modes, encoders := make([]modeInfo, count.countModes), make([]uint32, count.countEncoders)
		n := getConnector{connector: id, countModes: count.countModes, countEncoders: count.countEncoders}
		n.modes, n.encoders = at(modes), at(encoders)
		if err := c.sys.ioctl(c.fd, ioctlGetConnector, unsafe.Pointer(&n)); err != nil {
			return o, false, deviceError("get connector", c.path, err)
		}
		if n.countModes != count.countModes || n.countEncoders != count.countEncoders {
			continue
		}
		o = output{connector: id, name: connectorName(n.kind, n.kindID), mode: modes[0]}
		for _, m := range modes {
			if m.kind&modePreferred != 0 {
				o.mode = m
				break
			}
		}
		o.crtc, err = c.controller(n.encoder, encoders, taken)
		return o, err == nil, err
	}
	return o, false, nil
}

func connectorName(kind, id uint32) string {
	name := connectorNames[0]
	if int(kind) < len(connectorNames) {
		name = connectorNames[kind]
	}
	return name + "-" + strconv.Itoa(int(id))
}

// controller returns the picture controller that drives a connector now, or one
// that can.
func (c *card) controller(now uint32, encoders []uint32, taken map[uint32]bool) (uint32, error) {
	if now != 0 {
		e := getEncoder{encoder: now}
		if err := c.sys.ioctl(c.fd, ioctlGetEncoder, unsafe.Pointer(&e)); err == nil && e.crtc != 0 && !taken[e.crtc] {
			return e.crtc, nil
		}
	}
	for _, id := range encoders {
		e := getEncoder{encoder: id}
		if err := c.sys.ioctl(c.fd, ioctlGetEncoder, unsafe.Pointer(&e)); err != nil {
			return 0, deviceError("get encoder", c.path, err)
		}
		for i, crtc := range c.crtcs {
			if i < 32 && e.possibleCRTCs>>i&1 != 0 && !taken[crtc] {
				return crtc, nil
			}
		}
	}
	return 0, nil
}

// master makes this program the one that sets modes; whoever opened the device
// first is already.
func (c *card) master() error {
	if err := c.sys.ioctl(c.fd, ioctlSetMaster, nil); err != nil {
		if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EINVAL) {
			err = fmt.Errorf("%w: another program (a desktop?) drives the screens", unix.EBUSY)
		}
		return deviceError("become master", c.path, err)
	}
	return nil
}
