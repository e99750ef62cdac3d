package vp8

import (
	"errors"
	"fmt"

	"github.com/edgecam/edgecam/engine/media"
)

// Errors of the decoder, to be tested with errors.Is.
var (
	// ErrCorrupt is wrapped when a frame is damaged or cut short. The picture
	// returned with it is concealed: usable, but not what the encoder meant.
	ErrCorrupt = errors.New("frame is damaged")
	// ErrNoKeyFrame is wrapped when an inter frame comes before any key frame:
	// ask the sender for one.
	ErrNoKeyFrame = errors.New("no key frame yet")
	// ErrTooLarge is wrapped when a key frame exceeds DecoderOptions' limits.
	ErrTooLarge = errors.New("picture too large")
	// ErrClosed is wrapped when a Decoder is used after Close.
	ErrClosed = errors.New("decoder is closed")
)

// DefaultMaxSide is the largest width and height that a Decoder accepts unless
// DecoderOptions say otherwise. The format goes to 16383, but a 16383x16383
// stream would need 2 GB of reference frames.
const DefaultMaxSide = 4096

// DecoderOptions are the settings of a Decoder. The zero value is good.
type DecoderOptions struct {
	// Threads is the number of goroutines that may work on a frame, the
	// caller's included; 0 and 1 mean the caller's alone, and more than 3 is
	// as good as 3. The output does not depend on it.
	Threads int
	// MaxWidth and MaxHeight bound the memory that a stream can ask for, in
	// pixels; 0 means DefaultMaxSide.
	MaxWidth, MaxHeight int
}

// FrameInfo describes the frame that Decode got last.
type FrameInfo struct {
	Key   bool
	Shown bool
	// Corrupt says that the picture is concealed, wholly or in part.
	Corrupt bool
	// Empty says that the frame had no data: the last picture was repeated.
	Empty bool
	// Profile is the bitstream version, 0 to 3 (section 9.1).
	Profile int
	// Width, Height: as coded. ScaleX and ScaleY ask the viewer to enlarge the
	// picture: 0 not at all, 1 by 5/4, 2 by 5/3, 3 by 2 (section 9.1).
	Width, Height  int
	ScaleX, ScaleY int
	// Quantizer is the frame's base index, 0 (finest) to 127.
	Quantizer int
	// FilterLevel is the frame's loop filter level, 0 to 63.
	FilterLevel int
	// Partitions is the number of token partitions: 1, 2, 4 or 8.
	Partitions int
	// RefreshLast, RefreshGolden and RefreshAltRef say which references the
	// frame replaced. A frame that replaced none may be dropped unseen.
	RefreshLast, RefreshGolden, RefreshAltRef bool
}

// DecoderStats counts what a Decoder has seen since NewDecoder.
type DecoderStats struct {
	Frames, KeyFrames, EmptyFrames uint64
	// CorruptFrames were concealed; ConcealedMacroblocks counts those of their
	// macroblocks that were copied from the last frame.
	CorruptFrames, ConcealedMacroblocks uint64
	// Rejected frames changed nothing: no key frame yet, or too large.
	Rejected uint64
}

// Decoder decodes one VP8 stream. It is not safe for concurrent use; different
// Decoders are independent of each other.
type Decoder struct {
	opts   DecoderOptions
	state  headerState
	header frameHeader
	info   FrameInfo
	stats  DecoderStats
	closed bool

	width, height int
	grid          *mbGrid
	segments      []uint8
	// refs are the reference frames (index 0 is not used); cur is the frame
	// under construction, shown the one last given to the caller.
	refs   [numRefs]*refFrame
	cur    *refFrame
	shown  *refFrame
	frames []*refFrame

	first   boolReader
	tokens  [8]boolReader
	modes   modeReader
	probs   tokenProbs
	quant   [4]quantFactors
	above   []nonZeroContext
	inter   interPredictor
	filter  loopFilter
	residue residue
	workers *rowPipeline
	problem error
}

// NewDecoder returns a decoder that waits for a key frame. With Threads above
// 1 it owns goroutines, which Close ends.
func NewDecoder(opts DecoderOptions) *Decoder {
	if opts.MaxWidth <= 0 {
		opts.MaxWidth = DefaultMaxSide
	}
	if opts.MaxHeight <= 0 {
		opts.MaxHeight = DefaultMaxSide
	}
	opts.MaxWidth = min(opts.MaxWidth, media.MaxPictureSide)
	opts.MaxHeight = min(opts.MaxHeight, media.MaxPictureSide)
	d := &Decoder{opts: opts}
	if opts.Threads > 1 {
		d.workers = newRowPipeline(d, opts.Threads)
	}
	return d
}

