// Package vp8cmd is what stands behind "edgecam vp8": coding a y4m file into
// IVF and back, with figures about it. It knows nothing of flags.
package vp8cmd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/ivf"
	"github.com/edgecam/edgecam/engine/video/vp8"
	"github.com/edgecam/edgecam/engine/video/y4m"
)

// ErrUsage is wrapped by errors about options that do not fit the input.
var ErrUsage = errors.New("vp8")

// EncodeOptions are the options of "edgecam vp8 encode".
type EncodeOptions struct {
	// Input and Output are file names; "-" is standard input and output.
	Input, Output string
	// BitrateKbps is the target rate, in kbit/s; it must be given.
	BitrateKbps int
	// Width, Height and FPS, where not 0, must agree with the input.
	Width, Height int
	FPS           float64
	// Speed is 0 to 10, or vp8.SpeedAuto.
	Speed          int
	Threads        int
	TemporalLayers int
	// KeyInterval is in frames; 0 means that only the first is a key frame.
	KeyInterval int
	// Denoise is "auto", "off", or "" for auto.
	Denoise string
	// Frames is how many frames are coded at most; 0 means all.
	Frames int
	// AllowDrop lets the encoder leave frames out.
	AllowDrop bool
}

// EncodeResult is the line of JSON that "edgecam vp8 encode" prints.
type EncodeResult struct {
	Frames   int     `json:"frames"`
	Bytes    int64   `json:"bytes"`
	PSNRY    float64 `json:"psnr_y"`
	UserCPUS float64 `json:"user_cpu_s"`
	WallS    float64 `json:"wall_s"`
	Drops    int     `json:"drops"`
}

func (o *EncodeOptions) config(h y4m.Header) (vp8.EncoderConfig, error) {
	cfg := vp8.EncoderConfig{
		Width: h.Width, Height: h.Height, FrameRate: o.FPS, BitrateBps: o.BitrateKbps * 1000,
		Speed: o.Speed, Threads: o.Threads, KeyInterval: o.KeyInterval,
		TemporalLayers: o.TemporalLayers, AllowDrop: o.AllowDrop,
	}
	if h.RateNum > 0 && h.RateDen > 0 {
		fps := float64(h.RateNum) / float64(h.RateDen)
		if o.FPS != 0 && math.Abs(o.FPS-fps) > 0.01*fps {
			return cfg, fmt.Errorf("%w: input has %g frames per second, not %g", ErrUsage, fps, o.FPS)
		}
		cfg.FrameRate = fps
	}
	if cfg.FrameRate == 0 {
		return cfg, fmt.Errorf("%w: the input does not say its frame rate: give it", ErrUsage)
	}
	if o.Width != 0 && o.Width != h.Width || o.Height != 0 && o.Height != h.Height {
		return cfg, fmt.Errorf("%w: input is %dx%d, not %s wide and %s high", ErrUsage, h.Width, h.Height, sideOrAny(o.Width), sideOrAny(o.Height))
	}
	switch o.Denoise {
	case "", "auto":
	case "off":
		cfg.Denoise = vp8.DenoiseOff
	default:
		return cfg, fmt.Errorf("%w: denoise is %q: it must be auto or off", ErrUsage, o.Denoise)
	}
	return cfg, nil
}

// sideOrAny names a wanted side; 0 asks for none.
func sideOrAny(n int) string {
	if n == 0 {
		return "any"
	}
	return strconv.Itoa(n)
}

