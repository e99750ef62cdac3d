package pipe

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// bufferCount is how many frames are in flight: one being read, one ready, two
// with the consumers.
const bufferCount = 4

// camera is a running program. The goroutine fill owns the pipe's reading end.
type camera struct {
	log   *slog.Logger
	id    string
	mode  hal.VideoMode
	proc  *process
	first time.Duration
	later time.Duration

	mu       sync.Mutex
	cond     *sync.Cond // a buffer was released, or the camera was closed
	free     []*media.Frame
	newest   *media.Frame
	sequence uint32
	ended    error // of the pipe
	closed   bool
	began    bool // a frame has come
	// quiet is since when the program owes a frame: not while the consumers hold
	// every buffer.
	quiet time.Time
	out   int // frames with the consumers

	ready  chan struct{} // capacity 1: newest or ended has changed
	done   chan struct{} // closed by Close
	filled chan struct{} // closed when fill has returned
	timer  *time.Timer   // of Read
	// releaseFn is release, bound once: binding allocates.
	releaseFn func(*media.Frame)
}

var _ hal.Camera = (*camera)(nil)

func newCamera(d *Driver, id string, mode hal.VideoMode, proc *process) *camera {
	c := &camera{
		log: d.log, id: id, mode: mode, proc: proc, first: d.first, later: d.later + mode.FrameInterval,
		ready: make(chan struct{}, 1), done: make(chan struct{}), filled: make(chan struct{}), quiet: time.Now(),
	}
	c.cond = sync.NewCond(&c.mu)
	c.releaseFn = c.release
	size := mode.Format.FrameSize(mode.Width, mode.Height)
	for range bufferCount {
		c.free = append(c.free, &media.Frame{
			Format: mode.Format, Width: mode.Width, Height: mode.Height, StrideBytes: mode.Width, Data: make([]byte, size),
		})
	}
	c.timer = time.NewTimer(0)
	go c.fill()
	return c
}

// fill reads frames until the pipe ends.
func (c *camera) fill() {
	defer close(c.filled)
	for {
		f := c.take()
		if f == nil {
			return
		}
		at, err := readFrame(c.proc.stdout, f.Data)
		if err != nil {
			c.finish()
			return
		}
		c.publish(f, at)
	}
}

// readFrame fills data and returns when its first part came, which is the
// nearest to the time of exposure that the pipe tells.
func readFrame(r io.Reader, data []byte) (at time.Time, err error) {
	n, err := r.Read(data)
	at = time.Now()
	if err == nil {
		_, err = io.ReadFull(r, data[n:])
	}
	return at, err
}

// take returns a buffer to read into, waiting while the consumers hold all of
// them; nil once the camera is closed.
func (c *camera) take() *media.Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return nil
		case len(c.free) > 0:
			f := c.free[len(c.free)-1]
			c.free = c.free[:len(c.free)-1]
			return f
		case c.newest != nil: // too old by now
			f := c.newest
			c.newest = nil
			return f
		}
		c.cond.Wait()
	}
}

func (c *camera) publish(f *media.Frame, at time.Time) {
	c.mu.Lock()
	if c.newest != nil {
		c.free = append(c.free, c.newest)
	}
	f.CapturedAt, f.Sequence = at, c.sequence
	c.sequence++
	c.newest, c.began, c.quiet = f, true, time.Now()
	c.mu.Unlock()
	c.wake()
}

// finish notes why the pipe has ended, waiting a little for the program to say.
func (c *camera) finish() {
	select {
	case <-c.proc.done:
	case <-time.After(200 * time.Millisecond):
	}
	c.mu.Lock()
	c.ended = c.proc.last()
	c.mu.Unlock()
	c.wake()
}

func (c *camera) wake() {
	select {
	case c.ready <- struct{}{}:
	default:
	}
}

// Mode returns what the program was asked for.
func (c *camera) Mode() hal.VideoMode { return c.mode }

// Read waits for the next frame. It does not allocate.
func (c *camera) Read(ctx context.Context) (*media.Frame, error) {
	for {
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return nil, hal.ErrClosed
		}
		f, err := c.newest, c.ended
		c.newest = nil
		patience := c.later
		if !c.began {
			patience = c.first
		}
		left := patience - time.Since(c.quiet)
		if f != nil {
			c.out++
		} else if c.out == bufferCount {
			left = patience // its release begins the time
		}
		c.mu.Unlock()
		switch {
		case f != nil:
			f.InitFrame(c.releaseFn)
			return f, nil
		case err != nil:
			return nil, &hal.Error{Op: "read", Path: c.id, Kind: hal.Gone, Err: err}
		}
		if left <= 0 {
			return nil, &hal.Error{Op: "read", Path: c.id, Kind: hal.Timeout, Err: errSilent}
		}
		c.timer.Reset(left)
		select {
		case <-c.ready:
		case <-c.done:
		case <-c.timer.C:
		case <-ctx.Done():
			return nil, ended("read", c.id, ctx.Err())
		}
	}
}

var errSilent = errors.New("pipe: the camera program delivers no frames")

// release takes a frame back, from any goroutine.
func (c *camera) release(f *media.Frame) {
	c.mu.Lock()
	if c.out == bufferCount {
		c.quiet = time.Now()
	}
	c.out--
	c.free = append(c.free, f)
	c.mu.Unlock()
	c.cond.Signal()
}

// Close ends the program. Frames that were handed out stay valid.
func (c *camera) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		<-c.filled
		return nil
	}
	c.closed = true
	close(c.done)
	c.mu.Unlock()
	c.cond.Broadcast()
	c.proc.end()
	err := c.proc.stdout.Close() // ends a read that a child of the program kept open
	<-c.filled
	c.log.Info("pipe: program ended", "pid", c.proc.pid)
	if err != nil {
		return &hal.Error{Op: "close", Path: c.id, Kind: hal.Other, Err: err}
	}
	return nil
}
