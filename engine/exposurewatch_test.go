package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/video/enhance"
	"github.com/edgecam/edgecam/hal"
)

// watchedCamera is a modelCamera that tells of changes.
type watchedCamera struct {
	*modelCamera
	watched []uint32
	changed func(id uint32, value int64)
}

func (c *watchedCamera) WatchControls(ids []uint32, changed func(id uint32, value int64)) []uint32 {
	c.watched, c.changed = ids, changed
	return ids
}

// Somebody takes the exposure out of the camera's hands: from then on it is set by
// time, not by a bias that has no effect any more.
func TestExposureFollowsWhoExposes(t *testing.T) {
	c := &watchedCamera{modelCamera: &modelCamera{
		frame: time.Second / 30, auto: true, own: 1, mostOwn: 40, ground: 0.02, figure: 0.02,
		controls: []hal.Control{
			{ID: controlExposureAuto, Min: 0, Max: 3, Value: 3},
			{ID: controlExposureBias, Min: 0, Max: 12, Value: 6, Default: 6},
			{ID: controlExposureTime, Min: 1, Max: 5000, Value: 100},
		},
	}}
	e := exposing(t, c.modelCamera, enhance.MainsOff)
	e.openExposure(c)
	if !slices.Contains(c.watched, uint32(controlExposureAuto)) {
		t.Fatalf("watches %x", c.watched)
	}
	_, at := c.shoot(t, e, 100, time.Unix(1000, 0))
	if _, ok := e.enhance.exposure.now.(*biasKnob); !ok {
		t.Fatalf("exposes by %T", e.enhance.exposure.now)
	}
	c.auto, c.controls[0].Value, c.sets = false, 1, nil
	c.changed(controlExposureAuto, 1)
	c.shoot(t, e, 100, at)
	if _, ok := e.enhance.exposure.now.(*manualKnob); !ok || len(c.values(controlExposureTime)) == 0 {
		t.Errorf("exposes by %T, sets %v after the mode was changed", e.enhance.exposure.now, c.sets)
	}
}
