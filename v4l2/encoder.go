//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

// What an encoder gets of buffers: pictures are copied in, so that two are enough
// to keep it busy; of coded frames the caller holds one.
const (
	rawBuffers   = 2
	codedBuffers = 4
)

// rawCodes are the pictures that are handed to encoders, the better first.
var rawCodes = []uapi.FourCCType{fourcc("YU12"), fourcc("NV12")}

var (
	errNoCodec     = errors.New("v4l2: the encoder does not make this codec")
	errNoRawFormat = errors.New("v4l2: the encoder takes no pictures in I420 or NV12")
	errNoCoded     = errors.New("v4l2: the encoder has stopped delivering frames")
	errDamaged     = errors.New("v4l2: the encoder has lost a frame")
)

// Encoder is a stateful memory-to-memory encoder (Linux media API, "Memory-to-
// Memory Stateful Video Encoder Interface"): pictures go into one queue of the
// device, coded frames come out of the other. It implements [hal.VideoEncoder].
type Encoder struct {
	log  *slog.Logger
	path string
	cfg  hal.EncoderConfig

	// mu orders calls against Close; done makes a waiting call give way to it.
	mu     sync.Mutex
	done   chan struct{}
	once   sync.Once
	coder  coder
	closed bool

	raw        planeFormat
	rawMaps    [][]byte
	codedMaps  [][]byte
	slots      int      // raw buffers
	holding    []func() // with shared pictures, what lets go of each; else nil
	free       []uint32 // raw buffers that the kernel does not have
	held       int      // coded buffer whose data the caller has, -1: none
	keyControl bool     // the encoder makes key frames on demand

	start   time.Time        // of stamps
	stamps  [16]pictureStamp // of pictures in the encoder
	pending int              // pictures in the encoder
	watcher ctxWatcher
	filled  filled
}

// pictureStamp relates the stamp that the kernel hands through to a picture's time.
type pictureStamp struct {
	stamp time.Duration
	at    time.Time
}

var _ hal.VideoEncoder = (*Encoder)(nil)

// openEncoder sets the node up in the order that the interface's initialisation
// asks for: coded format, raw format, rate, visible part, controls, buffers.
func openEncoder(log *slog.Logger, c coder, path string, cfg hal.EncoderConfig) (*Encoder, error) {
	if cfg.Width < 16 || cfg.Height < 16 || cfg.Width > media.MaxPictureSide || cfg.Height > media.MaxPictureSide || cfg.BitrateBps < 0 || cfg.KeyInterval < 0 {
		return nil, &hal.Error{Op: "open", Path: path, Kind: hal.Unsupported, Err: fmt.Errorf(
			"v4l2: pictures of %dx%d at %d bit/s with a key frame every %d", cfg.Width, cfg.Height, cfg.BitrateBps, cfg.KeyInterval)}
	}
	e := &Encoder{log: log, path: path, cfg: cfg, coder: c, done: make(chan struct{}), held: -1}
	if cfg.FrameInterval <= 0 {
		e.cfg.FrameInterval = defaultInterval
	}
	if err := e.setFormats(); err != nil {
		return nil, err
	}
	if err := c.setRawInterval(fraction(e.cfg.FrameInterval)); err != nil {
		log.Debug("v4l2: encoder is not told the frame rate", "path", path, "err", err)
	}
	e.setControls()
	if err := e.allocate(); err != nil {
		e.release()
		return nil, err
	}
	if err := e.run(); err != nil {
		e.release()
		return nil, err
	}
	e.watcher.wake = c.wake
	return e, nil
}

func (e *Encoder) setFormats() error {
	code := codecCode(e.cfg.Codec)
	if code == 0 {
		return fail("open", e.path, fmt.Errorf("%w: %q", errNoCodec, e.cfg.Codec))
	}
	// Room for a frame at the quality that costs most; drivers round it.
	coded, err := e.coder.setFormatOf(codedSide, planeFormat{code: code, width: e.cfg.Width, height: e.cfg.Height, bufferBytes: e.cfg.Width * e.cfg.Height * 3 / 2})
	if err != nil {
		return fail("set coded format", e.path, err)
	}
	if coded.code != code {
		return fail("set coded format", e.path, fmt.Errorf("%w: asked for %s, got %s", errNoCodec, codeString(code), codeString(coded.code)))
	}
	if e.cfg.Shared != (hal.SharedLayout{}) {
		return e.setSharedFormat()
	}
	for _, want := range rawCodes {
		got, err := e.coder.setFormatOf(rawSide, planeFormat{code: want, width: e.cfg.Width, height: e.cfg.Height})
		if err != nil {
			return fail("set raw format", e.path, err)
		}
		if got.code != want {
			continue
		}
		// Chroma has half the samples, rounded up: odd sides need one more of room.
		wide, high := e.cfg.Width+e.cfg.Width&1, e.cfg.Height+e.cfg.Height&1
		if got.width < e.cfg.Width || got.height < high || got.height%2 != 0 || got.strideBytes < wide {
			return &hal.Error{Op: "set raw format", Path: e.path, Kind: hal.Unsupported, Err: fmt.Errorf(
				"v4l2: asked for %dx%d, the encoder takes %dx%d with rows of %d bytes", e.cfg.Width, e.cfg.Height, got.width, got.height, got.strideBytes)}
		}
		e.raw = got
		if got.width == e.cfg.Width && got.height == e.cfg.Height {
			return nil
		}
		if err := e.coder.setVisible(e.cfg.Width, e.cfg.Height); err != nil {
			return fail("set visible part", e.path, err)
		}
		return nil
	}
	return fail("set raw format", e.path, errNoRawFormat)
}

