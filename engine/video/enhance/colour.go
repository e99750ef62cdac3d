package enhance

import "github.com/edgecam/edgecam/engine/media"

// ColourConfig sets the colour step.
type ColourConfig struct {
	// WhiteBalance takes out a colour cast that near-grey surfaces show, for
	// cameras that do not do it themselves.
	WhiteBalance Mode
	// LowLight takes saturation back in the dark, where colour is mostly noise.
	LowLight Mode
	// Monochrome drops colour: Auto at night (see [Chain.SetNight]).
	Monochrome Mode
	// Saturation is a factor in hundredths, 0 to 200; 0 means 100.
	Saturation int
	// Vividness makes weak colours stronger, in hundredths, 0 to 100, but not
	// those that skin has.
	Vividness int
}

func (c ColourConfig) off() bool {
	return c.WhiteBalance == Off && c.LowLight == Off && c.Monochrome == Off && c.Vividness == 0 && (c.Saturation == 0 || c.Saturation == 100)
}

// colour balances and scales chroma.
type colour struct {
	cfg     ColourConfig
	castU   float32 // what is taken for the light's colour
	castV   float32
	learned int
	gainQ12 []int16
	vivid   *vivid // nil: none
}

const (
	// Chroma within greyReach of neutral may be grey; a picture with less than
	// greyLeast of it says nothing of the light.
	greyReach = 24
	greyLeast = 0.08
	// castMost is the largest cast that is believed, castLeast the smallest
	// that is taken out.
	castMost  = 14
	castLeast = 1.5
)

func newColour(cfg ColourConfig, width int) *colour {
	c := &colour{cfg: cfg, gainQ12: make([]int16, (width+1)/2)}
	if cfg.Vividness > 0 {
		c.vivid = newVivid(cfg.Vividness)
	}
	return c
}

// process changes p's chroma in place and reports whether it did.
func (c *colour) process(p *media.Picture, mean float32, night bool, hidden []bool) bool {
	cw, ch := p.ChromaSize()
	if night && c.cfg.Monochrome == Auto {
		for y := range ch {
			fill(p.U[y*p.UVStride:y*p.UVStride+cw], 128)
			fill(p.V[y*p.UVStride:y*p.UVStride+cw], 128)
		}
		return true
	}
	gain := float32(1)
	if c.cfg.Saturation > 0 {
		gain = float32(c.cfg.Saturation) / 100
	}
	if c.cfg.LowLight == Auto {
		gain *= 0.6 + 0.4*ramp(mean, 24, 48)
	}
	u, v := 0, 0
	if c.cfg.WhiteBalance == Auto {
		c.learn(p, hidden)
		if c.castU*c.castU+c.castV*c.castV > castLeast*castLeast {
			u, v = round(c.castU*0.8), round(c.castV*0.8)
		}
	}
	changed := c.scale(p, gain, u, v)
	// In the dark colours are mostly noise.
	if part := int32(256 * ramp(mean, 24, 48)); c.vivid != nil && part > 0 {
		c.vivid.apply(p, part)
		changed = true
	}
	return changed
}

// scale takes a cast out and scales what is left.
func (c *colour) scale(p *media.Picture, gain float32, u, v int) bool {
	cw, ch := p.ChromaSize()
	q := int16(gain*4096 + 0.5)
	if q > 4055 && q < 4137 && u == 0 && v == 0 {
		return false
	}
	row := c.gainQ12[:cw]
	for i := range row {
		row[i] = q
	}
	for y := range ch {
		scaleRow(p.U[y*p.UVStride:y*p.UVStride+cw], row, 128+u, 128)
		scaleRow(p.V[y*p.UVStride:y*p.UVStride+cw], row, 128+v, 128)
	}
	return true
}

func fill(row []byte, v byte) {
	for i := range row {
		row[i] = v
	}
}

func round(v float32) int {
	if v < 0 {
		return int(v - 0.5)
	}
	return int(v + 0.5)
}

// learn looks at what may be grey. The light's colour is remembered while
// nothing grey is in sight, and changes slowly.
func (c *colour) learn(p *media.Picture, hidden []bool) {
	cw, ch := p.ChromaSize()
	across := (p.Width + cellSide - 1) / cellSide
	sumU, sumV, n, all := 0, 0, 0, 0
	for y := 1; y < ch; y += 4 {
		for x := 1; x < cw; x += 4 {
			if hidden != nil && hidden[2*y/cellSide*across+2*x/cellSide] {
				continue
			}
			all++
			luma := p.Y[min(2*y, p.Height-1)*p.YStride+min(2*x, p.Width-1)]
			u, v := int(p.U[y*p.UVStride+x])-128, int(p.V[y*p.UVStride+x])-128
			du, dv := u-round(c.castU), v-round(c.castV)
			if luma < 50 || luma > 220 || du > greyReach || du < -greyReach || dv > greyReach || dv < -greyReach {
				continue
			}
			sumU += u
			sumV += v
			n++
		}
	}
	if n == 0 || float32(n) < greyLeast*float32(all) {
		return
	}
	u, v := float32(sumU)/float32(n), float32(sumV)/float32(n)
	// Light is bluish or reddish (U against V); green or magenta is a wall.
	if u*u+v*v > castMost*castMost || u*v > 16 {
		return
	}
	c.learned++
	rate := max(1/float32(c.learned), 1.0/128)
	c.castU += (u - c.castU) * rate
	c.castV += (v - c.castV) * rate
}
