package engine

import (
	"context"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/vp8"
)

// repeatStep is the media time by which a picture that is coded once more, for
// a new viewer's key frame, comes after itself: its next frame is always later.
const repeatStep = time.Millisecond

// defaultFPS is assumed of cameras that do not tell their rate.
const defaultFPS = 30

// SetVideoBitrate changes the mean rate that the stream has where the viewers'
// networks carry it, from the next frame on.
func (e *Engine) SetVideoBitrate(bps int) { e.sessions.SetVideoCeiling(bps) }

// runEncode codes the newest picture whenever there is one and somebody
// watches. A key frame that is asked for between two pictures is made of the
// last one at once: a new viewer does not wait for the camera.
func (e *Engine) runEncode(ctx context.Context) {
	enc := encoder{e: e}
	defer enc.close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.latest.ready:
		case <-e.wakeKey:
		}
		// A key frame is asked for when a viewer's path is found, a little
		// before it counts as connected: do not make it wait.
		if !e.watching.isOpen() && !e.keyFrame.Load() {
			continue
		}
		picture, fps, again := e.latest.take()
		if picture == nil {
			continue
		}
		force := e.keyFrame.Load()
		if !again || force {
			if force {
				e.keyFrame.Store(false)
			}
			enc.encode(picture, fps, again, force)
		}
		picture.Release()
	}
}

type encoder struct {
	e       *Engine
	vp8     *vp8.Encoder
	fps     float64
	bps     int
	width   int
	height  int
	denoise vp8.DenoiseMode
	lastAt  time.Time
}

func (enc *encoder) encode(p *media.Picture, fps float64, again, force bool) {
	if fps <= 0 {
		fps = defaultFPS
	}
	denoise := vp8.DenoiseAuto
	if enc.e.enhance.denoises.Load() {
		denoise = vp8.DenoiseOff // once is enough
	}
	if enc.vp8 != nil && (p.Width != enc.width || p.Height != enc.height || denoise != enc.denoise) {
		enc.close() // the picture was cut or turned, or comes with its noise
	}
	enc.denoise = denoise
	if enc.vp8 == nil {
		if err := enc.open(p, fps); err != nil {
			enc.e.log.Error("video encoder cannot start", "error", err)
			return
		}
	}
	if fps != enc.fps {
		enc.vp8.SetFrameRate(fps)
		enc.fps = fps
	}
	if bps := int(enc.e.bitrate.Load()); bps != enc.bps {
		enc.vp8.SetBitrate(bps)
		enc.bps = bps
	}
	start := time.Now()
	coded, err := enc.vp8.Encode(p, vp8.FrameOptions{ForceKey: force})
	if err != nil {
		enc.e.log.Error("video encoder failed, starting a new one", "error", err)
		enc.close()
		return
	}
	encoded := time.Now()
	enc.e.observer.StageDone(StageEncode, encoded.Sub(start))
	if len(coded.Data) == 0 {
		enc.e.observer.FrameDropped(DropEncoder, 1)
		return
	}
	coded.CapturedAt = p.CapturedAt
	if again || !coded.CapturedAt.After(enc.lastAt) {
		coded.CapturedAt = enc.lastAt.Add(repeatStep)
	}
	enc.lastAt = coded.CapturedAt
	enc.e.sessions.WriteVideo(&coded)
	enc.e.observer.StageDone(StageSend, time.Since(encoded))
	enc.e.observer.FrameSent(len(coded.Data), coded.Key)
}

func (enc *encoder) open(p *media.Picture, fps float64) error {
	v := enc.e.cfg.Video
	bps := int(enc.e.bitrate.Load())
	codec, err := vp8.NewEncoder(vp8.EncoderConfig{
		Width: p.Width, Height: p.Height, FrameRate: fps,
		BitrateBps: bps, Speed: v.Speed, Threads: v.Threads, Denoise: enc.denoise,
	})
	if err != nil {
		return err
	}
	enc.vp8, enc.fps, enc.bps, enc.width, enc.height = codec, fps, bps, p.Width, p.Height
	return nil
}

func (enc *encoder) close() {
	if enc.vp8 != nil {
		enc.vp8.Close()
		enc.vp8 = nil
	}
}
