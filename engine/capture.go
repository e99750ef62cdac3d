package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/pixel"
	"github.com/edgecam/edgecam/engine/video/raw"
	"github.com/edgecam/edgecam/engine/video/vp8"
	"github.com/edgecam/edgecam/hal"
)

const (
	// stallAfter is how long a camera may be silent before viewers see the "no
	// signal" picture; reopenAfter, before it is closed and opened again.
	stallAfter  = time.Second
	reopenAfter = 5 * time.Second
	// Opening is tried again after retryFirst, then twice as long each time.
	retryFirst = 250 * time.Millisecond
	retryMost  = 5 * time.Second
	// retryGone is the longest pause while there is no camera: to look for one
	// costs little, and one that is plugged in again shall be seen at once.
	retryGone = time.Second
)

// errCorrupt marks a frame that cannot be shown; capture goes on.
var errCorrupt = errors.New("engine: frame is damaged")

// runCapture keeps the camera open while there is demand, and puts each picture
// into the mailbox of the encoder.
func (e *Engine) runCapture(ctx context.Context) {
	defer e.enhance.close()
	defer e.pulses.capture.rest()
	retry := retryFirst
	for ctx.Err() == nil {
		e.pulses.capture.rest()
		if !e.cfg.KeepOpen {
			if e.demand.wait(ctx, true) != nil {
				return
			}
		}
		e.pulses.capture.beat()
		camera, err := e.devices.Camera(ctx)
		if err != nil {
			e.cameraFailed(err)
			if !e.withoutCamera(ctx, retry) {
				return
			}
			retry = nextRetry(retry, err)
			continue
		}
		streamed, err := e.capture(ctx, camera)
		if cerr := camera.Close(); cerr != nil {
			e.log.Warn("camera close failed", "error", cerr)
		}
		if streamed {
			retry = retryFirst
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			e.cameraFailed(err)
			if !e.withoutCamera(ctx, retry) {
				return
			}
			retry = nextRetry(retry, err)
		default:
			e.camera.Store(&CameraState{Since: time.Now()})
			e.log.Info("camera closed: nobody watches")
			e.latest.clear()
		}
	}
}

// withoutCamera pauses before the camera is opened again, and tells viewers once
// a second that it is away: the first of these pictures may get lost, and the
// time in them shows that the connection stands. It returns false when ctx is
// done.
func (e *Engine) withoutCamera(ctx context.Context, pause time.Duration) bool {
	e.pulses.capture.rest()
	for pause > 0 {
		e.noSignal()
		step := min(pause, stallAfter)
		if !sleep(ctx, step) {
			return false
		}
		pause -= step
	}
	return true
}

// nextRetry returns the pause that follows on one after which the camera failed
// again.
func nextRetry(last time.Duration, err error) time.Duration {
	if hal.KindOf(err) == hal.Gone {
		return min(2*last, retryGone)
	}
	return min(2*last, retryMost)
}

