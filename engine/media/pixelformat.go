package media

import (
	"fmt"
	"strings"
)

// PixelFormat names the memory layout of a captured frame.
type PixelFormat uint8

// The pixel formats a camera may deliver. Compressed formats hold one
// compressed picture per frame.
const (
	FormatUnknown PixelFormat = iota
	FormatI420                // planar 4:2:0, Y then U then V (V4L2 YU12)
	FormatYV12                // planar 4:2:0, Y then V then U
	FormatNV12                // Y, then interleaved U V
	FormatNV21                // Y, then interleaved V U
	FormatYUYV                // packed 4:2:2, Y0 U Y1 V
	FormatUYVY                // packed 4:2:2, U Y0 V Y1
	FormatGrey                // luma alone, 8 bits, full range (0 to 255)
	FormatMJPEG               // one JPEG picture
	FormatVP8                 // one VP8 frame (RFC 6386)

	// Raw Bayer pictures of a sensor, by the colours of the first two rows: 8 bits
	// a sample; 10 bits in two bytes, the low one first; and 10 bits packed, four
	// samples in five bytes, whose last holds the low bits.
	FormatRGGB8
	FormatGRBG8
	FormatGBRG8
	FormatBGGR8
	FormatRGGB10
	FormatGRBG10
	FormatGBRG10
	FormatBGGR10
	FormatRGGB10P
	FormatGRBG10P
	FormatGBRG10P
	FormatBGGR10P

	// What some grabbers and industrial cameras offer beside, or alone.
	FormatYVYU    // packed 4:2:2, Y0 V Y1 U
	FormatVYUY    // packed 4:2:2, V Y0 U Y1
	FormatNV16    // 4:2:2: Y, then interleaved U V in every row
	FormatNV61    // 4:2:2: Y, then interleaved V U in every row
	FormatYUV422P // planar 4:2:2, Y then U then V
	FormatY10     // luma alone, full range, 10 bits in two bytes, the low one first
	FormatY12     // the same, 12 bits
	FormatY16     // the same, 16 bits

	// Red, green and blue in full range, in the order of the bytes in memory; X is
	// a byte without meaning (or alpha).
	FormatRGB24
	FormatBGR24
	FormatRGBX32
	FormatBGRX32
	FormatXRGB32
	FormatXBGR32
	FormatRGB565 // two bytes, the low one first: red in the high 5 bits, blue in the low 5

	// One access unit in the byte stream format (ITU-T H.264, Annex B).
	FormatH264
)

var pixelFormatNames = [...]string{
	"unknown", "I420", "YV12", "NV12", "NV21", "YUYV", "UYVY", "GREY", "MJPEG", "VP8",
	"RGGB8", "GRBG8", "GBRG8", "BGGR8", "RGGB10", "GRBG10", "GBRG10", "BGGR10", "RGGB10P", "GRBG10P", "GBRG10P", "BGGR10P",
	"YVYU", "VYUY", "NV16", "NV61", "YUV422P", "Y10", "Y12", "Y16",
	"RGB24", "BGR24", "RGBX32", "BGRX32", "XRGB32", "XBGR32", "RGB565", "H264",
}

// String returns the format's usual name, such as "YUYV".
func (f PixelFormat) String() string {
	if int(f) < len(pixelFormatNames) {
		return pixelFormatNames[f]
	}
	return fmt.Sprintf("PixelFormat(%d)", uint8(f))
}

// ParsePixelFormat returns the format with the given name (as String gives it).
func ParsePixelFormat(name string) (PixelFormat, error) {
	for i, n := range pixelFormatNames {
		if i > 0 && n == name {
			return PixelFormat(i), nil
		}
	}
	return FormatUnknown, fmt.Errorf("media: unknown pixel format %q (known: %s)", name, strings.Join(pixelFormatNames[1:], ", "))
}

// Compressed reports whether a frame of this format needs a decoder.
func (f PixelFormat) Compressed() bool { return f == FormatMJPEG || f == FormatVP8 || f == FormatH264 }

// Raw reports whether the format is a sensor's Bayer picture.
func (f PixelFormat) Raw() bool { return f >= FormatRGGB8 && f <= FormatBGGR10P }

// FrameSize returns the number of bytes of an uncompressed frame whose rows
// are not padded, and 0 for compressed or unknown formats. Odd sizes round
// chroma up.
func (f PixelFormat) FrameSize(width, height int) int {
	cw, ch := (width+1)/2, (height+1)/2
	switch f {
	case FormatI420, FormatYV12, FormatNV12, FormatNV21:
		return width*height + 2*cw*ch
	case FormatNV16, FormatNV61, FormatYUV422P:
		return width*height + 2*cw*height
	case FormatYUYV, FormatUYVY, FormatYVYU, FormatVYUY:
		return 4 * cw * height
	case FormatY10, FormatY12, FormatY16, FormatRGB565:
		return 2 * width * height
	case FormatRGB24, FormatBGR24:
		return 3 * width * height
	case FormatRGBX32, FormatBGRX32, FormatXRGB32, FormatXBGR32:
		return 4 * width * height
	case FormatGrey:
		return width * height
	case FormatRGGB8, FormatGRBG8, FormatGBRG8, FormatBGGR8:
		return width * height
	case FormatRGGB10, FormatGRBG10, FormatGBRG10, FormatBGGR10:
		return 2 * width * height
	case FormatRGGB10P, FormatGRBG10P, FormatGBRG10P, FormatBGGR10P:
		return (width + 3) / 4 * 5 * height
	default:
		return 0
	}
}
