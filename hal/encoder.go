package hal

import (
	"context"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// EncoderConfig says what a hardware encoder shall make.
type EncoderConfig struct {
	Codec         string // "H264", or another that EncoderInfo lists
	Width, Height int    // of every picture
	FrameInterval time.Duration
	BitrateBps    int // mean rate; 0: the encoder's own
	KeyInterval   int // frames from one key frame to the next; 0: the encoder's own
	// Shared says that pictures stay in the memory of who made them, in this layout,
	// instead of being copied in; the zero value: they are copied. An encoder that
	// does not take them so refuses with Kind Unsupported.
	Shared SharedLayout
}

// SharedLayout is how pictures lie in shared memory.
type SharedLayout struct {
	Format      media.PixelFormat // FormatI420 or FormatNV12
	StrideBytes int               // of a row of luma
}

// SharedPicture is a picture in memory that devices share.
type SharedPicture struct {
	FD         int // DMABUF descriptor, which stays open until Release
	Bytes      int // of the buffer behind it
	CapturedAt time.Time
	Release    func()
}

// EncoderInfo describes a hardware encoder that a driver found.
type EncoderInfo struct {
	ID     string   `json:"id"` // opens it
	Name   string   `json:"name"`
	Driver string   `json:"driver"`
	Codecs []string `json:"codecs"`
}

// EncoderDriver finds and opens hardware encoders.
type EncoderDriver interface {
	Encoders(ctx context.Context) ([]EncoderInfo, error)
	OpenEncoder(ctx context.Context, id string, cfg EncoderConfig) (VideoEncoder, error)
}

// RatedCamera is a camera that codes by itself (media.FormatH264), at a rate and with
// key frames as it is told. Either may be refused with Kind Unsupported.
type RatedCamera interface {
	Camera
	// SetBitrate changes the mean rate.
	SetBitrate(bps int) error
	// ForceKey makes the next frame a key frame.
	ForceKey() error
}

// VideoEncoder is an open hardware encoder. Its calls are for one goroutine;
// Close may be called from any, once or more.
type VideoEncoder interface {
	// Encode codes a picture, as a key frame if forceKey is set, and returns the
	// next coded frame, at most until ctx is done. Data is valid until the next
	// call. An encoder may hold pictures back: Data is empty then, and the frame
	// comes with a later call or with Drain. A frame that was lost or damaged is an
	// *Error of Kind Overrun, and the next one should be a key frame.
	Encode(ctx context.Context, p *media.Picture, forceKey bool) (media.EncodedVideo, error)
	// Drain hands on the frames that are held back. The encoder can go on after it.
	Drain(ctx context.Context, frame func(media.EncodedVideo)) error
	// SetBitrate changes the mean rate from the next frame on.
	SetBitrate(bps int) error
	// Close frees the encoder.
	Close() error
}