// capture reads the camera until demand ends (nil), it fails or ctx is done.
func (e *Engine) capture(ctx context.Context, camera hal.Camera) (streamed bool, err error) {
	mode := camera.Mode()
	conv := converter{pool: &e.pool, mode: mode}
	defer conv.close()
	e.openExposure(camera)
	if mode.Format.Raw() {
		conv.sensor.open(camera, e.log)
	}
	var lastSeq uint32
	lastFrame := time.Now()
	for {
		if !e.cfg.KeepOpen && !e.demand.isOpen() {
			return streamed, nil
		}
		e.pulses.capture.beat()
		readCtx, cancel := context.WithTimeout(ctx, stallAfter)
		frame, err := camera.Read(readCtx)
		cancel()
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return streamed, ctx.Err()
		case hal.KindOf(err) == hal.Overrun:
			e.observer.FrameDropped(DropDriver, 1)
			continue
		case hal.KindOf(err) == hal.Timeout && time.Since(lastFrame) < reopenAfter,
			errors.Is(err, context.DeadlineExceeded) && time.Since(lastFrame) < reopenAfter:
			e.noSignal()
			continue
		default:
			return streamed, err
		}
		now := time.Now()
		lastFrame = now
		if !streamed {
			streamed = true
			e.camera.Store(&CameraState{Streaming: true, Mode: modeString(mode), Since: now})
			e.log.Info("camera streams", "mode", modeString(mode))
		} else if gap := int32(frame.Sequence - lastSeq - 1); gap > 0 && gap < 1000 {
			e.observer.FrameDropped(DropDriver, int(gap))
		}
		lastSeq = frame.Sequence
		e.observer.StageDone(StageCapture, now.Sub(frame.CapturedAt))
		if !e.demand.isOpen() {
			frame.Release()
			continue
		}
		picture, err := conv.picture(frame)
		frame.Release()
		if err != nil {
			e.observer.FrameDropped(DropCorrupt, 1)
			if !errors.Is(err, errCorrupt) {
				return streamed, err
			}
			continue
		}
		if picture == nil { // a frame that is decoded but not shown
			continue
		}
		e.observer.StageDone(StageConvert, time.Since(now))
		e.handOn(ctx, picture, mode.FPS())
	}
}

func (e *Engine) cameraFailed(err error) {
	before := e.camera.Swap(&CameraState{Err: err.Error(), Since: time.Now()})
	if before.Err != err.Error() {
		e.log.Warn("camera not available, trying again", "kind", hal.KindOf(err).String(), "error", err)
	}
}

func modeString(m hal.VideoMode) string {
	return fmt.Sprintf("%s %dx%d %.4g fps", m.Format, m.Width, m.Height, m.FPS())
}

// converter turns camera frames into pictures.
type converter struct {
	pool    *media.PicturePool
	mode    hal.VideoMode
	decoder *vp8.Decoder
	raw     *raw.Processor
	sensor  sensor
}

// picture returns frame as a new picture with one reference. Damaged frames
// give errCorrupt.
func (c *converter) picture(frame *media.Frame) (*media.Picture, error) {
	if frame.Corrupt {
		return nil, errCorrupt
	}
	if frame.Format == media.FormatVP8 {
		return c.decode(frame)
	}
	if frame.Format.Raw() {
		return c.develop(frame)
	}
	p := c.pool.Get(frame.Width, frame.Height)
	if err := pixel.Convert(p, frame); err != nil {
		p.Release()
		return nil, fmt.Errorf("%w: %w", errCorrupt, err)
	}
	p.CapturedAt, p.Sequence = frame.CapturedAt, frame.Sequence
	return p, nil
}

// develop makes a picture of a sensor's mosaic.
func (c *converter) develop(frame *media.Frame) (*media.Picture, error) {
	if c.raw == nil {
		c.raw = raw.New(raw.Options{})
	}
	p := c.pool.Get(frame.Width, frame.Height)
	if err := c.raw.Process(p, frame); err != nil {
		p.Release()
		return nil, fmt.Errorf("%w: %w", errCorrupt, err)
	}
	c.sensor.follow(c.raw.Stats(), frame.Sequence)
	return p, nil
}

// decode decodes a VP8 frame; the picture is copied because the decoder goes on
// to use its own.
func (c *converter) decode(frame *media.Frame) (*media.Picture, error) {
	if c.decoder == nil {
		c.decoder = vp8.NewDecoder(vp8.DecoderOptions{})
	}
	// A damaged frame usually comes with a picture all the same, in which the
	// damage is concealed.
	decoded, err := c.decoder.Decode(frame.Data)
	if decoded == nil {
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errCorrupt, err)
		}
		return nil, nil
	}
	p := c.pool.Get(decoded.Width, decoded.Height)
	p.CopyFrom(decoded)
	p.CapturedAt, p.Sequence = frame.CapturedAt, frame.Sequence
	return p, nil
}

func (c *converter) close() {
	if c.decoder != nil {
		c.decoder.Close()
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
