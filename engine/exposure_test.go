package engine

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/enhance"
	"github.com/edgecam/edgecam/hal"
)

// modelCamera behaves as cameras do: a setting shows three frames later, the
// own exposure (if it has one) needs a while and has an end, the sensor clips,
// the picture has a gamma.
type modelCamera struct {
	hal.Camera
	frame    time.Duration
	controls []hal.Control
	refuse   error
	sets     []controlSet
	ground   float64 // light of the ground and of the figure in the middle
	figure   float64
	auto     bool
	own      float64 // the own exposure's state
	mostOwn  float64
	delayed  [4]float64
	lampHz   float64
}

type controlSet struct {
	id    uint32
	value int64
}

func (c *modelCamera) Mode() hal.VideoMode {
	return hal.VideoMode{Format: media.FormatI420, Width: 64, Height: 48, FrameInterval: c.frame}
}
func (c *modelCamera) Controls() ([]hal.Control, error) { return slices.Clone(c.controls), nil }

func (c *modelCamera) SetControl(id uint32, value int64) error {
	if c.refuse != nil {
		return c.refuse
	}
	for i := range c.controls {
		if ctl := &c.controls[i]; ctl.ID == id && value >= ctl.Min && value <= ctl.Max {
			ctl.Value = value
			c.sets = append(c.sets, controlSet{id, value})
			return nil
		}
	}
	return errors.New("no such control or value")
}

func (c *modelCamera) ControlValue(id uint32) (int64, error) { return c.value(id, -1), nil }

func (c *modelCamera) value(id uint32, without int64) int64 {
	for _, ctl := range c.controls {
		if ctl.ID == id {
			return ctl.Value
		}
	}
	return without
}

// values are those that a control was set to.
func (c *modelCamera) values(id uint32) (list []int64) {
	for _, s := range c.sets {
		if s.id == id {
			list = append(list, s.value)
		}
	}
	return list
}

// draw makes the next frame.
func (c *modelCamera) draw(p *media.Picture, n int) {
	var set float64
	if c.auto {
		bias := float64(c.value(controlExposureBias, 6)-6) / 3
		light := (c.ground*0.8 + c.figure*0.2) * c.own
		if b := c.value(controlBacklight, 0); b > 0 {
			light = (c.ground*0.2 + c.figure*0.8) * c.own
		}
		c.own *= math.Pow(0.18*math.Exp2(bias)/light, 0.2)
		c.own = min(c.own, c.mostOwn)
		set = c.own
	} else {
		set = float64(c.value(controlExposureTime, 100)) / 100 * (1 + float64(c.value(controlGain, 0))/16)
	}
	copy(c.delayed[1:], c.delayed[:3])
	c.delayed[0] = set
	exposure := c.delayed[3]
	if exposure == 0 {
		exposure = set
	}
	if c.lampHz > 0 && c.value(controlPowerLine, 0) != 1 {
		exposure *= 1 + 0.15*math.Cos(2*math.Pi*c.lampHz*float64(n)*c.frame.Seconds())
	}
	for y := range p.Height {
		for x := range p.Width {
			light := c.ground
			if y < 12 {
				light *= 4 // the sky
			}
			if x >= 18 && x < 46 && y >= 8 {
				light = c.figure
			}
			light *= 1 + 0.1*math.Sin(float64(x+y)) // texture
			p.Y[y*p.YStride+x] = byte(16 + 219*math.Pow(min(light*exposure, 1), 1/2.2) + 0.5)
		}
	}
	for i := range p.U {
		p.U[i], p.V[i] = 128, 128
	}
}

// shoot runs the engine on frames of c and returns the last exposure.
func (c *modelCamera) shoot(t *testing.T, e *Engine, frames int, from time.Time) (enhance.Exposure, time.Time) {
	t.Helper()
	for n := range frames {
		p := e.pool.Get(64, 48)
		c.draw(p, n)
		from = from.Add(c.frame)
		p.CapturedAt, p.Sequence = from, uint32(n)
		e.handOn(t.Context(), p, 1/c.frame.Seconds())
	}
	return e.enhance.chain.Exposure(), from
}

// reversals counts how often a list of values changes its direction.
func reversals(values []int64) (n int) {
	last := int64(0)
	for i := 1; i < len(values); i++ {
		d := values[i] - values[i-1]
		if d*last < 0 {
			n++
		}
		if d != 0 {
			last = d
		}
	}
	return n
}

func exposing(t *testing.T, c *modelCamera, mains enhance.Mains) *Engine {
	t.Helper()
	cfg := Defaults()
	cfg.Enhance.Deflicker = mains
	e := enhancing(t, cfg, Devices{})
	e.openExposure(c)
	return e
}

