package enhance

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// readText reads n characters at x, y back from a picture: of each the one whose
// dots are brightest against its border.
func readText(p *media.Picture, x, y, scale, n int) string {
	w, h := (glyphWidth+2)*scale, (glyphHeight+2)*scale
	var shapes [len(glyphs)]*media.Picture
	for g := 1; g < len(glyphs); g++ {
		shapes[g] = media.NewPicture(w, h)
		for i := range shapes[g].Y {
			shapes[g].Y[i] = 126
		}
		DrawText(shapes[g], scale, scale, scale, string(rune(g+' ')))
	}
	var out strings.Builder
	for k := range n {
		best, at := math.Inf(-1), 0
		for g := 1; g < len(glyphs); g++ {
			var on, off, nOn, nOff float64
			for j := range h {
				for i := range w {
					v := float64(p.Y[(y-scale+j)*p.YStride+x-scale+k*advance*scale+i])
					switch shapes[g].Y[j*shapes[g].YStride+i] {
					case 235:
						on, nOn = on+v, nOn+1
					case 16:
						off, nOff = off+v, nOff+1
					}
				}
			}
			// Of two that fit, the one with more dots.
			if score := on/nOn - off/nOff + nOn/float64(10*scale*scale); score > best {
				best, at = score, g
			}
		}
		out.WriteByte(byte(at) + ' ')
	}
	return out.String()
}

func beside(g *[glyphHeight]byte, row, col int) bool {
	for j := max(row-1, 0); j <= min(row+1, glyphHeight-1); j++ {
		for i := max(col-1, 0); i <= min(col+1, glyphWidth-1); i++ {
			if g[j]>>(glyphWidth-1-i)&1 == 1 {
				return true
			}
		}
	}
	return false
}

// Whatever the ground is, text can be read: every dot touches its own border, and
// the contrast between the two (WCAG's ratio, of which 7 is the most that is
// asked for) stays far above, with noise and on the same white or black.
func TestOverlayIsLegible(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 42))
	grounds := map[string]func(x, y int) byte{
		"black": func(int, int) byte { return 16 }, "white": func(int, int) byte { return 235 },
		"grey": func(int, int) byte { return 126 }, "over white": func(int, int) byte { return 255 },
		"board of dots": func(x, y int) byte { return byte(16 + 219*((x>>1+y>>1)&1)) },
		"board of text": func(x, y int) byte { return byte(16 + 219*((x/12+y/14)&1)) },
		"stripes":       func(x, _ int) byte { return byte(16 + 219*(x>>1&1)) },
		"noise":         func(int, int) byte { return byte(rng.Uint32()) },
	}
	const text = "0123456789:-ABCDEFGHKMNRSTWXYZ"
	linear := func(v float64) float64 { return math.Pow(min(max((v-16)/219, 0), 1), 2.2) }
	for name, ground := range grounds {
		for scale := 1; scale <= 4; scale++ {
			p := media.NewPicture(800, 60)
			for y := range p.Height {
				for x := range p.Width {
					p.Y[y*p.YStride+x] = ground(x, y)
				}
			}
			DrawText(p, 8, 10, scale, text)
			addNoise(p, rng, 6)
			if got := readText(p, 8, 10, scale, len(text)); got != text {
				t.Errorf("%s, size %d: reads %q", name, scale, got)
			}
			var on, off, nOn, nOff float64
			for k, c := range []byte(text) {
				g := glyph(c)
				for row := range glyphHeight {
					for col := range glyphWidth {
						v := float64(p.Y[(10+row*scale)*p.YStride+8+k*advance*scale+col*scale])
						if g[row]>>(glyphWidth-1-col)&1 == 1 {
							on, nOn = on+v, nOn+1
						} else if scale == 1 && beside(g, row, col) {
							off, nOff = off+v, nOff+1
						}
					}
				}
			}
			if scale > 1 {
				continue // the border is narrower than a dot
			}
			if ratio := (linear(on/nOn) + 0.05) / (linear(off/nOff) + 0.05); ratio < 15 {
				t.Errorf("%s: contrast %.1f", name, ratio)
			}
		}
	}
}
