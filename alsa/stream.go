//go:build linux && cgo

package alsa

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	"github.com/gen2brain/malgo"
	"golang.org/x/sys/unix"
)

const (
	periodMS = 10
	// Capture takes samples as they come, so more periods cost no delay and
	// ride out a late audio thread; for playback every period is delay.
	capturePeriods  = 8
	playbackPeriods = 3
	// The rings between the audio thread and Read or Write, in samples.
	captureRing  = 10 * media.BlockSamples
	playbackRing = 3 * media.BlockSamples

	// quiet is how often a waiting call looks whether the card is still there,
	// stall how long it waits for one that is there but does nothing.
	quiet = 100 * time.Millisecond
	stall = 2 * time.Second
	// closing is how long Close waits for the audio thread to end.
	closing = 2 * time.Second
)

// stream is what a microphone and a speaker have in common: the device and
// the waiting for its audio thread.
type stream struct {
	driver *Driver
	card   card
	path   string
	device *malgo.Device

	thread    atomic.Int32 // thread id of the audio thread
	onOverrun func()       // set before start
	stopped   atomic.Bool  // the audio thread ended by itself
	event     chan struct{}
	done      chan struct{}
	closeOnce sync.Once
	closeErr  error

	timer *time.Timer // for the one goroutine that reads or writes
}

func newStream(d *Driver, c card, path string) *stream {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &stream{
		driver: d, card: c, path: path, timer: t,
		event: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// open finds the card and initialises the device, without starting it. data is
// called on the audio thread.
func (d *Driver) open(ctx context.Context, id string, kind malgo.DeviceType, data malgo.DataProc) (*stream, error) {
	if err := ctx.Err(); err != nil {
		return nil, ended("open", id, err)
	}
	c, number, err := d.find(id, kind == malgo.Capture)
	if err != nil {
		return nil, fail("open", id, err)
	}
	ma, err := d.context()
	if err != nil {
		return nil, fail("open", id, err)
	}
	path := fmt.Sprintf("hw:CARD=%s,DEV=%d", c.id, number)
	s := newStream(d, c, path)

	cfg := malgo.DefaultDeviceConfig(kind)
	cfg.SampleRate = media.EngineRateHz
	cfg.PeriodSizeInMilliseconds = periodMS
	cfg.Resampling.Algorithm = malgo.ResampleAlgorithmLinear
	cfg.Resampling.Linear.LpfOrder = 8
	cfg.NoFixedSizedCallback = 1 // the ring makes the blocks
	sub := &cfg.Capture
	cfg.Periods = capturePeriods
	if kind == malgo.Playback {
		sub, cfg.Periods = &cfg.Playback, playbackPeriods
	}
	sub.Format, sub.Channels = malgo.FormatS16, 1
	if d.backend == malgo.BackendAlsa {
		// The configuration holds the pointer while C code reads it.
		name := deviceID(path)
		var pin runtime.Pinner
		pin.Pin(&name)
		defer pin.Unpin()
		sub.DeviceID = unsafe.Pointer(&name)
	}
	s.device, err = malgo.InitDevice(ma.Context, cfg, malgo.DeviceCallbacks{
		Data: func(out, in []byte, frames uint32) {
			if s.thread.Load() == 0 {
				s.thread.Store(int32(unix.Gettid()))
			}
			data(out, in, frames)
			s.notify()
		},
		Stop: func() {
			s.stopped.Store(true)
			s.notify()
		},
	})
	if err != nil {
		if !d.present(&c) {
			err = fmt.Errorf("%w (%w)", errUnplugged, err)
		}
		return nil, fail("open", path, err)
	}
	d.register(s)
	return s, nil
}

func (s *stream) start() error {
	if err := s.device.Start(); err != nil {
		failed := fail("start", s.path, err)
		if err := s.close(); err != nil {
			s.driver.log.Warn("alsa: closing a device that did not start", "path", s.path, "err", err)
		}
		return failed
	}
	return nil
}

func (s *stream) overrun() {
	if s.onOverrun != nil {
		s.onOverrun()
	}
}

// notify tells the waiting call that something has changed.
func (s *stream) notify() {
	select {
	case s.event <- struct{}{}:
	default:
	}
}

// wait blocks until notify, but reports an ended ctx, a close, a card that is
// gone and one that has done nothing since the given time.
func (s *stream) wait(ctx context.Context, op string, since time.Time) error {
	s.timer.Reset(quiet)
	defer s.timer.Stop()
	select {
	case <-s.event:
		if s.stopped.Load() {
			return s.halted(op)
		}
		return s.ended(ctx, op)
	case <-s.done:
		return hal.ErrClosed
	case <-ctx.Done():
		return ended(op, s.path, ctx.Err())
	case <-s.timer.C:
	}
	if !s.driver.present(&s.card) {
		return fail(op, s.path, errUnplugged)
	}
	if s.stopped.Load() || time.Since(since) > stall {
		return s.halted(op)
	}
	return nil
}

// ended reports a close or an ended ctx.
func (s *stream) ended(ctx context.Context, op string) error {
	select {
	case <-s.done:
		return hal.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return ended(op, s.path, err)
	}
	return nil
}

func (s *stream) halted(op string) error {
	select {
	case <-s.done:
		return hal.ErrClosed // it was Close that stopped it
	default:
	}
	if !s.driver.present(&s.card) {
		return fail(op, s.path, errUnplugged)
	}
	return fail(op, s.path, errStalled)
}

// close stops the device and frees it. Safe to call more than once.
func (s *stream) close() error {
	s.closeOnce.Do(func() {
		close(s.done)
		s.driver.unregister(s)
		finished := make(chan struct{})
		go func() {
			defer close(finished)
			// Uninit alone waits for the audio thread without waking it.
			if err := s.device.Stop(); err != nil {
				s.driver.log.Debug("alsa: stop failed", "path", s.path, "err", err)
			}
			s.device.Uninit()
		}()
		limit := time.NewTimer(s.driver.closing)
		defer limit.Stop()
		select {
		case <-finished:
		case <-limit.C:
			s.driver.log.Warn("alsa: the device does not stop; its thread is given up", "path", s.path, "waited_ms", s.driver.closing.Milliseconds())
			s.closeErr = &hal.Error{Op: "close", Path: s.path, Kind: hal.Timeout, Err: errors.New("alsa: the audio thread did not end")}
		}
	})
	return s.closeErr
}

// samples views native-endian bytes of the audio thread's buffer as samples.
func samples(b []byte) []int16 {
	if len(b) < 2 {
		return nil
	}
	return unsafe.Slice((*int16)(unsafe.Pointer(&b[0])), len(b)/2)
}

// span is the duration of a number of samples.
func span(n int) time.Duration { return time.Duration(n) * time.Second / media.EngineRateHz }
