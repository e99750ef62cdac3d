//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

// codingPatience is how long an encoder that has pictures may be silent.
const codingPatience = 2 * time.Second

// Encode copies the picture into the device and returns the next frame that is
// done. It waits for one as long as the device has no room for another picture,
// else two frame intervals: an encoder that looks ahead holds a picture back.
// Without an error it does not allocate, provided that successive calls have the
// same ctx.
func (e *Encoder) Encode(ctx context.Context, p *media.Picture, forceKey bool) (media.EncodedVideo, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.ready(ctx, "encode"); err != nil {
		return media.EncodedVideo{}, err
	}
	if p.Width != e.cfg.Width || p.Height != e.cfg.Height {
		return media.EncodedVideo{}, &hal.Error{Op: "encode", Path: e.path, Kind: hal.Unsupported, Err: fmt.Errorf(
			"v4l2: picture of %dx%d in an encoder for %dx%d", p.Width, p.Height, e.cfg.Width, e.cfg.Height)}
	}
	if forceKey {
		if err := e.forceKey(); err != nil {
			return media.EncodedVideo{}, err
		}
	}
	if e.holding != nil {
		return media.EncodedVideo{}, &hal.Error{Op: "encode", Path: e.path, Kind: hal.Unsupported, Err: errNotShared}
	}
	if err := e.put(ctx, p); err != nil {
		return media.EncodedVideo{}, err
	}
	return e.next(ctx)
}

// next returns the next frame that is done, empty if pictures are held back.
func (e *Encoder) next(ctx context.Context) (media.EncodedVideo, error) {
	limit := 2 * e.cfg.FrameInterval
	if e.pending >= e.slots {
		limit = codingPatience
	}
	coded, _, err := e.take(ctx, limit)
	if errors.Is(err, errNoCoded) && e.pending < e.slots {
		return media.EncodedVideo{}, nil
	}
	return coded, err
}

// ready gives the frame that the caller had back to the device.
func (e *Encoder) ready(ctx context.Context, op string) error {
	if e.closed {
		return hal.ErrClosed
	}
	e.watcher.watch(ctx)
	if err := ctx.Err(); err != nil {
		return ended(op, e.path, err)
	}
	if e.held >= 0 {
		index := uint32(e.held)
		e.held = -1
		if err := e.coder.queueTo(codedSide, index, 0, 0); err != nil {
			return fail("queue buffer", e.path, err)
		}
	}
	return nil
}

// forceKey makes the next frame a key frame.
func (e *Encoder) forceKey() error {
	if e.keyControl {
		err := e.coder.setControl(controlForceKey, 1, false)
		if err == nil {
			return nil
		}
		if !unsupported(err) {
			return fail("force key frame", e.path, err)
		}
		e.keyControl = false
		e.log.Info("v4l2: encoder makes no key frames on demand, it is started anew for them", "path", e.path)
	}
	return e.restart()
}

// put hands a picture to the device, and waits for room if need be.
func (e *Encoder) put(ctx context.Context, p *media.Picture) error {
	index, err := e.slot(ctx)
	if err != nil {
		return err
	}
	used := e.copyIn(e.rawMaps[index], p)
	stamp := e.stamp(p.CapturedAt)
	if err := e.coder.queueTo(rawSide, index, used, stamp.stamp); err != nil {
		return fail("queue picture", e.path, err)
	}
	e.queued(stamp)
	return nil
}

// slot waits for a raw buffer that the device does not have: the last of e.free.
func (e *Encoder) slot(ctx context.Context) (uint32, error) {
	begin := time.Now()
	for len(e.free) == 0 {
		switch err := e.coder.dequeueFrom(rawSide, &e.filled); {
		case err == nil:
			if int(e.filled.index) < e.slots {
				e.letGo(e.filled.index)
				e.free = append(e.free, e.filled.index)
			}
			continue
		case !errors.Is(err, syscall.EAGAIN):
			return 0, fail("dequeue picture", e.path, err)
		}
		if err := e.wait(ctx, rawSide, codingPatience-time.Since(begin)); err != nil {
			return 0, err
		}
	}
	return e.free[len(e.free)-1], nil
}

// stamp returns what comes back with the frame of a picture; each is another one.
func (e *Encoder) stamp(at time.Time) pictureStamp {
	if at.IsZero() {
		at = time.Now()
	}
	if e.start.IsZero() {
		e.start = at
	}
	return pictureStamp{max(at.Sub(e.start).Truncate(time.Microsecond), e.stamps[0].stamp+time.Microsecond), at}
}

