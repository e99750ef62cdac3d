package engine

import (
	"log/slog"
	"math"
	"strconv"
	"time"

	"github.com/edgecam/edgecam/engine/video/enhance"
	"github.com/edgecam/edgecam/hal"
)

// V4L2 control identifiers (linux/v4l2-controls.h).
const (
	controlAutoGain     = 0x00980912
	controlGain         = 0x00980913
	controlPowerLine    = 0x00980918 // menu: off, 50 Hz, 60 Hz, auto
	controlBacklight    = 0x0098091c // compensation, 0 is none
	controlExposureAuto = 0x009a0901 // menu: auto, manual, shutter, aperture priority
	controlExposureTime = 0x009a0902 // in 100 us
	controlExposureBias = 0x009a0913 // integer menu, thousandths of a stop
)

// exposureControl lets the camera expose by what the picture shows, before
// anything is done to samples: light that the sensor has seen has less noise
// than light that was computed. A camera that exposes by itself is asked for
// more or less by its bias, or by its back-light compensation; one that leaves
// it to us has its exposure time set, then its gain.
type exposureControl struct {
	camera hal.ControlledCamera
	log    *slog.Logger
	now    exposureKnob // nil: the camera has nothing to set
	// acting is set while the camera is asked for more or less light and can
	// still give it.
	acting bool
	lastAt time.Time
	power  hal.Control // power-line frequency
	mains  bool        // power is to be set to what is seen
	gain   hal.Control // what the camera's own exposure amplifies by
	reads  bool        // gain can be read
	gainIs float32
	gainAt time.Time
	// stale is set when somebody else has changed what exposure rests on.
	stale bool
}

// exposureModes are the controls that say who exposes, and how.
var exposureModes = []uint32{controlExposureAuto, controlAutoGain, controlPowerLine}

// exposureKnob is a way to make a camera expose otherwise.
type exposureKnob interface {
	// step moves towards what the picture wants and reports whether anything
	// was changed.
	step(x *exposureControl, e enhance.Exposure) (changed bool, err error)
	// settle is how long the camera takes to show a step.
	settle() time.Duration
}

// Times to wait after a step: a camera that exposes by itself has a loop of its
// own to run; a sensor shows its setting two or three frames later.
const (
	settleAuto   = time.Second
	settleFrames = 5
	gainEvery    = 2 * time.Second
)

// wishLeast is the wish, in thousandths of a stop, that is acted upon.
const wishLeast = 250

// open looks for what the camera lets be set, and tells it the mains.
func (x *exposureControl) open(camera hal.Camera, mains enhance.Mains, log *slog.Logger) {
	*x = exposureControl{log: log}
	c, ok := camera.(hal.ControlledCamera)
	if !ok {
		return
	}
	list, err := c.Controls()
	if err != nil {
		log.Warn("camera controls cannot be listed", "error", err)
		return
	}
	x.camera = c
	controls := map[uint32]hal.Control{}
	for _, ctl := range list {
		controls[ctl.ID] = ctl
	}
	usable := func(id uint32) (hal.Control, bool) {
		ctl, ok := controls[id]
		return ctl, ok && !ctl.ReadOnly && ctl.Max > ctl.Min
	}
	if power, ok := usable(controlPowerLine); ok {
		x.power = power
		x.setMains(mains)
	}
	auto, hasAuto := controls[controlExposureAuto]
	manual := !hasAuto || auto.Value == 1
	autoGain, hasAutoGain := controls[controlAutoGain]
	byHand := !hasAutoGain || autoGain.Value == 0
	gain, hasGain := usable(controlGain)
	switch {
	case camera.Mode().Format.Raw(): // its mosaic is exposed by the sensor loop
	default:
		if bias, ok := usable(controlExposureBias); ok && !(hasAuto && manual) {
			x.now = newBiasKnob(bias)
		} else if exposure, ok := usable(controlExposureTime); ok && manual {
			k := &manualKnob{time: exposure, frame: camera.Mode().FrameInterval, mains: mains}
			if hasGain && byHand {
				k.gain, k.hasGain = gain, true
			}
			x.now = k
		} else if backlight, ok := usable(controlBacklight); ok {
			x.now = &backlightKnob{ctl: backlight}
		}
		// Tone mapping waits until the camera has been asked.
		x.acting = x.now != nil
	}
	if k, ok := x.now.(*manualKnob); (!ok || !k.hasGain) && controls[controlGain].Max > controls[controlGain].Min {
		_, x.reads = camera.(hal.ControlReader)
		x.gain = controls[controlGain]
	}
}

