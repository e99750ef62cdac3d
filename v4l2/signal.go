//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"errors"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// Bits of v4l2_input.status (videodev2.h) that say that there is no picture:
// no power, no signal, no horizontal or vertical lock, no synchronisation, no
// carrier.
const signalLost = 0x1 | 0x2 | 0x100 | 0x400 | 0x10000 | 0x40000

// signalEvery is how often the input's status is asked for, beside the kernel's
// events.
const signalEvery = time.Second

var (
	errNoSignal      = errors.New("v4l2: nothing that the camera's input can lock on to: is the source connected and switched on?")
	errSourceChanged = errors.New("v4l2: the camera's source has changed its format")
)

// signal follows what a capture device says of its source. Cameras proper have no
// such status, grabbers of HDMI and analogue video do: they go on delivering
// frames without a signal, of noise or of a colour.
type signal struct {
	status    bool // the input has a status
	lost      bool
	lostSince time.Time
	askAt     time.Time
}

// openSignal subscribes to changes of the source and asks for the first status.
func (c *Camera) openSignal() {
	if err := c.kernel.watchSource(); err != nil {
		c.log.Debug("v4l2: no events of the source", "path", c.path, "err", err)
	}
	if status, err := c.kernel.inputStatus(); err == nil {
		c.signal.status = true
		c.setSignal(status, time.Now())
	}
}

// checkSignal looks at events and status. An error ends the stream: the source
// came back, perhaps with another size, and must be asked anew.
func (c *Camera) checkSignal(now time.Time, event bool) error {
	s := &c.signal
	if !event && (!s.status || now.Before(s.askAt)) {
		return nil
	}
	changed := false
	if event {
		c.kernel.takeEvents(&c.events)
		changed = c.events.source
		c.tellChanges(c.events.controls)
	}
	if s.status {
		status, err := c.kernel.inputStatus()
		if err == nil {
			c.setSignal(status, now)
		} else {
			changed = false // a read tells what is wrong
		}
	}
	if changed && !s.lost {
		return &hal.Error{Op: "read", Path: c.path, Kind: hal.Other, Err: errSourceChanged}
	}
	return nil
}

func (c *Camera) setSignal(status uint32, now time.Time) {
	s := &c.signal
	s.askAt = now.Add(signalEvery)
	lost := status&signalLost != 0
	if lost == s.lost {
		return
	}
	s.lost, s.lostSince = lost, now
	if lost {
		c.log.Warn("v4l2: signal lost", "path", c.path, "status", status)
	} else {
		c.log.Info("v4l2: signal is back", "path", c.path)
	}
}

// withoutSignal says that frames have no picture; an error once that has lasted
// as long as silence may.
func (c *Camera) withoutSignal(now time.Time) (bool, error) {
	if !c.signal.lost {
		return false, nil
	}
	if now.Sub(c.signal.lostSince) > patience+c.mode.FrameInterval {
		c.signal.lostSince = now // the next Read waits again
		return true, &hal.Error{Op: "read", Path: c.path, Kind: hal.Timeout, Err: errNoSignal}
	}
	return true, nil
}
