package sim

// The still part of the scene: a garden on the left, a porch with a door on
// the right, and paving in front. Units are those of canvas.

const (
	floorTop  = 376 // where the wall meets the floor
	plinthTop = 332
	postLeft  = 204
	postRight = 230
	doorLeft  = 364
	doorRight = 484
	doorTop   = 112
	lampX     = 536
	lampY     = 146
)

// paintBackdrop paints the band of c.
func paintBackdrop(c *canvas) {
	right := c.left + float32(c.w)/c.unit + 1
	paintGarden(c)
	paintWall(c, right)
	paintFloor(c, right)
	paintTrunk(c)
	paintDoor(c)
	paintFittings(c)
	paintPlant(c)
	paintPorch(c, right)
	paintLight(c, right)
}

func paintGarden(c *canvas) {
	top, low := hex(0xB9D3E2), hex(0xF0EFE4)
	c.rect(c.left-1, 0, postRight, 300, func(x, y float32) rgb {
		sky := mix(top, low, smoothstep(10, 250, y))
		cloud := smoothstep(0.52, 0.78, fractal(x/70+3, y/26, 4))
		return mix(sky, hex(0xFBF8F2), cloud*0.75)
	})
	// Two rows of distant trees, paler with distance.
	c.fill(c.left-1, 170, postRight, 300, func(x, y float32) (rgb, float32) {
		edge := 214 + 26*(fractal(x/34+40, 1, 3)-0.5) + 10*(fractal(x/7, y/9, 2)-0.5)
		col := mix(hex(0xA9B9AE), hex(0xB9C6B6), fractal(x/6, y/6, 2))
		return col, smoothstep(edge-1, edge+1, y)
	})
	c.fill(c.left-1, 190, postRight, 330, func(x, y float32) (rgb, float32) {
		edge := 242 + 34*(fractal(x/26+90, 7, 3)-0.5) + 12*(fractal(x/5, y/6, 2)-0.5)
		n := fractal(x/7+11, y/6, 3)
		col := mix(hex(0x6F8A70), hex(0x97AB85), n)
		return col, smoothstep(edge-1, edge+1, y)
	})
	// The hedge: clumps of leaves, lit from above.
	c.fill(c.left-1, 270, postRight, 350, func(x, y float32) (rgb, float32) {
		edge := 283 + 7*(fractal(x/14, 3, 2)-0.5) + 5*(fractal(x/3, y/3, 2)-0.5)
		n := fractal(x/9, y/7, 2)*0.55 + valueNoise(x/2.2, y/2)*0.45
		col := mix(hex(0x41603F), hex(0x86A364), n).scale(1.12 - 0.0045*(y-280))
		return col, smoothstep(edge-0.8, edge+0.8, y)
	})
	c.rect(c.left-1, 336, postRight, 400, func(x, y float32) rgb {
		n := fractal(x/16, y/3, 2)*0.6 + valueNoise(x/1.6, y/2.4)*0.4
		return mix(hex(0x7C9A58), hex(0xA9BF78), n).scale(0.9 + 0.0022*(y-336))
	})
}

func paintWall(c *canvas, right float32) {
	const board = 21
	c.rect(postRight-8, 0, right, plinthTop, func(x, y float32) rgb {
		n := int32(y / board)
		in := y - float32(n)*board
		k := 0.975 + 0.05*hash2(n, 5) + 0.035*(fractal(x/60, y/1.7+float32(n)*31, 2)-0.5)
		switch { // a lit upper edge and the shadow under the overlap
		case in < 1.4:
			k *= 0.80
		case in < 3.2:
			k *= 0.93
		case in > board-1.6:
			k *= 1.03
		}
		return mix(hex(0xE6DFD0), hex(0xDDD2BF), in/board).scale(k)
	})
	const bw, bh = 27, 11
	c.rect(postRight-8, plinthTop, right, floorTop+2, func(x, y float32) rgb {
		row := int32((y - plinthTop) / bh)
		bx := x + float32(row%2)*bw/2 + 1000
		col := int32(bx / bw)
		ix, iy := bx-float32(col)*bw, y-plinthTop-float32(row)*bh
		grain := 0.93 + 0.14*fractal(x/3, y/3, 2)
		if ix < 1.6 || iy < 1.6 {
			return hex(0xC9BEB0).scale(grain)
		}
		b := mix(hex(0xA9705A), hex(0xC08C70), hash2(col, row))
		if iy > bh-1.6 {
			grain *= 0.9
		}
		return b.scale(grain)
	})
	c.rect(postRight-8, plinthTop-5, right, plinthTop+2, func(x, y float32) rgb {
		return hex(0xD8D0C2).scale(1.05 - 0.03*(y-plinthTop+5))
	})
}

