package sim

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// CameraID opens the simulated camera.
const CameraID = "sim"

// Limits of the modes that the camera takes.
const (
	minSide     = 64
	maxWidth    = 1920
	maxHeight   = 1080
	minInterval = time.Second / 120
	maxInterval = time.Second
)

// CameraOptions sets the simulated camera. The zero value is a door scene in
// I420, 640x480 at 30 frames a second.
type CameraOptions struct {
	// Format, Width, Height and FrameInterval are used where a request leaves
	// them open.
	Format        media.PixelFormat
	Width, Height int
	FrameInterval time.Duration
	// Noise is the peak of the sensor noise in steps of luma, 1 to 16. 0 means
	// 3, negative means none.
	Noise int
	// Buffers is the number of frames that may be in flight, 2 to 32; 0 means
	// 6. While all are held, frames are dropped and counted.
	Buffers int
	// HideClock leaves the readable clock out, HideCode the block code.
	HideClock, HideCode bool
	// Seed varies the noise.
	Seed uint64
}

func (o CameraOptions) withDefaults() CameraOptions {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&o.Width, 640)
	def(&o.Height, 480)
	def(&o.Noise, 3)
	def(&o.Buffers, 6)
	o.Noise = min(max(o.Noise, 0), 16)
	o.Buffers = min(max(o.Buffers, 2), 32)
	if o.FrameInterval <= 0 {
		o.FrameInterval = time.Second / 30
	}
	if !supported(o.Format) {
		o.Format = media.FormatI420
	}
	return o
}

func supported(f media.PixelFormat) bool {
	return f == media.FormatI420 || f == media.FormatNV12 || f == media.FormatYUYV
}

// CameraDriver is a [hal.CameraDriver] with one camera, [CameraID]. Its faults
// may be injected from any goroutine.
type CameraDriver struct {
	opts    CameraOptions
	dropped atomic.Uint64

	mu        sync.Mutex
	unplugged bool
	busy      bool
	stalled   bool
	current   *camera
	still     *planes       // of the last scene; never changed once painted
	changed   chan struct{} // closed and replaced when a fault changes
}

var _ hal.CameraDriver = (*CameraDriver)(nil)

// NewCameraDriver returns a driver with one camera that is plugged in.
func NewCameraDriver(opts CameraOptions) *CameraDriver {
	return &CameraDriver{opts: opts.withDefaults(), changed: make(chan struct{})}
}

// Cameras lists the simulated camera, or nothing while it is unplugged.
func (d *CameraDriver) Cameras(ctx context.Context) ([]hal.CameraInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, contextError("list", CameraID, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unplugged {
		return nil, nil
	}
	info := hal.CameraInfo{ID: CameraID, Name: "Simulated door camera", Driver: "sim", Path: CameraID}
	for _, f := range []media.PixelFormat{media.FormatI420, media.FormatNV12, media.FormatYUYV} {
		for _, s := range [][2]int{{320, 240}, {640, 480}, {1280, 720}, {1920, 1080}} {
			info.Modes = append(info.Modes, hal.VideoMode{Format: f, Width: s[0], Height: s[1], FrameInterval: time.Second / 30})
		}
	}
	if d.busy {
		info.Problem = "in use by another process"
	}
	return []hal.CameraInfo{info}, nil
}

// OpenCamera opens the camera. Any even size from 64x64 to 1920x1080 and any
// rate from 1 to 120 Hz is delivered as asked; others become the nearest.
func (d *CameraDriver) OpenCamera(ctx context.Context, id string, want hal.VideoMode) (hal.Camera, error) {
	if err := ctx.Err(); err != nil {
		return nil, contextError("open", id, err)
	}
	if id != CameraID && id != "" {
		return nil, &hal.Error{Op: "open", Path: id, Kind: hal.Gone, Err: errors.New(`there is no such simulated camera (its id is "sim")`)}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.openError(); err != nil {
		return nil, err
	}
	c := newCamera(d, d.negotiate(want))
	d.current = c
	return c, nil
}

func (d *CameraDriver) openError() error {
	switch {
	case d.unplugged:
		return &hal.Error{Op: "open", Path: CameraID, Kind: hal.Gone, Err: errors.New("the simulated camera is unplugged")}
	case d.busy:
		return &hal.Error{Op: "open", Path: CameraID, Kind: hal.Busy, Err: errors.New("the simulated camera plays busy")}
	case d.current != nil:
		return &hal.Error{Op: "open", Path: CameraID, Kind: hal.Busy, Err: errors.New("the simulated camera is open already: close it first")}
	}
	return nil
}

func (d *CameraDriver) negotiate(want hal.VideoMode) hal.VideoMode {
	m := hal.VideoMode{Format: d.opts.Format, Width: d.opts.Width, Height: d.opts.Height, FrameInterval: d.opts.FrameInterval}
	if supported(want.Format) {
		m.Format = want.Format
	}
	if want.Width > 0 && want.Height > 0 {
		m.Width, m.Height = want.Width, want.Height
	}
	if want.FrameInterval > 0 {
		m.FrameInterval = want.FrameInterval
	}
	m.Width = min(max(m.Width&^1, minSide), maxWidth)
	m.Height = min(max(m.Height&^1, minSide), maxHeight)
	m.FrameInterval = min(max(m.FrameInterval, minInterval), maxInterval)
	return m
}

// Unplug takes the camera away: reads of an open camera fail with Kind Gone,
// and it cannot be opened until Replug.
func (d *CameraDriver) Unplug() {
	d.change(func() {
		d.unplugged = true
		if d.current != nil {
			d.current.gone = true
		}
	})
}

// Replug brings the camera back. A camera that was open stays gone: as with
// real ones, it has to be opened again.
func (d *CameraDriver) Replug() { d.change(func() { d.unplugged = false }) }

// SetBusy makes opening fail with Kind Busy, as if another process had the
// camera. A camera that is open is not affected.
func (d *CameraDriver) SetBusy(busy bool) { d.change(func() { d.busy = busy }) }

// SetStalled stops the delivery of frames without any error, as firmware that
// hangs does.
func (d *CameraDriver) SetStalled(stalled bool) { d.change(func() { d.stalled = stalled }) }

// Dropped counts the frames that were lost since the driver was made because
// the reader was late or held all buffers.
func (d *CameraDriver) Dropped() uint64 { return d.dropped.Load() }

func (d *CameraDriver) change(set func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	set()
	close(d.changed)
	d.changed = make(chan struct{})
}

// contextError wraps the end of a context: a deadline is a timeout of the
// device, a cancellation is nobody's failure.
func contextError(op, path string, err error) error {
	kind := hal.Other
	if errors.Is(err, context.DeadlineExceeded) {
		kind = hal.Timeout
	}
	return &hal.Error{Op: op, Path: path, Kind: kind, Err: err}
}
