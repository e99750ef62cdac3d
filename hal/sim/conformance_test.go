package sim_test

import (
	"testing"

	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/haltest"
	"github.com/edgecam/edgecam/hal/sim"
)

func TestCameraConformance(t *testing.T) {
	haltest.Camera(t, sim.NewCameraDriver(sim.CameraOptions{}), sim.CameraID)
}

func TestSoundConformance(t *testing.T) {
	haltest.Sound(t, sim.NewSoundDriver(sim.SoundOptions{}), sim.CardID)
}

func TestLinesConformance(t *testing.T) {
	d := sim.NewLineDriver()
	haltest.Lines(t, d, haltest.LineConfig{
		Input: hal.LineRef{Name: "button"}, Output: hal.LineRef{Chip: sim.ChipLabel, Offset: 2},
		Drive: func(active bool) {
			if err := d.Set("button", active); err != nil {
				t.Error(err)
			}
		},
	})
}
