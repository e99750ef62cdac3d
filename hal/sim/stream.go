package sim

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// camera is an open simulated camera. Frames are drawn by Read itself, mostly
// before the moment they are due; only the clocks are drawn at that moment.
type camera struct {
	driver *CameraDriver
	mode   hal.VideoMode
	scene  *scene
	start  time.Time
	next   int64 // number of the next frame to deliver; used by Read alone
	timer  *time.Timer

	release func(*media.Frame) // giveBack, bound once

	closeOnce sync.Once
	closed    chan struct{}
	gone      bool // guarded by driver.mu

	mu   sync.Mutex
	free []*media.Frame
}

// newCamera makes an open camera. Called under d.mu.
func newCamera(d *CameraDriver, mode hal.VideoMode) *camera {
	if d.still != nil && (d.still.w != mode.Width || d.still.h != mode.Height) {
		d.still = nil
	}
	c := &camera{
		driver: d, mode: mode, closed: make(chan struct{}),
		scene: newScene(mode, d.opts, d.still), timer: time.NewTimer(time.Hour),
	}
	d.still = c.scene.still
	c.timer.Stop()
	c.release = c.giveBack
	stride := mode.Width
	if mode.Format == media.FormatYUYV {
		stride *= 2
	}
	for range d.opts.Buffers {
		c.free = append(c.free, &media.Frame{
			Format: mode.Format, Width: mode.Width, Height: mode.Height, StrideBytes: stride,
			Data: make([]byte, mode.Format.FrameSize(mode.Width, mode.Height)),
		})
	}
	c.start = time.Now()
	return c
}

// Mode returns what was negotiated.
func (c *camera) Mode() hal.VideoMode { return c.mode }

// Read waits until the next frame is due. A reader that comes late by less
// than a frame gets that frame at once; one that comes later loses frames,
// which shows in the sequence number and in Dropped.
func (c *camera) Read(ctx context.Context) (*media.Frame, error) {
	if err := ctx.Err(); err != nil {
		return nil, contextError("read", CameraID, err)
	}
	for {
		if err := c.waitRunning(ctx); err != nil {
			return nil, err
		}
		if due := int64(time.Since(c.start) / c.mode.FrameInterval); due > c.next {
			c.driver.dropped.Add(uint64(due - c.next))
			c.next = due
		}
		at := time.Duration(c.next) * c.mode.FrameInterval
		f := c.take()
		if f != nil {
			c.scene.draw(f, at)
		}
		again, err := c.waitUntil(ctx, c.start.Add(at))
		if err != nil || again {
			c.giveBack(f)
			if err != nil {
				return nil, err
			}
			continue
		}
		sequence := uint32(c.next)
		c.next++
		if f == nil {
			c.driver.dropped.Add(1)
			continue
		}
		f.InitFrame(c.release)
		f.Sequence = sequence
		f.CapturedAt = time.Now()
		c.scene.stamp(f)
		return f, nil
	}
}

// waitRunning returns when the camera delivers, or why it never will.
func (c *camera) waitRunning(ctx context.Context) error {
	for {
		select {
		case <-c.closed:
			return hal.ErrClosed
		default:
		}
		gone, stalled, changed := c.state()
		switch {
		case gone:
			return &hal.Error{Op: "read", Path: CameraID, Kind: hal.Gone, Err: errors.New("the simulated camera was unplugged")}
		case !stalled:
			return nil
		}
		select {
		case <-changed:
		case <-c.closed:
		case <-ctx.Done():
			return contextError("read", CameraID, ctx.Err())
		}
	}
}

// waitUntil waits for a moment. It reports true if the camera's state changed
// before, which has to be looked at first.
func (c *camera) waitUntil(ctx context.Context, at time.Time) (changed bool, err error) {
	wait := time.Until(at)
	if wait <= 0 {
		return false, nil
	}
	_, _, change := c.state()
	c.timer.Reset(wait)
	defer c.timer.Stop()
	select {
	case <-c.timer.C:
		return false, nil
	case <-change:
		return true, nil
	case <-c.closed:
		return true, nil
	case <-ctx.Done():
		return false, contextError("read", CameraID, ctx.Err())
	}
}

func (c *camera) state() (gone, stalled bool, changed <-chan struct{}) {
	c.driver.mu.Lock()
	defer c.driver.mu.Unlock()
	return c.gone, c.driver.stalled, c.driver.changed
}

func (c *camera) take() *media.Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.free)
	if n == 0 {
		return nil
	}
	f := c.free[n-1]
	c.free = c.free[:n-1]
	return f
}

func (c *camera) giveBack(f *media.Frame) {
	if f == nil {
		return
	}
	c.mu.Lock()
	c.free = append(c.free, f)
	c.mu.Unlock()
}

// Close ends a waiting Read. Frames that are still held stay valid.
func (c *camera) Close() error {
	c.closeOnce.Do(func() {
		close(c.closed)
		c.driver.mu.Lock()
		if c.driver.current == c {
			c.driver.current = nil
		}
		c.driver.mu.Unlock()
	})
	return nil
}
