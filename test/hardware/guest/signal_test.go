package guest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/v4l2"
)

// grabber is vivid's HDMI input.
const grabber = "/dev/video2"

// TestSignalLoss takes the signal from an HDMI grabber in each way that vivid
// knows, and gives it back: no frame of noise is delivered, and the picture comes
// back when the device is opened again.
func TestSignalLoss(t *testing.T) {
	open := func() *v4l2.Camera {
		t.Helper()
		cam, err := v4l2.New(logger(t)).OpenCamera(t.Context(), grabber, hal.VideoMode{Width: 640, Height: 360, FrameInterval: time.Second / 30})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cam.Close() })
		return cam.(*v4l2.Camera)
	}
	// failure reads until there is an error.
	failure := func(cam *v4l2.Camera) (frames int, err error) {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		for {
			f, err := cam.Read(ctx)
			if err != nil {
				return frames, err
			}
			f.Release()
			frames++
		}
	}
	cam := open()
	t.Logf("mode %+v", cam.Mode())
	controls, err := cam.Controls()
	if err != nil {
		t.Fatal(err)
	}
	var mode hal.Control
	for _, c := range controls {
		if strings.HasPrefix(c.Name, "DV Timings Signal Mode") {
			mode = c
		}
	}
	if mode.ID == 0 {
		t.Fatalf("vivid has no signal mode: %+v", controls)
	}
	for value, name := range mode.Menu {
		if name != "No Signal" && name != "No Lock" {
			continue
		}
		read(t, cam).Release()
		if err := cam.SetControl(mode.ID, int64(value)); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		frames, err := failure(cam)
		if hal.KindOf(err) != hal.Timeout || !strings.Contains(err.Error(), "lock on") {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: %d more frames, told after %v", name, frames, time.Since(begin))
		if err := cam.SetControl(mode.ID, 0); err != nil {
			t.Fatal(err)
		}
		begin = time.Now()
		if _, err := failure(cam); hal.KindOf(err) != hal.Other || !strings.Contains(err.Error(), "changed") {
			t.Errorf("%s: with the signal back: %v", name, err)
		}
		cam.Close()
		cam = open()
		read(t, cam).Release()
		t.Logf("%s: picture again %v after the signal", name, time.Since(begin))
	}
}
