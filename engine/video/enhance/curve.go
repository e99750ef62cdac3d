package enhance

import "math"

// curve takes back what a lack of light and a camera's gamma made of a picture:
// luma becomes u = (luma-black)*gain/219, limited to 0 to 1, and that a power of
// u whose steepness at black is bounded.
type curve struct {
	black, gain float32
	// exponent is 1 over the estimated gamma of the darkening.
	exponent float32
	// toe moves the power's origin, so that black is not amplified without end.
	toe float32
}

// straight changes nothing.
var straight = curve{black: 16, gain: 1, exponent: 1}

const (
	// Gains and exponents nearer to one change nothing that could be seen.
	gainLeast    = 1.01
	exponentMost = 0.985
	// exponentLeast is what a camera that codes light without any gamma needs.
	exponentLeast = 0.4
	// whiteUsual is where well exposed pictures have their white, in 219ths of
	// the range.
	whiteUsual = 204
	// keyLeast is the mean, weighted towards faces, below which a picture is
	// dark though something in it is white.
	keyLeast = 0.36
	// middleUsual is the geometric mean of a well exposed picture. Pictures
	// differ: those of streets, rooms and faces lie between 0.25 and 0.55.
	middleUsual = 0.4
	// middleTrust is how much of a deviation from it is put down to the
	// darkening, the rest to what the picture shows.
	middleTrust = 0.7
	// middleDark is the least u that enters the mean: noise has no logarithm.
	middleDark = 0.02
	// steepMost bounds the steepness at black; with noise, what becomes of it
	// is bounded by noiseMost levels.
	steepMost = 10
	noiseMost = 14
)

// invert estimates how the scene was darkened and sets the curve that takes it
// back. The white point gives the scale, the black point the offset, and the
// mean of the logarithm, which a power multiplies, gives the gamma. sigma is the
// noise in luma.
func (c *curve) invert(s *scene, sigma float32) {
	*c = straight
	// A picture that does not use its range was darkened, or has a veil.
	spare := ramp(float32(235-s.White), 20, 45)
	veil := max(spare, ramp(float32(s.Black), 40, 60))
	dark := max(spare, ramp(keyLeast-(0.6*unit(s.FaceMean)+0.4*unit(s.Mean)), 0, 0.1))
	off := c.logMean(s) / float32(math.Log(middleUsual))
	dark = max(dark, ramp(off, 1.5, 1.8)) // no well exposed picture is like this
	if veil == 0 && dark == 0 {
		return
	}
	// What lies below the nominal black is seen again: a power applied to full
	// range samples puts much of the picture there.
	black := min(max(float32(s.Black)-2, 0), 48)
	if black > 16 && s.Black <= 40 {
		black = 16
	}
	c.black = 16 + (black-16)*max(veil, dark)
	if veil > 0 {
		gain := min(max(whiteUsual/max(float32(s.White)-black, 20), 1), gainMost)
		c.gain = 1 + (gain-1)*veil
	}
	if dark > 0 {
		off = max(c.logMean(s)/float32(math.Log(middleUsual)), 1)
		c.exponent = max(pow(off, -middleTrust*dark), exponentLeast)
	}
	c.bound(min(noiseMost/max(sigma, 1), steepMost) / c.gain)
}

// logMean is the mean of ln(u).
func (c *curve) logMean(s *scene) float32 {
	var sum float64
	for v, n := range s.histogram {
		if n > 0 {
			sum += float64(n) * math.Log(float64(max(c.use(float32(v)), middleDark)))
		}
	}
	return float32(sum / float64(s.samples))
}

// bound sets the toe such that the power is no steeper than steep at black.
func (c *curve) bound(steep float32) {
	c.toe = 0
	if c.exponent > exponentMost {
		c.exponent = 1
		return
	}
	steep = max(steep, 1.2)
	lo, hi := float32(0), float32(4)
	for range 20 {
		c.toe = (lo + hi) / 2
		if c.powerSlope(0) > steep {
			lo = c.toe
		} else {
			hi = c.toe
		}
	}
	c.toe = hi
}

// use is luma as a part of the range that the picture uses.
func (c *curve) use(luma float32) float32 {
	return min(max((luma-c.black)*c.gain/219, 0), 1)
}

// at is what becomes of luma, 0 to 1.
func (c *curve) at(luma float32) float32 { return c.power(c.use(luma)) }

func (c *curve) power(u float32) float32 {
	if c.exponent == 1 {
		return u
	}
	origin, scale := c.ends()
	return (pow(u+c.toe, c.exponent) - origin) * scale
}

// ends are what the power gives at black, and 1 over how much more at white.
func (c *curve) ends() (origin, scale float32) {
	origin = pow(c.toe, c.exponent)
	return origin, 1 / (pow(1+c.toe, c.exponent) - origin)
}

func (c *curve) powerSlope(u float32) float32 {
	if c.exponent == 1 {
		return 1
	}
	u = max(u, 1e-4)
	return c.exponent * pow(u+c.toe, c.exponent-1) / (pow(1+c.toe, c.exponent) - pow(c.toe, c.exponent))
}

// slope is how steep the curve is at luma: what it multiplies noise by there.
func (c *curve) slope(luma float32) float32 { return c.gain * c.powerSlope(c.use(luma)) }

// approach goes part of the way to want.
func (c *curve) approach(want *curve, part float32) {
	c.black += (want.black - c.black) * part
	c.gain += (want.gain - c.gain) * part
	c.exponent += (want.exponent - c.exponent) * part
	c.toe += (want.toe - c.toe) * part
}

// identity reports whether the curve would change nothing that can be seen.
func (c *curve) identity() bool {
	return c.gain < gainLeast && c.exponent > exponentMost && c.black > 15.5 && c.black < 16.5
}

// fill tabulates the curve.
func (c *curve) fill(table *[256]byte) {
	origin, scale := c.ends()
	for v := range table {
		u := c.use(float32(v))
		if c.exponent != 1 && u > 0 {
			u = min((pow(u+c.toe, c.exponent)-origin)*scale, 1)
		}
		table[v] = byte(16.5 + 219*u)
	}
}

func pow(x, e float32) float32 { return float32(math.Pow(float64(x), float64(e))) }
