package engine

import (
	"log/slog"

	"github.com/edgecam/edgecam/engine/video/raw"
	"github.com/edgecam/edgecam/hal"
)

// V4L2 control identifiers of sensors (linux/v4l2-controls.h).
const (
	controlExposure   = 0x00980911 // lines
	controlAnalogGain = 0x009e0903
)

// sensorStep is the number of frames that a sensor takes to show a change: two
// until it holds, one to be read out, one to spare.
const sensorStep = 4

// sensor drives the exposure of a camera that delivers raw pictures, which has
// nobody else to do it. The capture goroutine owns it; the zero value does
// nothing.
type sensor struct {
	camera hal.ControlledCamera
	log    *slog.Logger
	loop   raw.Exposure
	gain   bool // the sensor has one
	time   int
	gainIs int
	lastAt uint32 // frame number of the last change
}

// open looks for the sensor's controls.
func (s *sensor) open(camera hal.Camera, log *slog.Logger) {
	*s = sensor{log: log}
	c, ok := camera.(hal.ControlledCamera)
	if !ok {
		return
	}
	controls, err := c.Controls()
	if err != nil {
		log.Warn("sensor controls cannot be listed", "error", err)
		return
	}
	s.loop.Gain = raw.Range{Min: 1, Max: 1}
	s.gainIs = 1
	for _, ctl := range controls {
		switch {
		case ctl.ReadOnly:
		case ctl.ID == controlExposure && ctl.Max > max(ctl.Min, 0):
			s.camera = c
			s.loop.Time, s.time = raw.Range{Min: max(int(ctl.Min), 1), Max: int(ctl.Max)}, int(ctl.Value)
		case ctl.ID == controlAnalogGain && ctl.Max > ctl.Min:
			s.gain = true
			s.loop.Gain, s.gainIs = raw.Range{Min: int(ctl.Min), Max: int(ctl.Max)}, int(ctl.Value)
		}
	}
	if s.camera != nil {
		s.loop.Start(max(s.time, 1), s.gainIs)
	}
}

// follow sets what the picture asks for, once the last change has been seen.
func (s *sensor) follow(stats raw.Stats, frame uint32) {
	if s.camera == nil || frame-s.lastAt < sensorStep {
		return
	}
	time, gain, changed := s.loop.Next(stats)
	if !changed {
		return
	}
	s.lastAt = frame
	var err error
	if time != s.time {
		err = s.camera.SetControl(controlExposure, int64(time))
	}
	if err == nil && s.gain && gain != s.gainIs {
		err = s.camera.SetControl(controlAnalogGain, int64(gain))
	}
	if err != nil {
		s.log.Warn("sensor does not take the exposure", "error", err)
		s.camera = nil
		return
	}
	s.time, s.gainIs = time, gain
}
