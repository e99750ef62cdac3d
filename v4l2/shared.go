//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"context"
	"errors"
	"fmt"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

var (
	errLayout    = errors.New("v4l2: the encoder does not take pictures in this layout by descriptor")
	errNotShared = errors.New("v4l2: the encoder was opened for pictures of the other kind: in memory, or by descriptor")
)

// setSharedFormat sets the raw format to just the layout that pictures come in.
func (e *Encoder) setSharedFormat() error {
	s := e.cfg.Shared
	want := planeFormat{code: rawCodes[0], width: e.cfg.Width, height: e.cfg.Height, strideBytes: s.StrideBytes}
	switch s.Format {
	case media.FormatI420:
	case media.FormatNV12:
		want.code = rawCodes[1]
	default:
		return &hal.Error{Op: "set raw format", Path: e.path, Kind: hal.Unsupported, Err: fmt.Errorf("%w: %v", errLayout, s.Format)}
	}
	got, err := e.coder.setFormatOf(rawSide, want)
	if err != nil {
		return fail("set raw format", e.path, err)
	}
	if got.code != want.code || got.strideBytes != s.StrideBytes || got.width < e.cfg.Width || got.height != e.cfg.Height {
		return &hal.Error{Op: "set raw format", Path: e.path, Kind: hal.Unsupported, Err: fmt.Errorf(
			"%w: asked for %s %dx%d with rows of %d bytes, the encoder takes %s %dx%d with rows of %d",
			errLayout, codeString(want.code), want.width, want.height, want.strideBytes, codeString(got.code), got.width, got.height, got.strideBytes)}
	}
	e.raw = got
	return nil
}

// EncodeShared is Encode for a picture that stays where it is: the device reads it by
// its DMABUF descriptor. picture.Release is called once the device has read it, or
// will not any more, also when an error is returned; it must not call the encoder.
func (e *Encoder) EncodeShared(ctx context.Context, picture hal.SharedPicture, forceKey bool) (media.EncodedVideo, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	coded, queued, err := e.encodeShared(ctx, picture, forceKey)
	if !queued {
		picture.Release()
	}
	return coded, err
}

func (e *Encoder) encodeShared(ctx context.Context, picture hal.SharedPicture, forceKey bool) (coded media.EncodedVideo, queued bool, err error) {
	if err := e.ready(ctx, "encode"); err != nil {
		return coded, false, err
	}
	need := e.raw.strideBytes * e.raw.height * 3 / 2
	switch {
	case e.holding == nil:
		return coded, false, &hal.Error{Op: "encode", Path: e.path, Kind: hal.Unsupported, Err: errNotShared}
	case picture.Bytes < need:
		return coded, false, &hal.Error{Op: "encode", Path: e.path, Kind: hal.Unsupported, Err: fmt.Errorf(
			"v4l2: a picture of %d bytes in an encoder that reads %d", picture.Bytes, need)}
	}
	if forceKey {
		if err := e.forceKey(); err != nil {
			return coded, false, err
		}
	}
	index, err := e.slot(ctx)
	if err != nil {
		return coded, false, err
	}
	stamp := e.stamp(picture.CapturedAt)
	if err := e.coder.queueShared(index, picture.FD, need, picture.Bytes, stamp.stamp); err != nil {
		return coded, false, fail("queue picture", e.path, err)
	}
	e.holding[index] = picture.Release
	e.queued(stamp)
	coded, err = e.next(ctx)
	e.collect()
	return coded, true, err
}

// collect lets go of pictures that the device has read, without waiting for any: a
// camera needs its buffers back.
func (e *Encoder) collect() {
	var done filled
	for len(e.free) < e.slots && e.coder.dequeueFrom(rawSide, &done) == nil {
		if int(done.index) >= e.slots {
			return
		}
		e.letGo(done.index)
		e.free = append(e.free, done.index)
	}
}

// letGo tells that the device is done with a picture.
func (e *Encoder) letGo(index uint32) {
	if int(index) < len(e.holding) && e.holding[index] != nil {
		e.holding[index]()
		e.holding[index] = nil
	}
}

func (e *Encoder) letAllGo() {
	for i := range e.holding {
		e.letGo(uint32(i))
	}
}
