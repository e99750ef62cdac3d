package vp8

import (
	"errors"
	"fmt"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// ErrEncoderConfig is wrapped by all errors about an EncoderConfig.
var ErrEncoderConfig = errors.New("vp8: encoder configuration")

// DenoiseMode says whether the encoder may average the noise of a camera away.
type DenoiseMode uint8

// DenoiseAuto averages static parts of the picture over time, as strongly as
// the noise that was measured asks for: clean pictures are left alone.
// DenoiseOff codes the picture as it is.
const (
	DenoiseAuto DenoiseMode = iota
	DenoiseOff
)

// SpeedAuto lets the encoder choose its speed level by the picture's size.
const SpeedAuto = -1

// MaxSpeed is the fastest speed level.
const MaxSpeed = 10

// EncoderConfig describes a stream to be made. The zero value of a field that
// has a default takes it.
type EncoderConfig struct {
	// Width and Height are the size of the pictures, 1 to media.MaxPictureSide.
	// A picture of another size makes the encoder change over with a key frame.
	Width, Height int
	// FrameRate is the nominal rate in frames per second, above 0 to 240.
	FrameRate float64
	// BitrateBps is the target rate of the stream in bits per second.
	BitrateBps int
	// BufferDelay is the depth of the leaky bucket: the time that the frames
	// waiting in it take on a link of the target rate. 0 means 600 ms.
	BufferDelay time.Duration
	// MinQuantizer and MaxQuantizer bound the quantiser index, 0 (finest) to
	// 127. Both 0 means 2 to 127.
	MinQuantizer, MaxQuantizer int
	// Speed is the level of enc_speed.go, 0 (best) to 10 (fastest), or
	// SpeedAuto.
	Speed int
	// FrameBudget is the time that SpeedAuto may take for a frame, as FrameTook
	// tells it; 0 sets no limit.
	FrameBudget time.Duration
	// Threads is how many rows are coded at once, 0 and 1 both mean one. The
	// output does not depend on it.
	Threads int
	// TokenPartitions is into how many parts the coefficients are written, 1, 2,
	// 4 or 8: decoders and this encoder work on them at once. 0 takes 1 for
	// small frames, 2 from some two kilobytes on, and 4 for large ones.
	TokenPartitions int
	// KeyInterval is the distance between key frames, in frames; 0 means that
	// key frames are made on demand only.
	KeyInterval int
	// IntraRefresh is the number of frames over which every macroblock is coded
	// once without reference to other frames, a few in each frame, so that what
	// a loss has damaged heals. Probabilities then hold for one frame each, so
	// that a loss does not leave the decoder with others. 0 means never.
	IntraRefresh int
	// MaxKeyFrameRatio bounds a key frame's size, as a multiple of the mean
	// frame's. 0 means two thirds of BufferDelay.
	MaxKeyFrameRatio float64
	// TemporalLayers is 1 to 3; 0 means 1.
	TemporalLayers int
	// AllowDrop permits leaving a frame out when the bucket is full.
	AllowDrop bool
	// Denoise chooses the temporal noise filter.
	Denoise DenoiseMode
	// AdaptiveQuant gives busy texture, which hides errors, a coarser quantiser
	// and what is saved to plain surfaces, on which errors show. It costs PSNR.
	AdaptiveQuant bool
}

// withDefaults returns c with its defaults filled in.
func (c EncoderConfig) withDefaults() EncoderConfig {
	if c.BufferDelay == 0 {
		c.BufferDelay = 600 * time.Millisecond
	}
	if c.MinQuantizer == 0 && c.MaxQuantizer == 0 {
		c.MinQuantizer, c.MaxQuantizer = 2, maxQuantIndex
	}
	if c.Threads == 0 {
		c.Threads = 1
	}
	if c.TemporalLayers == 0 {
		c.TemporalLayers = 1
	}
	if c.MaxKeyFrameRatio == 0 {
		c.MaxKeyFrameRatio = max(c.BufferDelay.Seconds()*c.FrameRate*0.65, 3)
	}
	return c
}

// Validate reports the first field whose value is not usable.
func (c EncoderConfig) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrEncoderConfig, fmt.Sprintf(format, args...))
	}
	switch {
	case c.Width < 1 || c.Height < 1 || c.Width > media.MaxPictureSide || c.Height > media.MaxPictureSide:
		return bad("size %dx%d is outside 1x1 to %[3]dx%[3]d", c.Width, c.Height, media.MaxPictureSide)
	case !(c.FrameRate > 0 && c.FrameRate <= 240):
		return bad("frame rate %g is not above 0 and up to 240", c.FrameRate)
	case c.BitrateBps < 1000 || c.BitrateBps > 1_000_000_000:
		return bad("bit rate %d is outside 1000 to 1000000000 bit/s", c.BitrateBps)
	case c.BufferDelay < 0 || c.BufferDelay > time.Minute:
		return bad("buffer delay %v is outside 0 to 1 minute", c.BufferDelay)
	case c.MinQuantizer < 0 || c.MaxQuantizer > maxQuantIndex || c.MinQuantizer > c.MaxQuantizer:
		return bad("quantiser range %d to %d is not inside 0 to %d", c.MinQuantizer, c.MaxQuantizer, maxQuantIndex)
	case c.Speed < SpeedAuto || c.Speed > MaxSpeed:
		return bad("speed %d is outside %d to %d", c.Speed, SpeedAuto, MaxSpeed)
	case c.FrameBudget < 0:
		return bad("frame budget %v is negative", c.FrameBudget)
	case c.Threads < 0 || c.Threads > 64:
		return bad("%d threads is outside 0 to 64", c.Threads)
	case c.TokenPartitions < 0 || c.TokenPartitions > 8 || c.TokenPartitions&(c.TokenPartitions-1) != 0:
		return bad("%d token partitions: it must be 1, 2, 4 or 8", c.TokenPartitions)
	case c.KeyInterval < 0:
		return bad("key frame interval %d is negative", c.KeyInterval)
	case c.IntraRefresh < 0:
		return bad("intra refresh over %d frames is negative", c.IntraRefresh)
	case c.MaxKeyFrameRatio < 0:
		return bad("key frame ratio %g is negative", c.MaxKeyFrameRatio)
	case c.TemporalLayers < 0 || c.TemporalLayers > 3:
		return bad("%d temporal layers is outside 1 to 3", c.TemporalLayers)
	case c.Denoise > DenoiseOff:
		return bad("unknown denoise mode %d", c.Denoise)
	}
	return nil
}
