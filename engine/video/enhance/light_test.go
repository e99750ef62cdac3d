package enhance

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// flicker modulates luma as a lamp does: by row where the shutter rolls.
func flicker(p *media.Picture, hz, fps, depth, rowTime float64, n int) {
	for y := range p.Height {
		at := float64(n)/fps + float64(y)*rowTime
		f := 1 + depth*math.Cos(2*math.Pi*hz*at+1)
		row := p.Y[y*p.YStride : y*p.YStride+p.Width]
		for x, v := range row {
			row[x] = byte(min(max(math.Round(16+float64(v-16)*f), 0), 255))
		}
	}
}

func TestDeflicker(t *testing.T) {
	long(t)
	for _, c := range []struct{ hz, fps, rowTime float64 }{
		{100, 30, 0},
		{120, 25, 0},
		{100, 30, 1.0 / 30 / 240},
		{120, 25, 1.0 / 25 / 240},
		{100.1, 30, 1.0 / 30 / 240},
		{100, 29.97, 0},
		{100, 15.2, 0},
	} {
		chain := mustNew(t, Config{Deflicker: MainsAuto}, c.fps)
		clean, p := media.NewPicture(160, 240), media.NewPicture(160, 240)
		var before, after float64
		for n := range 200 {
			drawScene(clean, n/4)
			p.CopyFrom(clean)
			flicker(p, c.hz, c.fps, 0.12, c.rowTime, n)
			p.Sequence = uint32(n)
			if n >= 100 {
				before += bandError(p, clean)
			}
			chain.Process(p)
			if n >= 100 {
				after += bandError(p, clean)
			}
		}
		gain := 10 * math.Log10(before/after)
		t.Logf("%g Hz at %g frames/s, %g s per row: reduced by %.1f dB", c.hz, c.fps, c.rowTime, gain)
		if gain < 20 {
			t.Errorf("%g Hz at %g frames/s, %g s per row: reduced by %.1f dB, want 20", c.hz, c.fps, c.rowTime, gain)
		}
	}
}

// bandError is the mean square of row means' differences: what flickers.
func bandError(a, b *media.Picture) float64 {
	var sum float64
	for y := 0; y < a.Height; y += 8 {
		var d float64
		for j := y; j < y+8; j++ {
			for x := range a.Width {
				d += float64(a.Y[j*a.YStride+x]) - float64(b.Y[j*b.YStride+x])
			}
		}
		d /= float64(8 * a.Width)
		sum += d * d
	}
	return sum / float64(a.Height/8)
}

// A lamp that is switched on is no flicker, with and without flicker before.
func TestDeflickerLeavesLampAlone(t *testing.T) {
	long(t)
	for _, depth := range []float64{0, 0.1} {
		chain := mustNew(t, Config{Deflicker: Mains50}, 30)
		clean, p := media.NewPicture(160, 240), media.NewPicture(160, 240)
		for n := range 160 {
			drawScene(clean, -1)
			if n >= 100 {
				for i, v := range clean.Y {
					clean.Y[i] = byte(16 + float64(v-min(v, 16))*1.3)
				}
			}
			p.CopyFrom(clean)
			flicker(p, 100, 30, depth, 0, n)
			p.Sequence = uint32(n)
			chain.Process(p)
			if n < 60 {
				continue
			}
			if d := meanLuma(p) - meanLuma(clean); math.Abs(d) > 3 {
				t.Fatalf("flicker of %g: frame %d is off by %.1f levels", depth, n, d)
			}
		}
	}
}

func TestToneLiftsDarkness(t *testing.T) {
	chain := mustNew(t, Config{Tone: ToneConfig{Mode: Auto}}, 25)
	clean := media.NewPicture(320, 240)
	drawScene(clean, 100)
	p := media.NewPicture(320, 240)
	for n := range 40 {
		p.CopyFrom(clean)
		for i, v := range p.Y {
			p.Y[i] = byte(16 + float64(v-min(v, 16))*0.3)
		}
		dark := meanSquare(p, clean)
		chain.Process(p)
		if got := meanSquare(p, clean); got > dark/5 {
			t.Fatalf("frame %d: squared error %.0f of %.0f is left", n, got, dark)
		}
	}
}

// On still scenes tone mapping must not pump, and after a change of light it
// must follow no faster than its limit.
func TestToneDoesNotPump(t *testing.T) {
	long(t)
	rng := rand.New(rand.NewPCG(17, 18))
	p := media.NewPicture(160, 120)
	for _, dark := range []struct {
		gamma float64
		full  bool
	}{{1, false}, {1.6, false}, {1.6, true}, {2.2, true}} {
		chain := mustNew(t, Config{Tone: ToneConfig{Mode: Auto}}, 25)
		before, after := darkTable(0.3, dark.gamma, dark.full), darkTable(0.55, dark.gamma, dark.full)
		last, most := 0.0, 0.0
		for n := range 160 {
			drawScene(p, 60)
			if n < 60 {
				mapRow(p.Y, &before)
			} else { // somebody switches a light on
				mapRow(p.Y, &after)
			}
			addNoise(p, rng, 2)
			chain.Process(p)
			mean := meanLuma(p)
			if n > 0 && n != 60 {
				most = max(most, math.Abs(mean-last))
			}
			last = mean
		}
		t.Logf("power %g: the largest change of the mean is %.2f levels", dark.gamma, most)
		if most > 0.5 {
			t.Errorf("power %g, full range %v: the mean jumps by %.2f levels", dark.gamma, dark.full, most)
		}
	}
}