// queued takes note that the picture in the last free buffer is the device's.
func (e *Encoder) queued(s pictureStamp) {
	e.free = e.free[:len(e.free)-1]
	copy(e.stamps[1:], e.stamps[:])
	e.stamps[0] = s
	e.pending++
}

// copyIn lays the picture out as the device wants it, and returns its size.
func (e *Encoder) copyIn(data []byte, p *media.Picture) int {
	stride, rows := e.raw.strideBytes, e.raw.height
	for y := range p.Height {
		copy(data[y*stride:], p.Y[y*p.YStride:][:p.Width])
	}
	cw, ch := p.ChromaSize()
	chroma := data[stride*rows:]
	if e.raw.code == rawCodes[0] {
		half := stride / 2
		v := chroma[half*(rows/2):]
		for y := range ch {
			copy(chroma[y*half:], p.U[y*p.UVStride:][:cw])
			copy(v[y*half:], p.V[y*p.UVStride:][:cw])
		}
	} else {
		for y := range ch {
			row := chroma[y*stride:][:2*cw]
			u, v := p.U[y*p.UVStride:][:cw], p.V[y*p.UVStride:][:cw]
			for x := range u {
				row[2*x], row[2*x+1] = u[x], v[x]
			}
		}
	}
	return stride * rows * 3 / 2
}

// take waits for a coded frame. last says that a drain is over, with the frame or
// without one.
func (e *Encoder) take(ctx context.Context, limit time.Duration) (coded media.EncodedVideo, last bool, err error) {
	begin := time.Now()
	for {
		switch err := e.coder.dequeueFrom(codedSide, &e.filled); {
		case err == nil:
			return e.deliver(&e.filled)
		case errors.Is(err, syscall.EPIPE):
			return coded, true, nil
		case !errors.Is(err, syscall.EAGAIN):
			return coded, false, fail("dequeue frame", e.path, err)
		}
		if err := e.wait(ctx, codedSide, limit-time.Since(begin)); err != nil {
			return coded, false, err
		}
	}
}

func (e *Encoder) deliver(b *filled) (coded media.EncodedVideo, last bool, err error) {
	last = b.flags&flagLast != 0
	if int(b.index) >= len(e.codedMaps) {
		return coded, last, &hal.Error{Op: "dequeue frame", Path: e.path, Kind: hal.Other, Err: fmt.Errorf("v4l2: buffer %d of %d", b.index, len(e.codedMaps))}
	}
	e.held = int(b.index)
	if last && b.bytesUsed == 0 {
		return coded, true, nil
	}
	e.pending = max(e.pending-1, 0)
	data := e.codedMaps[b.index]
	if b.flags&uapi.BufFlagError != 0 || b.bytesUsed == 0 || int(b.bytesUsed) > len(data) {
		return coded, last, &hal.Error{Op: "encode", Path: e.path, Kind: hal.Overrun, Err: errDamaged}
	}
	coded = media.EncodedVideo{Data: data[:b.bytesUsed], Key: b.flags&flagKeyFrame != 0, Width: e.cfg.Width, Height: e.cfg.Height}
	for _, s := range e.stamps {
		if s.stamp == b.timestamp {
			coded.CapturedAt = s.at
			break
		}
	}
	return coded, last, nil
}

// wait waits for a side, errNoCoded if left is over.
func (e *Encoder) wait(ctx context.Context, side queueSide, left time.Duration) error {
	select {
	case <-e.done:
		return hal.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return ended("encode", e.path, err)
	}
	if left <= 0 {
		return &hal.Error{Op: "encode", Path: e.path, Kind: hal.Timeout, Err: errNoCoded}
	}
	if err := e.coder.waitFor(side, left); err != nil {
		return fail("wait", e.path, err)
	}
	return nil
}

// Drain stops the encoder, which codes what it has, hands that on, and starts it
// again. The data are valid until frame returns.
func (e *Encoder) Drain(ctx context.Context, frame func(media.EncodedVideo)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.ready(ctx, "drain"); err != nil {
		return err
	}
	if err := e.coder.command(false); err != nil {
		return fail("drain", e.path, err)
	}
	for last := false; !last; {
		var coded media.EncodedVideo
		var err error
		if coded, last, err = e.take(ctx, codingPatience); err != nil {
			return err
		}
		if len(coded.Data) > 0 {
			frame(coded)
		}
		if last {
			break
		}
		if err := e.ready(ctx, "drain"); err != nil {
			return err
		}
	}
	if err := e.coder.command(true); err != nil {
		return fail("go on after draining", e.path, err)
	}
	return e.ready(ctx, "drain")
}
