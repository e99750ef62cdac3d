//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"slices"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

// fourcc packs a four-character code as the kernel does.
func fourcc(code string) uapi.FourCCType {
	return uint32(code[0]) | uint32(code[1])<<8 | uint32(code[2])<<16 | uint32(code[3])<<24
}

// formats maps the kernel's codes. Their order is the order of preference
// among formats that reach the wanted rate: least conversion first, then least
// memory traffic; MJPEG costs a decoder; GREY lost the colour.
var formats = []struct {
	code   uapi.FourCCType
	format media.PixelFormat
}{
	{fourcc("YU12"), media.FormatI420},
	{fourcc("NV12"), media.FormatNV12},
	{fourcc("YV12"), media.FormatYV12},
	{fourcc("NV21"), media.FormatNV21},
	{uapi.PixelFmtYUYV, media.FormatYUYV},
	{uapi.PixelFmtUYVY, media.FormatUYVY},
	{fourcc("YVYU"), media.FormatYVYU},
	{fourcc("VYUY"), media.FormatVYUY},
	{fourcc("NV16"), media.FormatNV16},
	{fourcc("NV61"), media.FormatNV61},
	{fourcc("422P"), media.FormatYUV422P},
	// Colours must be computed. Names are those of the bytes in memory, which the
	// kernel's are not; alpha is not looked at.
	{fourcc("RGB3"), media.FormatRGB24},
	{fourcc("BGR3"), media.FormatBGR24},
	{fourcc("XR24"), media.FormatBGRX32},
	{fourcc("AR24"), media.FormatBGRX32},
	{fourcc("BGR4"), media.FormatBGRX32},
	{fourcc("XB24"), media.FormatRGBX32},
	{fourcc("AB24"), media.FormatRGBX32},
	{fourcc("BX24"), media.FormatXRGB32},
	{fourcc("BA24"), media.FormatXRGB32},
	{fourcc("RGB4"), media.FormatXRGB32},
	{fourcc("RX24"), media.FormatXBGR32},
	{fourcc("RA24"), media.FormatXBGR32},
	{fourcc("RGBP"), media.FormatRGB565},
	{uapi.PixelFmtMJPEG, media.FormatMJPEG},
	{uapi.PixelFmtJPEG, media.FormatMJPEG},
	{uapi.PixelFmtGrey, media.FormatGrey},
	{fourcc("Y10 "), media.FormatY10},
	{fourcc("Y12 "), media.FormatY12},
	{fourcc("Y16 "), media.FormatY16},
	// Raw pictures cost the most work, and their colours are ours to make.
	{fourcc("RGGB"), media.FormatRGGB8},
	{fourcc("GRBG"), media.FormatGRBG8},
	{fourcc("GBRG"), media.FormatGBRG8},
	{fourcc("BA81"), media.FormatBGGR8},
	{fourcc("pRAA"), media.FormatRGGB10P},
	{fourcc("pgAA"), media.FormatGRBG10P},
	{fourcc("pGAA"), media.FormatGBRG10P},
	{fourcc("pBAA"), media.FormatBGGR10P},
	{fourcc("RG10"), media.FormatRGGB10},
	{fourcc("BA10"), media.FormatGRBG10},
	{fourcc("GB10"), media.FormatGBRG10},
	{fourcc("BG10"), media.FormatBGGR10},
	// Only where it is asked for: nothing here decodes it.
	{fourcc("H264"), media.FormatH264},
}

func formatOf(code uapi.FourCCType) media.PixelFormat {
	for _, f := range formats {
		if f.code == code {
			return f.format
		}
	}
	return media.FormatUnknown
}

// preference ranks formats: lower is better.
func preference(code uapi.FourCCType) int {
	return slices.IndexFunc(formats, func(f struct {
		code   uapi.FourCCType
		format media.PixelFormat
	},
	) bool {
		return f.code == code
	})
}

// Bounds on what is taken from a driver's lists, so that one that never ends
// its list cannot hold the program.
const (
	maxFormats   = 256
	maxSizes     = 256
	maxIntervals = 128
)

// ability is one format at one size or range of sizes.
type ability struct {
	code uapi.FourCCType
	size uapi.FrameSize
}

// abilities lists what the driver says it can do in formats that are of use.
// The second result tells whether it named any format at all.
func abilities(k kernel) (out []ability, named bool) {
	seen := map[uapi.FourCCType]bool{}
	for i := range uint32(maxFormats) {
		d, err := k.formatDesc(i)
		if err != nil {
			break
		}
		named = true
		if formatOf(d.PixelFormat) == media.FormatUnknown || seen[d.PixelFormat] {
			continue
		}
		seen[d.PixelFormat] = true
		out = append(out, sizes(k, d.PixelFormat)...)
	}
	return out, named
}

