// Package pixel turns camera frames into the engine's pictures and back:
// packed, semi-planar, planar and JPEG frames into I420, I420 into JPEG, and
// one picture size into another. I420 here is BT.601 limited range (luma 16 to
// 235); uncompressed camera frames of luma and chroma are taken to be in it
// already; JPEG (JFIF), grey and RGB are full range and are converted.
//
// Row kernels have SSE2, AVX2 and NEON versions that give the same bytes as
// the portable ones. Nothing but JPEG coding allocates.
package pixel

import (
	"errors"
	"fmt"
	"io"

	"github.com/edgecam/edgecam/engine/media"
)

// Errors that Convert and its kin wrap.
var (
	// ErrFormat: the frame's format is not one that can become a picture.
	ErrFormat = errors.New("pixel: format cannot be converted")
	// ErrSize: the frame's size is not the picture's, or is out of range.
	ErrSize = errors.New("pixel: sizes do not agree")
)

// Convert writes the frame src into the picture dst, with its times. The sizes
// must be the same (ErrSize). Frames shorter than their format, size and stride
// ask for give io.ErrUnexpectedEOF; dst is not touched then. Compressed formats
// other than MJPEG give ErrFormat. With odd sizes the last chroma sample covers
// what is there. Convert allocates nothing, except for MJPEG.
func Convert(dst *media.Picture, src *media.Frame) error {
	if src.Width != dst.Width || src.Height != dst.Height {
		return fmt.Errorf("%w: frame %dx%d, picture %dx%d", ErrSize, src.Width, src.Height, dst.Width, dst.Height)
	}
	if src.Format == media.FormatMJPEG {
		if err := DecodeJPEG(dst, src.Data); err != nil {
			return err
		}
		dst.CapturedAt, dst.Sequence = src.CapturedAt, src.Sequence
		return nil
	}
	l, err := layoutOf(src)
	if err != nil {
		return err
	}
	w, h := dst.Width, dst.Height
	cw, ch := dst.ChromaSize()
	d := src.Data
	switch src.Format {
	case media.FormatYUYV:
		packed(dst, dst.U, dst.V, d, l.stride, 0)
	case media.FormatUYVY:
		packed(dst, dst.U, dst.V, d, l.stride, 1)
	case media.FormatYVYU:
		packed(dst, dst.V, dst.U, d, l.stride, 0)
	case media.FormatVYUY:
		packed(dst, dst.V, dst.U, d, l.stride, 1)
	case media.FormatNV16:
		copyPlane(dst.Y, dst.YStride, d, l.stride, w, h)
		pairRows(dst, dst.U, dst.V, d[l.chroma:], l.chromaStride)
	case media.FormatNV61:
		copyPlane(dst.Y, dst.YStride, d, l.stride, w, h)
		pairRows(dst, dst.V, dst.U, d[l.chroma:], l.chromaStride)
	case media.FormatYUV422P:
		copyPlane(dst.Y, dst.YStride, d, l.stride, w, h)
		meanRows(dst, dst.U, d[l.chroma:], l.chromaStride)
		meanRows(dst, dst.V, d[l.chroma+l.chromaStride*h:], l.chromaStride)
	case media.FormatNV12, media.FormatNV21:
		copyPlane(dst.Y, dst.YStride, d, l.stride, w, h)
		u, v := dst.U, dst.V
		if src.Format == media.FormatNV21 {
			u, v = v, u
		}
		for y := range ch {
			o := y * dst.UVStride
			splitRow(u[o:o+cw], v[o:o+cw], d[l.chroma+y*l.chromaStride:])
		}
	case media.FormatI420, media.FormatYV12:
		copyPlane(dst.Y, dst.YStride, d, l.stride, w, h)
		u, v := dst.U, dst.V
		if src.Format == media.FormatYV12 {
			u, v = v, u
		}
		copyPlane(u, dst.UVStride, d[l.chroma:], l.chromaStride, cw, ch)
		copyPlane(v, dst.UVStride, d[l.chroma+l.chromaStride*ch:], l.chromaStride, cw, ch)
	case media.FormatGrey:
		// V4L2's GREY is full range.
		for y := range h {
			mapRow(dst.Y[y*dst.YStride:y*dst.YStride+w], d[y*l.stride:], &lumaToLimited)
		}
		fillPlane(dst.U, dst.UVStride, cw, ch, 128)
		fillPlane(dst.V, dst.UVStride, cw, ch, 128)
	case media.FormatY10, media.FormatY12, media.FormatY16:
		deepGrey(dst, d, l.stride, greyShift(src.Format))
		fillPlane(dst.U, dst.UVStride, cw, ch, 128)
		fillPlane(dst.V, dst.UVStride, cw, ch, 128)
	default:
		fromRGB(dst, d, l.stride, src.Format)
	}
	dst.CapturedAt, dst.Sequence = src.CapturedAt, src.Sequence
	return nil
}

