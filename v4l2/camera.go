//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

// bufferCount is how many buffers are asked for: one being filled, one filled,
// and two for the consumers. More would only make pictures older.
const bufferCount = 4

// Camera is an open V4L2 camera. It implements [hal.ControlledCamera]. Read is
// for one goroutine; everything else may be called from any.
type Camera struct {
	log  *slog.Logger
	path string
	mode hal.VideoMode

	strideBytes int
	frameBytes  int // of an uncompressed frame; 0 for compressed

	// mu orders requeueing against closing. Kernel calls under it do not wait.
	mu      sync.Mutex
	kernel  kernel
	buffers []buffer
	closed  bool

	// controlling keeps the kernel open during control calls, which may take
	// as long as a USB transfer and so must not be made under mu.
	controlling sync.Mutex

	done    chan struct{} // closed by Close
	reading sync.Mutex    // held by Read, so that Close can wait for it to leave the kernel
	queued  atomic.Int32  // buffers that the kernel has
	dropped atomic.Uint64

	watcher   ctxWatcher
	clock     clock
	releaseFn func(*media.Frame) // release, bound once: binding allocates
	// State of Read alone.
	lastSequence uint32
	haveSequence bool
	quietSince   time.Time
	spins        int
	signal       signal
	events       events
	// changed is told of changes of controls.
	changed atomic.Pointer[func(id uint32, value int64)]
	filled  filled
}

// buffer is one mapped buffer and the frame that carries it.
type buffer struct {
	data  []byte
	frame media.Frame
	out   bool // dequeued and not yet released
}

var _ hal.ControlledCamera = (*Camera)(nil)

// configure sets the mode and starts streaming. On failure the buffers are
// freed, and k is left open for the next try.
func configure(log *slog.Logger, k kernel, path string, cand candidate, want hal.VideoMode) (*Camera, *hal.Error) {
	crop, err := setCrop(k, want.Crop)
	switch {
	case errors.Is(err, errNoCrop):
		log.Warn("v4l2: camera reads out its whole picture; cut it with enhance.crop", "path", path, "err", err)
	case err != nil:
		return nil, fail("crop", path, err)
	}
	got, err := k.setFormat(uapi.PixFormat{
		Width: uint32(cand.width), Height: uint32(cand.height),
		PixelFormat: cand.code, Field: uapi.FieldNone,
	})
	if err != nil {
		return nil, fail("set format", path, err)
	}
	format := formatOf(got.PixelFormat)
	if format == media.FormatUnknown || got.Width < 1 || got.Height < 1 || got.Width > media.MaxPictureSide || got.Height > media.MaxPictureSide {
		return nil, &hal.Error{Op: "set format", Path: path, Kind: hal.Unsupported, Err: fmt.Errorf(
			"v4l2: asked for %s %dx%d, the driver gave format %q %dx%d",
			formatOf(cand.code), cand.width, cand.height, codeString(got.PixelFormat), got.Width, got.Height)}
	}
	c := &Camera{
		log: log, path: path, kernel: k, done: make(chan struct{}),
		mode: hal.VideoMode{Format: format, Width: int(got.Width), Height: int(got.Height)},
	}
	// The driver may have fitted the part to the format.
	if all, err := k.selection(cropDefaultTarget); err == nil && all.width > 0 && all.height > 0 {
		if now, err := k.selection(cropTarget); err == nil {
			crop = partOf(now, all)
		}
	}
	c.mode.Crop = crop
	c.mode.FrameInterval = setInterval(k, cand.interval, want.FrameInterval)
	if err := c.allocate(got); err != nil {
		c.free()
		return nil, err
	}
	if err := k.streamOn(); err != nil {
		c.free()
		return nil, fail("start streaming", path, err)
	}
	c.clock = newClock()
	c.releaseFn = c.release
	c.quietSince = time.Now()
	c.openSignal()
	c.watcher.wake = k.wake
	return c, nil
}

// setInterval asks for the rate and returns what the camera will do, as far as
// it tells.
func setInterval(k kernel, cand, want time.Duration) time.Duration {
	ask := cand
	if ask <= 0 {
		ask = want
	}
	if ask <= 0 {
		ask = defaultInterval
	}
	got, err := k.setInterval(fraction(ask))
	if err != nil {
		return ask // the driver has one rate, or does not say: the best guess
	}
	if d := duration(got); d >= minInterval && d <= maxInterval {
		return d
	}
	return ask
}