// setMains makes the camera avoid exposures that show lamps' flicker.
func (x *exposureControl) setMains(mains enhance.Mains) {
	want := map[enhance.Mains]int64{enhance.Mains50: 1, enhance.Mains60: 2, enhance.MainsAuto: 3}[mains]
	x.mains = false
	if want == 3 && (x.power.Max < 3 || len(x.power.Menu) > 3 && x.power.Menu[3] == "") {
		x.mains = true // the camera cannot tell; the picture may
		return
	}
	if want == 0 || want > x.power.Max || want == x.power.Value {
		return
	}
	if err := x.camera.SetControl(x.power.ID, want); err != nil {
		x.log.Warn("camera does not take the mains frequency", "error", err)
		return
	}
	x.power.Value = want
}

// follow moves exposure a step towards what the picture wants, and tells the
// camera the mains frequency that the picture's flicker has shown.
func (x *exposureControl) follow(e enhance.Exposure, mains enhance.Mains, at time.Time) {
	if mains != enhance.MainsOff {
		if x.mains {
			x.setMains(mains)
		}
		if k, ok := x.now.(*manualKnob); ok && k.mains == enhance.MainsAuto {
			k.mains = mains
		}
	}
	if x.lastAt.IsZero() {
		x.lastAt = at // the camera's own exposure has just begun
	}
	if x.now == nil || at.Sub(x.lastAt) < x.now.settle() {
		return
	}
	x.lastAt = at
	var err error
	if x.acting, err = x.now.step(x, e); err != nil {
		x.log.Warn("camera does not take the exposure", "error", err)
		x.now, x.acting = nil, false
	}
}

// amplified is the part of the camera's gain that is in use, 0 to 1; ok is false
// where nobody knows.
func (x *exposureControl) amplified(at time.Time) (part float32, ok bool) {
	if k, manual := x.now.(*manualKnob); manual && k.hasGain {
		return partOf(k.gain, k.gain.Value), true
	}
	if !x.reads {
		return 0, false
	}
	if x.gainAt.IsZero() || at.Sub(x.gainAt) >= gainEvery {
		x.gainAt = at
		v, err := x.camera.(hal.ControlReader).ControlValue(x.gain.ID)
		if err != nil {
			x.reads = false
			return 0, false
		}
		x.gainIs = partOf(x.gain, v)
	}
	return x.gainIs, true
}

func partOf(c hal.Control, value int64) float32 {
	return float32(value-c.Min) / float32(max(c.Max-c.Min, 1))
}

// keyPlenty is a key (see enhance.Exposure) at which a step less does not make
// the picture wish for more again.
const keyPlenty = 0.36

// biasKnob is the bias of a camera that exposes by itself.
type biasKnob struct {
	ctl   hal.Control
	stops []int64 // thousandths of a stop by value, from the menu; nil: unknown
	last  int64   // direction of the last step
	turns int     // how often in a row the picture has asked for the other
}

func newBiasKnob(ctl hal.Control) *biasKnob {
	k := &biasKnob{ctl: ctl}
	for _, name := range ctl.Menu {
		v, err := strconv.ParseInt(name, 10, 64)
		if n := len(k.stops); err != nil || n > 0 && v <= k.stops[n-1] {
			k.stops = nil
			break
		}
		k.stops = append(k.stops, v)
	}
	if int64(len(k.stops)) != ctl.Max+1 || ctl.Min != 0 || ctl.Value < 0 || ctl.Value > ctl.Max {
		k.stops = nil
	}
	return k
}

func (*biasKnob) settle() time.Duration { return settleAuto }

func (k *biasKnob) step(x *exposureControl, e enhance.Exposure) (bool, error) {
	c := &k.ctl
	value, step := c.Value, max((c.Max-c.Min)/16, c.Step, 1)
	switch {
	case e.Wish > wishLeast || e.Wish < -wishLeast:
		value = k.moved(e.Wish, step)
	case e.Wish <= 0 && value > c.Default && e.Mean > 120 && e.Key > keyPlenty:
		value = max(value-step, c.Default) // no longer needed
	case e.Wish >= 0 && value < c.Default && e.Mean < 110 && e.ClippedHigh < 0.02:
		value = min(value+step, c.Default)
	}
	if value == c.Value {
		k.turns = 0
		return false, nil
	}
	direction := int64(1)
	if value < c.Value {
		direction = -1
	}
	if k.last == -direction {
		if k.turns++; k.turns < turnAfter {
			return false, nil
		}
	}
	k.last, k.turns = direction, 0
	if err := x.camera.SetControl(c.ID, value); err != nil {
		return false, err
	}
	c.Value = value
	return true, nil
}

