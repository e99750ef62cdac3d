package app

import (
	"testing"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/video/enhance"
)

// Every value that the configuration allows reaches the chain.
func TestEnhanceConfig(t *testing.T) {
	cfg := config.Defaults()
	if c, night := enhanceConfig(cfg); night != engine.AlwaysDay || c.Denoise != (enhance.DenoiseConfig{Mode: enhance.Auto}) || c.Validate() != nil {
		t.Errorf("defaults: %+v, %v", c, night)
	}
	for value, want := range map[string]enhance.DenoiseConfig{
		"auto": {Mode: enhance.Auto}, "fast": {Mode: enhance.Auto, Fast: true}, "off": {},
	} {
		cfg.Enhance.Denoise = value
		if c, _ := enhanceConfig(cfg); c.Denoise != want {
			t.Errorf("denoise %s: %+v", value, c.Denoise)
		}
	}
	cfg.Enhance.Vividness, cfg.Enhance.Tone, cfg.Enhance.Masks = 30, "off", []string{"0,0 50,0 50,50", "nonsense"}
	c, _ := enhanceConfig(cfg)
	if c.Colour.Vividness != 30 || c.Tone.Mode != enhance.Off {
		t.Errorf("%+v", c)
	}
	if len(c.Masks) != 2 || c.Masks[1][0] != (enhance.Point{X: -1, Y: -1}) {
		t.Errorf("a mask that cannot be read hides %v, must hide everything", c.Masks)
	}
}

func TestNightMode(t *testing.T) {
	line := config.OutputLine{Offset: 4, Chip: "gpio"}
	for _, c := range []struct {
		night         string
		filter, light bool
		want          engine.NightMode
	}{
		{"lines", false, false, engine.AlwaysDay},
		{"lines", true, false, engine.NightAuto},
		{"lines", false, true, engine.NightAuto},
		{"auto", false, false, engine.NightAuto},
		{"always", false, false, engine.AlwaysNight},
		{"never", true, true, engine.AlwaysDay},
	} {
		cfg := config.Defaults()
		cfg.Enhance.Night = c.night
		if c.filter {
			cfg.Lines.IRFilter = line
		}
		if c.light {
			cfg.Lines.IRLight = line
		}
		if got := nightMode(cfg); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
