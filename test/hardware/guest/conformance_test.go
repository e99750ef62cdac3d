package guest

import (
	"testing"

	"github.com/edgecam/edgecam/alsa"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/gpio"
	"github.com/edgecam/edgecam/hal/haltest"
	"github.com/edgecam/edgecam/v4l2"
)

// TestConformance runs the suites that every driver has to pass.
func TestConformance(t *testing.T) {
	t.Run("v4l2", func(t *testing.T) { haltest.Camera(t, v4l2.New(logger(t)), camera) })
	t.Run("alsa", func(t *testing.T) { haltest.Sound(t, alsa.New(logger(t)), loopOut) })
	t.Run("gpio", func(t *testing.T) {
		drive(t, 0, false)
		haltest.Lines(t, gpio.New(logger(t)), haltest.LineConfig{
			Input:  hal.LineRef{Name: doorbell},
			Output: hal.LineRef{Chip: chipLabel, Offset: relay},
			Drive:  func(active bool) { drive(t, 0, active) },
		})
	})
}
