package sim

import (
	"math"
	"strings"
)

// The font of the clock and the house number: 5x7 cells, drawn smoothly at any
// scale by interpolating between cells.
const (
	glyphWidth   = 5
	glyphHeight  = 7
	glyphAdvance = 6
	glyphChars   = "0123456789-:. "
)

// glyphRows holds the rows of each character of glyphChars, top first; bit 4
// is the leftmost cell.
var glyphRows = [len(glyphChars)][glyphHeight]byte{
	{0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110},
	{0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110},
	{0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111},
	{0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110},
	{0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010},
	{0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110},
	{0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110},
	{0b11111, 0b00001, 0b00010, 0b00100, 0b00100, 0b01000, 0b01000},
	{0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110},
	{0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100},
	{0b00000, 0b00000, 0b00000, 0b01110, 0b00000, 0b00000, 0b00000},
	{0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000},
	{0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100},
	{},
}

// glyphCover returns how much of the point (x, y), in cells from the top left
// corner, the glyph covers, 0 to 1. soft is the width of its edge in cells.
func glyphCover(glyph int, x, y, soft float32) float32 {
	cell := func(cx, cy int) float32 {
		if cx < 0 || cy < 0 || cx >= glyphWidth || cy >= glyphHeight {
			return 0
		}
		return float32(glyphRows[glyph][cy] >> (glyphWidth - 1 - cx) & 1)
	}
	x, y = x-0.5, y-0.5
	fx, fy := float32(math.Floor(float64(x))), float32(math.Floor(float64(y)))
	ix, iy, tx, ty := int(fx), int(fy), x-fx, y-fy
	v := (cell(ix, iy)*(1-tx)+cell(ix+1, iy)*tx)*(1-ty) + (cell(ix, iy+1)*(1-tx)+cell(ix+1, iy+1)*tx)*ty
	return smoothstep(0.45-soft, 0.45+soft, v)
}

// paintText paints text with its top left corner at (x0, y0); size is units
// per cell.
func paintText(c *canvas, text string, x0, y0, size float32, col rgb) {
	for i := range len(text) {
		g := strings.IndexByte(glyphChars, text[i])
		if g < 0 {
			continue
		}
		gx := x0 + float32(i*glyphAdvance)*size*0.95
		c.fill(gx-size, y0-size, gx+6*size, y0+8*size, func(x, y float32) (rgb, float32) {
			return col, glyphCover(g, (x-gx)/size, (y-y0)/size, 0.3)
		})
	}
}

// clockLayout is "2006-01-02 15:04:05.000", 23 characters.
const clockLayout = "2006-01-02 15:04:05.000"

// clockFace holds the clock's glyphs as coverage maps (0 to 255) for one size
// of picture, and where the clock stands, in pixels.
type clockFace struct {
	x, y, advance, w, h int
	glyphs              [len(glyphChars)][]byte
	text                [len(clockLayout) + 8]byte
}

// newClockFace returns nil if the picture is too small for a legible clock.
func newClockFace(width, height int) *clockFace {
	unit := float32(height) / 480
	size := 2 * unit // pixels per cell
	c := &clockFace{
		x: int(18 * unit), y: int(455 * unit),
		advance: int(glyphAdvance*size + 0.5), w: int(glyphWidth*size + 1.5), h: int(glyphHeight*size + 1.5),
	}
	if size < 1 || c.x*2+len(clockLayout)*c.advance > width || c.y+c.h > height {
		return nil
	}
	for g := range c.glyphs {
		m := make([]byte, c.w*c.h)
		for y := range c.h {
			for x := range c.w {
				m[y*c.w+x] = byte(255 * glyphCover(g, (float32(x)+0.5)/size, (float32(y)+0.5)/size, 0.22))
			}
		}
		c.glyphs[g] = m
	}
	return c
}

// plate returns the box behind the clock, in pixels.
func (c *clockFace) plate() (x0, y0, x1, y1 int) {
	pad := c.h / 2
	return c.x - pad, c.y - pad*2/3, c.x + len(clockLayout)*c.advance + pad - (c.advance - c.w), c.y + c.h + pad*2/3
}

// draw writes text onto luma.
func (c *clockFace) draw(luma []byte, pixelStep, strideBytes int, text []byte) {
	const ink = 222
	for i, ch := range text {
		g := strings.IndexByte(glyphChars, ch)
		if g < 0 {
			continue
		}
		m := c.glyphs[g]
		for y := range c.h {
			o := (c.y+y)*strideBytes + (c.x+i*c.advance)*pixelStep
			for _, a := range m[y*c.w:][:c.w] {
				if a != 0 {
					v := int(luma[o])
					luma[o] = byte(v + (ink-v)*int(a)/255)
				}
				o += pixelStep
			}
		}
	}
}