// setControls asks for what real-time pictures need. An encoder that lacks a
// control has its own way.
func (e *Encoder) setControls() {
	for _, c := range []struct {
		id    uint32
		value int64
		ask   bool
	}{
		{controlBitrateMode, constantBitrate, e.cfg.BitrateBps > 0},
		{controlBitrate, int64(e.cfg.BitrateBps), e.cfg.BitrateBps > 0},
		{controlKeyInterval, int64(e.cfg.KeyInterval), e.cfg.KeyInterval > 0},
		{controlBFrames, 0, true},                                // they come late
		{controlProfile, constrainedBase, e.cfg.Codec == "H264"}, // every receiver decodes it
		{controlRepeatHeader, 1, true},                           // viewers join at key frames
		{controlHeaderMode, joinedHeaders, true},
	} {
		if !c.ask {
			continue
		}
		if err := e.coder.setControl(c.id, c.value, false); err != nil {
			e.log.Debug("v4l2: encoder has no such control", "path", e.path, "control", c.id, "err", err)
		}
	}
	e.keyControl = true
}

func (e *Encoder) allocate() error {
	for _, side := range []queueSide{rawSide, codedSide} {
		count, maps := uint32(rawBuffers), &e.rawMaps
		if side == codedSide {
			count, maps = codedBuffers, &e.codedMaps
		}
		shared := side == rawSide && e.cfg.Shared != (hal.SharedLayout{})
		ask := func(n uint32) (uint32, error) { return e.coder.request(side, n) }
		if shared {
			ask = e.coder.requestShared
		}
		n, err := ask(count)
		if err != nil {
			return fail("request buffers", e.path, err)
		}
		if n == 0 || side == codedSide && n < 2 {
			return fail("request buffers", e.path, errNoBuffers)
		}
		if side == rawSide {
			e.slots = int(n)
		}
		if shared {
			e.holding = make([]func(), n)
			continue
		}
		for i := range n {
			data, err := e.coder.mapBufferOf(side, i)
			if err != nil {
				return fail("map buffer", e.path, err)
			}
			*maps = append(*maps, data)
		}
	}
	need := e.raw.strideBytes * e.raw.height * 3 / 2
	for _, data := range e.rawMaps {
		if len(data) < need {
			return &hal.Error{Op: "map buffer", Path: e.path, Kind: hal.Unsupported, Err: fmt.Errorf(
				"v4l2: the encoder's buffers of %d bytes are too small for pictures of %d", len(data), need)}
		}
	}
	return nil
}

// run queues the coded buffers, of which the caller has none, and starts both
// sides.
func (e *Encoder) run() error {
	e.free = e.free[:0]
	for i := range e.slots {
		e.free = append(e.free, uint32(i))
	}
	for i := range e.codedMaps {
		if err := e.coder.queueTo(codedSide, uint32(i), 0, 0); err != nil {
			return fail("queue buffer", e.path, err)
		}
	}
	e.pending = 0
	for _, side := range []queueSide{rawSide, codedSide} {
		if err := e.coder.streamOf(side, true); err != nil {
			return fail("start streaming", e.path, err)
		}
	}
	return nil
}

// restart makes the encoder begin anew, which every one does with a key frame.
// Pictures that are in it are lost.
func (e *Encoder) restart() error {
	for _, side := range []queueSide{rawSide, codedSide} {
		if err := e.coder.streamOf(side, false); err != nil {
			return fail("stop streaming", e.path, err)
		}
	}
	e.letAllGo()
	return e.run()
}

// SetBitrate changes the mean rate; Kind Unsupported if the encoder has none.
func (e *Encoder) SetBitrate(bps int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return hal.ErrClosed
	}
	if err := e.coder.setControl(controlBitrate, int64(bps), false); err != nil {
		return fail("set bit rate", e.path, err)
	}
	return nil
}

// Close stops the encoder and frees it. A waiting call returns [hal.ErrClosed].
func (e *Encoder) Close() error {
	e.once.Do(func() {
		close(e.done)
		e.coder.wake()
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	e.watcher.stop()
	for _, side := range []queueSide{rawSide, codedSide} {
		if err := e.coder.streamOf(side, false); err != nil {
			e.log.Debug("v4l2: encoder does not stop", "path", e.path, "err", err)
		}
	}
	e.release()
	if err := e.coder.close(); err != nil && kindOf(err) != hal.Gone {
		return fail("close", e.path, err)
	}
	return nil
}

func (e *Encoder) release() {
	for _, data := range append(e.rawMaps, e.codedMaps...) {
		if err := e.coder.unmapBuffer(data); err != nil {
			e.log.Warn("v4l2: unmap failed", "path", e.path, "err", err)
		}
	}
	e.rawMaps, e.codedMaps = nil, nil
	e.letAllGo()
	for _, side := range []queueSide{rawSide, codedSide} {
		if _, err := e.coder.request(side, 0); err != nil {
			e.log.Debug("v4l2: free buffers failed", "path", e.path, "err", err)
		}
	}
}

// unsupported reports an answer that means "no such thing here".
func unsupported(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTTY)
}
