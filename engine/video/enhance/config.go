package enhance

import (
	"errors"
	"fmt"
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
}

// DenoiseConfig sets noise reduction.
type DenoiseConfig struct {
	Mode Mode
	// Sigma is the noise's standard deviation in sample steps where it is
	// known, up to 24; 0 estimates it.
	Sigma float32
}

// Defaults returns what suits a door camera.
func Defaults() Config {
	return Config{Denoise: DenoiseConfig{Mode: Auto}}
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
	return errors.Join(errs...)
}

// clone returns a copy that shares no memory.
func (c Config) clone() Config { return c }
