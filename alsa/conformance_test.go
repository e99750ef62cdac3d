//go:build linux && cgo

package alsa

import (
	"testing"

	"github.com/edgecam/edgecam/hal/haltest"
)

// TestConformance runs the suite on miniaudio's null device; real cards have
// theirs in test/hardware.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	d := machine(t)
	d.plug(t, 0, "Device", "0c", "0p")
	haltest.Sound(t, d, "Device")
}
