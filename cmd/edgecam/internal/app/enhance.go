package app

import (
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/video/enhance"
)

// enhanceConfig translates the configuration of picture enhancement, which has
// been checked.
func enhanceConfig(cfg *config.Config) (enhance.Config, engine.NightMode) {
	e := cfg.Enhance
	mode := func(s string) enhance.Mode {
		if s == "off" {
			return enhance.Off
		}
		return enhance.Auto
	}
	c := enhance.Config{
		Deflicker: map[string]enhance.Mains{"auto": enhance.MainsAuto, "50hz": enhance.Mains50, "60hz": enhance.Mains60}[e.Deflicker],
		Denoise:   enhance.DenoiseConfig{Mode: mode(e.Denoise), Fast: e.Denoise == "fast"},
		Tone:      enhance.ToneConfig{Mode: mode(e.Tone)},
		Colour: enhance.ColourConfig{
			WhiteBalance: mode(e.WhiteBalance), LowLight: mode(e.LowLight), Monochrome: enhance.Auto, Saturation: e.Saturation,
			Vividness: e.Vividness,
		},
		Geometry: enhance.GeometryConfig{
			LensK1: float32(e.LensK1) / 1000, LensK2: float32(e.LensK2) / 1000,
			Zoom: float32(e.Zoom) / 100, PanX: float32(e.PanX) / 100, PanY: float32(e.PanY) / 100,
			Rotate: e.Rotate, Mirror: e.Mirror,
		},
		Overlay: enhance.OverlayConfig{Label: e.Label, Time: e.Time, Location: time.Local, Bottom: e.TextBottom},
	}
	if r, err := e.CropRect(); err == nil {
		g := &c.Geometry
		g.CropX, g.CropY, g.CropWidth, g.CropHeight = r[0], r[1], r[2], r[3]
	}
	for _, m := range e.Masks {
		corners, err := config.ParsePolygon(m)
		if err != nil {
			// Never a picture without a mask that was asked for.
			c.Masks = append(c.Masks, enhance.Rect(-1, -1, 3, 3))
			continue
		}
		mask := make(enhance.Mask, len(corners))
		for i, p := range corners {
			mask[i] = enhance.Point{X: p[0], Y: p[1]}
		}
		c.Masks = append(c.Masks, mask)
	}
	return c, nightMode(cfg)
}

// nightMode says who decides between day and night. A camera without infrared
// light sees by night what a lamp shows: it keeps its colours unless asked.
func nightMode(cfg *config.Config) engine.NightMode {
	switch cfg.Enhance.Night {
	case "auto":
		return engine.NightAuto
	case "always":
		return engine.AlwaysNight
	case "lines":
		if cfg.Lines.IRFilter.Configured() || cfg.Lines.IRLight.Configured() {
			return engine.NightAuto
		}
	}
	return engine.AlwaysDay
}
