package sim

import "math"

// rgb is a colour with components of 0 to 1 (gamma-encoded, as mixed by eye).
type rgb [3]float32

func hex(v uint32) rgb {
	return rgb{float32(v>>16&255) / 255, float32(v>>8&255) / 255, float32(v&255) / 255}
}

func (c rgb) scale(k float32) rgb { return rgb{c[0] * k, c[1] * k, c[2] * k} }

func mix(a, b rgb, t float32) rgb {
	return rgb{a[0] + (b[0]-a[0])*t, a[1] + (b[1]-a[1])*t, a[2] + (b[2]-a[2])*t}
}

// yuv converts to BT.601 limited range.
func (c rgb) yuv() (y, u, v float32) {
	r, g, b := clamp01(c[0]), clamp01(c[1]), clamp01(c[2])
	y = 16 + 65.481*r + 128.553*g + 24.966*b
	u = 128 - 37.797*r - 74.203*g + 112*b
	v = 128 + 112*r - 93.786*g - 18.214*b
	return y, u, v
}

func clamp01(x float32) float32 { return min(max(x, 0), 1) }

func smoothstep(a, b, x float32) float32 {
	t := clamp01((x - a) / (b - a))
	return t * t * (3 - 2*t)
}

// canvas is a band of rows that a still picture is painted in, so that the
// memory for painting stays small. Coordinates of shapes are units: the
// picture is 480 units high, and x counts from the left edge of a 4:3 picture
// centred in the real one.
type canvas struct {
	pix      []rgb
	w        int     // pixels
	y0, rows int     // the band, in pixels
	unit     float32 // pixels per unit
	left     float32 // units at the left edge, 0 for 4:3
	mask     bool    // paint white whatever the colour: gives coverage
}

// fill paints the pixels inside the box with what shade returns: a colour and
// how much of it covers the pixel, 0 to 1.
func (c *canvas) fill(x0, y0, x1, y1 float32, shade func(x, y float32) (rgb, float32)) {
	px0 := max(int((x0-c.left)*c.unit)-1, 0)
	px1 := min(int((x1-c.left)*c.unit)+2, c.w)
	py0 := max(int(y0*c.unit)-1, c.y0)
	py1 := min(int(y1*c.unit)+2, c.y0+c.rows)
	for py := py0; py < py1; py++ {
		y := (float32(py) + 0.5) / c.unit
		row := c.pix[(py-c.y0)*c.w:][:c.w]
		for px := px0; px < px1; px++ {
			col, a := shade((float32(px)+0.5)/c.unit+c.left, y)
			if c.mask {
				col = rgb{1, 1, 1}
			}
			if a > 0 {
				row[px] = mix(row[px], col, min(a, 1))
			}
		}
	}
}

// rect paints a rectangle with soft pixel edges.
func (c *canvas) rect(x0, y0, x1, y1 float32, colour func(x, y float32) rgb) {
	c.fill(x0, y0, x1, y1, func(x, y float32) (rgb, float32) {
		cov := c.cover(x0, x1, x) * c.cover(y0, y1, y)
		if cov <= 0 {
			return rgb{}, 0
		}
		return colour(x, y), cov
	})
}

// round paints a rectangle with round corners of radius r; half a side makes
// a disc of it.
func (c *canvas) round(x0, y0, x1, y1, r float32, colour func(x, y float32) rgb) {
	cx, cy, hx, hy := (x0+x1)/2, (y0+y1)/2, (x1-x0)/2-r, (y1-y0)/2-r
	c.fill(x0, y0, x1, y1, func(x, y float32) (rgb, float32) {
		dx, dy := max(abs32(x-cx)-hx, 0), max(abs32(y-cy)-hy, 0)
		cov := clamp01((r-float32(math.Sqrt(float64(dx*dx+dy*dy))))*c.unit + 0.5)
		if cov <= 0 {
			return rgb{}, 0
		}
		return colour(x, y), cov
	})
}

// light multiplies what is there by k where weight says so, 0 to 1.
func (c *canvas) light(x0, y0, x1, y1 float32, k rgb, weight func(x, y float32) float32) {
	px0 := max(int((x0-c.left)*c.unit), 0)
	px1 := min(int((x1-c.left)*c.unit)+1, c.w)
	py0 := max(int(y0*c.unit), c.y0)
	py1 := min(int(y1*c.unit)+1, c.y0+c.rows)
	for py := py0; py < py1; py++ {
		y := (float32(py) + 0.5) / c.unit
		row := c.pix[(py-c.y0)*c.w:][:c.w]
		for px := px0; px < px1; px++ {
			w := weight((float32(px)+0.5)/c.unit+c.left, y)
			if w == 0 {
				continue
			}
			p := &row[px]
			for i := range p {
				p[i] *= 1 + (k[i]-1)*w
			}
		}
	}
}

func (c *canvas) cover(a, b, x float32) float32 {
	return clamp01(min(x-a, b-x)*c.unit + 0.5)
}

func abs32(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// hash2 gives a reproducible value of 0 to 1 for a lattice point.
func hash2(x, y int32) float32 {
	h := uint32(x)*0x9E3779B1 ^ uint32(y)*0x85EBCA77
	h ^= h >> 15
	h *= 0x2C1B3C6D
	h ^= h >> 12
	h *= 0x297A2D39
	h ^= h >> 15
	return float32(h>>8) / (1 << 24)
}

// valueNoise is smooth noise of 0 to 1 with features of about one unit.
func valueNoise(x, y float32) float32 {
	fx, fy := float32(math.Floor(float64(x))), float32(math.Floor(float64(y)))
	ix, iy := int32(fx), int32(fy)
	tx, ty := x-fx, y-fy
	tx, ty = tx*tx*(3-2*tx), ty*ty*(3-2*ty)
	a, b := hash2(ix, iy), hash2(ix+1, iy)
	d, e := hash2(ix, iy+1), hash2(ix+1, iy+1)
	return (a+(b-a)*tx)*(1-ty) + (d+(e-d)*tx)*ty
}

// fractal sums octaves of noise; mean 0.5.
func fractal(x, y float32, octaves int) float32 {
	sum, amp, norm := float32(0), float32(1), float32(0)
	for range octaves {
		sum += valueNoise(x, y) * amp
		norm += amp
		amp /= 2
		x, y = x*2+17.3, y*2+9.1
	}
	return sum / norm
}
