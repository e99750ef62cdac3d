package app

import (
	"context"
	"log/slog"
	"testing"

	boards "github.com/edgecam/edgecam/board-configs"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// encoders are those of a board.
type encoders struct {
	found  []hal.EncoderInfo
	opened string
}

func (e *encoders) Encoders(context.Context) ([]hal.EncoderInfo, error) { return e.found, nil }

func (e *encoders) OpenEncoder(_ context.Context, id string, _ hal.EncoderConfig) (hal.VideoEncoder, error) {
	e.opened = id
	return nil, nil
}

// nodes are the camera nodes of a machine.
type nodes struct {
	found  []hal.CameraInfo
	opened string
	mode   hal.VideoMode
}

func (n *nodes) Cameras(context.Context) ([]hal.CameraInfo, error) { return n.found, nil }

func (n *nodes) OpenCamera(_ context.Context, id string, want hal.VideoMode) (hal.Camera, error) {
	n.opened, n.mode = id, want
	return nil, nil
}

// TestChooseCodec: which encoder is taken, by configuration, board and what is there.
func TestChooseCodec(t *testing.T) {
	pi, err := boards.Get("raspberry-pi-4")
	if err != nil {
		t.Fatal(err)
	}
	codec := hal.EncoderInfo{ID: "/dev/video11", Driver: "bcm2835-codec", Codecs: []string{"H264"}}
	scaler := hal.EncoderInfo{ID: "/dev/video12", Driver: "bcm2835-codec", Codecs: []string{"VP8"}}
	other := hal.EncoderInfo{ID: "/dev/video3", Driver: "hantro-vpu", Codecs: []string{"VP8", "H264"}}
	for _, c := range []struct {
		name, codec string
		board       boards.Board
		found       []hal.EncoderInfo
		opened      string
		own         bool
	}{
		{"board's", "auto", pi, []hal.EncoderInfo{scaler, codec}, "/dev/video11", false},
		{"not wanted", "vp8", pi, []hal.EncoderInfo{codec}, "", false},
		{"not the board's", "auto", pi, []hal.EncoderInfo{other}, "", false},
		{"unknown board", "auto", boards.Board{}, []hal.EncoderInfo{codec}, "", false},
		{"by name", "h264", boards.Board{}, []hal.EncoderInfo{scaler, other}, "/dev/video3", false},
		{"none", "auto", pi, nil, "", false},
		{"the camera's own", "h264", pi, []hal.EncoderInfo{scaler}, "", true},
	} {
		cfg := config.Defaults()
		cfg.Video.Codec = c.codec
		e := &encoders{found: c.found}
		d := &devices{cfg: cfg, log: slog.New(slog.DiscardHandler), encoders: e}
		out := engine.Devices{Camera: func(context.Context) (hal.Camera, error) { return nil, nil }}
		d.chooseCodec(&out, c.board)
		if out.VideoEncoder != nil {
			_, _ = out.VideoEncoder(t.Context(), hal.EncoderConfig{})
		}
		if e.opened != c.opened || (out.H264Camera != nil) != c.own {
			t.Errorf("%s: opened %q, camera's own %v", c.name, e.opened, out.H264Camera != nil)
		}
	}
}

// TestOwnH264: the stream is that of the camera in use, on another node, and of no
// other camera.
func TestOwnH264(t *testing.T) {
	yuyv, coded := hal.VideoMode{Format: media.FormatYUYV, Width: 640, Height: 480}, hal.VideoMode{Format: media.FormatH264, Width: 1280, Height: 720}
	n := &nodes{found: []hal.CameraInfo{
		{ID: "garden", Path: "/dev/video0", Name: "Camera", Device: "usb1", Modes: []hal.VideoMode{yuyv}},
		{ID: "garden-coded", Path: "/dev/video1", Name: "Camera", Device: "usb1", Modes: []hal.VideoMode{coded}},
		{ID: "door", Path: "/dev/video2", Name: "Camera", Device: "usb2", Modes: []hal.VideoMode{yuyv, coded}},
		{ID: "door-coded", Path: "/dev/video3", Name: "Camera", Device: "usb2", Modes: []hal.VideoMode{coded}},
		{ID: "hall", Path: "/dev/video4", Name: "Camera", Device: "usb3", Modes: []hal.VideoMode{yuyv, coded}},
	}}
	used := "door"
	d := &devices{cfg: config.Defaults(), log: slog.New(slog.DiscardHandler), cameras: n, camera: func() string { return used }}
	for _, c := range []struct{ used, opened string }{{"door", "door-coded"}, {"/dev/video0", "garden-coded"}, {"hall", ""}, {"rpicam", ""}, {"", ""}} {
		used, n.opened = c.used, ""
		_, err := d.ownH264(t.Context())
		if n.opened != c.opened || (err == nil) != (c.opened != "") {
			t.Errorf("%q: opened %q, %v", c.used, n.opened, err)
		}
		if c.opened == "" && hal.KindOf(err) != hal.Unsupported || c.opened != "" && n.mode.Format != media.FormatH264 {
			t.Errorf("%q: %v, mode %+v", c.used, err, n.mode)
		}
	}
}