// allocate maps and queues the buffers, and settles the layout of frames.
func (c *Camera) allocate(got uapi.PixFormat) *hal.Error {
	n, err := c.kernel.requestBuffers(bufferCount)
	if err != nil {
		return fail("request buffers", c.path, err)
	}
	if n == 0 {
		return &hal.Error{Op: "request buffers", Path: c.path, Kind: hal.Other, Err: errNoBuffers}
	}
	c.buffers = make([]buffer, n)
	for i := range c.buffers {
		if c.buffers[i].data, err = c.kernel.mapBuffer(uint32(i)); err != nil {
			return fail("map buffer", c.path, err)
		}
	}
	if !c.mode.Format.Compressed() {
		room := len(c.buffers[0].data)
		for i := range c.buffers {
			room = min(room, len(c.buffers[i].data))
		}
		c.strideBytes, c.frameBytes = layout(c.mode, int(got.BytesPerLine), room)
		if c.frameBytes == 0 {
			return &hal.Error{Op: "map buffer", Path: c.path, Kind: hal.Unsupported, Err: fmt.Errorf(
				"v4l2: the driver's buffers of %d bytes are too small for %s %dx%d", room, c.mode.Format, c.mode.Width, c.mode.Height)}
		}
	}
	for i := range c.buffers {
		if err := c.kernel.queue(uint32(i)); err != nil {
			return fail("queue buffer", c.path, err)
		}
		c.queued.Add(1)
	}
	return nil
}

// layout returns the stride and the size of a frame that fits in room bytes:
// with the driver's stride, else (drivers give nonsense) without padding.
// Size 0 means that neither fits.
func layout(m hal.VideoMode, stride, room int) (strideBytes, frameBytes int) {
	width := m.Width
	switch m.Format {
	case media.FormatI420, media.FormatYV12, media.FormatNV12, media.FormatNV21, media.FormatNV16, media.FormatNV61, media.FormatYUV422P:
	default: // all in one plane
		width = m.Format.FrameSize(m.Width, 1)
	}
	chroma := 0
	size := func(stride int) int {
		switch m.Format {
		case media.FormatI420, media.FormatYV12:
			chroma = 2 * ((stride + 1) / 2) * ((m.Height + 1) / 2)
		case media.FormatNV12, media.FormatNV21:
			chroma = (stride + stride&1) * ((m.Height + 1) / 2)
		case media.FormatNV16, media.FormatNV61:
			chroma = (stride + stride&1) * m.Height
		case media.FormatYUV422P:
			chroma = 2 * ((stride + 1) / 2) * m.Height
		}
		return stride*m.Height + chroma
	}
	if stride > width && size(stride) <= room {
		return stride, size(stride)
	}
	if size(width) <= room {
		return width, size(width)
	}
	return 0, 0
}

// free gives the buffers back to the kernel.
func (c *Camera) free() {
	for i := range c.buffers {
		c.unmap(&c.buffers[i])
	}
	c.buffers = nil
	if _, err := c.kernel.requestBuffers(0); err != nil {
		c.log.Debug("v4l2: free buffers failed", "path", c.path, "err", err)
	}
}

func (c *Camera) unmap(b *buffer) {
	if b.data == nil {
		return
	}
	if err := c.kernel.unmapBuffer(b.data); err != nil {
		c.log.Warn("v4l2: unmap failed", "path", c.path, "err", err)
	}
	b.data = nil
}

// Mode returns what was negotiated.
func (c *Camera) Mode() hal.VideoMode { return c.mode }

// Dropped returns how many frames the kernel dropped since the camera was
// opened, by the gaps in their sequence.
func (c *Camera) Dropped() uint64 { return c.dropped.Load() }

// Close stops the camera and wakes a waiting Read. Frames that were handed out
// stay valid until they are released; the device is free for others at once.
func (c *Camera) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	close(c.done)
	c.kernel.wake()
	c.mu.Unlock()

	// Read leaves the kernel now: the descriptor must not be closed, and
	// perhaps given out again, while it is in use.
	c.reading.Lock()
	defer c.reading.Unlock()
	c.watcher.stop()
	c.controlling.Lock()
	defer c.controlling.Unlock()

	c.mu.Lock()
	defer c.mu.Unlock()
	var failed error
	if err := c.kernel.streamOff(); err != nil && kindOf(err) != hal.Gone {
		failed = fail("stop streaming", c.path, err)
	}
	held := 0
	for i := range c.buffers {
		if c.buffers[i].out {
			held++ // its release unmaps it
		} else {
			c.unmap(&c.buffers[i])
		}
	}
	// A mapping keeps the kernel's open file alive. Without this call the
	// device would stay busy until the last frame is released.
	if _, err := c.kernel.requestBuffers(0); err != nil && held > 0 {
		c.log.Debug("v4l2: device stays busy until held frames are released", "path", c.path, "frames", held, "err", err)
	}
	if err := c.kernel.close(); err != nil && failed == nil && kindOf(err) != hal.Gone {
		failed = fail("close", c.path, err)
	}
	c.log.Info("v4l2: camera closed", "path", c.path, "dropped_frames", c.dropped.Load())
	return failed
}
