//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"syscall"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// Driver finds and opens V4L2 cameras. It implements [hal.CameraDriver] and is
// safe for concurrent use.
type Driver struct {
	log  *slog.Logger
	dev  string // "/dev"
	sys  string // "/sys"
	open func(path string) (kernel, error)

	openCoder func(path string) (coder, error)
}

var (
	_ hal.CameraDriver  = (*Driver)(nil)
	_ hal.EncoderDriver = (*Driver)(nil)
)

// New returns the driver. A nil log discards.
func New(log *slog.Logger) *Driver {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Driver{log: log, dev: "/dev", sys: "/sys", open: openNode, openCoder: openCoder}
}

// Cameras lists the capture nodes, by node number. A camera that is there but
// cannot be used has a Problem. Opening a node to ask it does not disturb a
// program that streams from it.
func (d *Driver) Cameras(ctx context.Context) ([]hal.CameraInfo, error) {
	var out []hal.CameraInfo
	ids := d.stableIDs()
	for _, path := range d.nodePaths() {
		if err := ctx.Err(); err != nil {
			return nil, ended("list cameras", d.dev, err)
		}
		info, ok := d.inspect(path)
		if !ok {
			continue
		}
		info.ID, info.Path, info.Device = path, path, d.device(path)
		if id, ok := ids[path]; ok {
			info.ID = id
		}
		out = append(out, info)
	}
	return out, nil
}

// inspect describes the node, or says that it is not a camera.
func (d *Driver) inspect(path string) (hal.CameraInfo, bool) {
	k, err := d.open(path)
	if err != nil {
		kind := kindOf(err)
		name := d.sysfsName(path)
		if kind == hal.Gone || hasPrefixOf(name, notCameras) {
			return hal.CameraInfo{}, false
		}
		return hal.CameraInfo{Name: name, Problem: fail("open", path, err).Err.Error()}, true
	}
	defer d.closeQuietly(k, path)
	c, err := k.capability()
	if err != nil {
		return hal.CameraInfo{}, false // not a V4L2 node, or just unplugged
	}
	camera, problem := verdict(c)
	if !camera {
		return hal.CameraInfo{}, false
	}
	info := hal.CameraInfo{Name: c.Card, Driver: c.Driver, Problem: problem}
	if problem != "" {
		return info, true
	}
	abs, listed := abilities(k)
	switch {
	case len(abs) > 0:
		info.Modes = modes(k, abs)
		if len(takeFormats(abs, media.FormatUnknown)) == 0 {
			info.Problem = errOnlyH264.Error()
		}
	case listed:
		info.Problem = errNoFormat.Error()
	default:
		// Metadata nodes of older kernels call themselves capture nodes, but
		// offer no picture format.
		return hal.CameraInfo{}, false
	}
	return info, true
}

func (d *Driver) closeQuietly(k kernel, path string) {
	if err := k.close(); err != nil {
		d.log.Debug("v4l2: close failed", "path", path, "err", err)
	}
}

// OpenCamera opens the camera with that ID, path or node name, and starts it
// in the supported mode nearest to want: the wanted format if there is one,
// then the nearest size, then the rate; among formats that keep the rate
// uncompressed ones come before MJPEG, and grey last.
func (d *Driver) OpenCamera(ctx context.Context, id string, want hal.VideoMode) (hal.Camera, error) {
	if err := ctx.Err(); err != nil {
		return nil, ended("open", id, err)
	}
	path, err := d.resolve(id)
	if err != nil {
		return nil, fail("open", id, err)
	}
	k, err := d.open(path)
	if err != nil {
		return nil, fail("open", path, err)
	}
	cam, err := d.start(ctx, k, path, want)
	if err != nil {
		d.closeQuietly(k, path)
		return nil, err
	}
	d.log.Info("v4l2: camera started", "path", path, "format", cam.mode.Format.String(),
		"width_px", cam.mode.Width, "height_px", cam.mode.Height,
		"interval_ms", float64(cam.mode.FrameInterval.Microseconds())/1000, "buffers", len(cam.buffers))
	return cam, nil
}

// start tries the candidates in turn: format lists are not always true, and
// the proof of a format is that streaming starts.
func (d *Driver) start(ctx context.Context, k kernel, path string, want hal.VideoMode) (*Camera, error) {
	c, err := k.capability()
	if err != nil {
		if errors.Is(err, syscall.ENOTTY) {
			err = fmt.Errorf("%w: not a video device", err)
		}
		return nil, fail("query capability", path, err)
	}
	camera, problem := verdict(c)
	if !camera {
		problem = "not a camera: the node belongs to the driver " + c.Driver
	}
	if problem != "" {
		return nil, &hal.Error{Op: "open", Path: path, Kind: hal.Unsupported, Err: errors.New("v4l2: " + problem)}
	}
	abs, _ := abilities(k)
	if abs = takeFormats(abs, want.Format); len(abs) == 0 {
		return nil, fail("open", path, errNoFormat)
	}
	var first *hal.Error
	for _, cand := range negotiate(k, abs, want) {
		if err := ctx.Err(); err != nil {
			return nil, ended("open", path, err)
		}
		cam, err := configure(d.log, k, path, cand, want)
		if err == nil {
			return cam, nil
		}
		d.log.Debug("v4l2: mode refused", "path", path, "format", formatOf(cand.code).String(), "err", err)
		if first == nil {
			first = err
		}
		if err.Kind != hal.Unsupported && err.Kind != hal.Other {
			break // gone, busy or forbidden: no other format mends that
		}
	}
	return nil, first
}
