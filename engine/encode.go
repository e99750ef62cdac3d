package engine

import (
	"context"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/pixel"
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
	main, thumb := encoder{e: e}, encoder{e: e, stream: media.StreamThumb}
	defer main.close()
	defer thumb.close()
	defer e.pulses.encode.rest()
	for {
		e.pulses.encode.rest()
		select {
		case <-ctx.Done():
			return
		case <-e.latest.ready:
		case <-e.wakeKey:
		}
		e.pulses.encode.beat()
		// A key frame is asked for when a viewer's path is found, a little
		// before it counts as connected: do not make it wait.
		if !e.watching.isOpen() && !e.keyFrame[media.StreamMain].Load() && !e.keyFrame[media.StreamH264].Load() {
			if e.warm.Load() {
				main.warm()
			}
			continue
		}
		epoch := e.outlet.now()
		picture, fps, again := e.latest.take()
		if picture == nil {
			continue
		}
		if epoch != main.epoch {
			// What was to be seen before must not be referred to, either.
			main.close()
			thumb.close()
			main.epoch, thumb.epoch = epoch, epoch
		}
		if !again && !e.keyFrameWanted() && e.governed.leaveOut() {
			e.observer.FrameDropped(DropGoverned, 1)
			e.pulses.uncoded.rest()
			picture.Release()
			continue
		}
		began := time.Now()
		sized := e.governed.size(picture)
		picture.Release()
		if e.devices.VideoEncoder != nil {
			e.hard.offer(sized, e.governed.fps(fps), epoch, again)
		}
		main.take(sized, e.governed.fps(fps), again)
		thumb.take(sized, e.governed.fps(fps), again)
		sized.Release()
		now := time.Now()
		e.governed.took(now.Sub(began), now)
	}
}

// keyFrameWanted reports whether a stream shall have a key frame.
func (e *Engine) keyFrameWanted() bool {
	for s := range e.keyFrame {
		if e.keyFrame[s].Load() {
			return true
		}
	}
	return false
}

// encoder codes one stream. The encode goroutine owns it.
type encoder struct {
	e       *Engine
	stream  media.Stream
	vp8     *vp8.Encoder
	fps     float64
	bps     int
	layers  int
	epoch   uint64 // of what it codes
	width   int
	height  int
	denoise vp8.DenoiseMode
	budget  time.Duration
	noise   vp8.NoiseInfo
	lastAt  time.Time
	unseen  bool              // its frames so far were sent to nobody
	small   media.PicturePool // of thumbnails
}

// take codes a picture if the stream is wanted: a new one, or one that was there
// before if a key frame of it is.
func (enc *encoder) take(p *media.Picture, fps float64, again bool) {
	bps := int(enc.e.mainBps.Load())
	if enc.stream == media.StreamThumb {
		bps = int(enc.e.thumbBps.Load())
	}
	if bps == 0 {
		enc.close() // whoever wants it later starts with a key frame
		return
	}
	force := enc.e.keyFrame[enc.stream].Swap(false) || enc.unseen
	enc.unseen = false
	if again && !force {
		return
	}
	if enc.stream == media.StreamThumb {
		p = enc.shrink(p)
		defer p.Release()
	}
	enc.encode(p, fps, bps, again, force)
}

// warm opens the encoder and lets it code the newest picture for nobody, so that
// the next viewer's first frame does not pay for its tables and buffers.
func (enc *encoder) warm() {
	if !enc.e.warm.Swap(false) || enc.vp8 != nil {
		return
	}
	p, fps, _ := enc.e.latest.take()
	if p == nil {
		enc.e.warm.Store(true) // the camera is not there yet
		return
	}
	defer p.Release()
	sized := enc.e.governed.size(p)
	defer sized.Release()
	enc.epoch = enc.e.outlet.now()
	if fps = enc.e.governed.fps(fps); fps <= 0 {
		fps = defaultFPS
	}
	enc.denoise = enc.denoiseMode()
	if err := enc.open(sized, fps, enc.e.cfg.Video.BitrateBps); err != nil {
		enc.e.log.Error("video encoder cannot start", "error", err)
		return
	}
	if _, err := enc.vp8.Encode(sized, vp8.FrameOptions{ForceKey: true}); err != nil {
		enc.close()
	}
	enc.unseen = true
}

// denoiseMode returns who denoises: once is enough.
func (enc *encoder) denoiseMode() vp8.DenoiseMode {
	if enc.e.enhance.denoises.Load() {
		return vp8.DenoiseOff
	}
	return vp8.DenoiseAuto
}

// thumbWidth is what the thumbnail's longer side is at most. The picture is halved
// until it fits, and at least once.
const thumbWidth = 480

func (enc *encoder) shrink(p *media.Picture) *media.Picture {
	w, h := (p.Width+1)/2, (p.Height+1)/2
	for max(w, h) > thumbWidth {
		w, h = (w+1)/2, (h+1)/2
	}
	small := enc.small.Get(w, h)
	pixel.Scale(small, p)
	return small
}

