package enhance

import (
	"math"

	"github.com/edgecam/edgecam/engine/media"
)

func log2(v float32) float32 { return float32(math.Log2(float64(v))) }

// tone maps brightness by a coarse grid of curves, each from its area's mean:
// dark areas are lifted, bright ones kept. Between the grid's nodes the curves
// are interpolated, so that there is nothing whose edge could show.
type tone struct {
	cfg     ToneConfig
	now     curves
	started bool
	active  bool
	liftQ15 []int16
	gainQ12 []int16
}

// curves are the parameters of the tone mapping.
type curves struct {
	black, gain float32
	lift        [gridRows][gridColumns]float32
	chroma      [gridRows][gridColumns]float32
}

const (
	liftMost = 0.62 // four times over, black is amplified by 6.9
	gainMost = 3.87
	// Lifts and gains below these change nothing that could be seen.
	liftLeast = 0.012
	gainLeast = 1.01
)

func newTone(cfg ToneConfig, width int) *tone {
	t := &tone{cfg: cfg, liftQ15: make([]int16, width), gainQ12: make([]int16, (width+1)/2)}
	t.now.reset()
	return t
}

func (c *curves) reset() {
	*c = curves{black: 16, gain: 1}
	for y := range c.chroma {
		for x := range c.chroma[y] {
			c.chroma[y][x] = 1
		}
	}
}

// process maps p by what s says of it and reports whether it changed anything.
// sigma is the noise that is left in p; it bounds what darkness is amplified.
func (t *tone) process(p *media.Picture, s *scene, sigma float32, hold bool) bool {
	var want curves
	if hold {
		want.reset()
	} else {
		want.aim(s, sigma)
	}
	if !t.started {
		t.now, t.started = want, true
	} else {
		t.now.follow(&want, s, t.cfg.rate())
	}
	if t.now.identity() {
		t.active = false
		return false
	}
	t.active = true
	t.now.apply(p, t.liftQ15, t.gainQ12)
	return true
}

// aim sets the curves that suit the scene.
func (c *curves) aim(s *scene, sigma float32) {
	c.reset()
	if s.samples < 64 {
		return // too small to judge
	}
	// A picture that does not use its range is stretched.
	black := min(max(float32(s.Black)-2, 16), 48)
	white := float32(s.White)
	if spare := ramp(float32(235-s.White), 20, 60); spare > 0 || s.Black > 40 {
		c.gain = min(max(204/max(white-black, 20), 1), gainMost)
		c.gain = 1 + (c.gain-1)*max(spare, ramp(float32(s.Black), 40, 60))
		c.black = 16 + (black-16)*max(spare, ramp(float32(s.Black), 40, 60))
	}
	stretch := func(v float32) float32 { return min(max((v-c.black)*c.gain/219, 0), 1) }
	key := 0.6*stretch(s.FaceMean) + 0.4*stretch(s.Mean)
	wanted := key + max(keyLeast-key, 0)*0.9
	gamma := float32(1)
	if wanted > key+0.004 {
		gamma = log2(wanted) / log2(max(key, 0.02))
		gamma = max(gamma, 0.4)
	}
	if gamma > 0.98 && s.Backlight == 0 && c.gain < gainLeast {
		c.reset()
		return
	}
	// Against the light the zone of faces comes most of the way to the rest.
	face, around := max(stretch(s.FaceMean), 0.02), stretch(s.AroundMean)
	against := float32(1)
	if s.Backlight > 0 && around > face {
		against = log2(face+(around-face)*0.9*s.Backlight) / log2(face)
	}
	most := lowLightLift(sigma * c.gain)
	var mean [gridRows][gridColumns]float32
	s.grid(&mean)
	for y := range mean {
		for x, m := range mean[y] {
			v := min(max(stretch(m), 0.02), 0.98)
			g := 1 - (1-gamma)*(1-ramp(v, 0.5, 0.95))
			g *= 1 + (against-1)*window(x, y)*(1-ramp(v, 0.6, 0.95))
			a := min(solveLift(v, float32(math.Pow(float64(v), float64(g)))), most)
			c.lift[y][x] = a
			// Colours keep pace with brightness, less where there is noise.
			k := c.gain * liftOnce(v, a) / v
			c.chroma[y][x] = min(1+(k-1)*0.7, 3)
		}
	}
}

// window is how much an area belongs to the zone of faces and what is below.
func window(x, y int) float32 {
	dx := min(ramp(float32(x), -0.5, 2), ramp(float32(gridColumns-1-x), -0.5, 2))
	return dx * ramp(float32(y), -0.5, 1.5)
}

// keyLeast is the mean, weighted towards faces, that dark pictures are lifted
// to.
const keyLeast = 0.36

// lowLightLift bounds the lift so that black's noise is not amplified beyond
// what the eye takes for grain.
func lowLightLift(sigma float32) float32 {
	slope := min(max(14/max(sigma, 1), 1.2), 7)
	return min(float32(math.Pow(float64(slope), 0.25))-1, liftMost)
}

// liftOnce is the curve of toneRow.
func liftOnce(x, a float32) float32 {
	for range 4 {
		x += a * x * (1 - x)
	}
	return x
}

