package engine

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/edgecam/edgecam/engine/video/raw"
	"github.com/edgecam/edgecam/hal"
)

// bareSensor is a camera that shows light in proportion to its controls.
type bareSensor struct {
	hal.Camera
	time, gain int64
	light      float64
	sets       int
	refuse     bool
}

func (s *bareSensor) Controls() ([]hal.Control, error) {
	return []hal.Control{
		{ID: controlExposure, Min: 4, Max: 800, Value: s.time},
		{ID: controlAnalogGain, Min: 16, Max: 256, Value: s.gain},
		{ID: 1, Min: 0, Max: 9, ReadOnly: true},
	}, nil
}

func (s *bareSensor) SetControl(id uint32, v int64) error {
	s.sets++
	if s.refuse {
		return errors.New("no")
	}
	switch id {
	case controlExposure:
		s.time = v
	case controlAnalogGain:
		s.gain = v
	}
	return nil
}

func TestSensorExposure(t *testing.T) {
	b := &bareSensor{time: 4, gain: 16, light: 0.02}
	var s sensor
	s.open(b, slog.New(slog.DiscardHandler))
	mean := func() int { return min(int(b.light*float64(b.time*b.gain)/16*16), 1023) }
	for frame := range uint32(100) {
		s.follow(raw.Stats{Mean: mean()}, frame+1)
	}
	if m := mean(); m < 150 || m > 220 {
		t.Errorf("mean %d with time %d and gain %d", m, b.time, b.gain)
	}
	if b.sets > 40 {
		t.Errorf("%d settings for 100 frames: the loop does not wait", b.sets)
	}
	b.refuse, b.light = true, 0.2
	for frame := range uint32(100) {
		s.follow(raw.Stats{Mean: mean()}, frame+200)
	}
	if sets := b.sets; s.camera != nil || sets > 45 {
		t.Errorf("a sensor that refuses was asked again and again (%d)", sets)
	}
}
