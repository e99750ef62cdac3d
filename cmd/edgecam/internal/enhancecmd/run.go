// Package enhancecmd is what stands behind "edgecam enhance": the node's
// picture enhancement on a y4m file. It knows nothing of flags.
package enhancecmd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/enhance"
	"github.com/edgecam/edgecam/engine/video/y4m"
	"golang.org/x/sys/unix"
)

// ErrUsage is wrapped by errors about options.
var ErrUsage = errors.New("enhance")

// Options are the options of "edgecam enhance".
type Options struct {
	// Input and Output are file names; "-" is standard input and output.
	Input, Output string
	// Denoise is "auto", "fast", "off" or the noise's standard deviation.
	Denoise string
	// Tone is "auto" or "off".
	Tone string
	// RateLimit is the most that tone mapping changes the mean brightness from
	// frame to frame, in levels; 0 is the default, negative no limit.
	RateLimit float64
}

// Result is the line of JSON that "edgecam enhance" prints.
type Result struct {
	Frames int `json:"frames"`
	// StepsMS are the mean milliseconds per frame (wall time) of the steps
	// that ran.
	StepsMS  map[string]float64  `json:"steps_ms"`
	Noise    *enhance.NoiseModel `json:"noise,omitempty"`
	UserCPUS float64             `json:"user_cpu_s"`
	WallS    float64             `json:"wall_s"`
}

func (o Options) config() (enhance.Config, error) {
	cfg := enhance.Defaults()
	switch o.Denoise {
	case "", "auto":
	case "off":
		cfg.Denoise.Mode = enhance.Off
	case "fast":
		cfg.Denoise.Fast = true
	default:
		sigma, err := strconv.ParseFloat(o.Denoise, 32)
		if err != nil || sigma < 0 {
			return cfg, fmt.Errorf("%w: denoise is %q: it must be auto, fast, off or the noise's standard deviation in levels", ErrUsage, o.Denoise)
		}
		if sigma == 0 {
			cfg.Denoise.Mode = enhance.Off
		}
		cfg.Denoise.Sigma = float32(sigma)
	}
	switch o.Tone {
	case "", "auto":
	case "off":
		cfg.Tone.Mode = enhance.Off
	default:
		return cfg, fmt.Errorf("%w: tone is %q: it must be auto or off", ErrUsage, o.Tone)
	}
	cfg.Tone.RateLimit = float32(o.RateLimit)
	return cfg, cfg.Validate()
}

// Run enhances o.Input into o.Output.
func Run(o Options, stdin io.Reader, stdout io.Writer) (res Result, err error) {
	cfg, err := o.config()
	if err != nil {
		return res, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	in := bufio.NewReaderSize(stdin, 1<<16)
	if o.Input != "-" {
		f, err := os.Open(o.Input)
		if err != nil {
			return res, fmt.Errorf("enhance: %w", err)
		}
		defer f.Close()
		in.Reset(f)
	}
	start, user := time.Now(), userCPU()
	r, err := y4m.NewReader(in)
	if err != nil {
		return res, err
	}
	chain, err := enhance.New(cfg, enhance.Options{Now: time.Now, FrameRate: frameRate(r.Header())})
	if err != nil {
		return res, err
	}
	out, closeOut, err := openOutput(o.Output, stdout)
	if err != nil {
		return res, err
	}
	defer func() {
		if cerr := closeOut(); err == nil && cerr != nil {
			err = fmt.Errorf("enhance: %w", cerr)
		}
	}()
	h := r.Header()
	var w *y4m.Writer
	pic := media.NewPicture(h.Width, h.Height)
	for {
		if err := r.ReadPicture(pic); err == io.EOF { //nolint:errorlint // exactly io.EOF is the end
			break
		} else if err != nil {
			return res, err
		}
		pic.Sequence = uint32(res.Frames)
		done := chain.Process(pic)
		if w == nil {
			h.Width, h.Height = done.Width, done.Height
			if w, err = y4m.NewWriter(out, h); err != nil {
				return res, err
			}
		}
		if err := w.WritePicture(done); err != nil {
			return res, err
		}
		if done != pic {
			done.Release()
		}
		res.Frames++
	}
	if w == nil {
		if _, err = y4m.NewWriter(out, h); err != nil {
			return res, err
		}
	}
	res.StepsMS = map[string]float64{}
	for s := range enhance.NumSteps {
		if st := chain.Stats(s); st.Frames > 0 {
			res.StepsMS[s.String()] = float64(st.Took.Microseconds()) / 1000 / float64(st.Frames)
		}
	}
	if m, ok := chain.Noise(); ok {
		res.Noise = &m
	}
	res.WallS, res.UserCPUS = time.Since(start).Seconds(), userCPU()-user
	return res, nil
}

// frameRate returns a stream's rate, 0 where it is not known.
func frameRate(h y4m.Header) float64 {
	if h.RateNum <= 0 || h.RateDen <= 0 {
		return 0
	}
	return float64(h.RateNum) / float64(h.RateDen)
}

func openOutput(name string, stdout io.Writer) (io.Writer, func() error, error) {
	if name == "-" {
		b := bufio.NewWriterSize(stdout, 1<<16)
		return b, b.Flush, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, nil, fmt.Errorf("enhance: %w", err)
	}
	return f, f.Close, nil
}

// userCPU is the process's user time so far, in seconds.
func userCPU() float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Sec) + float64(u.Utime.Usec)/1e6
}