func sizes(k kernel, code uapi.FourCCType) []ability {
	var out []ability
	for i := range uint32(maxSizes) {
		e, err := k.frameSize(i, code)
		if err != nil {
			break
		}
		s := e.Size
		s.StepWidth, s.StepHeight = max(s.StepWidth, 1), max(s.StepHeight, 1)
		s.MaxWidth, s.MaxHeight = min(s.MaxWidth, media.MaxPictureSide), min(s.MaxHeight, media.MaxPictureSide)
		s.MinWidth, s.MinHeight = max(s.MinWidth, 1), max(s.MinHeight, 1)
		if s.MinWidth <= s.MaxWidth && s.MinHeight <= s.MaxHeight {
			out = append(out, ability{code, s})
		}
		if e.Type != uapi.FrameSizeTypeDiscrete {
			break // a range is one entry (VIDIOC_ENUM_FRAMESIZES)
		}
	}
	if len(out) == 0 {
		// Drivers need not enumerate sizes. Any may be asked for: the driver
		// answers VIDIOC_S_FMT with the nearest it has.
		out = append(out, ability{code, uapi.FrameSize{
			MinWidth: 1, MaxWidth: media.MaxPictureSide, StepWidth: 1,
			MinHeight: 1, MaxHeight: media.MaxPictureSide, StepHeight: 1,
		}})
	}
	return out
}

// nearest returns the size in the range that is nearest to the wanted one.
func (a ability) nearest(width, height int) (int, int) {
	return snap(width, a.size.MinWidth, a.size.MaxWidth, a.size.StepWidth),
		snap(height, a.size.MinHeight, a.size.MaxHeight, a.size.StepHeight)
}

func snap(want int, lo, hi, step uint32) int {
	v := min(max(want, int(lo)), int(hi))
	steps := (v - int(lo) + int(step)/2) / int(step)
	if r := int(lo) + steps*int(step); r <= int(hi) {
		return r
	}
	return int(lo) + (steps-1)*int(step)
}

// interval is a range of frame intervals; min equals max for a single one.
type interval struct{ min, max time.Duration }

// intervals lists the frame intervals at one size, or nothing if the driver
// does not say.
func intervals(k kernel, code uapi.FourCCType, width, height int) []interval {
	var out []interval
	for i := range uint32(maxIntervals) {
		e, err := k.frameInterval(i, code, uint32(width), uint32(height))
		if err != nil {
			break
		}
		lo, hi := duration(e.Interval.Min), duration(e.Interval.Max)
		if lo > hi {
			lo, hi = hi, lo
		}
		if lo <= 0 {
			lo = hi
		}
		// A zero or absurd interval is a driver's mistake: as good as not told.
		if lo >= minInterval && lo <= maxInterval {
			out = append(out, interval{lo, min(max(hi, lo), maxInterval)})
		}
		if e.Type != uapi.FrameIntervalTypeDiscrete {
			break
		}
	}
	return out
}

const (
	minInterval = time.Second / 1000
	maxInterval = time.Minute
)

// duration converts an interval in seconds; 0 if it is none.
func duration(f uapi.Fract) time.Duration {
	if f.Denominator == 0 {
		return 0
	}
	return time.Duration(uint64(f.Numerator) * uint64(time.Second) / uint64(f.Denominator))
}

// fraction converts a frame interval to the kernel's form. Rates that cameras
// use become exact: whole hertz as 1/rate, NTSC's as 1001/x.
func fraction(d time.Duration) uapi.Fract {
	if d <= 0 {
		return uapi.Fract{}
	}
	within := func(num, den int64) bool {
		diff := d - time.Duration(num*int64(time.Second)/den)
		return diff.Abs() <= 2*time.Microsecond
	}
	for _, num := range []int64{1, 2, 1001} {
		den := (num*int64(time.Second) + int64(d)/2) / int64(d)
		if den > 0 && within(num, den) {
			return uapi.Fract{Numerator: uint32(num), Denominator: uint32(den)}
		}
	}
	return uapi.Fract{Numerator: uint32(d / time.Microsecond), Denominator: 1e6}
}

// codeString is the four characters of a code.
func codeString(code uapi.FourCCType) string {
	return string([]byte{byte(code), byte(code >> 8), byte(code >> 16), byte(code >> 24)})
}
