package media

import "fmt"

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
)

var pixelFormatNames = [...]string{
	"unknown", "I420", "YV12", "NV12", "NV21", "YUYV", "UYVY", "GREY", "MJPEG", "VP8",
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
	return FormatUnknown, fmt.Errorf("media: unknown pixel format %q (known: I420, YV12, NV12, NV21, YUYV, UYVY, GREY, MJPEG, VP8)", name)
}

// Compressed reports whether a frame of this format needs a decoder.
func (f PixelFormat) Compressed() bool { return f == FormatMJPEG || f == FormatVP8 }

// FrameSize returns the number of bytes of an uncompressed frame whose rows
// are not padded, and 0 for compressed or unknown formats. Odd sizes round
// chroma up.
func (f PixelFormat) FrameSize(width, height int) int {
	cw, ch := (width+1)/2, (height+1)/2
	switch f {
	case FormatI420, FormatYV12, FormatNV12, FormatNV21:
		return width*height + 2*cw*ch
	case FormatYUYV, FormatUYVY:
		return 4 * cw * height
	case FormatGrey:
		return width * height
	default:
		return 0
	}
}
