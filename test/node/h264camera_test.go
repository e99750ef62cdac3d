package node

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/enhance"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/sim"
	"github.com/edgecam/edgecam/test/x264"
)

// codingCamera stands in for a camera that codes by itself: the simulated scene,
// coded by x264, with a key frame every fifteen pictures and none on demand.
type codingCamera struct {
	hal.Camera
	encoder hal.VideoEncoder
	silent  *atomic.Bool
}

func (c *codingCamera) Read(ctx context.Context) (*media.Frame, error) {
	if c.silent.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	raw, err := c.Camera.Read(ctx)
	if err != nil {
		return nil, err
	}
	defer raw.Release()
	p := media.NewPicture(raw.Width, raw.Height)
	w, h := raw.Width, raw.Height
	copy(p.Y, raw.Data[:w*h])
	copy(p.U, raw.Data[w*h:w*h*5/4])
	copy(p.V, raw.Data[w*h*5/4:])
	v, err := c.encoder.Encode(ctx, p, false)
	if err != nil {
		return nil, err
	}
	f := &media.Frame{Format: media.FormatH264, Width: w, Height: h, Data: append([]byte(nil), v.Data...)}
	f.InitFrame(nil)
	f.CapturedAt, f.Sequence = raw.CapturedAt, raw.Sequence
	return f, nil
}

func (c *codingCamera) Close() error {
	c.encoder.Close()
	return c.Camera.Close()
}

// TestH264Camera: viewers get what the camera codes by itself; with a mask, or a
// part of the picture pointed at, they get VP8, in which that is done; and when the
// camera's stream stops.
func TestH264Camera(t *testing.T) {
	x := x264.New(t)
	var silent atomic.Bool
	b := start(t, func(c *engine.Config, b *bench) {
		c.Video.BitrateBps = 300_000
		c.Enhance = enhance.Config{}
		b.devices = func(d *engine.Devices) {
			d.H264Camera = func(ctx context.Context) (hal.Camera, error) {
				camera, err := sim.NewCameraDriver(sim.CameraOptions{}).OpenCamera(ctx, sim.CameraID, hal.VideoMode{Format: media.FormatI420, Width: 320, Height: 240})
				if err != nil {
					return nil, err
				}
				m := camera.Mode()
				e, err := x.Open(ctx, hal.EncoderConfig{Codec: "H264", Width: m.Width, Height: m.Height, FrameInterval: m.FrameInterval, BitrateBps: 300_000, KeyInterval: 15})
				return &codingCamera{Camera: camera, encoder: e, silent: &silent}, err
			}
		}
	})
	eventually(t, 5*time.Second, "H.264 is offered", b.engine.OffersH264)
	h := joinH264(t, b.url, "")
	hard := func(what string, within time.Duration) {
		t.Helper()
		before, _, _ := h.counts()
		eventually(t, within, "H.264 "+what, func() bool { n, _, _ := h.counts(); return n > before+10 })
	}
	soft := func(what string) {
		t.Helper()
		_, _, before := h.counts()
		eventually(t, 15*time.Second, "VP8 "+what, func() bool { _, _, n := h.counts(); return n > before+10 })
	}
	hard("at first", 15*time.Second)
	if _, keys, vp8 := h.counts(); keys == 0 || vp8 != 0 {
		t.Errorf("%d key frames, %d pictures in VP8", keys, vp8)
	}
	masked := enhance.Config{Masks: []enhance.Mask{enhance.Rect(0, 0, .5, 1)}}
	if err := b.engine.SetEnhance(masked, engine.AlwaysDay); err != nil {
		t.Fatal(err)
	}
	// What is on its way may still arrive; nothing is sent any more.
	time.Sleep(300 * time.Millisecond)
	units, _, _ := h.counts()
	soft("with a mask")
	if after, _, _ := h.counts(); after != units {
		t.Errorf("%d unmasked pictures", after-units)
	}
	if b.engine.OffersH264() {
		t.Error("H.264 is offered with a mask")
	}
	if err := b.engine.SetEnhance(enhance.Config{}, engine.AlwaysDay); err != nil {
		t.Fatal(err)
	}
	hard("without the mask", 15*time.Second)
	if err := b.engine.PointAt(engine.View{Zoom: 2}); err != nil {
		t.Fatal(err)
	}
	soft("of a part")
	if err := b.engine.PointAt(engine.View{Zoom: 1}); err != nil {
		t.Fatal(err)
	}
	hard("of all", 15*time.Second)
	silent.Store(true)
	soft("after the camera's stream has stopped")
	silent.Store(false)
	hard("again", 25*time.Second)
	h.lock.Lock()
	stream := h.stream
	h.lock.Unlock()
	if pictures, _ := x.Decode(stream, 320, 240); len(pictures) < 20 {
		t.Errorf("%d pictures decoded", len(pictures))
	}
}
