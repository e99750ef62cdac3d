package enhance

import (
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// OverlayConfig sets what is written into the picture.
type OverlayConfig struct {
	// Label is written as it is, up to MaxLabel characters (A to Z, digits and
	// common signs; small letters become capitals).
	Label string
	// Time adds the time of capture; Location is its zone, UTC if nil.
	Time     bool
	Location *time.Location
	// Bottom puts the text at the lower edge instead of the upper.
	Bottom bool
}

// MaxLabel is the longest label, in characters.
const MaxLabel = 48

func (o OverlayConfig) off() bool { return o.Label == "" && !o.Time }

// overlay writes text into pictures.
type overlay struct {
	cfg  OverlayConfig
	text []byte
}

func newOverlay(cfg OverlayConfig) *overlay {
	if cfg.Location == nil {
		cfg.Location = time.UTC
	}
	return &overlay{cfg: cfg, text: make([]byte, 0, 4*MaxLabel+32)}
}

func (o *overlay) process(p *media.Picture) {
	o.text = append(o.text[:0], o.cfg.Label...)
	if o.cfg.Time && !p.CapturedAt.IsZero() {
		if len(o.text) > 0 {
			o.text = append(o.text, ' ', ' ')
		}
		o.text = p.CapturedAt.In(o.cfg.Location).AppendFormat(o.text, "2006-01-02 15:04:05")
	}
	scale := max(min(p.Height/240, 6), 1)
	for scale > 1 && TextWidth(len(o.text), scale) > p.Width-8 {
		scale--
	}
	y := 4 * scale
	if o.cfg.Bottom {
		y = p.Height - (glyphHeight+4)*scale
	}
	drawText(p, 4*scale, y, scale, o.text)
}

const (
	glyphWidth, glyphHeight = 5, 7
	advance                 = glyphWidth + 1
)

// TextWidth returns the width, in luma samples, of n characters.
func TextWidth(n, scale int) int { return (n*advance + 1) * scale }

// DrawText writes ASCII text at x, y (the upper left corner), white with a
// black border, so that it can be read on any ground. A character is 5 by 7
// dots of scale by scale samples. What is outside the picture is left out.
func DrawText(p *media.Picture, x, y, scale int, text string) {
	drawText(p, x, y, scale, text)
}

func drawText[T string | []byte](p *media.Picture, x, y, scale int, text T) {
	// The border first: the next character's must not cover this one.
	for pass := range 2 {
		at := x
		for i := range len(text) {
			if text[i]&0xc0 == 0x80 {
				continue // the rest of a character beyond ASCII
			}
			g := glyph(text[i])
			for row := range glyphHeight {
				for col := range glyphWidth {
					if g[row]>>(glyphWidth-1-col)&1 == 0 {
						continue
					}
					dx, dy := at+col*scale, y+row*scale
					if pass == 0 {
						border := (scale + 1) / 2
						box(p, dx-border, dy-border, scale+2*border, 16)
					} else {
						box(p, dx, dy, scale, 235)
					}
				}
			}
			at += advance * scale
		}
	}
}

// box fills a square of luma, without colour, as far as it is in the picture.
func box(p *media.Picture, x, y, side int, luma byte) {
	x0, y0 := max(x, 0), max(y, 0)
	x1, y1 := min(x+side, p.Width), min(y+side, p.Height)
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			p.Y[y*p.YStride+x] = luma
			p.U[y/2*p.UVStride+x/2], p.V[y/2*p.UVStride+x/2] = 128, 128
		}
	}
}
