package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/h264"
	"github.com/edgecam/edgecam/hal"
)

// The stream in H.264 is coded by the board's encoder, of the same pictures as VP8's,
// or comes from a camera that codes by itself. When it fails, those who get it are
// sent VP8 until it is tried again.
const (
	hardRetryFirst, hardRetryMost = 5 * time.Second, 5 * time.Minute
	// hardProven is how long it must have worked for a failure to count as the first.
	hardProven = time.Minute
	// hardKeySeconds is the time between key frames that nobody has asked for.
	hardKeySeconds = 10
)

// errNoKeyFrame: what a decoder needs before anything else has not come.
var errNoKeyFrame = errors.New("engine: H.264 without parameter sets")

// hardware is the stream in H.264. Its goroutine owns what has no lock.
type hardware struct {
	e    *Engine
	box  hardBox
	sets h264.ParameterSets

	encoder       hal.VideoEncoder // nil while nobody takes the stream
	width, height int
	fps           float64
	bps           int
	epoch         uint64
	lastAt        time.Time
	force         bool // the last frame was lost
	begun         bool // a key frame has been sent since the stream began

	retry time.Duration
	since time.Time // works since
}

// hardBox hands the newest picture that VP8 is coded of to the hardware encoder.
type hardBox struct {
	ready chan struct{} // capacity 1

	mu    sync.Mutex
	p     *media.Picture
	fps   float64
	epoch uint64
	again bool // it was there before, and a key frame of it is wanted
}

// put stores a picture, of which it takes a reference, and reports whether one was
// replaced.
func (b *hardBox) put(p *media.Picture, fps float64, epoch uint64, again bool) (replaced bool) {
	p.Retain()
	b.mu.Lock()
	old := b.p
	b.p, b.fps, b.epoch, b.again = p, fps, epoch, again
	b.mu.Unlock()
	if old != nil {
		old.Release()
	}
	select {
	case b.ready <- struct{}{}:
	default:
	}
	return old != nil
}

// take returns the picture, nil if there is none.
func (b *hardBox) take() (p *media.Picture, fps float64, epoch uint64, again bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, b.p = b.p, nil
	return p, b.fps, b.epoch, b.again
}

// offer gives a picture to the hardware encoder if anybody takes its stream.
func (h *hardware) offer(p *media.Picture, fps float64, epoch uint64, again bool) {
	if h.e.hardBps.Load() == 0 || again && !h.e.keyFrame[media.StreamH264].Load() {
		return
	}
	if h.box.put(p, fps, epoch, again) {
		h.e.observer.FrameDropped(DropBusy, 1)
	}
}

// runHardware codes pictures in the board's encoder while somebody takes them.
func (e *Engine) runHardware(ctx context.Context) {
	h := &e.hard
	defer h.close()
	defer e.pulses.hardware.rest()
	defer func() {
		if p, _, _, _ := h.box.take(); p != nil {
			p.Release()
		}
	}()
	e.offerH264()
	idle := time.NewTicker(time.Second)
	defer idle.Stop()
	for {
		e.pulses.hardware.rest()
		select {
		case <-ctx.Done():
			return
		case <-idle.C:
			if e.hardBps.Load() == 0 {
				h.close()
			}
			continue
		case <-h.box.ready:
		}
		p, fps, epoch, again := h.box.take()
		if p == nil {
			continue
		}
		e.pulses.hardware.beat()
		err := h.code(ctx, p, fps, epoch, again)
		p.Release()
		if err == nil || ctx.Err() != nil {
			continue
		}
		h.close()
		if !h.pause(ctx, err) {
			return
		}
	}
}

// pause lets VP8 take over for a while; false when ctx is done.
func (h *hardware) pause(ctx context.Context, err error) bool {
	if h.retry = min(max(2*h.retry, hardRetryFirst), hardRetryMost); !h.since.IsZero() && time.Since(h.since) > hardProven {
		h.retry = hardRetryFirst
	}
	h.since = time.Time{}
	h.e.log.Warn("H.264 fails, viewers get VP8", "kind", hal.KindOf(err).String(), "error", err, "retry_s", h.retry.Seconds())
	h.e.sessions.SetH264(false)
	h.e.pulses.hardware.rest()
	if !sleep(ctx, h.retry) {
		return false
	}
	h.e.offerH264()
	return true
}

