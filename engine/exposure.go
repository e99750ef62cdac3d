package engine

import (
	"log/slog"
	"time"

	"github.com/edgecam/edgecam/engine/video/enhance"
	"github.com/edgecam/edgecam/hal"
)

// V4L2 control identifiers (linux/v4l2-controls.h).
const (
	controlPowerLine    = 0x00980918 // menu: off, 50 Hz, 60 Hz, auto
	controlExposureBias = 0x009a0913 // integer menu, thousandths of a stop in steps
)

// exposureControl lets the camera expose by what the picture shows, before
// anything is done to samples: light that the sensor has seen has less noise
// than light that was computed.
type exposureControl struct {
	camera hal.ControlledCamera
	log    *slog.Logger
	bias   hal.Control
	has    bool
	// acting is set while the camera is asked for more or less light and can
	// still give it.
	acting bool
	lastAt time.Time
}

// exposureStep is the time a camera takes to show what a step has done.
const exposureStep = time.Second

// open looks for what the camera lets be set, and tells it the mains.
func (x *exposureControl) open(camera hal.Camera, mains enhance.Mains, log *slog.Logger) {
	*x = exposureControl{log: log}
	c, ok := camera.(hal.ControlledCamera)
	if !ok {
		return
	}
	controls, err := c.Controls()
	if err != nil {
		log.Warn("camera controls cannot be listed", "error", err)
		return
	}
	x.camera = c
	for _, ctl := range controls {
		if ctl.ReadOnly {
			continue
		}
		switch {
		case ctl.ID == controlPowerLine:
			x.setMains(ctl, mains)
		case ctl.ID == controlExposureBias && ctl.Max > ctl.Min:
			// Tone mapping waits until the camera has been asked.
			x.bias, x.has, x.acting = ctl, true, true
		}
	}
}

// setMains makes the camera avoid exposures that show lamps' flicker.
func (x *exposureControl) setMains(ctl hal.Control, mains enhance.Mains) {
	want := map[enhance.Mains]int64{enhance.Mains50: 1, enhance.Mains60: 2, enhance.MainsAuto: 3}[mains]
	if want == 0 || want > ctl.Max || want == ctl.Value {
		return
	}
	if err := x.camera.SetControl(ctl.ID, want); err != nil {
		x.log.Warn("camera does not take the mains frequency", "error", err)
	}
}

// follow moves exposure a step towards what the picture wants.
func (x *exposureControl) follow(e enhance.Exposure, at time.Time) {
	if !x.has || at.Sub(x.lastAt) < exposureStep {
		return
	}
	x.lastAt = at
	value := x.bias.Value
	step := max((x.bias.Max-x.bias.Min)/16, x.bias.Step, 1)
	switch {
	case e.Wish > wishLeast:
		value = min(value+step, x.bias.Max)
	case e.Wish < -wishLeast:
		value = max(value-step, x.bias.Min)
	case e.Wish == 0 && value > x.bias.Default && e.Mean > 120:
		value = max(value-step, x.bias.Default) // no longer needed
	case e.Wish == 0 && value < x.bias.Default && e.Mean < 110 && e.ClippedHigh < 0.02:
		value = min(value+step, x.bias.Default)
	}
	x.acting = value != x.bias.Value
	if !x.acting {
		return
	}
	if err := x.camera.SetControl(x.bias.ID, value); err != nil {
		x.log.Warn("camera does not take the exposure", "error", err)
		x.has, x.acting = false, false
		return
	}
	x.bias.Value = value
}

// wishLeast is the wish, in thousandths of a stop, that is acted upon.
const wishLeast = 250
