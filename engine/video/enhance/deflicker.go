package enhance

import (
	"math"

	"github.com/edgecam/edgecam/engine/media"
)

// Mains is the frequency of the lamps' mains.
type Mains uint8

// The mains frequencies. Lamps flicker at twice that.
const (
	MainsOff  Mains = iota // no deflicker
	MainsAuto              // whichever is seen
	Mains50
	Mains60
)

// flickerBands is how many bands of rows a picture is cut into: with a rolling
// shutter each sees the lamp at another time.
const flickerBands = 96

// deflicker takes out the brightness modulation of lamps on mains. Sampled at
// the frame rate, the lamps' 100 or 120 Hz become a known lower frequency; per
// band of rows its amplitude and phase are followed and divided out. What does
// not swing at that frequency (a lamp switched on, somebody who comes) is left
// alone.
type deflicker struct {
	mains    Mains
	fps      float64
	bands    int
	trackers [2]flickerTracker // 100 and 120 Hz
	level    [flickerBands]float64
	mean     [flickerBands]float64 // slow mean of the level's logarithm
	frames   int
	sequence uint32
	gainQ12  []int16
}

// flickerTracker follows one frequency.
type flickerTracker struct {
	hz     float64
	turn   float64 // radians per frame, of the alias
	phase  float64
	re, im [flickerBands]float64
	power  float64 // mean square of the flicker's logarithm
	rest   float64 // mean square of what is not explained
	seen   int
	held   int // frames since active was set
	active bool
}

const (
	// Flicker that the frame rate turns into less than this cannot be told
	// from the light's own changes; it does not flicker either.
	aliasLeastHz = 0.4
	// flickerClip bounds the logarithm of a frame's change that is learned from.
	flickerClip = 0.15
	restClip    = 0.05
	// Amplitudes squared at which the correction begins and stops.
	flickerOn  = 0.004 * 0.004 / 2
	flickerOff = 0.002 * 0.002 / 2
)

func newDeflicker(mains Mains, fps float64, width, height int) *deflicker {
	d := &deflicker{mains: mains, fps: fps, bands: max(min(flickerBands, height/4), 1), gainQ12: make([]int16, width)}
	for i, hz := range [2]float64{100, 120} {
		alias := math.Remainder(hz, fps)
		d.trackers[i] = flickerTracker{hz: hz, turn: 2 * math.Pi * alias / fps}
	}
	return d
}

// wanted reports whether a tracker's frequency is looked for and can be seen.
func (d *deflicker) wanted(i int) bool {
	if d.mains == Mains50 && i == 1 || d.mains == Mains60 && i == 0 {
		return false
	}
	return math.Abs(d.trackers[i].turn)*d.fps/(2*math.Pi) >= aliasLeastHz
}

// process corrects p in place and reports whether it did.
func (d *deflicker) process(p *media.Picture, hidden []bool) bool {
	if !d.wanted(0) && !d.wanted(1) {
		return false
	}
	step := 1.0
	if gap := p.Sequence - d.sequence; d.frames > 0 && gap > 1 && gap < 100 {
		step = float64(gap)
	}
	d.sequence = p.Sequence
	d.measure(p, hidden)
	d.frames++
	var x [flickerBands]float64
	for b := range d.bands {
		l := math.Log(max(d.level[b], 1))
		if d.frames == 1 {
			d.mean[b] = l
		}
		x[b] = l - d.mean[b]
		// The mean takes at once what no flicker can be.
		if math.Abs(x[b]) > 3*flickerClip {
			d.mean[b], x[b] = l, 0
		} else {
			d.mean[b] += x[b] / 16
		}
	}
	best := -1
	for i := range d.trackers {
		if !d.wanted(i) {
			continue
		}
		t := &d.trackers[i]
		t.follow(&x, d.bands, step)
		if t.active && (best < 0 || t.power > d.trackers[best].power) {
			best = i
		}
	}
	if best < 0 {
		return false
	}
	d.apply(p, &d.trackers[best])
	return true
}