func (enc *encoder) encode(p *media.Picture, fps float64, bps int, again, force bool) {
	if fps <= 0 {
		fps = defaultFPS
	}
	denoise := enc.denoiseMode()
	if enc.vp8 != nil && (p.Width != enc.width || p.Height != enc.height || denoise != enc.denoise) {
		enc.close() // the picture was cut or turned, or comes with its noise
	}
	enc.denoise = denoise
	if enc.vp8 == nil {
		if err := enc.open(p, fps, bps); err != nil {
			enc.e.log.Error("video encoder cannot start", "error", err)
			return
		}
	}
	enc.follow(fps, bps)
	start := time.Now()
	opt := vp8.FrameOptions{}
	if enc.stream == media.StreamMain {
		opt = enc.e.refs.options(enc.e.sessions)
	}
	opt.ForceKey, opt.Noise = opt.ForceKey || force, enc.knownNoise()
	coded, err := enc.vp8.Encode(p, opt)
	if err != nil {
		enc.e.log.Error("video encoder failed, starting a new one", "error", err)
		enc.close()
		return
	}
	encoded := time.Now()
	enc.e.pulses.uncoded.rest()
	enc.e.observer.StageDone(StageEncode, encoded.Sub(start))
	// The time that passes is what counts here; of several workers each takes
	// less of its own.
	enc.vp8.FrameTook(encoded.Sub(start))
	if len(coded.Data) == 0 {
		enc.e.observer.FrameDropped(DropEncoder, 1)
		return
	}
	coded.Stream, coded.CapturedAt = enc.stream, mediaTime(p.CapturedAt, enc.lastAt, again)
	enc.lastAt = coded.CapturedAt
	var info vp8.EncodeInfo
	if enc.stream == media.StreamMain {
		info = enc.vp8.LastFrame()
		coded.Base = enc.e.refs.base(&info)
	}
	number, written := enc.e.outlet.write(&coded, enc.epoch)
	if !written {
		enc.e.observer.FrameDropped(DropEncoder, 1)
		return // the next one is of a new encoder, and a key frame
	}
	if enc.stream == media.StreamMain {
		enc.e.refs.sent(number, &coded, &info)
	}
	enc.e.observer.StageDone(StageSend, time.Since(encoded))
	enc.e.observer.FrameSent(len(coded.Data), coded.Key)
}

// mediaTime returns the time of a frame that is coded of a picture captured at a time,
// after the stream's last: once more if again is set, be it that the stream begins
// with it.
func mediaTime(captured, last time.Time, again bool) time.Time {
	if captured.After(last) {
		if again {
			return captured.Add(repeatStep)
		}
		return captured
	}
	return last.Add(repeatStep)
}

// follow brings the encoder's settings in line with what is wanted now.
func (enc *encoder) follow(fps float64, bps int) {
	if fps != enc.fps {
		enc.vp8.SetFrameRate(fps)
		enc.fps = fps
	}
	if d := enc.e.governed.budget(fps); d != enc.budget {
		enc.vp8.SetFrameBudget(d)
		enc.budget = d
	}
	if bps != enc.bps {
		enc.vp8.SetBitrate(bps)
		enc.bps = bps
	}
	if n := enc.wantedLayers(); n != enc.layers {
		enc.vp8.SetTwoLayers(n == 2)
		enc.layers = n
	}
}

func (enc *encoder) wantedLayers() int {
	if enc.stream == media.StreamThumb {
		return 1
	}
	return max(int(enc.e.layers.Load()), 1)
}

// knownNoise is the noise that enhancement has found in the last pictures, or
// nil: then the video encoder makes its own estimate. Thumbnails have less noise
// than what they were made of.
func (enc *encoder) knownNoise() *vp8.NoiseInfo {
	m, ok := enc.e.enhance.chain.Noise()
	if !ok || enc.stream == media.StreamThumb || !enc.e.enhance.denoises.Load() {
		return nil
	}
	enc.noise.Denoised = m.Denoised
	for i, sigma := range m.SigmaY {
		enc.noise.SigmaQ4[i] = uint16(min(max(sigma, 0), 255)*16 + 0.5)
	}
	return &enc.noise
}

func (enc *encoder) open(p *media.Picture, fps float64, bps int) error {
	v := enc.e.cfg.Video
	budget := enc.e.governed.budget(fps)
	codec, err := vp8.NewEncoder(vp8.EncoderConfig{
		Width: p.Width, Height: p.Height, FrameRate: fps,
		BitrateBps: bps, Speed: v.Speed, Threads: v.Threads, Denoise: enc.denoise,
		FrameBudget: budget,
	})
	if err != nil {
		return err
	}
	if enc.stream == media.StreamMain {
		enc.e.refs.begin()
	}
	enc.vp8, enc.fps, enc.bps, enc.layers, enc.budget, enc.width, enc.height = codec, fps, bps, 1, budget, p.Width, p.Height
	return nil
}

func (enc *encoder) close() {
	if enc.vp8 != nil {
		enc.vp8.Close()
		enc.vp8 = nil
	}
}