// A camera that is exposed by hand gets more time in the dark, in whole
// half-waves of the mains, then more gain; in the light gain goes first. It
// settles though it answers late, and tone mapping waits meanwhile.
func TestManualExposure(t *testing.T) {
	c := &modelCamera{
		frame: time.Second / 30, ground: 0.006, figure: 0.004,
		controls: []hal.Control{
			{ID: controlExposureAuto, Min: 0, Max: 3, Value: 1},
			{ID: controlExposureTime, Min: 1, Max: 5000, Value: 20},
			{ID: controlGain, Min: 0, Max: 128, Step: 1},
		},
	}
	e := exposing(t, c, enhance.Mains50)
	at := time.Unix(1000, 0)
	dark, at := c.shoot(t, e, 3, at)
	got, at := c.shoot(t, e, 400, at)
	times, gains := c.values(controlExposureTime), c.values(controlGain)
	t.Logf("mean %.0f becomes %.0f by times %v and gains %v", dark.Mean, got.Mean, times, gains)
	if got.Wish > wishLeast || got.FaceMean < 60 || got.ClippedHigh > 0.1 {
		t.Errorf("settles at %+v", got)
	}
	if reversals(times) != 0 || reversals(gains) != 0 || len(gains) == 0 {
		t.Errorf("times %v, gains %v: must rise, and stop", times, gains)
	}
	for _, v := range times {
		if v > 333 || v > 100 && v%100 != 0 {
			t.Errorf("exposure time %d00 us: not whole half-waves of 10 ms, or longer than a frame", v)
		}
	}
	before := len(c.sets)
	if _, at = c.shoot(t, e, 300, at); len(c.sets) != before {
		t.Errorf("in light that does not change it sets %v", c.sets[before:])
	}
	c.ground, c.figure = 0.6, 0.3 // somebody switches the light on
	c.sets = nil
	got, at = c.shoot(t, e, 600, at)
	times, gains = c.values(controlExposureTime), c.values(controlGain)
	t.Logf("in the light: mean %.0f, clipped %.2f by gains %v and times %v", got.Mean, got.ClippedHigh, gains, times)
	if got.ClippedHigh > 0.3 || c.value(controlGain, 0) != 0 || len(times) == 0 || reversals(times)+reversals(gains) != 0 {
		t.Errorf("times %v, gains %v, %+v", times, gains, got)
	}
	if c.sets[0].id != controlGain {
		t.Error("the gain must go first")
	}
	before = len(c.sets)
	if c.shoot(t, e, 300, at); len(c.sets) != before {
		t.Errorf("it does not settle: %v", c.sets[before:])
	}
}

// A camera that exposes by itself is asked for more by its bias where a figure
// stands before the light, and is left alone again afterwards. While it has
// more to give, tone mapping does nothing.
func TestExposureBiasBeforeTone(t *testing.T) {
	menu := []string{"-2000", "-1667", "-1333", "-1000", "-667", "-333", "0", "333", "667", "1000", "1333", "1667", "2000"}
	c := &modelCamera{
		frame: time.Second / 30, auto: true, own: 1, mostOwn: 40, ground: 0.5, figure: 0.006,
		controls: []hal.Control{
			{ID: controlExposureAuto, Min: 0, Max: 3, Value: 3},
			{ID: controlExposureBias, Min: 0, Max: 12, Value: 6, Default: 6, Menu: menu},
		},
	}
	e := exposing(t, c, enhance.MainsOff)
	at := time.Unix(1000, 0)
	got, at := c.shoot(t, e, 20, at)
	if st := e.enhance.chain.Stats(enhance.StepTone); st.Changed != 0 {
		t.Errorf("tone mapping has changed %d frames before the camera was asked", st.Changed)
	}
	first := got.FaceMean
	got, at = c.shoot(t, e, 900, at)
	values := c.values(controlExposureBias)
	t.Logf("face %.0f becomes %.0f by bias %v", first, got.FaceMean, values)
	if len(values) == 0 || values[len(values)-1] <= 6 || reversals(values) != 0 || got.FaceMean < first+10 {
		t.Errorf("bias %v, %+v", values, got)
	}
	if st := e.enhance.chain.Stats(enhance.StepTone); st.Changed == 0 {
		t.Error("tone mapping does nothing for the rest")
	}
	before := len(c.sets)
	if _, at = c.shoot(t, e, 600, at); len(c.sets) != before {
		t.Errorf("it does not settle: %v", c.sets[before:])
	}
	c.figure, c.sets = 0.5, nil // the figure has left
	c.shoot(t, e, 1200, at)
	if values := c.values(controlExposureBias); len(values) == 0 || reversals(values) != 0 || c.value(controlExposureBias, 0) > 9 {
		t.Errorf("bias goes %v when it is not needed", values)
	}
}