// code codes a picture and sends what comes of it.
func (h *hardware) code(ctx context.Context, p *media.Picture, fps float64, epoch uint64, again bool) error {
	e := h.e
	bps := int(e.hardBps.Load())
	if bps == 0 {
		return nil
	}
	if fps <= 0 {
		fps = defaultFPS
	}
	force := e.keyFrame[media.StreamH264].Swap(false) || h.force
	h.force = false
	if again && !force {
		return nil
	}
	if h.encoder != nil && (epoch != h.epoch || p.Width != h.width || p.Height != h.height || fps > 1.1*h.fps || fps < 0.9*h.fps) {
		h.close() // what is in it must not be seen any more, or is of another kind
	}
	if h.encoder == nil {
		if err := h.open(ctx, p, fps, bps); err != nil {
			return err
		}
		h.epoch, force = epoch, false
	}
	if bps != h.bps {
		if err := h.encoder.SetBitrate(bps); err != nil {
			e.log.Debug("H.264 encoder does not change its rate", "error", err)
		}
		h.bps = bps
	}
	start := time.Now()
	coded, err := h.encoder.Encode(ctx, p, force)
	switch {
	case hal.KindOf(err) == hal.Overrun:
		h.force = true
		e.observer.FrameDropped(DropEncoder, 1)
		return nil
	case err != nil:
		return err
	}
	e.pulses.uncoded.rest()
	e.observer.StageDone(StageEncode, time.Since(start))
	if len(coded.Data) == 0 {
		return nil // held back
	}
	at := coded.CapturedAt
	if at.IsZero() {
		at = p.CapturedAt
	}
	return h.send(coded.Data, at, p.Width, p.Height, epoch)
}

func (h *hardware) open(ctx context.Context, p *media.Picture, fps float64, bps int) error {
	encoder, err := h.e.devices.VideoEncoder(ctx, hal.EncoderConfig{
		Codec: "H264", Width: p.Width, Height: p.Height, FrameInterval: time.Duration(float64(time.Second) / fps),
		BitrateBps: bps, KeyInterval: int(hardKeySeconds*fps + 0.5),
	})
	if err != nil {
		return err
	}
	h.encoder, h.width, h.height, h.fps, h.bps = encoder, p.Width, p.Height, fps, bps
	h.sets, h.begun = h264.ParameterSets{}, false
	if h.since.IsZero() {
		h.since = time.Now()
	}
	return nil
}

// send gives an access unit to the viewers.
func (h *hardware) send(unit []byte, at time.Time, width, height int, epoch uint64) error {
	e := h.e
	whole, c, ok, err := h.sets.Complete(unit)
	switch {
	case err != nil:
		return err
	case !ok:
		return errNoKeyFrame
	case c.Slices == 0, !c.Key && !h.begun:
		return nil // parameter sets alone, or what nobody can begin with
	}
	h.begun = true
	if sps, known := h.sets.SPS(); known {
		width, height = sps.Width, sps.Height
	}
	at = mediaTime(at, h.lastAt, false)
	h.lastAt = at
	start := time.Now()
	f := media.EncodedVideo{Data: whole, Stream: media.StreamH264, Key: c.Key, Width: width, Height: height, CapturedAt: at}
	if _, written := e.outlet.write(&f, epoch); !written {
		e.observer.FrameDropped(DropEncoder, 1)
		h.begun = false
		e.keyFrame[media.StreamH264].Store(true)
		return nil
	}
	e.observer.StageDone(StageSend, time.Since(start))
	e.observer.FrameSent(len(whole), c.Key)
	return nil
}

func (h *hardware) close() {
	if h.encoder == nil {
		return
	}
	if err := h.encoder.Close(); err != nil {
		h.e.log.Warn("H.264 encoder close failed", "error", err)
	}
	h.encoder = nil
}
