package app

import (
	"context"
	"errors"
	"slices"
	"time"

	boards "github.com/edgecam/edgecam/board-configs"
	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// codecH264 is H.264's name to encoders.
const codecH264 = "H264"

// encoderListTime bounds the search for encoders.
const encoderListTime = 5 * time.Second

var errNoOwnH264 = errors.New("app: the camera has no node that gives H.264 beside the one in use; set video.codec to auto")

// chooseCodec finds what makes H.264, if the configuration wants it: the board's
// encoder, or, if H.264 is asked for by name, any encoder there is, or the camera
// itself.
func (d *devices) chooseCodec(out *engine.Devices, board boards.Board) {
	if d.cfg.Video.Codec == "vp8" || d.encoders == nil || out.Camera == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), encoderListTime)
	defer cancel()
	found, err := d.encoders.Encoders(ctx)
	if err != nil {
		d.log.Warn("encoders cannot be listed", "error", err)
	}
	i := slices.IndexFunc(found, func(e hal.EncoderInfo) bool {
		return slices.Contains(e.Codecs, codecH264) && (d.cfg.Video.Codec == "h264" || hasEncoder(board, e.Driver))
	})
	switch {
	case i >= 0:
		id := found[i].ID
		d.log.Info("H.264 is coded in hardware, for viewers who know it", "encoder", found[i].Name, "driver", found[i].Driver, "id", id)
		out.VideoEncoder = func(ctx context.Context, cfg hal.EncoderConfig) (hal.VideoEncoder, error) {
			return d.encoders.OpenEncoder(ctx, id, cfg)
		}
	case d.cfg.Video.Codec == "h264":
		d.log.Info("no encoder for H.264 is there; the camera is asked whether it codes by itself")
		out.H264Camera = d.ownH264
	}
}

// hasEncoder reports whether a board's file names the driver of an encoder for H.264
// that is used.
func hasEncoder(b boards.Board, driver string) bool {
	return slices.ContainsFunc(b.Encoders, func(c boards.Codec) bool {
		return c.Driver == driver && c.Codec == "h264" && c.Interface == boards.StatefulEncoder
	})
}

// ownH264 opens the node on which the camera in use gives what it has coded itself.
func (d *devices) ownH264(ctx context.Context) (hal.Camera, error) {
	found, err := d.cameras.Cameras(ctx)
	if err != nil {
		return nil, err
	}
	id := d.camera()
	used := slices.IndexFunc(found, func(c hal.CameraInfo) bool { return c.ID == id || c.Path == id })
	gives := slices.IndexFunc(found, func(c hal.CameraInfo) bool {
		return used >= 0 && c.Path != found[used].Path && c.Device != "" && c.Device == found[used].Device &&
			slices.ContainsFunc(c.Modes, func(m hal.VideoMode) bool { return m.Format == media.FormatH264 })
	})
	if gives < 0 {
		return nil, &hal.Error{Op: "open", Path: id, Kind: hal.Unsupported, Err: errNoOwnH264}
	}
	want := hal.VideoMode{
		Format: media.FormatH264, Width: d.cfg.Camera.Width, Height: d.cfg.Camera.Height,
		FrameInterval: time.Second / time.Duration(d.cfg.Camera.FPS),
	}
	return d.cameras.OpenCamera(ctx, found[gives].ID, want)
}