// layout says where the rows of an uncompressed frame are.
type layout struct {
	stride       int // bytes from row to row of the first plane
	chroma       int // offset of the chroma planes
	chromaStride int
}

// layoutOf checks that f holds what its header says. The last row of the last
// plane may lack its padding.
func layoutOf(f *media.Frame) (layout, error) {
	w, h := f.Width, f.Height
	if w < 1 || h < 1 || w > media.MaxPictureSide || h > media.MaxPictureSide {
		return layout{}, fmt.Errorf("%w: frame %dx%d (sides are 1 to %d)", ErrSize, w, h, media.MaxPictureSide)
	}
	cw, ch := (w+1)/2, (h+1)/2
	var l layout
	var row, need int
	switch f.Format {
	case media.FormatNV12, media.FormatNV21, media.FormatI420, media.FormatYV12, media.FormatNV16, media.FormatNV61, media.FormatYUV422P:
		row = w
	default:
		if row = f.Format.FrameSize(w, 1); row == 0 || f.Format.Raw() {
			return layout{}, fmt.Errorf("%w: %v (give luma and chroma, grey, RGB or MJPEG)", ErrFormat, f.Format)
		}
	}
	l.stride = f.StrideBytes
	if l.stride == 0 {
		l.stride = row
	}
	// The upper bound keeps the products below in range everywhere.
	if l.stride < row || l.stride > 16*(media.MaxPictureSide+1) {
		return layout{}, fmt.Errorf("%w: stride of %d bytes for rows of %d", ErrSize, l.stride, row)
	}
	switch f.Format {
	case media.FormatNV12, media.FormatNV21:
		// A row of pairs is as long as a luma row, one byte longer if that is odd.
		l.chroma, l.chromaStride = l.stride*h, max(l.stride, 2*cw)
		need = l.chroma + l.chromaStride*(ch-1) + 2*cw
	case media.FormatI420, media.FormatYV12:
		l.chroma, l.chromaStride = l.stride*h, (l.stride+1)/2
		need = l.chroma + l.chromaStride*(2*ch-1) + cw
	case media.FormatNV16, media.FormatNV61:
		l.chroma, l.chromaStride = l.stride*h, max(l.stride, 2*cw)
		need = l.chroma + l.chromaStride*(h-1) + 2*cw
	case media.FormatYUV422P:
		l.chroma, l.chromaStride = l.stride*h, (l.stride+1)/2
		need = l.chroma + l.chromaStride*(2*h-1) + cw
	default:
		need = l.stride*(h-1) + row
	}
	if len(f.Data) < need {
		return layout{}, fmt.Errorf("pixel: %v frame of %dx%d with stride %d needs %d bytes, has %d: %w",
			f.Format, w, h, l.stride, need, len(f.Data), io.ErrUnexpectedEOF)
	}
	return l, nil
}

// packed converts 4:2:2 with luma at bytes lumaAt, lumaAt+2 of each four and u's
// chroma before v's. Chroma rows are the rounded mean of two rows.
func packed(dst *media.Picture, u, v, d []byte, stride, lumaAt int) {
	w, h := dst.Width, dst.Height
	cw := (w + 1) / 2
	for y := 0; y < h; y += 2 {
		r0 := d[y*stride:]
		r1, y1 := r0, dst.Y[y*dst.YStride:]
		if y+1 < h {
			r1, y1 = d[(y+1)*stride:], dst.Y[(y+1)*dst.YStride:]
		}
		c := y / 2 * dst.UVStride
		packedRows(dst.Y[y*dst.YStride:][:w], y1[:w], u[c:c+cw], v[c:c+cw], r0[:4*cw], r1[:4*cw], lumaAt)
	}
}

func copyPlane(dst []byte, ds int, src []byte, ss, w, h int) {
	for y := range h {
		copy(dst[y*ds:y*ds+w], src[y*ss:y*ss+w])
	}
}

func fillPlane(p []byte, stride, w, h int, v byte) {
	for y := range h {
		row := p[y*stride : y*stride+w]
		for x := range row {
			row[x] = v
		}
	}
}
