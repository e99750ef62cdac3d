package sim

import "math"

// tree is the crown of the garden's tree, cut out of the picture so that it
// can sway: rows shift sideways by fractions of a pixel, the more the higher.
type tree struct {
	x, y, w, h int    // box in pixels, even
	luma       []byte // premultiplied with alpha
	alpha      []byte
	cu, cv     []byte // half size, premultiplied with calpha
	calpha     []byte
	unit       float32
}

// The crown is made of clumps: centre, radii, leaves.
var crownClumps = [...]struct {
	x, y, rx, ry float32
	leaves       int32
}{
	{104, 170, 62, 58, 520},
	{62, 196, 40, 34, 260},
	{146, 194, 40, 36, 260},
	{84, 128, 42, 36, 280},
	{130, 136, 44, 40, 300},
	{106, 200, 58, 30, 300},
}

func paintTrunk(c *canvas) {
	c.light(60, 380, 190, 400, rgb{0.74, 0.77, 0.74}, func(x, y float32) float32 {
		dx, dy := (x-124)/58, (y-388)/9
		return smoothstep(1, 0.2, dx*dx+dy*dy)
	})
	c.fill(78, 180, 134, 392, func(x, y float32) (rgb, float32) {
		mid := 106 + 3*float32(math.Sin(float64(y)/37))
		half := 6.5 + smoothstep(365, 392, y)*7 + smoothstep(250, 180, y)*1.5
		t := (x - mid) / half
		bark := mix(hex(0x8B745E), hex(0x54453A), smoothstep(-0.8, 1, t))
		return bark.scale(0.88 + 0.28*fractal(x/1.7, y/11, 2)), c.cover(mid-half, mid+half, x)
	})
}

func newTree(w, h int) *tree {
	unit := float32(h) / 480
	left := unitLeft(w, h)
	px := func(u float32) int { return int((u-left)*unit) &^ 1 }
	t := &tree{x: px(14), y: int(84*unit) &^ 1, unit: unit}
	t.w, t.h = (px(196)-t.x)&^1, (int(236*unit)-t.y)&^1
	t.x = max(t.x, 0)
	if t.w < 16 || t.h < 16 || t.x+t.w > w {
		return nil // a very narrow picture does not show the garden
	}
	colour, cover := t.paint(left, false), t.paint(left, true)
	n := t.w * t.h
	t.luma, t.alpha = make([]byte, n), make([]byte, n)
	t.cu, t.cv, t.calpha = make([]byte, n/4), make([]byte, n/4), make([]byte, n/4)
	for y := range t.h {
		for x := range t.w {
			i := y*t.w + x
			a := cover[i][0]
			luma, u, v := colour[i].yuv()
			t.alpha[i] = byte(255*a + 0.5)
			t.luma[i] = byte(luma*a + 0.5)
			if x&1 == 0 && y&1 == 0 {
				j := y/2*(t.w/2) + x/2
				t.calpha[j] = t.alpha[i]
				t.cu[j], t.cv[j] = byte(u*a+0.5), byte(v*a+0.5)
			}
		}
	}
	return t
}

func (t *tree) paint(left float32, mask bool) []rgb {
	c := &canvas{
		pix: make([]rgb, t.w*(t.h+t.y)), w: t.w, rows: t.h + t.y, unit: t.unit,
		left: left + float32(t.x)/t.unit, mask: mask,
	}
	if !mask {
		for i := range c.pix {
			c.pix[i] = hex(0x64804F)
		}
	}
	for _, k := range crownClumps {
		paintLeaves(c, k.x, k.y, k.rx, k.ry, k.leaves)
	}
	return c.pix[t.w*t.y:]
}

// draw blends the crown over p as it hangs at time at (seconds).
func (t *tree) draw(p *planes, at float64) {
	gust := 0.6 + 0.4*math.Sin(at*0.37)
	for y := range t.h {
		rise := 1 - float64(y)/float64(t.h)
		shift := 0.6 + rise*(2.6*math.Sin(at*1.15)*gust+0.9*math.Sin(at*2.7+rise*3))
		shift = shift*float64(t.unit) + 0.25*math.Sin(at*4.1+float64(y)*0.3)
		blendShifted(p.y[(t.y+y)*p.w+t.x:][:t.w], t.luma[y*t.w:][:t.w], t.alpha[y*t.w:][:t.w], shift)
		if y&1 == 0 {
			cy, cw := y/2, t.w/2
			o := (t.y/2+cy)*(p.w/2) + t.x/2
			a := t.calpha[cy*cw:][:cw]
			blendShifted(p.u[o:][:cw], t.cu[cy*cw:][:cw], a, shift/2)
			blendShifted(p.v[o:][:cw], t.cv[cy*cw:][:cw], a, shift/2)
		}
	}
}

// blendShifted blends src, premultiplied with alpha, over dst, moved to the
// right by shift pixels.
func blendShifted(dst, src, alpha []byte, shift float64) {
	whole := int(math.Floor(shift))
	f := int32((shift - float64(whole)) * 256)
	g := 256 - f
	for x := max(whole+1, 0); x < len(dst); x++ {
		i := x - whole
		if i >= len(src) {
			break
		}
		a := int32(alpha[i])*g + int32(alpha[i-1])*f
		if a == 0 {
			continue
		}
		s := int32(src[i])*g + int32(src[i-1])*f
		dst[x] = byte((s + int32(dst[x])*(65280-a)/255 + 128) >> 8)
	}
}