func TestBacklight(t *testing.T) {
	chain := mustNew(t, Config{Tone: ToneConfig{Mode: Auto}}, 25)
	p := media.NewPicture(320, 240)
	shade := func() (face, ground float64) {
		for y := 80; y < 160; y++ {
			for x := 130; x < 190; x++ {
				face += float64(p.Y[y*p.YStride+x])
			}
			for x := 5; x < 25; x++ {
				ground += float64(p.Y[y*p.YStride+x])
			}
		}
		return face / (80 * 60), ground / (80 * 20)
	}
	for y := range p.Height {
		for x := range p.Width {
			v := 215
			if dx, dy := float64(x-160)/70, float64(y-130)/90; dx*dx+dy*dy < 1 {
				v = 45 + (x+y)%8
			}
			p.Y[y*p.YStride+x] = byte(v)
		}
	}
	faceBefore, groundBefore := shade()
	chain.Process(p)
	face, ground := shade()
	if e := chain.Exposure(); e.Backlight < 0.5 || face < faceBefore+25 {
		t.Errorf("back-light %.2f; the face is lifted from %.0f to %.0f", e.Backlight, faceBefore, face)
	}
	if math.Abs(ground-groundBefore) > 12 {
		t.Errorf("the ground changes from %.0f to %.0f", groundBefore, ground)
	}
}

func TestColour(t *testing.T) {
	long(t)
	p := media.NewPicture(160, 120)
	cast := func() {
		drawScene(p, -1)
		for i := range p.U {
			p.U[i], p.V[i] = 120, 135 // lamp light on grey
		}
	}
	chain := mustNew(t, Config{Colour: ColourConfig{WhiteBalance: Auto}}, 25)
	for range 50 {
		cast()
		chain.Process(p)
	}
	if u, v := int(p.U[0])-128, int(p.V[0])-128; u < -2 || u > 2 || v < -2 || v > 2 {
		t.Errorf("grey is %d, %d after white balance", u, v)
	}
	// A wall of strong colour is no light: what was learned stays.
	for i := range p.U {
		p.U[i], p.V[i] = 90, 170
	}
	chain.Process(p)
	if du, dv := int(p.U[0])-90, int(p.V[0])-170; du < 4 || du > 8 || dv > -3 || dv < -8 {
		t.Errorf("a coloured wall moves by %d, %d", du, dv)
	}
	chain = mustNew(t, Config{Colour: ColourConfig{Monochrome: Auto}}, 25)
	cast()
	chain.Process(p)
	if p.U[0] == 128 {
		t.Error("colour is dropped by day")
	}
	chain.SetNight(true)
	chain.Process(p)
	if p.U[0] != 128 || p.V[len(p.V)/2] != 128 {
		t.Error("colour is kept by night")
	}
}

func TestDayNight(t *testing.T) {
	d := NewDayNight(DayNightConfig{})
	now := time.Unix(0, 0)
	changes := 0
	run := func(seconds int, mean, dark float32) bool {
		for range seconds * 5 {
			now = now.Add(200 * time.Millisecond)
			before := d.Night()
			if d.Update(Light{Mean: mean, DarkAreas: dark}, now) != before {
				changes++
			}
		}
		return d.Night()
	}
	if run(60, 100, 80) {
		t.Fatal("night by day")
	}
	if run(3, 20, 18) {
		t.Error("a hand before the lens is night")
	}
	run(10, 100, 80)
	if !run(10, 20, 18) {
		t.Fatal("no night when it is dark")
	}
	// Its own infrared light makes the picture bright.
	if !run(120, 90, 60) {
		t.Error("the own light is taken for day")
	}
	// Headlights cross a part of the picture, then all of it for a moment.
	if !run(4, 150, 62) || !run(8, 180, 120) || !run(20, 90, 60) {
		t.Error("headlights are taken for day")
	}
	if run(60, 170, 130) {
		t.Error("no day in the morning")
	}
	if changes != 2 {
		t.Errorf("%d changes, want 2", changes)
	}
	// A place where the own light looks like day may be wrong a few times, but
	// ever more rarely.
	changes = 0
	for range 3600 {
		if d.Night() {
			run(1, 140, 150)
		} else {
			run(1, 20, 18)
		}
	}
	if changes > 24 {
		t.Errorf("%d changes in an hour", changes)
	}
}