// Encode codes o.Input into o.Output. Frame numbers are the time stamps: a
// dropped frame leaves a gap.
func Encode(o EncodeOptions, stdin io.Reader, stdout io.Writer) (res EncodeResult, err error) {
	in, closeIn, err := openInput(o.Input, stdin)
	if err != nil {
		return res, err
	}
	defer closeIn()
	start, user := time.Now(), userCPU()
	r, err := y4m.NewReader(in)
	if err != nil {
		return res, err
	}
	h := r.Header()
	cfg, err := o.config(h)
	if err != nil {
		return res, err
	}
	enc, err := vp8.NewEncoder(cfg)
	if err != nil {
		return res, err
	}
	defer enc.Close()
	// Only now: an encoding that is refused leaves an older output alone.
	out, closeOut, err := openOutput(o.Output, stdout)
	if err != nil {
		return res, err
	}
	defer func() {
		if cerr := closeOut(); err == nil {
			err = cerr
		}
	}()
	ih := ivf.Header{Codec: ivf.CodecVP8, Width: h.Width, Height: h.Height, TimebaseNum: 1, TimebaseDen: uint32(math.Round(cfg.FrameRate))}
	if h.RateNum > 0 && h.RateDen > 0 {
		ih.TimebaseNum, ih.TimebaseDen = uint32(h.RateDen), uint32(h.RateNum)
	}
	w, err := ivf.NewWriter(out, ih)
	if err != nil {
		return res, err
	}
	next, stop := readAhead(r, h, o.Threads > 1)
	defer stop()
	var mse float64
	for n := uint64(0); o.Frames <= 0 || n < uint64(o.Frames); n++ {
		pic, err := next()
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			break
		} else if err != nil {
			return res, err
		}
		f, err := enc.Encode(pic, vp8.FrameOptions{WantPSNR: true})
		if err != nil {
			return res, err
		}
		if enc.LastFrame().Dropped {
			res.Drops++
			continue
		}
		mse += math.Pow(10, -enc.LastFrame().PSNRY/10)
		res.Frames++
		res.Bytes += int64(len(f.Data))
		if err := w.WriteFrame(f.Data, n); err != nil {
			return res, err
		}
	}
	if err := w.Finish(); err != nil {
		return res, err
	}
	if res.Frames > 0 {
		res.PSNRY = math.Round(-10000*math.Log10(mse/float64(res.Frames))) / 1000
	}
	res.WallS, res.UserCPUS = time.Since(start).Seconds(), userCPU()-user
	return res, nil
}

// readAhead returns a function that returns one picture after the other, valid
// until its next call, and one that must be called in the end. If it may, it
// reads the next picture while the caller works on the one before: with several
// workers, the time for reading would otherwise be one's alone.
func readAhead(r *y4m.Reader, h y4m.Header, ahead bool) (next func() (*media.Picture, error), stop func()) {
	if !ahead {
		pic := media.NewPicture(h.Width, h.Height)
		return func() (*media.Picture, error) { return pic, r.ReadPicture(pic) }, func() {}
	}
	type read struct {
		pic *media.Picture
		err error
	}
	free, full := make(chan *media.Picture, 2), make(chan read)
	free <- media.NewPicture(h.Width, h.Height)
	free <- media.NewPicture(h.Width, h.Height)
	quit := make(chan struct{})
	go func() {
		for pic := range free {
			one := read{pic, r.ReadPicture(pic)}
			select {
			case full <- one:
			case <-quit:
				return
			}
			if one.err != nil {
				return
			}
		}
	}()
	var last *media.Picture
	next = func() (*media.Picture, error) {
		if last != nil {
			free <- last
		}
		one := <-full
		last = one.pic
		return one.pic, one.err
	}
	// Who reads ends with the picture at hand: nothing can call it back from a
	// read that waits.
	return next, func() { close(quit); close(free) }
}

func openInput(name string, stdin io.Reader) (io.Reader, func(), error) {
	if name == "-" {
		return bufio.NewReaderSize(stdin, 1<<16), func() {}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("vp8: %w", err)
	}
	return f, func() { f.Close() }, nil
}

func openOutput(name string, stdout io.Writer) (io.Writer, func() error, error) {
	if name == "-" {
		b := bufio.NewWriterSize(stdout, 1<<16)
		return b, b.Flush, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, nil, fmt.Errorf("vp8: %w", err)
	}
	return f, func() error {
		if err := f.Close(); err != nil {
			return fmt.Errorf("vp8: %w", err)
		}
		return nil
	}, nil
}
