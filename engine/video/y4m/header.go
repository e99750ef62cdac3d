package y4m

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/edgecam/edgecam/engine/media"
)

// Errors of this package, to be tested with errors.Is.
var (
	// ErrFormat is wrapped when the stream is not YUV4MPEG2 or is damaged.
	ErrFormat = errors.New("not a valid YUV4MPEG2 stream")
	// ErrUnsupported is wrapped when the stream is valid but not progressive
	// 8-bit 4:2:0.
	ErrUnsupported = errors.New("unsupported YUV4MPEG2 variant")
	// ErrSize is wrapped when a picture has another size than the stream.
	ErrSize = errors.New("picture size differs from the stream's")
)

const magic = "YUV4MPEG2"

// maxLineBytes bounds a header line: the format sets no limit, but all known
// writers stay below 200 bytes.
const maxLineBytes = 4096

// Header describes a stream.
type Header struct {
	Width, Height int
	// RateNum over RateDen is the frame rate in frames per second; 0:0 where
	// unknown.
	RateNum, RateDen int
	// AspectNum over AspectDen is the pixel aspect ratio; 0:0 where unknown.
	AspectNum, AspectDen int
	// Chroma is the variant of 4:2:0 without the leading C, such as "420jpeg".
	// Variants differ in where chroma samples lie, not in layout. Empty means
	// that the stream does not say (420jpeg by convention).
	Chroma string
}

// FrameBytes returns the size of one frame without its header line.
func (h Header) FrameBytes() int { return media.FormatI420.FrameSize(h.Width, h.Height) }

func (h Header) validate() error {
	if h.Width < 1 || h.Height < 1 || h.Width > media.MaxPictureSide || h.Height > media.MaxPictureSide {
		return fmt.Errorf("y4m: %w: size %dx%d (each side must be 1 to %d)", ErrFormat, h.Width, h.Height, media.MaxPictureSide)
	}
	if h.RateNum < 0 || h.RateDen < 0 || h.AspectNum < 0 || h.AspectDen < 0 {
		return fmt.Errorf("y4m: %w: negative rate or aspect ratio", ErrFormat)
	}
	switch h.Chroma {
	case "", "420", "420jpeg", "420mpeg2", "420paldv":
		return nil
	}
	return fmt.Errorf("y4m: %w: chroma format C%s (convert to 8-bit 4:2:0, for example with ffmpeg -pix_fmt yuv420p)", ErrUnsupported, h.Chroma)
}

// String returns the header line without its line feed.
func (h Header) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s W%d H%d F%d:%d Ip A%d:%d", magic, h.Width, h.Height, h.RateNum, h.RateDen, h.AspectNum, h.AspectDen)
	if h.Chroma != "" {
		b.WriteString(" C" + h.Chroma)
	}
	return b.String()
}

func parseHeader(line string) (Header, error) {
	var h Header
	words := strings.Split(line, " ")
	if words[0] != magic {
		return h, fmt.Errorf("y4m: %w: it does not begin with %s", ErrFormat, magic)
	}
	for _, word := range words[1:] {
		if word == "" {
			continue
		}
		if err := h.parameter(word[0], word[1:]); err != nil {
			return h, err
		}
	}
	return h, h.validate()
}

func (h *Header) parameter(tag byte, value string) (err error) {
	switch tag {
	case 'W':
		h.Width, err = strconv.Atoi(value)
	case 'H':
		h.Height, err = strconv.Atoi(value)
	case 'F':
		h.RateNum, h.RateDen, err = parseRatio(value)
	case 'A':
		h.AspectNum, h.AspectDen, err = parseRatio(value)
	case 'C':
		h.Chroma = value
	case 'I':
		if value != "p" && value != "?" {
			return fmt.Errorf("y4m: %w: interlaced video (I%s); deinterlace it first", ErrUnsupported, value)
		}
	}
	// Other tags are comments and extensions (X): they change nothing.
	if err != nil {
		return fmt.Errorf("y4m: %w: parameter %q", ErrFormat, string(tag)+value)
	}
	return nil
}

func parseRatio(s string) (num, den int, err error) {
	a, b, ok := strings.Cut(s, ":")
	if !ok {
		return 0, 0, strconv.ErrSyntax
	}
	if num, err = strconv.Atoi(a); err != nil {
		return 0, 0, err
	}
	den, err = strconv.Atoi(b)
	return num, den, err
}
