package sim

import "math"

// The visitor: walks in from the left, rings at the door station, waits, and
// walks out again. Units are those of canvas.
const (
	visitCycle   = 19.0 // seconds from one visit to the next
	walkSpeed    = 150.0
	stepUnits    = 88.0
	visitorTall  = 236.0
	visitorStop  = 484.0
	visitorFloor = 436.0
	waitSeconds  = 5.2
	easeSeconds  = 0.45
)

type ink struct{ y, u, v, shade float32 }

func newInk(v uint32, shade float32) ink {
	y, u, w := hex(v).yuv()
	return ink{y, u, w, shade}
}

// visitor is a jointed figure of tapered capsules.
type visitor struct {
	coat, coatDark, trousers, trousersDark, skin, hair, shoe, bag, strap ink

	left, right    float32 // where the picture ends, in units
	unit           float32
	x0, y0, x1, y1 int // what was drawn, in pixels
}

func newVisitor(w, h int) *visitor {
	unit := float32(h) / 480
	left := unitLeft(w, h)
	return &visitor{
		unit: unit, left: left, right: left + float32(w)/unit,
		coat: newInk(0x5C7391, 22), coatDark: newInk(0x4A5E79, 14),
		trousers: newInk(0x4E4A4B, 12), trousersDark: newInk(0x3F3C3E, 8),
		skin: newInk(0xD6A889, 18), hair: newInk(0x4C3A2F, 14), shoe: newInk(0x35302E, 6),
		bag: newInk(0xB08954, 16), strap: newInk(0x7A5E3B, 4),
	}
}

// pose says where the visitor is at time at (seconds), which way it looks and
// how far it strides and reaches, 0 to 1. It reports false while nobody is
// there.
func (v *visitor) pose(at float64) (x, dir, stride, reach float64, there bool) {
	from := float64(v.left) - 60
	travel := visitorStop - from
	ride := travel/walkSpeed + easeSeconds/2
	t := math.Mod(at, max(visitCycle, 2*ride+waitSeconds+1)) - 0.2
	// along gives the way walked t seconds after the start, slowing to a halt.
	along := func(t float64) (way, speed float64) {
		if brake := ride - easeSeconds; t > brake {
			s := min((t-brake)/easeSeconds, 1)
			return travel - walkSpeed*easeSeconds*(1-s)*(1-s)/2, 1 - s
		}
		return walkSpeed * t, 1
	}
	switch {
	case t < 0:
		return 0, 0, 0, 0, false
	case t < ride:
		way, speed := along(t)
		return from + way, 1, speed, 0, true
	case t < ride+waitSeconds:
		w := t - ride
		reach = ramp(0.35, 0.75, w) * ramp(1.55, 1.15, w)
		return visitorStop, 1, 0, reach, true
	case t < 2*ride+waitSeconds:
		way, speed := along(2*ride + waitSeconds - t)
		return from + way, -1, speed, 0, true
	}
	return 0, 0, 0, 0, false
}

func ramp(a, b, x float64) float64 {
	t := min(max((x-a)/(b-a), 0), 1)
	return t * t * (3 - 2*t)
}

// draw draws the visitor as it stands at time at and notes the box it used.
func (v *visitor) draw(p *planes, at float64) {
	v.x0, v.y0, v.x1, v.y1 = 0, 0, 0, 0
	x, dir, stride, reach, there := v.pose(at)
	if !there {
		return
	}
	v.x0 = max(int((float32(x)-95-v.left)*v.unit)&^1, 0)
	v.x1 = min(int((float32(x)+95-v.left)*v.unit+2)&^1, p.w)
	v.y0 = max(int((visitorFloor-visitorTall-14)*v.unit)&^1, 0)
	v.y1 = min(int((visitorFloor+16)*v.unit+2)&^1, p.h)
	if v.x0 >= v.x1 {
		return
	}
	v.shadow(p, float32(x))
	v.figure(p, x, dir, stride, reach, at)
}

