package sim

import "math"

func paintDoor(c *canvas) {
	white := hex(0xEDE9DF)
	c.light(doorLeft-22, doorTop-22, doorRight+28, floorTop, rgb{0.8, 0.8, 0.82}, func(x, y float32) float32 {
		return smoothstep(doorRight+26, doorRight+13, x) * smoothstep(doorTop-20, doorTop-8, y) * smoothstep(doorLeft-20, doorLeft, x)
	})
	c.rect(doorLeft-13, doorTop-14, doorRight+13, floorTop, func(x, y float32) rgb {
		k := float32(1)
		switch e := min(x-(doorLeft-13), doorRight+13-x, y-(doorTop-14)); {
		case e < 1.5:
			k = 1.04
		case e > 9.5:
			k = 0.84
		}
		return white.scale(k - 0.08*smoothstep(doorLeft, doorRight, x))
	})
	c.rect(doorLeft-17, doorTop-20, doorRight+17, doorTop-12, func(_, y float32) rgb {
		return white.scale(1.03 - 0.022*(y-doorTop+20))
	})
	sage := func(x, y float32) rgb {
		k := 0.97 + 0.03*(fractal(x/1.2, y/40, 2)-0.5) + 0.05*smoothstep(doorRight, doorLeft, x)
		return hex(0x6F8C7C).scale(k)
	}
	c.rect(doorLeft, doorTop, doorRight, floorTop-2, sage)
	c.light(doorLeft, doorTop, doorRight, floorTop, rgb{0.7, 0.7, 0.72}, func(x, y float32) float32 {
		return max(smoothstep(doorTop+6, doorTop, y), smoothstep(doorLeft+5, doorLeft, x)*0.8)
	})
	for i := range 2 {
		x := float32(doorLeft + 16 + i*49)
		for j := range 2 {
			paintPane(c, x, float32(doorTop+16+j*48), 39, 40)
		}
		paintPanel(c, x, doorTop+144, 39, 98, sage)
	}
	// Letter slot and handle in brushed brass.
	brass := func(x, y float32) rgb {
		return mix(hex(0xB9975B), hex(0xE6CE96), 0.5+0.5*float32(math.Sin(float64(y)*0.5+float64(x)*0.04))*0.6)
	}
	c.round(doorLeft+36, doorTop+120, doorLeft+84, doorTop+131, 2, brass)
	c.rect(doorLeft+40, doorTop+124.5, doorLeft+80, doorTop+126.5, func(_, _ float32) rgb { return hex(0x5B4A30) })
	c.round(doorRight-12, doorTop+124, doorRight-5, doorTop+160, 3, brass)
	c.light(doorRight-26, doorTop+142, doorRight-8, doorTop+150, rgb{0.72, 0.72, 0.72}, func(x, y float32) float32 {
		return smoothstep(4, 1, abs32(y-doorTop-146)) * smoothstep(doorRight-26, doorRight-22, x)
	})
	c.round(doorRight-26, doorTop+138, doorRight-6, doorTop+144, 3, brass)
}

// paintPane paints a window in the door: sky and garden mirrored in it.
func paintPane(c *canvas, x0, y0, w, h float32) {
	frame := hex(0x59715F)
	c.rect(x0-2.5, y0-2.5, x0+w+2.5, y0+h+2.5, func(x, y float32) rgb {
		if y > y0+h || x > x0+w {
			return frame.scale(1.45)
		}
		return frame.scale(0.8)
	})
	c.rect(x0, y0, x0+w, y0+h, func(x, y float32) rgb {
		t := (y - doorTop) / 120
		g := mix(hex(0xA8BFC7), hex(0x5F7470), smoothstep(0.25, 0.95, t+0.35*(fractal(x/22, y/18, 3)-0.5)))
		gleam := smoothstep(0.09, 0.03, abs32((x-y*0.5)/100-2.98)) + 0.7*smoothstep(0.05, 0.01, abs32((x-y*0.5)/100-3.62))
		return mix(g, hex(0xE8F0EE), min(gleam, 1)*0.32)
	})
}

