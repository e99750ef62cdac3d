package engine

import (
	"context"
	"errors"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/enhance"
	"github.com/edgecam/edgecam/hal"
)

// errOwnSilent: a camera that codes by itself has stopped.
var errOwnSilent = errors.New("engine: the camera's own stream has stopped")

// unaltered reports whether a picture that has not passed enhancement shows nothing
// that the configuration hides, and as it is meant to be shown.
func unaltered(cfg enhance.Config, v View) bool {
	g := cfg.Geometry
	if g.Zoom == 1 {
		g.Zoom = 0
	}
	return v == wholeView && g == (enhance.GeometryConfig{}) && len(cfg.Masks) == 0
}

// ownAllowed reports whether viewers may see what a camera codes by itself.
func (e *Engine) ownAllowed() bool {
	e.enhance.mu.Lock()
	defer e.enhance.mu.Unlock()
	return unaltered(e.enhance.base, e.enhance.view)
}

// offerH264 tells the sessions whether there is a stream in H.264, unless it fails.
func (e *Engine) offerH264() {
	switch {
	case e.devices.VideoEncoder != nil:
		e.sessions.SetH264(true)
	case e.devices.H264Camera != nil:
		e.sessions.SetH264(e.ownAllowed())
	}
}

// viewAltered withdraws a camera's own stream where what is shown is not all that
// the camera sees, and offers it again.
func (e *Engine) viewAltered() {
	if e.devices.VideoEncoder == nil && e.devices.H264Camera != nil {
		e.sessions.SetH264(e.ownAllowed() && !e.ownFailed.Load())
	}
}

// runOwn passes on what a camera codes by itself, while somebody takes it. Neither
// enhancement nor masks work on it: it is not offered where there are any.
func (e *Engine) runOwn(ctx context.Context) {
	h := &e.hard
	e.offerH264()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if e.hardBps.Load() == 0 {
			continue
		}
		err := h.passOn(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		e.ownFailed.Store(true)
		ok := h.pause(ctx, err)
		e.ownFailed.Store(false)
		if !ok {
			return
		}
		e.offerH264()
	}
}

// passOn reads the camera until nobody takes its stream (nil) or it fails.
func (h *hardware) passOn(ctx context.Context) (err error) {
	e := h.e
	camera, err := e.devices.H264Camera(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, camera.Close()) }()
	h.begun = false
	h.since = time.Now()
	rater, _ := camera.(hal.RatedCamera)
	h.bps = 0
	last := time.Now()
	for {
		bps := int(e.hardBps.Load())
		if bps == 0 {
			return nil
		}
		if rater != nil {
			h.control(rater, bps)
		}
		epoch := e.outlet.now()
		// The view is asked for after the epoch: who changes it sets the one before
		// the other.
		allowed := e.ownAllowed()
		readCtx, cancel := context.WithTimeout(ctx, stallAfter)
		frame, err := camera.Read(readCtx)
		cancel()
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case hal.KindOf(err) == hal.Overrun:
			h.begun = false
			continue
		case errors.Is(err, context.DeadlineExceeded), hal.KindOf(err) == hal.Timeout:
			if time.Since(last) > 2*stallAfter {
				return errors.Join(errOwnSilent, err)
			}
			continue
		default:
			return err
		}
		last = time.Now()
		if frame.Corrupt || !allowed {
			h.begun = false // what follows refers to it
			frame.Release()
			continue
		}
		err = h.send(frame.Data, frame.CapturedAt, frame.Width, frame.Height, epoch)
		frame.Release()
		if err != nil {
			return err
		}
		e.pulses.uncoded.rest()
	}
}

// control passes rate and requests for key frames on, to cameras that heed them.
func (h *hardware) control(c hal.RatedCamera, bps int) {
	if bps != h.bps {
		if err := c.SetBitrate(bps); err != nil && h.bps == 0 {
			h.e.log.Debug("the camera does not change its rate", "error", err)
		}
		h.bps = bps
	}
	if h.e.keyFrame[media.StreamH264].Swap(false) {
		if err := c.ForceKey(); err != nil {
			h.e.log.Debug("the camera makes no key frames on demand", "error", err)
		}
	}
}

// OffersH264 reports whether new viewers who know H.264 get it.
func (e *Engine) OffersH264() bool { return e.sessions.OffersH264() }