// turnAfter is how many steps in a row must want the other direction: what a
// camera makes of its bias is not known beforehand, and hunting would be seen.
const turnAfter = 5

// moved returns the value for a wish in thousandths of a stop: at most a stop
// on, at least the next.
func (k *biasKnob) moved(wish int, step int64) int64 {
	c := &k.ctl
	direction := int64(1)
	if wish < 0 {
		direction = -1
	}
	value := c.Value + direction*step
	if k.stops != nil {
		value = c.Value + direction
		goal := k.stops[c.Value] + int64(min(max(wish, -1000), 1000))
		for next := value + direction; next >= c.Min && next <= c.Max && (goal-k.stops[next])*direction >= 0; next += direction {
			value = next
		}
	}
	return min(max(value, c.Min), c.Max)
}

// manualKnob sets exposure time and gain of a camera that has nobody else to do
// it: more light by time first, in whole half-waves of the mains where it is
// long enough, less light by gain first.
type manualKnob struct {
	time, gain hal.Control
	hasGain    bool
	frame      time.Duration
	mains      enhance.Mains
}

func (k *manualKnob) settle() time.Duration { return max(settleFrames*k.frame, 100*time.Millisecond) }

// exposureUnit is what exposure times are counted in.
const exposureUnit = 100 * time.Microsecond

// longest is the longest exposure that leaves the frame rate alone.
func (k *manualKnob) longest() int64 {
	if k.frame <= 0 {
		return k.time.Max
	}
	return min(max(int64(k.frame/exposureUnit), k.time.Min), k.time.Max)
}

// whole rounds an exposure time down to what shows no flicker.
func (k *manualKnob) whole(units float64) int64 {
	half := 0.0
	switch k.mains {
	case enhance.Mains50, enhance.MainsAuto:
		half = 100
	case enhance.Mains60:
		half = 1e4 / 120
	}
	units = math.Min(units, float64(k.longest()))
	if half > 0 && units >= half {
		units = math.Floor(units/half+1e-6) * half
	}
	return min(max(int64(units+0.5), k.time.Min), k.longest())
}

func (k *manualKnob) step(x *exposureControl, e enhance.Exposure) (bool, error) {
	if e.Wish <= wishLeast && e.Wish >= -wishLeast {
		return false, nil
	}
	wish := math.Min(math.Max(float64(e.Wish)/1000*0.8, -1), 1) // in stops
	atGain := k.hasGain && (wish < 0 && k.gain.Value > k.gain.Min || wish > 0 && k.time.Value >= k.whole(float64(k.longest())))
	if atGain {
		// Its unit is the driver's own: a fraction of the range is a step.
		step := max(int64(float64(k.gain.Max-k.gain.Min)/12*math.Abs(wish)), k.gain.Step, 1)
		if wish < 0 {
			step = -step
		}
		return k.set(x, &k.gain, min(max(k.gain.Value+step, k.gain.Min), k.gain.Max))
	}
	want := float64(max(k.time.Value, 1)) * math.Exp2(wish)
	to := k.whole(want)
	if wish > 0 && to <= k.time.Value {
		to = min(k.whole(want+100), k.longest()) // the next whole half-wave
	}
	return k.set(x, &k.time, to)
}

func (k *manualKnob) set(x *exposureControl, c *hal.Control, value int64) (bool, error) {
	if value == c.Value {
		return false, nil
	}
	if err := x.camera.SetControl(c.ID, value); err != nil {
		return false, err
	}
	c.Value = value
	return true, nil
}

// backlightKnob is the compensation of a camera that exposes by itself and has
// no bias.
type backlightKnob struct {
	ctl   hal.Control
	quiet int // steps for which it was not needed
}

func (*backlightKnob) settle() time.Duration { return settleAuto }

// backlightOver is how many seconds without back-light end the compensation.
const backlightOver = 10

func (k *backlightKnob) step(x *exposureControl, e enhance.Exposure) (bool, error) {
	value := k.ctl.Value
	switch {
	case e.Backlight > 0.5 && e.Wish > -wishLeast:
		k.quiet = 0
		value = min(value+max(k.ctl.Step, 1), k.ctl.Max)
	case e.Backlight < 0.3:
		if k.quiet++; k.quiet > backlightOver {
			value = max(value-max(k.ctl.Step, 1), min(k.ctl.Default, value))
		}
	default:
		k.quiet = 0
	}
	if value == k.ctl.Value {
		return false, nil
	}
	if err := x.camera.SetControl(k.ctl.ID, value); err != nil {
		return false, err
	}
	k.ctl.Value = value
	return true, nil
}