func (v *visitor) figure(p *planes, x, dir, stride, reach, at float64) {
	const h = visitorTall
	phase := math.Pi * x / stepUnits
	near, far := legOf(phase, stride), legOf(phase+math.Pi, stride)
	// The lower foot stands on the ground, which makes the walk bob by itself.
	hipY := visitorFloor - 0.022*h - max(near.drop, far.drop)
	breath := 0.5 * math.Sin(at*1.7) * (1 - stride)
	lean := 0.02 * h * stride * dir
	shX, shY := x+lean, hipY-0.30*h+breath

	limb := func(x0, y0, r0, x1, y1, r1 float64, k ink) {
		v.capsule(p, float32(x0), float32(y0), float32(r0*h), float32(x1), float32(y1), float32(r1*h), k)
	}
	arm := func(p float64, k ink, side float64) {
		swing := 0.42*stride*math.Sin(p)*dir + 0.06*dir
		sx := shX + side*(1-stride)*0.045*h
		ex, ey := sx+0.165*h*math.Sin(swing), shY+0.02*h+0.165*h*math.Cos(swing)
		bend := swing + dir*(0.22+0.25*stride)
		if side > 0 { // the arm that rings
			raised := dir * 1.05 * reach
			ex, ey = sx+0.165*h*math.Sin(swing+raised*0.5), shY+0.02*h+0.165*h*math.Cos(swing+raised*0.5)
			bend += raised
		}
		hx, hy := ex+0.15*h*math.Sin(bend), ey+0.15*h*math.Cos(bend)
		limb(hx, hy, 0.019, hx+0.02*h*math.Sin(bend), hy+0.02*h*math.Cos(bend), 0.017, v.skin)
		limb(sx, shY+0.012*h, 0.036, ex, ey, 0.030, k)
		limb(ex, ey, 0.030, hx, hy, 0.023, k)
	}
	leg := func(l legPose, k ink, side float64) {
		hx := x + side*(1-stride)*0.028*h
		kx, ky := hx+dir*0.25*h*math.Sin(l.thigh), hipY+0.25*h*math.Cos(l.thigh)
		ax, ay := kx+dir*0.23*h*math.Sin(l.shin), ky+0.23*h*math.Cos(l.shin)
		toe := l.shin * 0.7
		limb(ax-dir*0.012*h, ay+0.012*h, 0.022, ax+dir*0.058*h*math.Cos(toe), ay+0.016*h-0.058*h*math.Sin(toe)*0.6, 0.015, v.shoe)
		limb(hx, hipY, 0.052, kx, ky, 0.036, k)
		limb(kx, ky, 0.036, ax, ay, 0.026, k)
	}
	arm(phase, v.coatDark, -dir)
	leg(far, v.trousersDark, -dir)
	leg(near, v.trousers, dir)
	limb(shX, shY+0.03*h, 0.066, x, hipY+0.01*h, 0.069, v.coat)
	limb(x, hipY, 0.069, x-dir*0.006*h, hipY+0.075*h, 0.068, v.coat)
	limb(shX, shY-0.03*h, 0.026, shX+dir*0.006*h, shY-0.075*h, 0.026, v.skin)
	limb(shX, shY-0.028*h, 0.036, shX, shY-0.022*h, 0.040, v.coatDark)
	hx, hy := shX+dir*0.010*h, shY-0.118*h
	limb(hx, hy-0.008*h, 0.048, hx+dir*0.008*h, hy+0.024*h, 0.038, v.skin)
	limb(hx-dir*0.016*h, hy-0.024*h, 0.045, hx+dir*0.012*h, hy-0.042*h, 0.030, v.hair)
	limb(hx-dir*0.030*h, hy-0.012*h, 0.030, hx-dir*0.028*h, hy+0.022*h, 0.022, v.hair)
	limb(shX+dir*0.03*h, shY-0.005*h, 0.006, x-dir*0.055*h, hipY-0.05*h, 0.006, v.strap)
	limb(x-dir*0.062*h, hipY-0.035*h, 0.042, x-dir*0.066*h, hipY+0.03*h, 0.046, v.bag)
	arm(phase+math.Pi, v.coat, dir)
}

