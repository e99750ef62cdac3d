package pipe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// errNoCamera is the cause of failures to open an ID that is none.
var errNoCamera = errors.New("pipe: no camera stack has this ID; known are rpicam, rpicam:N, argus and argus:N")

// Driver opens cameras through their stack's program. It implements
// [hal.CameraDriver] and is safe for concurrent use.
type Driver struct {
	log      *slog.Logger
	programs []program
	look     func(name string) (string, error)
	env      []string
	// first and later bound the silence before and after the first frame, grace
	// how long a program may take to end.
	first, later, grace time.Duration
}

var _ hal.CameraDriver = (*Driver)(nil)

// New returns the driver. A nil log discards.
func New(log *slog.Logger) *Driver {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Driver{
		log: log, programs: programs, look: exec.LookPath,
		first: 8 * time.Second, later: 2 * time.Second, grace: 2 * time.Second,
	}
}

// Cameras lists each stack whose program is installed, without starting it: what
// sensors are connected only the program can say.
func (d *Driver) Cameras(context.Context) ([]hal.CameraInfo, error) {
	var out []hal.CameraInfo
	for _, p := range d.programs {
		if path, err := p.find(d.look); err == nil {
			out = append(out, hal.CameraInfo{ID: p.backend, Name: p.name, Driver: p.backend, Path: path, Modes: listed()})
		}
	}
	return out, nil
}

// OpenCamera starts the program for the camera with that ID, in the mode nearest
// to want; sides become multiples of 64 and 2. It does not wait for a frame.
func (d *Driver) OpenCamera(ctx context.Context, id string, want hal.VideoMode) (hal.Camera, error) {
	if err := ctx.Err(); err != nil {
		return nil, ended("open", id, err)
	}
	for _, p := range d.programs {
		n, ok := p.sensor(id)
		if !ok {
			continue
		}
		path, err := p.find(d.look)
		if err != nil {
			return nil, &hal.Error{Op: "open", Path: id, Kind: hal.Unsupported, Err: fmt.Errorf("pipe: %w", err)}
		}
		mode := complete(want)
		proc, err := start(path, p.args(n, mode), d.env, d.grace)
		if err != nil {
			return nil, &hal.Error{Op: "start", Path: path, Kind: hal.Other, Err: fmt.Errorf("pipe: %w", err)}
		}
		d.log.Info("pipe: program started", "program", path, "pid", proc.pid, "width_px", mode.Width, "height_px", mode.Height, "rate_hz", rate(mode))
		return newCamera(d, id, mode, proc), nil
	}
	return nil, &hal.Error{Op: "open", Path: id, Kind: hal.Gone, Err: errNoCamera}
}

// ended reports a call that its context ended: Timeout for a deadline.
func ended(op, path string, err error) *hal.Error {
	kind := hal.Other
	if errors.Is(err, context.DeadlineExceeded) {
		kind = hal.Timeout
	}
	return &hal.Error{Op: op, Path: path, Kind: kind, Err: err}
}