// flickerSure is how many frames a flicker must have been seen for before its
// frequency is told.
const flickerSure = 50

// found returns the mains frequency whose flicker is seen, MainsOff if none.
func (d *deflicker) found() Mains {
	for i, mains := range [2]Mains{Mains50, Mains60} {
		if t := &d.trackers[i]; t.active && t.held >= flickerSure && t.power > 4*d.trackers[1-i].power {
			return mains
		}
	}
	return MainsOff
}

// measure takes the bands' mean luma above black, of one sample in eight.
func (d *deflicker) measure(p *media.Picture, hidden []bool) {
	across := (p.Width + cellSide - 1) / cellSide
	for b := range d.bands {
		sum, n := uint64(0), uint64(0)
		for y := b * p.Height / d.bands; y < (b+1)*p.Height/d.bands; y++ {
			row := p.Y[y*p.YStride:]
			for cx := range across {
				if hidden != nil && hidden[y/cellSide*across+cx] {
					continue
				}
				for x := cx * cellSide; x < min(cx*cellSide+cellSide, p.Width); x += 8 {
					// Clipped highlights do not flicker.
					if v := row[x]; v > 16 && v < 230 {
						sum += uint64(v - 16)
						n++
					}
				}
			}
		}
		if n > 0 {
			d.level[b] = float64(sum) / float64(n)
		}
	}
}

// follow moves the tracker to a frame with the bands' deviations x.
func (t *flickerTracker) follow(x *[flickerBands]float64, bands int, step float64) {
	t.phase = math.Mod(t.phase+t.turn*step, 2*math.Pi)
	sin, cos := math.Sincos(t.phase)
	t.seen++
	rate := max(1/float64(t.seen), 1.0/24)
	var power, rest, along, across float64
	for b := range bands {
		e := x[b] - (t.re[b]*cos + t.im[b]*sin)
		// A lamp that is switched on must not pass for the end of the flicker.
		r := min(max(e, -restClip), restClip)
		rest += r * r
		e = min(max(e, -flickerClip), flickerClip) * rate * 2
		re, im := t.re[b], t.im[b]
		t.re[b] += e * cos
		t.im[b] += e * sin
		power += (t.re[b]*t.re[b] + t.im[b]*t.im[b]) / 2
		along += t.re[b]*re + t.im[b]*im
		across += t.im[b]*re - t.re[b]*im
	}
	t.power = power / float64(bands)
	t.rest += (rest/float64(bands) - t.rest) * max(1/float64(t.seen), 1.0/16)
	if t.active && t.seen > 24 {
		// The mains are never quite on frequency: the amplitudes' turning is
		// the error.
		t.turn -= min(max(math.Atan2(across, along), -0.1), 0.1) / 40
	}
	switch {
	case t.seen > 12 && t.power > flickerOn && t.power > 2*t.rest:
		t.active = true
	case t.power < flickerOff || t.power < t.rest/2:
		t.active, t.held = false, 0
	}
	if t.active {
		t.held++
	}
}

// apply divides the flicker out, interpolating between the bands' middles.
func (d *deflicker) apply(p *media.Picture, t *flickerTracker) {
	sin, cos := math.Sincos(t.phase)
	var gain [flickerBands]float64
	for b := range d.bands {
		gain[b] = math.Exp(-min(max(t.re[b]*cos+t.im[b]*sin, -0.4), 0.4))
	}
	for y := range p.Height {
		at := (float64(2*y+1)*float64(d.bands)/float64(p.Height) - 1) / 2
		at = min(max(at, 0), float64(d.bands-1))
		b := min(int(at), max(d.bands-2, 0))
		g := gain[b]
		if d.bands > 1 {
			g += (gain[b+1] - gain[b]) * (at - float64(b))
		}
		q := int16(g*4096 + 0.5)
		row := d.gainQ12[:p.Width]
		for i := range row {
			row[i] = q
		}
		scaleRow(p.Y[y*p.YStride:y*p.YStride+p.Width], row, 16, 16)
	}
}