// legPose holds the angles of a leg against the vertical, forwards positive,
// and how far the foot is below the hip.
type legPose struct{ thigh, shin, drop float64 }

func legOf(phase, stride float64) legPose {
	l := legPose{thigh: 0.40 * stride * math.Sin(phase)}
	lift := max(math.Cos(phase), 0) // the leg swings forwards, knee bent
	l.thigh += 0.22 * stride * lift
	l.shin = l.thigh - stride*(0.08+0.95*lift)
	l.drop = visitorTall * (0.25*math.Cos(l.thigh) + 0.23*math.Cos(l.shin))
	return l
}

// shadow darkens the ground below the visitor.
func (v *visitor) shadow(p *planes, x float32) {
	cx, cy := (x+16-v.left)*v.unit, float32(visitorFloor+1)*v.unit
	rx, ry := 58*v.unit, 9*v.unit
	for y := max(int(cy-ry), v.y0); y < min(int(cy+ry)+1, v.y1); y++ {
		dy := (float32(y) - cy) / ry
		row := p.y[y*p.w:][:p.w]
		for px := max(int(cx-rx), v.x0); px < min(int(cx+rx)+1, v.x1); px++ {
			dx := (float32(px) - cx) / rx
			if d := dx*dx + dy*dy; d < 1 {
				k := 1 - 0.36*(1-d)
				row[px] = byte(16 + (float32(row[px])-16)*k)
			}
		}
	}
}

// capsule draws a tapered stroke in units, rounded by shading: light comes
// from the left.
func (v *visitor) capsule(p *planes, x0, y0, r0, x1, y1, r1 float32, k ink) {
	u := v.unit
	x0, y0, r0, x1, y1, r1 = (x0-v.left)*u, y0*u, r0*u, (x1-v.left)*u, y1*u, r1*u
	capsulePlane(p.y, p.w, p.w, p.h, x0, y0, r0, x1, y1, r1, k.y, k.shade)
	x0, y0, r0, x1, y1, r1 = x0/2, y0/2, r0/2, x1/2, y1/2, r1/2
	capsulePlane(p.u, p.w/2, p.w/2, p.h/2, x0, y0, r0, x1, y1, r1, k.u, 0)
	capsulePlane(p.v, p.w/2, p.w/2, p.h/2, x0, y0, r0, x1, y1, r1, k.v, 0)
}

func capsulePlane(pix []byte, stride, w, h int, x0, y0, r0, x1, y1, r1, value, shade float32) {
	dx, dy := x1-x0, y1-y0
	inv := float32(0)
	if l := dx*dx + dy*dy; l > 0 {
		inv = 1 / l
	}
	reach := max(r0, r1) + 1
	left, right := max(int(min(x0, x1)-reach), 0), min(int(max(x0, x1)+reach)+1, w)
	top, bottom := max(int(min(y0, y1)-reach), 0), min(int(max(y0, y1)+reach)+1, h)
	for y := top; y < bottom; y++ {
		row := pix[y*stride:]
		ey := float32(y) + 0.5 - y0
		for x := left; x < right; x++ {
			ex := float32(x) + 0.5 - x0
			t := (ex*dx + ey*dy) * inv
			t = min(max(t, 0), 1)
			qx, qy := ex-t*dx, ey-t*dy
			r := r0 + t*(r1-r0)
			d2 := qx*qx + qy*qy
			if d2 >= (r+0.5)*(r+0.5) {
				continue
			}
			c := value - shade*qx/r
			if d2 > (r-0.5)*(r-0.5) {
				a := r + 0.5 - float32(math.Sqrt(float64(d2)))
				c = float32(row[x]) + (c-float32(row[x]))*min(max(a, 0), 1)
			}
			row[x] = byte(min(max(c, 16), 240))
		}
	}
}