// Close ends the decoder's goroutines and frees its frames. Pictures that
// Decode returned stay valid.
func (d *Decoder) Close() error {
	if d.closed {
		return nil
	}
	d.closed = true
	if d.workers != nil {
		d.workers.close()
	}
	d.frames, d.refs, d.cur, d.shown, d.grid = nil, [numRefs]*refFrame{}, nil, nil, nil
	return nil
}

// Info describes the frame that the last call of Decode got.
func (d *Decoder) Info() FrameInfo { return d.info }

// Stats returns counts since NewDecoder.
func (d *Decoder) Stats() DecoderStats { return d.stats }

// Decode decodes one frame, which it does not keep. The picture points into
// the decoder's memory: it is valid until the next call, must not be changed,
// and is not to be released. Its planes are readable up to whole macroblocks.
//
// A frame that is not to be shown gives nil and no error. An empty frame, by
// which encoders mark one they dropped, repeats the last picture.
//
// Damage gives an error that wraps ErrCorrupt together with a concealed
// picture (nil if there is nothing to show at all): show it, and ask the
// sender for repair. Other errors come without a picture and leave the decoder
// as it was.
func (d *Decoder) Decode(data []byte) (*media.Picture, error) {
	if d.closed {
		return nil, fmt.Errorf("vp8: %w", ErrClosed)
	}
	d.stats.Frames++
	d.info = FrameInfo{Width: d.width, Height: d.height}
	if len(data) == 0 {
		d.stats.EmptyFrames++
		d.info.Empty = true
		if d.refs[refLast] == nil {
			return nil, d.reject(fmt.Errorf("vp8: empty frame: %w", ErrNoKeyFrame))
		}
		return d.repeat(), nil
	}
	tag, err := parseFrameTag(data)
	if err != nil {
		if d.refs[refLast] == nil {
			return nil, d.reject(fmt.Errorf("vp8: %w: %w", ErrCorrupt, err))
		}
		return d.repeat(), d.corrupt(err)
	}
	d.info.Key = tag.key
	if tag.key {
		d.stats.KeyFrames++
		if err := d.resize(tag.width, tag.height); err != nil {
			return nil, d.reject(err)
		}
	} else if d.refs[refLast] == nil {
		return nil, d.reject(fmt.Errorf("vp8: inter frame: %w", ErrNoKeyFrame))
	}
	d.problem = nil
	d.begin(&tag, data)
	d.decodeRows()
	d.finish()
	if d.problem != nil {
		err = d.corrupt(d.problem)
	}
	if !d.header.show {
		return nil, err
	}
	d.shown = d.cur
	return &d.shown.picture, err
}

func (d *Decoder) reject(err error) error {
	d.stats.Rejected++
	return err
}

func (d *Decoder) corrupt(cause error) error {
	d.stats.CorruptFrames++
	d.info.Corrupt = true
	return fmt.Errorf("vp8: %w: %w", ErrCorrupt, cause)
}

// repeat returns the picture shown last, or the last reference if none was.
func (d *Decoder) repeat() *media.Picture {
	d.info.Shown = true
	if d.shown == nil {
		d.shown = d.refs[refLast]
	}
	return &d.shown.picture
}

// resize makes the decoder ready for pictures of another size. Frames of the
// old size are dropped: a key frame refers to nothing.
func (d *Decoder) resize(width, height int) error {
	if width > d.opts.MaxWidth || height > d.opts.MaxHeight {
		return fmt.Errorf("vp8: %w: %dx%d, the limit is %dx%d", ErrTooLarge, width, height, d.opts.MaxWidth, d.opts.MaxHeight)
	}
	if width == d.width && height == d.height {
		return nil
	}
	d.width, d.height = width, height
	mbw, mbh := (width+15)/16, (height+15)/16
	d.frames, d.refs, d.cur, d.shown = nil, [numRefs]*refFrame{}, nil, nil
	if d.grid == nil || d.grid.w != mbw || d.grid.h != mbh {
		d.grid = newMBGrid(mbw, mbh)
		d.segments = make([]uint8, mbw*mbh)
		d.above = make([]nonZeroContext, mbw)
		d.modes.aboveModes = make([]uint8, 4*mbw)
		if d.workers != nil {
			d.workers.resize(mbw, mbh)
		}
	}
	return nil
}

// freeFrame returns a frame that is neither a reference nor shown. At most
// five are ever needed; they are made when first wanted.
func (d *Decoder) freeFrame() *refFrame {
	for _, f := range d.frames {
		if f != d.refs[refLast] && f != d.refs[refGolden] && f != d.refs[refAltRef] && f != d.shown {
			return f
		}
	}
	f := newRefFrame(d.width, d.height)
	d.frames = append(d.frames, f)
	return f
}
