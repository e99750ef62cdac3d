package enhance

import (
	"math"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// doorway is a door station's view through a night: ambient light, the station's
// own infrared light, which is bright near and weak far, headlights, a visitor;
// and a camera that exposes by itself as far as its gain goes.
type doorway struct {
	ambient  float64
	lamp     float64 // light of a lamp over all of the view
	beam     float64 // place of headlights, 0 to 1; negative: none
	visitor  bool
	infrared bool
	exposure float64
	least    float64 // of exposure
	most     float64
	hedge    bool // a third of the view hardly reflects
}

const doorW, doorH = 64, 40

// gammaOf is luma by light in 4095ths.
var gammaOf = func() (t [4096]byte) {
	for i := range t {
		t[i] = byte(16 + 219*math.Pow(float64(i)/4095, 1/2.2))
	}
	return t
}()

func (d *doorway) light(x, y int) float64 {
	reflects := 0.12 + 0.4*float64((x/12+y/9)%3)/2
	if d.hedge && y < doorH/3 {
		reflects = 0.03
	}
	// The filter that is out of the way lets a third more through.
	ambient, own := d.ambient+d.lamp, 0.0
	if d.infrared {
		ambient *= 1.35
		near := float64(y+8) / doorH // the path in front is near, the street far
		own = 0.02 + 0.25*near*near
	}
	if dx := float64(x)/doorW - d.beam; d.beam >= 0 {
		ambient += 0.05 + 3*math.Exp(-dx*dx*60)
	}
	if d.visitor && x > doorW/3 && x < doorW*2/3 && y > doorH/4 {
		reflects = 0.5
		if d.infrared {
			own = 1.5
		}
	}
	return reflects * (ambient + own)
}

// shoot draws a picture and lets the camera's exposure follow.
func (d *doorway) shoot(p *media.Picture) {
	sum := 0.0
	for y := range doorH {
		for x := range doorW {
			v := min(d.light(x, y)*d.exposure, 1)
			sum += v
			p.Y[y*p.YStride+x] = gammaOf[int(v*4095)]
		}
	}
	mean := sum / (doorW * doorH)
	d.exposure = min(max(d.exposure*math.Pow(0.16/mean, 0.3), d.least), d.most)
}

func (d *doorway) gain() float32 {
	return float32(math.Log2(d.exposure/d.least) / math.Log2(d.most/d.least))
}

// A whole night: one change at dusk, one at dawn, whatever comes between, and
// whether or not the camera tells its gain.
func TestNightThroughAndThrough(t *testing.T) {
	long(t)
	for _, known := range []bool{false, true} {
		for _, most := range []float64{4, 30, 31} { // a poor sensor, a good one, and one that looks at a hedge
			hedge := most == 31
			if hedge && !known {
				continue // by luma alone its days are too dark
			}
			d := &doorway{hedge: hedge, ambient: 1, beam: -1, exposure: 0.5, least: 0.3, most: most}
			chain, decision := mustNew(t, Config{}, 2), NewDayNight(DayNightConfig{})
			p := media.NewPicture(doorW, doorH)
			now := time.Unix(0, 0)
			type change struct {
				night   bool
				ambient float64
			}
			var changes []change
			run := func(seconds float64, each func(part float64)) {
				n := int(seconds * 2)
				for i := range n {
					if each != nil {
						each(float64(i) / float64(n))
					}
					d.shoot(p)
					chain.Process(p)
					now = now.Add(500 * time.Millisecond)
					l := Light{Mean: chain.Exposure().Mean, DarkAreas: chain.DarkAreas()}
					if known {
						l.Gain, l.GainKnown = d.gain(), true
					}
					if night := decision.Update(l, now); night != d.infrared {
						d.infrared = night
						changes = append(changes, change{night, d.ambient})
					}
				}
			}
			run(60, nil)
			run(450, func(part float64) { d.ambient = math.Pow(10, -4.5*part) })
			if len(changes) != 1 || !d.infrared {
				t.Fatalf("gain known %v, to %g: %v at dusk", known, most, changes)
			}
			for range 5 {
				run(8, func(part float64) { d.beam = part }) // a car
				d.beam = -1
				run(20, nil)
			}
			run(12, func(float64) { d.beam = 0.8 }) // one that stops
			d.beam = -1
			d.visitor = true
			run(120, nil)
			d.visitor = false
			run(30, nil)
			d.lamp = 0.5 // the neighbour's lamp, for ten seconds
			run(10, nil)
			d.lamp = 0
			run(60, nil)
			if len(changes) != 1 {
				t.Errorf("gain known %v, to %g: %v by night", known, most, changes)
			}
			run(450, func(part float64) { d.ambient = math.Pow(10, -4.5*(1-part)) })
			run(120, nil)
			t.Logf("gain known %v, to %g: changes %v, mean %.0f, dark areas %.0f", known, most, changes, chain.Exposure().Mean, chain.DarkAreas())
			if len(changes) != 2 || d.infrared {
				t.Errorf("gain known %v, to %g: %v after dawn", known, most, changes)
			}
		}
	}
}
