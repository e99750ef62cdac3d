package pixel

import (
	"image"
	"image/color"

	"github.com/edgecam/edgecam/engine/media"
)

// Tables between full range (JFIF: luma and chroma 0 to 255) and BT.601 limited
// range (luma 16 to 235, chroma 16 to 240), rounded to nearest.
var lumaToLimited, chromaToLimited, lumaToFull, chromaToFull = rangeTables()

func rangeTables() (yl, cl, yf, cf [256]byte) {
	for i := range 256 {
		yl[i] = byte(16 + (i*219+127)/255)
		cl[i] = byte(128 + divRound((i-128)*224, 255))
		yf[i] = byte(min(max(divRound((i-16)*255, 219), 0), 255))
		cf[i] = byte(min(max(128+divRound((i-128)*255, 224), 0), 255))
	}
	return yl, cl, yf, cf
}

func divRound(n, d int) int {
	if n < 0 {
		return -((-n + d/2) / d)
	}
	return (n + d/2) / d
}

func mapRow(dst, src []byte, table *[256]byte) {
	src = src[:len(dst)]
	for i, v := range src {
		dst[i] = table[v]
	}
}

// fromRGBA converts through JFIF's YCbCr.
func fromRGBA(dst *media.Picture, m *image.RGBA) {
	cw, ch := dst.ChromaSize()
	for y := range dst.Height {
		for x := range dst.Width {
			c := m.RGBAAt(x, y)
			l, _, _ := color.RGBToYCbCr(c.R, c.G, c.B)
			dst.Y[y*dst.YStride+x] = lumaToLimited[l]
		}
	}
	for y := range ch {
		for x := range cw {
			var u, v [4]byte
			for i := range 4 {
				c := m.RGBAAt(min(2*x+i&1, dst.Width-1), min(2*y+i>>1, dst.Height-1))
				_, u[i], v[i] = color.RGBToYCbCr(c.R, c.G, c.B)
			}
			o := y*dst.UVStride + x
			dst.U[o] = chromaToLimited[mean4(u[0], u[1], u[2], u[3])]
			dst.V[o] = chromaToLimited[mean4(v[0], v[1], v[2], v[3])]
		}
	}
}
