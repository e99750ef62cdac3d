// Package fbdev shows pictures on a Linux framebuffer device (/dev/fb0), which
// every screen has that the kernel drives, by its own driver or by the emulation
// on top of DRM. It needs no cgo and no library.
//
// The mode is taken as it is: 32, 24 or 16 bits per pixel with the colours
// anywhere. Where the device has a second page (a virtual height of twice the
// screen's), pictures are drawn out of sight and panned to; else they are drawn
// in place. The user needs access to the device: group video.
//
// Specifications: include/uapi/linux/fb.h of the Linux kernel; ITU-R BT.601 for
// the colours.
package fbdev

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// kernel is what the driver needs of the system; tests put a fake behind it.
type kernel interface {
	open(path string) (fd int, err error)
	ioctl(fd int, request uintptr, data []byte) error
	mmap(fd, length int) ([]byte, error)
	munmap(b []byte) error
	close(fd int) error
}

// Driver is a hal.DisplayDriver for framebuffer devices.
type Driver struct {
	sys  kernel
	list func() []string
}

// New returns a driver.
func New() *Driver {
	return &Driver{sys: linux{}, list: func() []string {
		paths, err := filepath.Glob("/dev/fb[0-9]*")
		if err != nil {
			return nil // the pattern is right
		}
		sort.Strings(paths)
		return paths
	}}
}

// Displays lists the framebuffer devices; what is wrong with one is its Problem.
func (d *Driver) Displays(context.Context) ([]hal.DisplayInfo, error) {
	var out []hal.DisplayInfo
	for _, path := range d.list() {
		info := hal.DisplayInfo{ID: path, Driver: "fbdev"}
		fd, err := d.sys.open(path)
		if err == nil {
			var m mode
			if m, err = d.mode(fd, path); err == nil {
				info.Name, info.Width, info.Height = m.name, m.width, m.height
			}
			_ = d.sys.close(fd)
		}
		if err != nil {
			info.Problem = err.Error()
		}
		out = append(out, info)
	}
	return out, nil
}

// OpenDisplay opens a device; "" is the first usable.
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
			return nil, &hal.Error{Op: "open", Path: "/dev/fb*", Kind: hal.Gone, Err: errors.New("no usable framebuffer device")}
		}
	}
	fd, err := d.sys.open(id)
	if err != nil {
		return nil, deviceError("open", id, err)
	}
	s := &screen{sys: d.sys, fd: fd, path: id}
	if s.mode, err = d.mode(fd, id); err == nil {
		s.memory, err = d.sys.mmap(fd, s.size)
		if err != nil {
			err = deviceError("map", id, err)
		}
	}
	if err != nil {
		_ = d.sys.close(fd)
		return nil, err
	}
	s.clear()
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
	case errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EINVAL):
		e.Kind = hal.Unsupported
	}
	return e
}

// screen is an open framebuffer.
type screen struct {
	sys  kernel
	fd   int
	path string
	mode
	page int // that is seen

	mu     sync.Mutex
	memory []byte // nil once closed
}

func (s *screen) Size() (width, height int) { return s.width, s.height }

// clear blackens the visible part.
func (s *screen) clear() {
	at := s.offset(s.page)
	for y := range s.height {
		row := s.memory[at+y*s.stride:]
		clear(row[:s.width*s.bits/8])
	}
}

// offset is where a page begins.
func (s *screen) offset(page int) int {
	if s.pages == 1 {
		return s.yOffset*s.stride + s.xOffset*s.bits/8
	}
	return page * s.height * s.stride
}

// Show draws a picture of exactly the screen's size.
func (s *screen) Show(p *media.Picture) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.memory == nil {
		return hal.ErrClosed
	}
	if p.Width != s.width || p.Height != s.height {
		return &hal.Error{Op: "show", Path: s.path, Kind: hal.Unsupported, Err: fmt.Errorf("a picture of %dx%d on a screen of %dx%d", p.Width, p.Height, s.width, s.height)}
	}
	page := s.page
	if s.pages > 1 {
		page = 1 - page
	}
	at := s.offset(page)
	for y := range s.height {
		s.pixels.Row(s.memory[at+y*s.stride:], p.Y[y*p.YStride:][:s.width], p.U[y/2*p.UVStride:], p.V[y/2*p.UVStride:])
	}
	if page == s.page {
		return nil
	}
	if err := s.pan(s.sys, s.fd, page*s.height); err != nil {
		// The driver promised pages and has none: draw in place from now on.
		s.pages, s.page, s.yOffset = 1, 0, s.page*s.height
		return nil
	}
	s.page = page
	return nil
}

// Close blackens the screen and gives the device back.
func (s *screen) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.memory == nil {
		return nil
	}
	s.clear()
	err := errors.Join(s.sys.munmap(s.memory), s.sys.close(s.fd))
	s.memory = nil
	if err != nil {
		return deviceError("close", s.path, err)
	}
	return nil
}
