package config

import (
	"strings"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// MaxRelayPulse is the longest time the door relay may be held: a stuck
// command must not leave a door open.
const MaxRelayPulse = 5 * time.Second

// Lines are the GPIO lines. None is needed.
type Lines struct {
	Button       InputLine  `yaml:"button" doc:"bell button"`
	PIR          InputLine  `yaml:"pir" doc:"motion sensor"`
	Relay        OutputLine `yaml:"relay" doc:"door strike; off at start and at exit"`
	IRFilter     OutputLine `yaml:"ir_filter" doc:"infrared filter before the sensor; active by day"`
	IRFilterOut  OutputLine `yaml:"ir_filter_out" doc:"second line of a filter that stays where a pulse has moved it: one on ir_filter moves it in, one here out"`
	IRLight      OutputLine `yaml:"ir_light" doc:"infrared light; active by night"`
	Reset        InputLine  `yaml:"reset" doc:"reset button: held for reset_hold_ms and let go, it brings the node back to what left the factory"`
	ResetLight   OutputLine `yaml:"reset_light" doc:"light that shows where a press of the reset button stands"`
	ResetHoldMS  int        `yaml:"reset_hold_ms" doc:"how long the reset button is held, in milliseconds" min:"3000" max:"60000"`
	IRLightPWM   PWMLine    `yaml:"ir_light_pwm" doc:"infrared light that is dimmed by pulses, instead of ir_light"`
	RelayPulseMS int        `yaml:"relay_pulse_ms" doc:"how long the door strike is powered, in milliseconds" min:"50" max:"5000"`
	IRPulseMS    int        `yaml:"ir_filter_pulse_ms" doc:"how long the coil of a filter with two lines is powered, in milliseconds" min:"10" max:"1000"`
}

// InputLine is an input, named by chip label and offset or by line name.
type InputLine struct {
	Chip       string `yaml:"chip" doc:"label of the GPIO chip, such as pinctrl-rp1"`
	Offset     int    `yaml:"offset" doc:"line number on that chip; -1: none" min:"-1" max:"1023"`
	Name       string `yaml:"name" doc:"name of the line, such as GPIO17, instead of chip and offset"`
	ActiveLow  bool   `yaml:"active_low" doc:"a low level means pressed or moving"`
	Bias       string `yaml:"bias" doc:"pull resistor" enum:"as-is|pull-up|pull-down|disabled"`
	DebounceMS int    `yaml:"debounce_ms" doc:"shorter changes are ignored, in milliseconds" min:"0" max:"1000"`
}

// OutputLine is an output, named like an input.
type OutputLine struct {
	Chip      string `yaml:"chip" doc:"label of the GPIO chip, such as pinctrl-rp1"`
	Offset    int    `yaml:"offset" doc:"line number on that chip; -1: none" min:"-1" max:"1023"`
	Name      string `yaml:"name" doc:"name of the line, such as GPIO27, instead of chip and offset"`
	ActiveLow bool   `yaml:"active_low" doc:"a low level powers the relay"`
}

// PWMLine is a light at a channel of the kernel's class pwm.
type PWMLine struct {
	Chip        string `yaml:"chip" doc:"device of the PWM chip, such as fe20c000.pwm (ls -l /sys/class/pwm/*/device); empty: none"`
	Channel     int    `yaml:"channel" doc:"channel of that chip" min:"0" max:"63"`
	FrequencyHz int    `yaml:"frequency_hz" doc:"pulses per second" min:"50" max:"200000"`
	Duty        int    `yaml:"duty" doc:"share of the time that the light is on by night, in hundredths" min:"1" max:"100"`
	MostDuty    int    `yaml:"most_duty" doc:"what the light bears for ever, in hundredths; duty may not exceed it" min:"1" max:"100"`
	Inverted    bool   `yaml:"inverted" doc:"a low level powers the light"`
}

// Defaults returns no light.
func (PWMLine) Defaults() PWMLine { return PWMLine{FrequencyHz: 20000, Duty: 50, MostDuty: 100} }

// Validate returns the problems of the values.
func (l PWMLine) Validate() Problems {
	p := checkTags(l)
	if l.Duty > l.MostDuty {
		p.add("duty", "is %d, must be at most most_duty, which is %d", l.Duty, l.MostDuty)
	}
	if strings.Contains(l.Chip, "/") {
		p.add("chip", "is %q, must be a name without a folder, such as fe20c000.pwm", l.Chip)
	}
	return p
}

// Configured reports whether there is such a light.
func (l PWMLine) Configured() bool { return l.Chip != "" }

// Defaults returns a button to ground, a sensor that is active high, and no
// line connected.
func (Lines) Defaults() Lines {
	return Lines{
		Button:       InputLine{Offset: -1, ActiveLow: true, Bias: "pull-up", DebounceMS: 25},
		PIR:          InputLine{Offset: -1, Bias: "pull-down", DebounceMS: 50},
		Relay:        OutputLine{Offset: -1},
		IRFilter:     OutputLine{Offset: -1},
		IRFilterOut:  OutputLine{Offset: -1},
		IRLight:      OutputLine{Offset: -1},
		Reset:        InputLine{Offset: -1, ActiveLow: true, Bias: "pull-up", DebounceMS: 50},
		ResetLight:   OutputLine{Offset: -1},
		ResetHoldMS:  10_000,
		IRLightPWM:   PWMLine{}.Defaults(),
		RelayPulseMS: 1500,
		IRPulseMS:    100,
	}
}

// Validate returns the problems of the values.
func (l Lines) Validate() Problems {
	p := checkTags(l)
	p = append(p, l.Button.Validate().under("button")...)
	p = append(p, l.PIR.Validate().under("pir")...)
	p = append(p, l.Relay.Validate().under("relay")...)
	p = append(p, l.IRFilter.Validate().under("ir_filter")...)
	p = append(p, l.IRFilterOut.Validate().under("ir_filter_out")...)
	p = append(p, l.IRLight.Validate().under("ir_light")...)
	p = append(p, l.Reset.Validate().under("reset")...)
	p = append(p, l.ResetLight.Validate().under("reset_light")...)
	if l.ResetLight.Configured() && !l.Reset.Configured() {
		p.add("reset_light", "is given without reset, the button whose press it shows")
	}
	p = append(p, l.IRLightPWM.Validate().under("ir_light_pwm")...)
	if l.IRLight.Configured() && l.IRLightPWM.Configured() {
		p.add("ir_light_pwm", "and ir_light are both given; the light is at a line or at a PWM channel")
	}
	if l.IRFilterOut.Configured() && !l.IRFilter.Configured() {
		p.add("ir_filter_out", "is given without ir_filter, which moves the filter back")
	}
	refs := []struct {
		key string
		ref hal.LineRef
		on  bool
	}{{"button", l.Button.ref(), l.Button.Configured()}, {"pir", l.PIR.ref(), l.PIR.Configured()}, {"relay", l.Relay.ref(), l.Relay.Configured()}, {"ir_filter", l.IRFilter.ref(), l.IRFilter.Configured()}, {"ir_filter_out", l.IRFilterOut.ref(), l.IRFilterOut.Configured()}, {"ir_light", l.IRLight.ref(), l.IRLight.Configured()}, {"reset", l.Reset.ref(), l.Reset.Configured()}, {"reset_light", l.ResetLight.ref(), l.ResetLight.Configured()}}
	for i, a := range refs {
		for _, b := range refs[:i] {
			if a.on && b.on && a.ref == b.ref {
				p.add(a.key, "is the same line as %s", b.key)
			}
		}
	}
	return p
}

// RelayPulse returns how long the door strike is powered, never more than
// MaxRelayPulse.
func (l Lines) RelayPulse() time.Duration {
	return min(time.Duration(l.RelayPulseMS)*time.Millisecond, MaxRelayPulse)
}

// Validate returns the problems of the values.
func (l InputLine) Validate() Problems {
	p := checkTags(l)
	p.lineRef(l.Chip, l.Offset, l.Name)
	return p
}

// Validate returns the problems of the values.
func (l OutputLine) Validate() Problems {
	p := checkTags(l)
	p.lineRef(l.Chip, l.Offset, l.Name)
	return p
}

func (p *Problems) lineRef(chip string, offset int, name string) {
	switch {
	case name != "" && offset >= 0:
		p.add("name", "and offset are both given; a line is named by name, or by chip and offset")
	case chip != "" && name == "" && offset < 0:
		p.add("chip", "is given without offset or name")
	case offset >= 0 && chip == "":
		p.add("offset", "is given without chip; chip numbers change between kernels, so give its label ('edgecam devices' lists them)")
	}
}

// Configured reports whether the line is connected.
func (l InputLine) Configured() bool { return l.Name != "" || l.Offset >= 0 }

// Configured reports whether the line is connected.
func (l OutputLine) Configured() bool { return l.Name != "" || l.Offset >= 0 }

func (l InputLine) ref() hal.LineRef  { return lineRef(l.Chip, l.Offset, l.Name) }
func (l OutputLine) ref() hal.LineRef { return lineRef(l.Chip, l.Offset, l.Name) }

func lineRef(chip string, offset int, name string) hal.LineRef {
	return hal.LineRef{Chip: chip, Offset: max(offset, 0), Name: name}
}

// HAL returns the line as drivers take it.
func (l InputLine) HAL() hal.InputConfig {
	bias := map[string]hal.Bias{"pull-up": hal.BiasPullUp, "pull-down": hal.BiasPullDown, "disabled": hal.BiasDisabled}
	return hal.InputConfig{
		Line: l.ref(), ActiveLow: l.ActiveLow, Bias: bias[l.Bias],
		Debounce: time.Duration(l.DebounceMS) * time.Millisecond,
	}
}

// HAL returns the line as drivers take it: off is the safe level.
func (l OutputLine) HAL() hal.OutputConfig {
	return hal.OutputConfig{Line: l.ref(), ActiveLow: l.ActiveLow, Safe: false}
}
