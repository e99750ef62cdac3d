package raw

// Every measureStep-th block of two by two samples, along either axis, is
// measured.
const measureStep = 8

// Samples below this level above black have no colour worth the name.
const colourLeast = 16

// measure takes the picture's statistics and moves the white balance.
func (p *Processor) measure(data []byte, stride, w, h int, m mosaic) {
	black := min(max(p.opts.Black, 0), white/2)
	var sum [3]int // R, G, B of blocks that have a colour
	var green, clipped, count int
	for y := 0; y+1 < h; y += measureStep {
		rows := [2][]byte{data[y*stride:], data[(y+1)*stride:]}
		for x := 0; x+1 < w; x += measureStep {
			r := m.sample(rows[m.redY], x+m.redX)
			b := m.sample(rows[1-m.redY], x+1-m.redX)
			g := (m.sample(rows[m.redY], x+1-m.redX) + m.sample(rows[1-m.redY], x+m.redX) + 1) >> 1
			count++
			green += max(g-black, 0)
			full := max(r, g, b) >= white-8
			if full {
				clipped++
			}
			if !full && g-black > colourLeast {
				sum[0] += max(r-black, 0)
				sum[1] += g - black
				sum[2] += max(b-black, 0)
			}
		}
	}
	p.stats.Mean, p.stats.ClippedPermille = green*white/(white-black)/count, 1000*clipped/count
	if p.opts.RedGainQ8 <= 0 {
		p.red = p.balance(p.red, sum[1], sum[0])
	}
	if p.opts.BlueGainQ8 <= 0 {
		p.blue = p.balance(p.blue, sum[1], sum[2])
	}
	p.started = p.started || sum[1] > 0
	p.stats.RedGainQ8, p.stats.BlueGainQ8 = p.red, p.blue
}

// balance moves a gain an eighth of the way to what makes the colour's mean that
// of green; the first picture goes all the way.
func (p *Processor) balance(gain, green, colour int) int {
	if green == 0 || colour == 0 {
		return gain
	}
	want := min(max(green*unity/colour, gainLeast), gainMost)
	if !p.started {
		return want
	}
	// Rounded away from the present value, so that it arrives.
	d := want - gain
	switch {
	case d > 0:
		return gain + (d+7)/8
	case d < 0:
		return gain + (d-7)/8
	}
	return gain
}

// Range is what a sensor's control takes.
type Range struct{ Min, Max int }

// Exposure drives a sensor's exposure time and analogue gain from picture
// statistics: time first, up to what the frame rate leaves, then gain; on the way
// down gain first, which is noise.
type Exposure struct {
	Time, Gain Range
	now        struct{ time, gain int }
	set        bool
}

// Levels of the exposure loop: the mean that is wanted (18 % grey, a stop up for
// faces against the sky is left to tone mapping), and the band around it in
// percent in which nothing is done.
const (
	wantedMean   = white * 18 / 100
	bandPercent  = 12
	clippedLimit = 30 // permille above which light is taken away
)

// Start tells what is set now.
func (e *Exposure) Start(time, gain int) {
	e.now.time, e.now.gain, e.set = time, gain, true
}

// Next returns the settings after a picture with the given statistics, and
// whether they have changed. Ask again only when a picture has shown the last
// change: two to three frames later.
func (e *Exposure) Next(s Stats) (time, gain int, changed bool) {
	if !e.set {
		e.Start(e.Time.Min, e.Gain.Min)
	}
	// The factor by which there should be more light, Q8, bounded to a stop.
	factor := unity * wantedMean / max(s.Mean, 1)
	if s.ClippedPermille > clippedLimit && factor > unity*3/4 {
		factor = unity * 3 / 4
	}
	factor = min(max(factor, unity/2), 2*unity)
	if d := factor - unity; d*100 < unity*bandPercent && d*100 > -unity*bandPercent {
		return e.now.time, e.now.gain, false
	}
	before := e.now
	light := e.now.time * e.now.gain
	if e.Gain.Min <= 0 {
		light = e.now.time * (e.now.gain + 1 - e.Gain.Min)
	}
	base := max(e.Gain.Min, 1)
	shift := base - e.Gain.Min // gains that begin at 0 count from 1
	total := int(int64(light) * int64(factor) >> gainShift)
	if factor > unity && total <= light {
		total = light + 1
	}
	e.now.time = min(max(total/base, e.Time.Min), e.Time.Max)
	e.now.gain = min(max(total/max(e.now.time, 1)-shift, e.Gain.Min), e.Gain.Max)
	return e.now.time, e.now.gain, e.now != before
}