// solveLift returns the lift that maps from to to.
func solveLift(from, to float32) float32 {
	lo, hi := float32(0), float32(liftMost)
	for range 12 {
		mid := (lo + hi) / 2
		if liftOnce(from, mid) < to {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}

// grid returns the areas' means, blurred so that curves change slowly.
func (s *scene) grid(mean *[gridRows][gridColumns]float32) {
	var raw [gridRows][gridColumns]float32
	for y := range raw {
		for x := range raw[y] {
			raw[y][x] = s.Mean
			if n := s.count[y][x]; n > 0 {
				raw[y][x] = float32(s.sum[y][x]) / float32(n)
			}
		}
	}
	for y := range raw {
		for x := range raw[y] {
			var sum, weight float32
			for j := max(y-1, 0); j <= min(y+1, gridRows-1); j++ {
				for i := max(x-1, 0); i <= min(x+1, gridColumns-1); i++ {
					w := float32(1)
					if j == y && i == x {
						w = 4
					}
					sum += w * raw[j][i]
					weight += w
				}
			}
			mean[y][x] = sum / weight
		}
	}
}

// follow moves the curves towards want, by no more than changes the picture's
// mean by rate levels.
func (c *curves) follow(want *curves, s *scene, rate float32) {
	change := float32(math.Abs(float64(want.mean(s) - c.mean(s))))
	part := float32(followPart)
	if rate > 0 && change*part > rate {
		part = rate / change
	}
	if rate == 0 {
		part = 1
	}
	c.black += (want.black - c.black) * part
	c.gain += (want.gain - c.gain) * part
	for y := range c.lift {
		for x := range c.lift[y] {
			c.lift[y][x] += (want.lift[y][x] - c.lift[y][x]) * part
			c.chroma[y][x] += (want.chroma[y][x] - c.chroma[y][x]) * part
		}
	}
}

// followPart is the part of the way that curves go in a frame.
const followPart = 1.0 / 16

// mean returns the mean that the curves give to the scene, in levels.
func (c *curves) mean(s *scene) float32 {
	var sum, n float32
	for y := range c.lift {
		for x := range c.lift[y] {
			if k := float32(s.count[y][x]); k > 0 {
				v := min(max((float32(s.sum[y][x])/k-c.black)*c.gain/219, 0), 1)
				sum += k * liftOnce(v, c.lift[y][x])
				n += k
			}
		}
	}
	if n == 0 {
		return 0
	}
	return 219 * sum / n
}

// identity reports whether the curves would change nothing that can be seen.
func (c *curves) identity() bool {
	if c.gain > gainLeast || c.black > 16.25 {
		return false
	}
	for y := range c.lift {
		for _, a := range c.lift[y] {
			if a > liftLeast || a < -liftLeast {
				return false
			}
		}
	}
	return true
}

// apply maps p's samples.
func (c *curves) apply(p *media.Picture, liftQ15, gainQ12 []int16) {
	gain := uint16(min(c.gain*38302/4+0.5, 65535))
	blackQ8 := uint16(c.black*256 + 0.5)
	for y := range p.Height {
		if y&1 == 0 { // from one row to the next hardly anything changes
			gridRow(liftQ15[:p.Width], &c.lift, y, p.Height, 32767)
		}
		toneRow(p.Y[y*p.YStride:y*p.YStride+p.Width], liftQ15[:p.Width], blackQ8, gain)
	}
	cw, ch := p.ChromaSize()
	for y := range ch {
		if y&1 == 0 {
			gridRow(gainQ12[:cw], &c.chroma, y, ch, 4096)
		}
		scaleRow(p.U[y*p.UVStride:y*p.UVStride+cw], gainQ12[:cw], 128, 128)
		scaleRow(p.V[y*p.UVStride:y*p.UVStride+cw], gainQ12[:cw], 128, 128)
	}
}

// gridRow interpolates row y of height rows between the grid's nodes, which
// stand in the middle of their areas.
func gridRow(row []int16, grid *[gridRows][gridColumns]float32, y, height int, scale float32) {
	at := (float32(2*y+1)*gridRows/float32(height) - 1) / 2
	at = min(max(at, 0), gridRows-1)
	y0 := min(int(at), gridRows-2)
	part := at - float32(y0)
	var nodes [gridColumns]int32 // Q8
	for x := range nodes {
		v := grid[y0][x] + (grid[y0+1][x]-grid[y0][x])*part
		nodes[x] = int32(v * scale * 256)
	}
	n := len(row)
	// From one node to the next by equal steps.
	done := 0
	for x := range gridColumns + 1 {
		from, to := nodes[max(x-1, 0)], nodes[min(x, gridColumns-1)]
		end := min((2*x+1)*n/(2*gridColumns), n)
		if x == gridColumns {
			end = n
		}
		if end <= done {
			continue
		}
		length := int32(max(n/gridColumns, 1))
		step, v := (to-from)/length, from
		for i := done; i < end; i++ {
			row[i] = int16(v >> 8)
			v += step
		}
		done = end
	}
}
