package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// Prefix marks the id of a file among ids of devices.
const Prefix = "file:"

// IsID reports whether id names a file.
func IsID(id string) bool { return strings.HasPrefix(id, Prefix) }

// Limits on what a file may ask for.
const (
	maxSide       = 8192
	maxPixels     = 1 << 25
	maxVP8Bytes   = 8 << 20
	minInterval   = time.Second / 240
	maxInterval   = 10 * time.Second
	cameraBuffers = 6
)

// CameraOptions sets the driver.
type CameraOptions struct {
	// Paths are listed by Cameras; others may be opened too.
	Paths []string
	// StampClock, if set, draws the time of delivery into the luma plane of
	// each uncompressed frame (as sim.StampClock does), for measuring latency.
	StampClock func(luma []byte, pixelStep, strideBytes, width, height int, at time.Time) bool
	// FFmpeg is the program for formats that are not read natively; "" means
	// ffmpeg from PATH.
	FFmpeg string
}

// CameraDriver is a [hal.CameraDriver] that plays clips.
type CameraDriver struct{ opts CameraOptions }

var _ hal.CameraDriver = (*CameraDriver)(nil)

// NewCameraDriver returns a driver; it opens nothing yet.
func NewCameraDriver(opts CameraOptions) *CameraDriver {
	if opts.FFmpeg == "" {
		opts.FFmpeg = "ffmpeg"
	}
	return &CameraDriver{opts: opts}
}

// Cameras lists the configured clips; what is wrong with one is its Problem.
func (d *CameraDriver) Cameras(ctx context.Context) ([]hal.CameraInfo, error) {
	var infos []hal.CameraInfo
	for _, p := range d.opts.Paths {
		path := strings.TrimPrefix(p, Prefix)
		info := hal.CameraInfo{ID: Prefix + path, Name: filepath.Base(path), Driver: "file", Path: path}
		cam, err := d.OpenCamera(ctx, path, hal.VideoMode{})
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			info.Problem = err.Error()
		} else {
			info.Modes = []hal.VideoMode{cam.Mode()}
			_ = cam.Close() // nothing was written
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// OpenCamera opens the clip. It has one mode, its own, whatever want says.
func (d *CameraDriver) OpenCamera(ctx context.Context, id string, _ hal.VideoMode) (hal.Camera, error) {
	path := strings.TrimPrefix(id, Prefix)
	if err := ctx.Err(); err != nil {
		return nil, contextError("open", path, err)
	}
	if err := checkFile(path); err != nil {
		return nil, err
	}
	src, err := d.openSource(ctx, path)
	if err != nil {
		return nil, deviceError("open", path, err)
	}
	return newCamera(path, src, d.opts.StampClock), nil
}

// source delivers the frames of a clip one after the other.
type source interface {
	// mode gives format, size and rate.
	mode() hal.VideoMode
	// read fills buf with the next frame and returns it, grown if need be, and
	// its time since the first frame of this round. io.EOF ends the round.
	read(buf []byte) (frame []byte, at time.Duration, err error)
	// rewind starts the next round.
	rewind() error
	// close frees what the source has, and ends a read from another goroutine.
	close()
}

func (d *CameraDriver) openSource(ctx context.Context, path string) (source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	var magic [10]byte
	n, err := io.ReadFull(f, magic[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		_ = f.Close() // read only
		return nil, err
	}
	switch head := magic[:n]; {
	case n == 0:
		err = errors.New("the file is empty")
	case bytes.HasPrefix(head, []byte("YUV4MPEG2")):
		return openY4M(f)
	case bytes.HasPrefix(head, []byte("DKIF")):
		return openIVF(f)
	default:
		switch strings.ToLower(filepath.Ext(path)) {
		case ".y4m":
			err = errors.New(`this is no YUV4MPEG2 file: it does not start with "YUV4MPEG2"`)
		case ".ivf":
			err = errors.New(`this is no IVF file: it does not start with "DKIF"`)
		}
	}
	_ = f.Close() // read only
	if err != nil {
		return nil, err
	}
	return openFFmpeg(ctx, d.opts.FFmpeg, path)
}

// checkFile tells early what would be puzzling later.
func checkFile(path string) error {
	st, err := os.Stat(path)
	switch {
	case path == "":
		return &hal.Error{Op: "open", Path: Prefix, Kind: hal.Gone, Err: errors.New("the file name is missing: give file:PATH")}
	case err != nil:
		return deviceError("open", path, err)
	case !st.Mode().IsRegular():
		return &hal.Error{Op: "open", Path: path, Kind: hal.Unsupported, Err: errors.New("this is not a regular file")}
	}
	return nil
}

// deviceError gives err its kind.
func deviceError(op, path string, err error) error {
	var already *hal.Error
	kind := hal.Other
	switch {
	case errors.As(err, &already) || errors.Is(err, hal.ErrClosed):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		kind = hal.Timeout
	case errors.Is(err, context.Canceled):
	case errors.Is(err, fs.ErrNotExist):
		kind = hal.Gone
	case errors.Is(err, fs.ErrPermission):
		kind = hal.Permission
	default:
		kind = hal.Unsupported
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // the path is in the device error already
	}
	return &hal.Error{Op: op, Path: path, Kind: kind, Err: err}
}

func contextError(op, path string, err error) error { return deviceError(op, path, err) }

// checkMode refuses sizes and rates that no clip has.
func checkMode(m hal.VideoMode) error {
	if m.Width < 1 || m.Height < 1 || m.Width > maxSide || m.Height > maxSide || m.Width*m.Height > maxPixels {
		return fmt.Errorf("picture size %dx%d is out of range (at most %d a side)", m.Width, m.Height, maxSide)
	}
	if m.FrameInterval < minInterval || m.FrameInterval > maxInterval {
		return fmt.Errorf("frame interval %v is out of range (%v to %v)", m.FrameInterval, minInterval, maxInterval)
	}
	return nil
}

// interval is den/num seconds; 0 if that is out of range.
func interval(num, den int64) time.Duration {
	if num <= 0 || den <= 0 || den > 1<<32 || num > 1<<32 {
		return 0
	}
	return time.Duration(float64(den) / float64(num) * float64(time.Second))
}