// Without a bias the camera's back-light compensation is used, and goes off
// when it has not been needed for a while.
func TestBacklightCompensation(t *testing.T) {
	c := &modelCamera{
		frame: time.Second / 10, auto: true, own: 0.3, mostOwn: 40, ground: 2, figure: 0.05,
		controls: []hal.Control{
			{ID: controlExposureAuto, Min: 0, Max: 3, Value: 3},
			{ID: controlBacklight, Min: 0, Max: 1, Step: 1},
		},
	}
	e := exposing(t, c, enhance.MainsOff)
	_, at := c.shoot(t, e, 100, time.Unix(1000, 0))
	if c.value(controlBacklight, 0) != 1 {
		t.Fatalf("sets %v before a light: %+v", c.sets, e.enhance.chain.Exposure())
	}
	c.ground, c.figure = 0.4, 0.4
	c.shoot(t, e, 50, at)
	if c.value(controlBacklight, 0) != 1 {
		t.Error("compensation goes off at once")
	}
	c.shoot(t, e, 300, at.Add(time.Minute))
	if c.value(controlBacklight, 0) != 0 || len(c.sets) != 2 {
		t.Errorf("sets %v", c.sets)
	}
}

// A camera that cannot find the mains frequency itself is told what the
// picture's flicker shows; one that can is left to it, and one that refuses is
// not asked again.
func TestMainsFrequencyIsLearned(t *testing.T) {
	power := hal.Control{ID: controlPowerLine, Max: 2, Value: 2}
	c := &modelCamera{frame: time.Second / 30, ground: 0.3, figure: 0.2, lampHz: 100, controls: []hal.Control{power}}
	e := exposing(t, c, enhance.MainsAuto)
	_, at := c.shoot(t, e, 300, time.Unix(1000, 0))
	if !slices.Equal(c.values(controlPowerLine), []int64{1}) {
		t.Fatalf("100 Hz in the picture: power line set to %v", c.values(controlPowerLine))
	}
	c.shoot(t, e, 300, at)
	if len(c.sets) != 1 {
		t.Errorf("sets %v", c.sets)
	}
	power.Max = 3
	c = &modelCamera{frame: time.Second / 30, ground: 0.3, figure: 0.2, lampHz: 100, controls: []hal.Control{power}}
	e = exposing(t, c, enhance.MainsAuto)
	c.shoot(t, e, 300, time.Unix(1000, 0))
	if !slices.Equal(c.values(controlPowerLine), []int64{3}) {
		t.Errorf("a camera that knows: power line set to %v", c.values(controlPowerLine))
	}
	c = &modelCamera{frame: time.Second / 25, ground: 0.01, figure: 0.01, refuse: errors.New("busy"), controls: []hal.Control{power, {ID: controlExposureTime, Min: 1, Max: 300, Value: 1}}}
	e = exposing(t, c, enhance.Mains60)
	c.shoot(t, e, 100, time.Unix(1000, 0))
	if e.enhance.exposure.now != nil || e.enhance.exposure.acting {
		t.Error("a camera that refuses is asked on")
	}
}

// What the camera amplifies by tells night where its own exposure hides dusk.
func TestGainTellsNight(t *testing.T) {
	c := &modelCamera{
		frame: time.Second / 5, auto: true, own: 1, mostOwn: 1e6, ground: 0.06, figure: 0.05,
		controls: []hal.Control{{ID: controlAutoGain, Max: 1, Value: 1}, {ID: controlGain, Max: 100, Value: 20, ReadOnly: true}},
	}
	cfg := Defaults()
	cfg.Night = NightAuto
	e := enhancing(t, cfg, Devices{})
	e.openExposure(c)
	c.mostOwn = 0.25 // dusk: darker than the camera would like, by far not black
	_, at := c.shoot(t, e, 100, time.Unix(1000, 0))
	if e.enhance.decision.Night() {
		t.Fatalf("night at a mean of %.0f while the camera has gain to spare", e.enhance.chain.Exposure().Mean)
	}
	c.controls[1].Value = 100
	c.shoot(t, e, 100, at)
	if mean := e.enhance.chain.Exposure().Mean; !e.enhance.decision.Night() || mean < 40 {
		t.Errorf("day at a mean of %.0f though the camera amplifies all it can", mean)
	}
}

// TestBiasOutsideItsMenu: a driver that reports a value which its own menu does
// not have is stepped all the same.
func TestBiasOutsideItsMenu(t *testing.T) {
	for _, value := range []int64{-1, 3, 1 << 40} {
		k := newBiasKnob(hal.Control{ID: controlExposureBias, Max: 2, Value: value, Menu: []string{"-1000", "0", "1000"}})
		for _, wish := range []int{-2000, 2000} {
			if to := k.moved(wish, 1); to < 0 || to > 2 {
				t.Errorf("from %d by %d: %d, outside 0 to 2", value, wish, to)
			}
		}
	}
}
