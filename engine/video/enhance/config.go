package enhance

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
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
	Masks     []Mask
	Deflicker Mains
	Denoise   DenoiseConfig
	Tone      ToneConfig
	Colour    ColourConfig
	Geometry  GeometryConfig
	Overlay   OverlayConfig
}

// DenoiseConfig sets noise reduction.
type DenoiseConfig struct {
	Mode Mode
	// Sigma is the noise's standard deviation in sample steps where it is
	// known, up to 24; 0 estimates it.
	Sigma float32
	// Fast averages over time alone, for two fifths of the work: uncovered
	// ground and moving things keep their noise.
	Fast bool
}

// ToneConfig sets tone mapping.
type ToneConfig struct {
	Mode Mode
	// RateLimit is the most that tone mapping changes the picture's mean from
	// one frame to the next, in levels; 0 is the default, negative no limit.
	RateLimit float32
}

// rateDefault is slow enough not to be seen and quick enough for dusk.
const rateDefault = 0.3

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

// Defaults returns what suits a door camera that balances colours itself.
func Defaults() Config {
	return Config{
		Deflicker: MainsAuto,
		Denoise:   DenoiseConfig{Mode: Auto}, Tone: ToneConfig{Mode: Auto},
		Colour: ColourConfig{Monochrome: Auto},
	}
}

// Validate reports every setting that is out of range.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
	}
	between := func(what string, v, from, to float32) {
		if !(v >= from && v <= to) { // NaN is outside
			bad("%s is %g, must be %g to %g", what, v, from, to)
		}
	}
	for _, m := range []Mode{c.Denoise.Mode, c.Tone.Mode, c.Colour.WhiteBalance, c.Colour.LowLight, c.Colour.Monochrome} {
		if m > Auto {
			bad("mode %d is neither off nor auto", m)
		}
	}
	if c.Deflicker > Mains60 {
		bad("mains %d is unknown", c.Deflicker)
	}
	between("the noise's deviation", c.Denoise.Sigma, 0, sigmaMost)
	if math.IsNaN(float64(c.Tone.RateLimit)) || c.Tone.RateLimit > 255 {
		bad("the tone's rate limit is %g levels a frame, must be at most 255", c.Tone.RateLimit)
	}
	if c.Colour.Saturation < 0 || c.Colour.Saturation > 200 {
		bad("saturation is %d, must be 0 to 200", c.Colour.Saturation)
	}
	if c.Colour.Vividness < 0 || c.Colour.Vividness > 100 {
		bad("vividness is %d, must be 0 to 100", c.Colour.Vividness)
	}
	g := c.Geometry
	between("lens coefficient K1", g.LensK1, -0.5, 0.5)
	between("lens coefficient K2", g.LensK2, -0.5, 0.5)
	between("crop x", g.CropX, 0, 1)
	between("crop y", g.CropY, 0, 1)
	between("crop width", g.CropWidth, 0, 1)
	between("crop height", g.CropHeight, 0, 1)
	between("crop x and width together", g.CropX+g.CropWidth, 0, 1.0001)
	between("crop y and height together", g.CropY+g.CropHeight, 0, 1.0001)
	if g.Zoom != 0 {
		between("zoom", g.Zoom, 1, ZoomMost)
	}
	between("pan x", g.PanX, -1, 1)
	between("pan y", g.PanY, -1, 1)
	if !slices.Contains([]int{0, 90, 180, 270}, g.Rotate) {
		bad("rotation is %d degrees, must be 0, 90, 180 or 270", g.Rotate)
	}
	if utf8.RuneCountInString(c.Overlay.Label) > MaxLabel {
		bad("the label is longer than %d characters", MaxLabel)
	}
	if len(c.Masks) > MaxMasks {
		bad("%d masks are too many, the limit is %d", len(c.Masks), MaxMasks)
	}
	for i, m := range c.Masks {
		if len(m) < 3 || len(m) > MaxMaskCorners {
			bad("mask %d has %d corners, must be 3 to %d", i+1, len(m), MaxMaskCorners)
		}
		for _, p := range m {
			// A corner may be outside, so that a mask covers the edge for sure.
			between(fmt.Sprintf("mask %d: a corner's x", i+1), p.X, -1, 2)
			between(fmt.Sprintf("mask %d: a corner's y", i+1), p.Y, -1, 2)
		}
	}
	return errors.Join(errs...)
}

// clone returns a copy that shares no memory.
func (c Config) clone() Config {
	c.Masks = slices.Clone(c.Masks)
	for i, m := range c.Masks {
		c.Masks[i] = slices.Clone(m)
	}
	return c
}

// SameView reports whether two configurations show the same part of the
// camera's picture: masks and geometry are equal.
func (c Config) SameView(other Config) bool {
	return c.Geometry == other.Geometry && sameMasks(c.Masks, other.Masks)
}

// sameMasks reports whether two lists hide the same.
func sameMasks(a, b []Mask) bool {
	return slices.EqualFunc(a, b, func(m, n Mask) bool { return slices.Equal(m, n) })
}
