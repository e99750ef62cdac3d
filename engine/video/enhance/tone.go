package enhance

import (
	"math"

	"github.com/edgecam/edgecam/engine/media"
)

func log2(v float32) float32 { return float32(math.Log2(float64(v))) }

// tone maps brightness by one curve for the whole picture, which takes back
// what darkness did to it, and by a coarse grid of lifts against the light.
// Between the grid's nodes the lifts are interpolated, so that there is nothing
// whose edge could show.
type tone struct {
	cfg     ToneConfig
	now     curves
	started bool
	active  bool
	table   [256]byte
	made    curve // what table holds
	liftQ15 []int16
	gainQ12 []int16
}

// curves are the parameters of the tone mapping.
type curves struct {
	curve
	lift   [gridRows][gridColumns]float32
	chroma [gridRows][gridColumns]float32
}

const (
	liftMost = 0.62 // four times over, black is amplified by 6.9
	gainMost = 3.87
	// Lifts below this change nothing that could be seen.
	liftLeast = 0.012
)

func newTone(cfg ToneConfig, width int) *tone {
	t := &tone{cfg: cfg, liftQ15: make([]int16, width), gainQ12: make([]int16, (width+1)/2)}
	t.now.reset()
	return t
}

func (c *curves) reset() {
	*c = curves{curve: straight}
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
	bent, lifted := !t.now.identity(), t.now.lifts()
	t.active = bent || lifted
	if bent {
		if t.made != t.now.curve {
			t.now.fill(&t.table)
			t.made = t.now.curve
		}
		for y := range p.Height {
			mapRow(p.Y[y*p.YStride:y*p.YStride+p.Width], &t.table)
		}
	}
	if lifted {
		t.now.apply(p, t.liftQ15)
	}
	if t.active {
		t.now.colour(p, t.gainQ12)
	}
	return t.active
}

// mapRow replaces samples by what the table holds for them.
func mapRow(row []byte, table *[256]byte) {
	for len(row) >= 4 {
		row[0], row[1], row[2], row[3] = table[row[0]], table[row[1]], table[row[2]], table[row[3]]
		row = row[4:]
	}
	for i, v := range row {
		row[i] = table[v]
	}
}

// aim sets the curves that suit the scene.
func (c *curves) aim(s *scene, sigma float32) {
	c.reset()
	if s.samples < 64 {
		return // too small to judge
	}
	c.invert(s, sigma)
	face, around := max(c.at(s.FaceMean), 0.02), c.at(s.AroundMean)
	against := float32(1)
	if s.Backlight > 0 && around > face {
		// Against the light the zone of faces comes most of the way to the rest.
		against = log2(face+(around-face)*0.9*s.Backlight) / log2(face)
	}
	if against == 1 && c.identity() {
		c.reset()
		return
	}
	most := lowLightLift(sigma * c.slope(s.FaceMean))
	var mean [gridRows][gridColumns]float32
	s.grid(&mean)
	for y := range mean {
		for x, m := range mean[y] {
			v := min(max(c.at(m), 0.02), 0.98)
			if against < 1 {
				g := 1 + (against-1)*window(x, y)*(1-ramp(v, 0.6, 0.95))
				c.lift[y][x] = min(solveLift(v, float32(math.Pow(float64(v), float64(g)))), most)
			}
			// Colours keep pace with brightness, less where there is noise.
			k := liftOnce(v, c.lift[y][x]) / max(unit(m), 0.02)
			c.chroma[y][x] = min(max(1+(k-1)*0.7, 1), 3)
		}
	}
}

// window is how much an area belongs to the zone of faces and what is below.
func window(x, y int) float32 {
	dx := min(ramp(float32(x), -0.5, 2), ramp(float32(gridColumns-1-x), -0.5, 2))
	return dx * ramp(float32(y), -0.5, 1.5)
}

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
	if *c == *want {
		return
	}
	if rate == 0 {
		*c = *want
		return
	}
	old, mean, part := *c, c.mean(s), float32(followPart)
	// A part of the way is not that part of the change.
	for range 3 {
		*c = old
		c.approach(want, part)
		change := float32(math.Abs(float64(c.mean(s) - mean)))
		if change <= rate {
			return
		}
		part *= rate / change
	}
}

// approach goes part of the way to want.
func (c *curves) approach(want *curves, part float32) {
	c.curve.approach(&want.curve, part)
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
	if s.samples == 0 {
		return 0
	}
	// As the table rounds it: levels that hold much of a picture go up by whole
	// steps.
	var table [256]byte
	c.fill(&table)
	var whole uint64
	for v, n := range s.histogram {
		whole += uint64(n) * uint64(table[v]-16)
	}
	sum := float32(whole)
	for y := range c.lift {
		for x, a := range c.lift[y] {
			if n := s.count[y][x]; n > 0 && a != 0 {
				v := c.at(float32(s.sum[y][x]) / float32(n))
				sum += 219 * float32(n) * (liftOnce(v, a) - v)
			}
		}
	}
	return sum / float32(s.samples)
}

// lifts reports whether the lifts would change anything that can be seen.
func (c *curves) lifts() bool {
	for y := range c.lift {
		for _, a := range c.lift[y] {
			if a > liftLeast || a < -liftLeast {
				return true
			}
		}
	}
	return false
}

// apply lifts p's luma.
func (c *curves) apply(p *media.Picture, liftQ15 []int16) {
	for y := range p.Height {
		if y&1 == 0 { // from one row to the next hardly anything changes
			gridRow(liftQ15[:p.Width], &c.lift, y, p.Height, 32767)
		}
		toneRow(p.Y[y*p.YStride:y*p.YStride+p.Width], liftQ15[:p.Width], 16<<8, 38302/4)
	}
}

// colour scales p's chroma.
func (c *curves) colour(p *media.Picture, gainQ12 []int16) {
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
