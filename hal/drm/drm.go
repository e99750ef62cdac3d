// Package drm shows pictures on a screen through the kernel's mode setting (DRM,
// KMS): it takes the connector's preferred mode, draws into two dumb buffers in
// memory and changes between them at the screen's refresh. It needs no GPU, no cgo
// and no library; the console of the machine is given back when it closes.
//
// One program at a time sets modes: while a desktop or another program does, the
// driver's displays have a Problem. The user needs access to the device: group
// video, and, where nobody is logged in at the console, nothing else.
//
// Specification: include/uapi/drm/drm.h and drm_mode.h of the Linux kernel.
package drm

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edgecam/edgecam/hal"
)

// Driver is a hal.DisplayDriver for DRM devices.
type Driver struct {
	sys  kernel
	list func() []string
}

// New returns a driver.
func New() *Driver {
	return &Driver{sys: linux{}, list: func() []string {
		paths, err := filepath.Glob("/dev/dri/card[0-9]*")
		if err != nil {
			return nil // the pattern is right
		}
		sort.Strings(paths)
		return paths
	}}
}

// Displays lists the connectors that have a screen. A device that cannot be used
// is listed without one, with its Problem; a device without connectors at all (one
// that renders only) is not listed.
func (d *Driver) Displays(context.Context) ([]hal.DisplayInfo, error) {
	var out []hal.DisplayInfo
	for _, path := range d.list() {
		out = append(out, d.displays(path)...)
	}
	return out, nil
}

func (d *Driver) displays(path string) []hal.DisplayInfo {
	problem := func(err error) []hal.DisplayInfo {
		return []hal.DisplayInfo{{ID: path, Driver: "drm", Problem: err.Error()}}
	}
	fd, err := d.sys.open(path)
	if err != nil {
		return problem(deviceError("open", path, err))
	}
	c := card{sys: d.sys, fd: fd, path: path}
	defer func() { _ = d.sys.close(fd) }()
	outputs, err := c.outputs()
	switch {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENODEV), err == nil && len(c.connectors) == 0:
		return nil // renders only
	case err != nil:
		return problem(err)
	}
	err = c.master()
	var list []hal.DisplayInfo
	for _, o := range outputs {
		i := hal.DisplayInfo{ID: path + ":" + o.name, Name: o.name, Driver: "drm", Width: int(o.mode.hdisplay), Height: int(o.mode.vdisplay)}
		switch {
		case err != nil:
			i.Problem = err.Error()
		case o.crtc == 0:
			i.Problem = "no picture controller is free for this connector"
		}
		list = append(list, i)
	}
	return list
}

// OpenDisplay opens a connector by "DEVICE:CONNECTOR" or, as the device's first
// with a screen, by "DEVICE"; "" is the first usable of all.
func (d *Driver) OpenDisplay(ctx context.Context, id string) (hal.Display, error) {
	if id == "" {
		all, err := d.Displays(ctx)
		if err != nil {
			return nil, err
		}
		for _, i := range all {
			if i.Problem == "" {
				id = i.ID
				break
			}
		}
		if id == "" {
			return nil, &hal.Error{Op: "open", Path: "/dev/dri/card*", Kind: hal.Gone, Err: errors.New("no usable DRM device with a screen")}
		}
	}
	path, name, _ := strings.Cut(id, ":")
	fd, err := d.sys.open(path)
	if err != nil {
		return nil, deviceError("open", path, err)
	}
	c := card{sys: d.sys, fd: fd, path: path}
	s, err := c.show(name)
	if err != nil {
		_ = d.sys.close(fd)
		return nil, err
	}
	return s, nil
}

// deviceError classifies an error of the kernel.
func deviceError(op, path string, err error) error {
	e := &hal.Error{Op: op, Path: path, Kind: hal.Other, Err: err}
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		e.Kind = hal.Gone
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		e.Kind = hal.Permission
	case errors.Is(err, unix.EBUSY):
		e.Kind = hal.Busy
	case errors.Is(err, unix.ETIMEDOUT):
		e.Kind = hal.Timeout
	case errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP):
		e.Kind = hal.Unsupported
	}
	return e
}

func unsupported(path, format string, a ...any) error {
	return &hal.Error{Op: "open", Path: path, Kind: hal.Unsupported, Err: fmt.Errorf(format, a...)}
}

// flipTimeout is how long a change of pages may take: some refreshes of the
// slowest screens.
const flipTimeout = 250 * time.Millisecond
