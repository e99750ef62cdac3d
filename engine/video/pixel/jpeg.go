package pixel

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"io"

	"github.com/edgecam/edgecam/engine/media"
)

// DecodeJPEG decodes one JPEG picture (a frame of an MJPEG camera) into dst,
// whose size it must have (ErrSize). Grey and any chroma subsampling are
// accepted; full range becomes limited range. A frame without Huffman tables,
// as many cameras send them, gets those of ITU-T T.81, Annex K. Truncated data
// gives io.ErrUnexpectedEOF. What cameras send (baseline, even size) is decoded
// without an allocation, other pictures with some.
func DecodeJPEG(dst *media.Picture, data []byte) error {
	if len(data) > 2 && data[0] == 0xff && data[1] == 0xd8 && decodeBaseline(dst, data) == nil {
		return nil
	}
	// The size is looked at first: memory must not follow a header's word.
	cfg, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return jpegError(data, err)
	}
	if cfg.Width != dst.Width || cfg.Height != dst.Height {
		return fmt.Errorf("%w: JPEG %dx%d, picture %dx%d", ErrSize, cfg.Width, cfg.Height, dst.Width, dst.Height)
	}
	var r io.Reader = bytes.NewReader(data)
	if !hasHuffmanTables(data) {
		r = io.MultiReader(bytes.NewReader(data[:2]), bytes.NewReader(annexKTables()), bytes.NewReader(data[2:]))
	}
	img, err := jpeg.Decode(r)
	if err != nil {
		return jpegError(data, err)
	}
	cw, ch := dst.ChromaSize()
	switch m := img.(type) {
	case *image.YCbCr:
		fromYCbCr(dst, m)
	case *image.Gray:
		for y := range dst.Height {
			mapRow(dst.Y[y*dst.YStride:][:dst.Width], m.Pix[y*m.Stride:], &lumaToLimited)
		}
		fillPlane(dst.U, dst.UVStride, cw, ch, 128)
		fillPlane(dst.V, dst.UVStride, cw, ch, 128)
	default:
		// RGB and CMYK, which no camera sends.
		rgba := image.NewRGBA(image.Rect(0, 0, dst.Width, dst.Height))
		draw.Draw(rgba, rgba.Rect, img, img.Bounds().Min, draw.Src)
		fromRGBA(dst, rgba)
	}
	return nil
}

// jpegError says what is wrong with data. The decoder calls a truncated scan a
// format error; here the missing end marker tells.
func jpegError(data []byte, err error) error {
	truncated := !bytes.Contains(data, []byte{0xff, 0xd9})
	if truncated && (len(data) < 2 || data[0] == 0xff && data[1] == 0xd8) {
		return fmt.Errorf("pixel: JPEG frame of %d bytes has no end: %w", len(data), io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("pixel: JPEG frame: %w", err)
}

// fromYCbCr converts range and brings chroma to 4:2:0.
func fromYCbCr(dst *media.Picture, m *image.YCbCr) {
	for y := range dst.Height {
		mapRow(dst.Y[y*dst.YStride:][:dst.Width], m.Y[y*m.YStride:], &lumaToLimited)
	}
	cw, ch := dst.ChromaSize()
	if m.SubsampleRatio == image.YCbCrSubsampleRatio420 {
		for y := range ch {
			o, i := y*dst.UVStride, y*m.CStride
			mapRow(dst.U[o:o+cw], m.Cb[i:], &chromaToLimited)
			mapRow(dst.V[o:o+cw], m.Cr[i:], &chromaToLimited)
		}
		return
	}
	// Mean of the chroma of the (up to) four pixels.
	for y := range ch {
		y0, y1 := 2*y, min(2*y+1, dst.Height-1)
		for x := range cw {
			x0, x1 := 2*x, min(2*x+1, dst.Width-1)
			a, b, c, d := m.COffset(x0, y0), m.COffset(x1, y0), m.COffset(x0, y1), m.COffset(x1, y1)
			o := y*dst.UVStride + x
			dst.U[o] = chromaToLimited[mean4(m.Cb[a], m.Cb[b], m.Cb[c], m.Cb[d])]
			dst.V[o] = chromaToLimited[mean4(m.Cr[a], m.Cr[b], m.Cr[c], m.Cr[d])]
		}
	}
}

func mean4(a, b, c, d byte) byte { return byte((int(a) + int(b) + int(c) + int(d) + 2) >> 2) }

// EncodeJPEG writes p as a JPEG picture of full range and 4:2:0; quality is 1
// to 100. For snapshots: it allocates.
func EncodeJPEG(w io.Writer, p *media.Picture, quality int) error {
	if quality < 1 || quality > 100 {
		return fmt.Errorf("pixel: JPEG quality %d (give 1 to 100)", quality)
	}
	m := image.NewYCbCr(image.Rect(0, 0, p.Width, p.Height), image.YCbCrSubsampleRatio420)
	for y := range p.Height {
		mapRow(m.Y[y*m.YStride:][:p.Width], p.Y[y*p.YStride:], &lumaToFull)
	}
	cw, ch := p.ChromaSize()
	for y := range ch {
		o, i := y*m.CStride, y*p.UVStride
		mapRow(m.Cb[o:o+cw], p.U[i:], &chromaToFull)
		mapRow(m.Cr[o:o+cw], p.V[i:], &chromaToFull)
	}
	if err := jpeg.Encode(w, m, &jpeg.Options{Quality: quality}); err != nil {
		return fmt.Errorf("pixel: write JPEG: %w", err)
	}
	return nil
}