// paintFloor lays slabs in perspective.
func paintFloor(c *canvas, right float32) {
	const vanishX, vanishY = 330, 232
	c.rect(c.left-1, floorTop, right, 481, func(x, y float32) rgb {
		depth := 1000 / (y - vanishY) // large is far
		across := (x - vanishX) * depth / 62
		row := int32(depth * 2.3)
		in := depth*2.3 - float32(row)
		cross := across/1.15 + float32(row)*0.37 + 100
		col := int32(cross)
		ix := cross - float32(col)
		k := 0.94 + 0.1*hash2(col, row) + 0.10*(fractal(across*9, depth*22, 3)-0.5)
		base := mix(hex(0xBDB3A5), hex(0xC9BFB2), hash2(col+7, row))
		joint := max(smoothstep(0.035, 0, min(ix, 1-ix)), smoothstep(0.05, 0.01, min(in, 1-in)))
		return mix(base.scale(k), hex(0x9A9082), joint*0.75)
	})
	// The lawn's edge runs over the paving, left of the porch.
	c.fill(c.left-1, floorTop-4, postRight-10, 404, func(x, y float32) (rgb, float32) {
		edge := 392 + 5*(fractal(x/5, 2, 3)-0.5) + (postLeft-x)*0.02
		n := valueNoise(x/1.6, y/2.4)
		return mix(hex(0x77945A), hex(0x9DB574), n), smoothstep(edge+0.7, edge-0.7, y)
	})
	// Doorstep: top and front face.
	c.rect(doorLeft-30, floorTop-4, doorRight+30, floorTop+10, func(x, y float32) rgb {
		return hex(0xD9D2C6).scale(0.97 + 0.08*(fractal(x/5, y/2, 2)-0.5))
	})
	c.rect(doorLeft-30, floorTop+10, doorRight+30, floorTop+19, func(x, y float32) rgb {
		return hex(0xA79D90).scale(0.98 + 0.1*(fractal(x/4, y/3, 2)-0.5) - 0.012*(y-floorTop-10))
	})
	// Doormat.
	c.fill(doorLeft-14, 402, doorRight+14, 420, func(x, y float32) (rgb, float32) {
		slope := (y - 402) * 0.55
		cov := c.cover(doorLeft-4-slope, doorRight+4+slope, x) * c.cover(402, 420, y)
		border := min(x-(doorLeft-4-slope), doorRight+4+slope-x, (y-402)*2, (420-y)*2)
		col := mix(hex(0x6E5A48), hex(0x86705A), valueNoise(x/1.3, y*1.5))
		if border > 5 && border < 8 {
			col = col.scale(0.78)
		}
		return col, cov
	})
}

// paintPorch paints what stands in front of the wall: post and beam.
func paintPorch(c *canvas, right float32) {
	c.light(postRight, 56, right, 120, rgb{0.66, 0.67, 0.72}, func(_, y float32) float32 {
		return smoothstep(118, 58, y)
	})
	white := hex(0xEFEBE2)
	c.rect(postLeft-16, 0, right, 60, func(x, y float32) rgb {
		k := float32(0.96)
		switch {
		case y > 54:
			k = 0.78
		case y > 50:
			k = 1.02
		case y > 34 && y < 36:
			k = 0.86
		}
		return white.scale(k + 0.02*(fractal(x/40, y/2, 2)-0.5))
	})
	post := func(x0, x1 float32) func(x, y float32) rgb {
		return func(x, y float32) rgb {
			t := (x - x0) / (x1 - x0)
			k := 1.0 - 0.26*t*t - 0.06*smoothstep(0.12, 0, t)
			return white.scale(k + 0.03*(fractal(x/2, y/30, 2)-0.5))
		}
	}
	c.rect(postLeft, 58, postRight, floorTop+16, post(postLeft, postRight))
	c.rect(postLeft-5, 58, postRight+5, 68, post(postLeft-5, postRight+5))
	c.rect(postLeft-5, floorTop, postRight+5, floorTop+18, post(postLeft-5, postRight+5))
	c.light(postLeft-5, 68, postRight+5, 76, rgb{0.75, 0.75, 0.78}, func(_, y float32) float32 { return smoothstep(76, 68, y) })
}

// paintLight lays light and shadow over everything.
func paintLight(c *canvas, right float32) {
	// The post's shadow falls on the wall; the sun stands on the left.
	c.light(postRight, 60, 330, floorTop, rgb{0.80, 0.82, 0.88}, func(x, y float32) float32 {
		centre := 262 + (y-60)*0.085
		return smoothstep(19, 11, abs32(x-centre))
	})
	c.light(postRight, 320, right, floorTop+14, rgb{0.80, 0.79, 0.80}, func(x, y float32) float32 {
		if y < floorTop {
			return 0.5 * smoothstep(340, floorTop, y)
		}
		return smoothstep(floorTop+14, floorTop, y) * smoothstep(postRight, postRight+12, x)
	})
	c.light(c.left-1, floorTop, right, 481, rgb{0.86, 0.85, 0.86}, func(_, y float32) float32 { return smoothstep(400, 480, y) })
	c.light(postRight, 56, right, floorTop, rgb{0.87, 0.87, 0.91}, func(x, _ float32) float32 { return smoothstep(300, 660, x) })
	// The lantern's warm glow.
	c.light(lampX-120, 40, lampX+120, lampY+170, rgb{1.30, 1.17, 0.96}, func(x, y float32) float32 {
		dx, dy := (x-lampX)/110, (y-lampY-12)/130
		return smoothstep(1, 0, dx*dx+dy*dy)
	})
}