func paintPanel(c *canvas, x0, y0, w, h float32, base func(x, y float32) rgb) {
	c.rect(x0, y0, x0+w, y0+h, func(x, y float32) rgb {
		l, t, r, b := x-x0, y-y0, x0+w-x, y0+h-y
		e := min(l, t, r, b)
		var k float32
		switch {
		case e > 8:
			k = 1.05
		case e > 2.5 && (e == t || e == l): // bevel towards the light
			k = 1.16
		case e > 2.5:
			k = 0.88
		case e == t || e == l:
			k = 0.76
		default:
			k = 1.14
		}
		return base(x, y).scale(k)
	})
}

// paintFittings paints lantern, house number and door station.
func paintFittings(c *canvas) {
	iron := hex(0x3B3E40)
	shade := func(col rgb) func(x, y float32) rgb { return func(_, _ float32) rgb { return col } }
	c.light(lampX-14, lampY-24, lampX+34, lampY+52, rgb{0.80, 0.79, 0.80}, func(x, y float32) float32 {
		return smoothstep(15, 6, abs32(x-lampX-9)) * smoothstep(30, 18, abs32(y-lampY-8))
	})
	c.round(lampX-5, lampY-28, lampX+5, lampY-14, 2, shade(iron))
	c.fill(lampX-16, lampY-18, lampX+16, lampY-4, func(x, y float32) (rgb, float32) {
		half := 4 + (y-lampY+18)*0.9
		return iron.scale(1.25 - 0.25*(x-lampX)/16), c.cover(lampX-half, lampX+half, x) * c.cover(lampY-18, lampY-5, y)
	})
	c.rect(lampX-12, lampY-5, lampX+12, lampY+24, func(x, y float32) rgb {
		if e := min(x-(lampX-12), lampX+12-x); e < 1.8 || abs32(x-lampX) < 0.7 {
			return iron
		}
		dx, dy := (x-lampX)/12, (y-lampY-10)/18
		return mix(hex(0xFFF3D2), hex(0xE9B469), smoothstep(0, 1.1, dx*dx+dy*dy))
	})
	c.round(lampX-14, lampY+23, lampX+14, lampY+28, 1.5, shade(iron))
	c.round(lampX-3, lampY+28, lampX+3, lampY+33, 2, shade(iron))

	c.round(lampX-15, 203, lampX+17, 227, 3, shade(hex(0x9F9585)))
	c.round(lampX-16, 201, lampX+16, 225, 3, func(_, y float32) rgb { return hex(0xF1EDE4).scale(1.01 - 0.002*(y-201)) })
	paintText(c, "12", lampX-10.5, 205, 2.3, hex(0x49524D))

	c.round(lampX-11, 241, lampX+15, 305, 4, shade(hex(0x9C9384)))
	c.round(lampX-13, 238, lampX+13, 302, 4, func(x, y float32) rgb {
		return mix(hex(0x4B5053), hex(0x34383B), (y-238)/64).scale(1.06 - 0.008*(x-lampX))
	})
	c.round(lampX-7, 245, lampX+7, 259, 7, shade(hex(0x17191B)))
	c.round(lampX-4, 248, lampX+4, 256, 4, func(x, y float32) rgb {
		return mix(hex(0x2B3A48), hex(0x8FA6B8), smoothstep(5, 0, abs32(x-lampX+1.5)+abs32(y-250.5)))
	})
	for i := range 4 {
		y := 265 + float32(i)*4
		c.round(lampX-7, y, lampX+7, y+1.6, 0.8, shade(hex(0x232629)))
	}
	c.round(lampX-8, 283, lampX+8, 299, 8, shade(hex(0x9FD0DA)))
	c.round(lampX-6.6, 284.4, lampX+6.6, 297.6, 6.6, func(_, y float32) rgb { return hex(0xDDE1E0).scale(1.04 - 0.012*(y-284)) })
}
