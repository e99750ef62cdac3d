package enhance

import (
	"errors"
	"fmt"
	"math"
)

// ErrConfig is wrapped by every error about a configuration.
var ErrConfig = errors.New("enhance: bad configuration")

// Mode switches a step.
type Mode uint8

// Modes: Auto runs the step when the picture needs it.
const (
	Off Mode = iota
	Auto
)

// Config sets a chain up. The zero value changes nothing.
type Config struct {
	Denoise DenoiseConfig
	Tone    ToneConfig
}

// DenoiseConfig sets noise reduction.
type DenoiseConfig struct {
	Mode Mode
	// Sigma is the noise's standard deviation in sample steps where it is
	// known, up to 24; 0 estimates it.
	Sigma float32
}

// ToneConfig sets tone mapping.
type ToneConfig struct {
	Mode Mode
	// RateLimit is the most that tone mapping changes the picture's mean from
	// one frame to the next, in levels; 0 is the default, negative no limit.
	RateLimit float32
}

// rateDefault is slow enough not to be seen and quick enough for dusk.
const rateDefault = 0.4

// rate returns the limit, 0 for none.
func (t ToneConfig) rate() float32 {
	switch {
	case t.RateLimit == 0:
		return rateDefault
	case t.RateLimit < 0:
		return 0
	}
	return t.RateLimit
}

// Defaults returns what suits a door camera.
func Defaults() Config {
	return Config{Denoise: DenoiseConfig{Mode: Auto}, Tone: ToneConfig{Mode: Auto}}
}

// Validate reports every setting that is out of range.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
	}
	if c.Denoise.Mode > Auto {
		bad("denoise mode %d is neither off nor auto", c.Denoise.Mode)
	}
	if !(c.Denoise.Sigma >= 0 && c.Denoise.Sigma <= sigmaMost) {
		bad("noise of %g levels is outside 0 (estimate it) to %d", c.Denoise.Sigma, sigmaMost)
	}
	if c.Tone.Mode > Auto {
		bad("tone mode %d is neither off nor auto", c.Tone.Mode)
	}
	if math.IsNaN(float64(c.Tone.RateLimit)) || c.Tone.RateLimit > 255 {
		bad("tone rate limit of %g levels a frame is above 255", c.Tone.RateLimit)
	}
	return errors.Join(errs...)
}

// clone returns a copy that shares no memory.
func (c Config) clone() Config { return c }
