package sim

import "math"

// paintPlant paints a pot with a round bush, right of the door.
func paintPlant(c *canvas) {
	const x, top = 596, 318
	c.light(x-60, 380, x+70, 412, rgb{0.66, 0.65, 0.68}, func(px, py float32) float32 {
		dx, dy := (px-x-8)/52, (py-394)/13
		return smoothstep(1, 0.2, dx*dx+dy*dy)
	})
	terracotta := func(px, _ float32) rgb {
		t := (px - x) / 34
		return mix(hex(0xC98A66), hex(0x8E5A43), smoothstep(-0.7, 1, t)).scale(1 - 0.1*smoothstep(-0.7, -1, t))
	}
	c.fill(x-32, top+12, x+32, 396, func(px, py float32) (rgb, float32) {
		half := 30 - (py-top-12)*0.14
		bottom := 394 - (px-x)*(px-x)*0.004
		return terracotta(px, py), c.cover(x-half, x+half, px) * c.cover(top, bottom, py)
	})
	c.round(x-34, top, x+34, top+15, 2.5, terracotta)
	c.light(x-34, top+14, x+34, top+22, rgb{0.7, 0.7, 0.72}, func(_, y float32) float32 { return smoothstep(top+22, top+14, y) })
	paintLeaves(c, x, 274, 46, 52, 620)
}

// paintLeaves fills an ellipse with small leaves, dark ones first.
func paintLeaves(c *canvas, cx, cy, rx, ry float32, n int32) {
	for i := range n {
		a := float64(hash2(i, 101)) * 2 * math.Pi
		r := float32(math.Sqrt(float64(hash2(i, 102))))
		if i < n/4 {
			r *= 0.85
		}
		x, y := cx+rx*r*float32(math.Cos(a)), cy+ry*r*float32(math.Sin(a))
		paintLeaf(c, x, y, i, n, (y-cy)/ry, (x-cx)/rx)
	}
}

// paintLeaf paints the i-th of n leaves; v and h say where it sits in the
// crown, -1 (top, left) to 1: light comes from above and the left.
func paintLeaf(c *canvas, x, y float32, i, n int32, v, h float32) {
	angle := float64(hash2(i, 103)) * math.Pi
	ca, sa := float32(math.Cos(angle)), float32(math.Sin(angle))
	long := 4.5 + 4*hash2(i, 104)
	layer := float32(i) / float32(n)
	col := mix(hex(0x3F5C3B), hex(0x8CAA63), clamp01(0.15+0.62*layer-0.28*v-0.16*h+0.3*(hash2(i, 105)-0.5)))
	c.fill(x-long, y-long, x+long, y+long, func(px, py float32) (rgb, float32) {
		dx, dy := px-x, py-y
		l, w := (dx*ca+dy*sa)/long, (dy*ca-dx*sa)/(long*0.42)
		d := l*l + w*w
		if d > 1.4 {
			return rgb{}, 0
		}
		return col.scale(1.05 - 0.12*abs32(w)), clamp01((1-d)*long*0.4*c.unit + 0.5)
	})
}
