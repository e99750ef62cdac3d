//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

// patience is how long beyond one frame interval a camera may be silent.
const patience = 2 * time.Second

// errorPause spaces out tries while the device reports an error condition
// without an error, so that Read does not spin.
const errorPause = 10 * time.Millisecond

// Read waits for the next frame: at most until ctx is done, and not longer
// than two seconds and a frame interval (Kind Timeout). While the consumers
// hold every buffer it waits for one to be released. It does not allocate,
// provided that successive calls have the same ctx.
func (c *Camera) Read(ctx context.Context) (*media.Frame, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	c.watcher.watch(ctx)
	for {
		select {
		case <-c.done:
			return nil, hal.ErrClosed
		default:
		}
		if err := ctx.Err(); err != nil {
			return nil, ended("read", c.path, err)
		}
		switch err := c.kernel.dequeue(&c.filled); {
		case err == nil:
			f := c.deliver(&c.filled)
			if f == nil {
				continue
			}
			err := c.checkSignal(c.quietSince, false)
			if lost, lerr := c.withoutSignal(c.quietSince); err == nil && !lost {
				return f, nil
			} else if err == nil {
				err = lerr
			}
			f.Release() // noise, or a picture of another source
			if err != nil {
				return nil, err
			}
			continue
		case !errors.Is(err, syscall.EAGAIN):
			return nil, c.readFailure(err)
		}
		if err := c.await(); err != nil {
			return nil, err
		}
	}
}

// await waits until there may be a frame, or something else to look at.
func (c *Camera) await() error {
	left := time.Duration(-1)
	if c.queued.Load() > 0 {
		left = patience + c.mode.FrameInterval - time.Since(c.quietSince)
		if left <= 0 {
			return &hal.Error{Op: "read", Path: c.path, Kind: hal.Timeout, Err: errNoFrames}
		}
	} else {
		// The silence is the consumers' doing; release wakes this wait.
		c.quietSince = time.Now()
	}
	before := time.Now()
	ready, event, err := c.kernel.wait(left)
	if err != nil {
		return c.readFailure(err)
	}
	if event {
		if err := c.checkSignal(time.Now(), true); err != nil {
			return err
		}
	}
	if !ready {
		return nil
	}
	// Ready without a frame to be had is an error condition (POLLERR): the
	// next dequeue tells which, or EAGAIN brings us back here at once.
	if time.Since(before) < time.Millisecond {
		if c.spins++; c.spins > 3 {
			time.Sleep(errorPause)
		}
	}
	return nil
}

// readFailure classifies a failed call. EIO may mean anything: whether the
// device is still there decides.
func (c *Camera) readFailure(err error) error {
	if errors.Is(err, syscall.EIO) {
		if _, e := c.kernel.capability(); e != nil && kindOf(e) == hal.Gone {
			err = e
		}
	}
	return fail("read", c.path, err)
}

// deliver makes a frame of a filled buffer. It returns nil for one that the
// driver has no right to give.
func (c *Camera) deliver(b *filled) *media.Frame {
	now := time.Now()
	c.quietSince, c.spins = now, 0
	if int(b.index) >= len(c.buffers) {
		c.log.Warn("v4l2: driver gave a buffer that does not exist", "path", c.path, "index", b.index)
		return nil
	}
	c.count(b.sequence)
	buf := &c.buffers[b.index]
	c.mu.Lock()
	buf.out = true
	c.mu.Unlock()
	c.queued.Add(-1)

	f := &buf.frame
	f.InitFrame(c.releaseFn)
	f.Format, f.Width, f.Height = c.mode.Format, c.mode.Width, c.mode.Height
	f.StrideBytes = c.strideBytes
	f.Sequence = b.sequence
	f.Corrupt = b.flags&uapi.BufFlagError != 0
	f.CapturedAt = now
	if b.flags&uapi.BufFlagTimestampMask == uapi.BufFlagTimestampMonotonic {
		f.CapturedAt = c.clock.at(now, b.timestamp)
	}
	used := int(b.bytesUsed)
	if c.frameBytes > 0 {
		// Always a whole picture, so that converters need no bounds of their
		// own; what the driver did not fill is of an older frame.
		f.Data = buf.data[:c.frameBytes]
		f.Corrupt = f.Corrupt || used < c.frameBytes && used < c.mode.Format.FrameSize(c.mode.Width, c.mode.Height)
		return f
	}
	f.Corrupt = f.Corrupt || used > len(buf.data)
	f.Data = buf.data[:min(used, len(buf.data))]
	f.Corrupt = f.Corrupt || !begins(f.Format, f.Data)
	return f
}

// count adds the frames missing before this one. A sequence that goes back is
// a driver that restarted its count.
func (c *Camera) count(sequence uint32) {
	if gap := sequence - c.lastSequence - 1; c.haveSequence && gap > 0 && gap < 1<<31 {
		c.dropped.Add(uint64(gap))
	}
	c.lastSequence, c.haveSequence = sequence, true
}

// release is called by the last Release of a frame, from any goroutine.
func (c *Camera) release(f *media.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.buffers {
		b := &c.buffers[i]
		if &b.frame != f {
			continue
		}
		b.out = false
		if c.closed {
			c.unmap(b)
			return
		}
		if err := c.kernel.queue(uint32(i)); err != nil {
			// Read meets the same trouble and reports it.
			c.log.Debug("v4l2: requeue failed", "path", c.path, "err", err)
			return
		}
		if c.queued.Add(1) == 1 {
			c.kernel.wake() // Read was waiting without a watchdog
		}
		return
	}
}
