package pixel

import "github.com/edgecam/edgecam/engine/media"

// pairRows makes the chroma of 4:2:2 with u and v side by side: the rounded mean
// of two rows.
func pairRows(dst *media.Picture, u, v, d []byte, stride int) {
	cw, ch := dst.ChromaSize()
	for y := range ch {
		r0 := d[2*y*stride:][:2*cw]
		r1 := r0
		if 2*y+1 < dst.Height {
			r1 = d[(2*y+1)*stride:][:2*cw]
		}
		o := y * dst.UVStride
		ru, rv := u[o:o+cw], v[o:o+cw]
		for i := range ru {
			ru[i] = byte((uint(r0[2*i]) + uint(r1[2*i]) + 1) >> 1)
			rv[i] = byte((uint(r0[2*i+1]) + uint(r1[2*i+1]) + 1) >> 1)
		}
	}
}

// meanRows makes a chroma plane of 4:2:2.
func meanRows(dst *media.Picture, plane, d []byte, stride int) {
	cw, ch := dst.ChromaSize()
	for y := range ch {
		r0 := d[2*y*stride:][:cw]
		r1 := r0
		if 2*y+1 < dst.Height {
			r1 = d[(2*y+1)*stride:][:cw]
		}
		for i := range cw {
			plane[y*dst.UVStride+i] = byte((uint(r0[i]) + uint(r1[i]) + 1) >> 1)
		}
	}
}

// greyShift is what grey samples of more than 8 bits have too many.
func greyShift(f media.PixelFormat) uint {
	switch f {
	case media.FormatY10:
		return 2
	case media.FormatY12:
		return 4
	}
	return 8
}

func deepGrey(dst *media.Picture, d []byte, stride int, shift uint) {
	for y := range dst.Height {
		row, out := d[y*stride:][:2*dst.Width], dst.Y[y*dst.YStride:][:dst.Width]
		for x := range out {
			out[x] = lumaToLimited[byte((uint(row[2*x])|uint(row[2*x+1])<<8)>>shift)]
		}
	}
}

// ITU-R BT.601 section 2.5.1 and 2.5.3, from full-range red, green and blue to
// limited-range luma and chroma, in Q16.
const (
	yRed, yGreen, yBlue = 16829, 33039, 6416
	uRed, uGreen        = -9714, -19070
	vGreen, vBlue       = -24103, -4681
	uBlue, vRed         = 28784, 28784
	yOffset, uvOffset   = 16<<16 + 1<<15, 128<<18 + 1<<17 // chroma is of four pixels
)

// order says where the colours of a pixel are; step is the bytes of a pixel.
type order struct{ step, red, green, blue int }

func orderOf(f media.PixelFormat) order {
	switch f {
	case media.FormatRGB24:
		return order{3, 0, 1, 2}
	case media.FormatBGR24:
		return order{3, 2, 1, 0}
	case media.FormatRGBX32:
		return order{4, 0, 1, 2}
	case media.FormatBGRX32:
		return order{4, 2, 1, 0}
	case media.FormatXRGB32:
		return order{4, 1, 2, 3}
	default: // media.FormatXBGR32
		return order{4, 3, 2, 1}
	}
}

// fromRGB converts red, green and blue. With odd sizes the last column or row
// counts twice for its chroma.
func fromRGB(dst *media.Picture, d []byte, stride int, format media.PixelFormat) {
	w, h := dst.Width, dst.Height
	o := orderOf(format)
	if format == media.FormatRGB565 {
		o.step = 2
	}
	for y := 0; y < h; y += 2 {
		r0, y0 := d[y*stride:][:w*o.step], dst.Y[y*dst.YStride:][:w]
		r1, y1 := r0, y0
		if y+1 < h {
			r1, y1 = d[(y+1)*stride:][:w*o.step], dst.Y[(y+1)*dst.YStride:][:w]
		}
		c := y / 2 * dst.UVStride
		cw := (w + 1) / 2
		if format == media.FormatRGB565 {
			colourRows565(y0, y1, dst.U[c:c+cw], dst.V[c:c+cw], r0, r1)
		} else {
			colourRows(y0, y1, dst.U[c:c+cw], dst.V[c:c+cw], r0, r1, o)
		}
	}
}

func colourRows(y0, y1, u, v, r0, r1 []byte, o order) {
	for i := range u {
		a := 2 * i
		b := min(a+1, len(y0)-1)
		p, q := r0[a*o.step:][:o.step], r0[b*o.step:][:o.step]
		s, t := r1[a*o.step:][:o.step], r1[b*o.step:][:o.step]
		y0[a], y0[b] = lumaOf(p[o.red], p[o.green], p[o.blue]), lumaOf(q[o.red], q[o.green], q[o.blue])
		y1[a], y1[b] = lumaOf(s[o.red], s[o.green], s[o.blue]), lumaOf(t[o.red], t[o.green], t[o.blue])
		u[i], v[i] = chromaOf(
			int32(p[o.red])+int32(q[o.red])+int32(s[o.red])+int32(t[o.red]),
			int32(p[o.green])+int32(q[o.green])+int32(s[o.green])+int32(t[o.green]),
			int32(p[o.blue])+int32(q[o.blue])+int32(s[o.blue])+int32(t[o.blue]))
	}
}

func colourRows565(y0, y1, u, v, r0, r1 []byte) {
	for i := range u {
		a := 2 * i
		b := min(a+1, len(y0)-1)
		var red, green, blue int32
		for k, row := range [2][]byte{r0, r1} {
			for _, x := range [2]int{a, b} {
				r, g, bl := spread565(row[2*x], row[2*x+1])
				if k == 0 {
					y0[x] = lumaOf(r, g, bl)
				} else {
					y1[x] = lumaOf(r, g, bl)
				}
				red, green, blue = red+int32(r), green+int32(g), blue+int32(bl)
			}
		}
		u[i], v[i] = chromaOf(red, green, blue)
	}
}

// spread565 widens 5, 6 and 5 bits to 8, so that the greatest value stays it.
func spread565(low, high byte) (r, g, b byte) {
	v := uint(low) | uint(high)<<8
	r5, g6, b5 := v>>11, v>>5&63, v&31
	return byte(r5<<3 | r5>>2), byte(g6<<2 | g6>>4), byte(b5<<3 | b5>>2)
}

func lumaOf(r, g, b byte) byte {
	return byte((yRed*int32(r) + yGreen*int32(g) + yBlue*int32(b) + yOffset) >> 16)
}

// chromaOf takes the sums of four pixels.
func chromaOf(r, g, b int32) (u, v byte) {
	return byte((uRed*r + uGreen*g + uBlue*b + uvOffset) >> 18), byte((vRed*r + vGreen*g + vBlue*b + uvOffset) >> 18)
}
