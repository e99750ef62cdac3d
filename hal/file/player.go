package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// camera plays a source at its own pace. Frames are read ahead of the moment
// they are due, by Read itself.
type camera struct {
	path  string
	src   source
	media hal.VideoMode
	stamp func(luma []byte, pixelStep, strideBytes, width, height int, at time.Time) bool

	// Used by Read alone.
	timer    *time.Timer
	base     time.Time     // when the round began
	last     time.Duration // time of the last frame in the round
	sequence uint32
	played   bool         // this round had a frame
	ready    *media.Frame // read, but not due yet
	due      time.Time

	release   func(*media.Frame)
	reading   sync.Mutex // held by Read; Close frees the source after it
	closeOnce sync.Once
	closed    chan struct{}

	mu   sync.Mutex
	free []*media.Frame
	back chan struct{} // holds a token after a release
}

func newCamera(path string, src source, stamp func([]byte, int, int, int, int, time.Time) bool) *camera {
	c := &camera{
		path: path, src: src, media: src.mode(), stamp: stamp,
		timer: time.NewTimer(time.Hour), closed: make(chan struct{}), back: make(chan struct{}, 1),
	}
	c.timer.Stop()
	c.release = c.giveBack
	m := c.media
	for range cameraBuffers {
		f := &media.Frame{Format: m.Format, Width: m.Width, Height: m.Height}
		if !m.Format.Compressed() {
			f.StrideBytes = m.Width
		}
		c.free = append(c.free, f)
	}
	return c
}

// Mode returns the clip's format, size and rate.
func (c *camera) Mode() hal.VideoMode { return c.media }

// Read waits until the next frame of the clip is due. All frames are
// delivered, in order; a reader that is late by more than a second does not
// get them in a burst: the clip waits for it.
func (c *camera) Read(ctx context.Context) (*media.Frame, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	select {
	case <-c.closed:
		return nil, hal.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, contextError("read", c.path, err)
	}
	if c.ready == nil {
		if err := c.fetch(ctx); err != nil {
			return nil, err
		}
	}
	if err := c.wait(ctx, nil, time.Until(c.due)); err != nil {
		return nil, err
	}
	f := c.ready
	c.ready = nil
	f.InitFrame(c.release)
	f.Sequence = c.sequence
	c.sequence++
	f.CapturedAt = time.Now()
	if c.stamp != nil && f.Format == media.FormatI420 {
		c.stamp(f.Data, 1, f.StrideBytes, f.Width, f.Height, f.CapturedAt)
	}
	return f, nil
}

// fetch reads the next frame into ready and sets its due time.
func (c *camera) fetch(ctx context.Context) error {
	f := c.take()
	for f == nil { // every frame is with slow consumers: the clip waits
		if err := c.wait(ctx, c.back, time.Second); err != nil {
			return err
		}
		f = c.take()
	}
	data, at, err := c.src.read(f.Data)
	if errors.Is(err, io.EOF) && c.played {
		// The next round starts where a further frame would have been.
		c.base, c.last, c.played = c.base.Add(c.last+c.media.FrameInterval), 0, false
		if err = c.src.rewind(); err == nil {
			data, at, err = c.src.read(f.Data)
		}
	}
	if err != nil {
		c.giveBack(f)
		select {
		case <-c.closed:
			return hal.ErrClosed
		default:
		}
		if errors.Is(err, io.EOF) {
			err = errors.New("the clip has no frame left: it changed while it was played")
		}
		return deviceError("read", c.path, fmt.Errorf("frame %d: %w", c.sequence, err))
	}
	f.Data, c.ready, c.played, c.last = data, f, true, at
	now := time.Now()
	if c.base.IsZero() {
		c.base = now.Add(-at)
	}
	c.due = c.base.Add(at)
	if late := now.Sub(c.due); late > time.Second {
		c.base, c.due = c.base.Add(late), now
	}
	return nil
}

// wait returns after d, or when token has one, or with the reason not to.
func (c *camera) wait(ctx context.Context, token <-chan struct{}, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	c.timer.Reset(d)
	defer c.timer.Stop()
	select {
	case <-c.timer.C:
	case <-token:
	case <-c.closed:
		return hal.ErrClosed
	case <-ctx.Done():
		return contextError("read", c.path, ctx.Err())
	}
	return nil
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
	c.mu.Lock()
	c.free = append(c.free, f)
	c.mu.Unlock()
	select {
	case c.back <- struct{}{}:
	default:
	}
}

// Close ends a waiting Read and closes the file. Frames that are still held
// stay valid.
func (c *camera) Close() error {
	c.closeOnce.Do(func() {
		close(c.closed)
		c.src.close()
		// No Read is under way when Close returns.
		c.reading.Lock()
		defer c.reading.Unlock()
	})
	return nil
}
