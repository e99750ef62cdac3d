package vp8

import (
	"errors"
	"fmt"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// ErrEncoderClosed is returned by Encode after Close.
var ErrEncoderClosed = errors.New("vp8: encoder is closed")

// ErrPicture is wrapped by the error for a picture that cannot be coded.
var ErrPicture = errors.New("vp8: picture")

// Encoder turns pictures into VP8 frames. It is not safe for concurrent use;
// one goroutine owns it.
type Encoder struct {
	cfg    EncoderConfig
	speed  speedLevel
	rc     rateControl
	layers layerState
	closed bool

	// geo is the state that depends on the picture's size.
	geometry
	entropy entropy // what the decoder holds
	// zeroDelta is the filter adjustment that the decoder holds for zero vectors.
	zeroDelta int
	header    encHeader
	segment   segmentState
	// interest is what SetInterest was told.
	interest interestState
	noise    noiseState
	lambda   lambdas
	quant    [4]encQuantizer
	mvCosts  encMVCostTable
	// mvCostsOf are the probabilities that mvCosts was made for.
	mvCostsOf mvProbs
	// intraCosts and intraUVCosts price the intra modes of an inter frame.
	intraCosts, intraUVCosts [modeSplit + 1]uint16
	tally                    encTally // of the frame
	tokens                   encTokenCosts
	pool                     *encWorkers
	governor                 speedGovernor

	out       []byte
	sinceKey  int
	frames    int
	wantKey   bool
	last      EncodeInfo
	stats     EncoderStats
	lastFrame *refFrame // the picture of the last frame

	// base is the reference that this frame is mainly predicted from: LAST, but
	// in a frame that mends a loss.
	base uint8
	// again says that a key frame is coded once more with another quantiser: the
	// modes stay, since finding them takes far longer than all else.
	again  bool
	passes int // how often the frame was coded
	// changes belong to golden and altref; oldChanges are those of before, while
	// they are brought up to date.
	changes, oldChanges [2]probChanges
	// storedAt is the number of the frame that golden and altref took their
	// picture from, or after which they took LAST's.
	storedAt [2]int
	// resend, in a frame that mends a loss, are the probabilities to send
	// whether they change or not.
	resend *probChanges
	// managed is for how many more frames golden is the caller's, who stores
	// long-term references.
	managed   int
	sinceGold int // frames since golden was replaced
}

// FrameOptions are the wishes for one frame.
type FrameOptions struct {
	// ForceKey asks for a key frame.
	ForceKey bool
	// Store puts this frame into a long-term reference too. Once the receiver
	// has acknowledged the frame, PredictFrom can build on it. For ten seconds
	// after it was asked to store, an encoder does not replace golden on its own;
	// afterwards EncodeInfo.Renewed tells when it does.
	Store Reference
	// PredictFrom has this frame predicted from one long-term reference alone,
	// and from nothing that was sent after it: a receiver that holds that
	// reference can decode this frame and all later ones, whatever it missed
	// between. The other reference, if it is newer, becomes a copy of this one,
	// unless the frame is stored there. A key frame takes no notice.
	PredictFrom Reference
	// WantPSNR has the luma PSNR of the frame measured.
	WantPSNR bool
	// Noise, if not nil, is what is known of the camera's noise. The encoder then
	// makes no estimate of its own. It stays the caller's.
	Noise *NoiseInfo
}

// NoiseInfo is an estimate of a picture's noise that was made before it came to
// the encoder.
type NoiseInfo struct {
	// SigmaQ4 is the standard deviation of luma as captured, in sixteenths of a
	// step, by level: 0 to 15, 16 to 31 and so on.
	SigmaQ4 [16]uint16
	// Denoised says that this noise has been taken out of the picture: what is
	// left is a third at most, and is not averaged again.
	Denoised bool
}

// EncodeInfo says how a frame was coded.
type EncodeInfo struct {
	// Quantizer is the frame's quantiser index, FilterLevel its loop filter's.
	Quantizer, FilterLevel int
	// Bytes is the frame's size.
	Bytes int
	Key   bool
	// Dropped says that the frame was left out; only with AllowDrop.
	Dropped bool
	// PSNRY is the luma PSNR in dB against the picture given, where asked for.
	PSNRY float64
	// Static, Inter and Intra count macroblocks: left as they were, predicted
	// from another frame, predicted from their neighbours. Split are those
	// predicted from another frame with several vectors.
	Static, Inter, Intra, Split int
	// Stored and PredictedFrom are what FrameOptions asked for, as far as the
	// frame is not a key frame, which replaces all references.
	Stored, PredictedFrom Reference
	// Renewed says that golden has become the background, a picture that nobody
	// asked to store.
	Renewed bool
	// Refined counts still macroblocks that were improved with
	// RefineQuantizer.
	Refined, RefineQuantizer int
	// Backlog is how long the bucket needs to drain after this frame.
	Backlog time.Duration
	// NoiseQ4 is the estimated standard deviation of the camera's luma noise,
	// in sixteenths of a step.
	NoiseQ4 int
	// Speed is the speed level.
	Speed int
}

// EncoderStats counts since the encoder was made.
type EncoderStats struct {
	Frames, KeyFrames, Dropped int
	Bytes                      int64
}

// NewEncoder returns an encoder for cfg. Close releases its workers.
func NewEncoder(cfg EncoderConfig) (*Encoder, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	e := &Encoder{cfg: cfg, rc: newRateControl(&cfg), wantKey: true}
	e.layers.reset(cfg.TemporalLayers)
	e.pool = newEncWorkers(cfg.Threads)
	e.resize(cfg.Width, cfg.Height)
	return e, nil
}

// Close ends the encoder's workers. The encoder must not be used afterwards.
func (e *Encoder) Close() {
	if !e.closed {
		e.closed = true
		e.pool.close()
	}
}

// SetBitrate changes the target rate; the next frame obeys.
func (e *Encoder) SetBitrate(bps int) { e.rc.setBitrate(min(max(bps, 1000), 1_000_000_000)) }

// SetFrameRate changes the nominal frame rate; the next frame obeys.
func (e *Encoder) SetFrameRate(fps float64) {
	if fps > 0 && fps <= 240 {
		e.rc.setFrameRate(fps)
	}
}

// SetTwoLayers begins (on) or ends a second temporal layer between two frames,
// without a key frame: the upper layer refers to the base layer alone, and nothing
// refers to it. An encoder that was made with three layers is left as it is, since
// their references differ.
func (e *Encoder) SetTwoLayers(on bool) {
	if e.cfg.TemporalLayers > 2 {
		return
	}
	if e.cfg.TemporalLayers = 1 + b2i(on); e.layers.layers != e.cfg.TemporalLayers {
		// The next frame is of the base layer.
		e.layers.reset(e.cfg.TemporalLayers)
	}
}

// Stats returns what was counted so far.
func (e *Encoder) Stats() EncoderStats { return e.stats }

// LastFrame tells about the frame that Encode made last.
func (e *Encoder) LastFrame() EncodeInfo { return e.last }

// Reconstruction returns the picture that a decoder shows after the last
// frame. It is the encoder's own memory, valid until the next Encode.
func (e *Encoder) Reconstruction() *media.Picture {
	if e.lastFrame == nil {
		return nil
	}
	return &e.lastFrame.picture
}

// Encode codes pic. The data returned is valid until the next call. A picture
// whose size differs from the last one's starts a key frame of the new size. A
// dropped frame (only with AllowDrop) has no Data.
func (e *Encoder) Encode(pic *media.Picture, opt FrameOptions) (media.EncodedVideo, error) {
	if e.closed {
		return media.EncodedVideo{}, ErrEncoderClosed
	}
	if err := encCheckPicture(pic); err != nil {
		return media.EncodedVideo{}, err
	}
	if err := opt.check(e); err != nil {
		return media.EncodedVideo{}, err
	}
	if pic.Width != e.width || pic.Height != e.height {
		e.resize(pic.Width, pic.Height)
		e.wantKey = true
	}
	key := opt.ForceKey || e.wantKey || e.cfg.KeyInterval > 0 && e.sinceKey >= e.cfg.KeyInterval
	if e.cfg.AllowDrop && !key && opt.Store|opt.PredictFrom == ReferenceNone && e.rc.full() {
		e.rc.account(0)
		e.stats.Dropped++
		e.sinceKey++
		e.last = EncodeInfo{Dropped: true, Backlog: e.rc.backlog()}
		return media.EncodedVideo{Width: e.width, Height: e.height, CapturedAt: pic.CapturedAt}, nil
	}
	ev := e.encodeFrame(pic, key, &opt)
	if opt.WantPSNR {
		e.last.PSNRY = encPSNR(&e.lastFrame.picture, pic)
	}
	e.stats.Frames++
	e.stats.Bytes += int64(len(ev.Data))
	if key {
		e.stats.KeyFrames++
	}
	ev.CapturedAt = pic.CapturedAt
	return ev, nil
}

func encCheckPicture(p *media.Picture) error {
	if p == nil {
		return fmt.Errorf("%w is nil", ErrPicture)
	}
	if p.Width < 1 || p.Height < 1 || p.Width > media.MaxPictureSide || p.Height > media.MaxPictureSide {
		return fmt.Errorf("%w of %dx%d: each side must be 1 to %d", ErrPicture, p.Width, p.Height, media.MaxPictureSide)
	}
	cw, ch := p.ChromaSize()
	if p.YStride < p.Width || p.UVStride < cw || len(p.Y) < (p.Height-1)*p.YStride+p.Width ||
		len(p.U) < (ch-1)*p.UVStride+cw || len(p.V) < (ch-1)*p.UVStride+cw {
		return fmt.Errorf("%w of %dx%d has planes shorter than its rows", ErrPicture, p.Width, p.Height)
	}
	return nil
}
