package app

import (
	"context"
	"fmt"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/cli"
	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/station"
	"github.com/edgecam/edgecam/engine/voice"
)

// Call runs an indoor station until ctx is done.
func Call(ctx context.Context, o cli.CallOptions) error {
	cfg := *o.Config
	cfg.Microphone.Enabled = cfg.Microphone.Enabled && o.Microphone
	cfg.Speaker.Enabled = cfg.Speaker.Enabled && o.Sound
	d := newDevices(&cfg, o.Log)
	d.simulate = o.Station.Dial.Call.Loopback // a trial on one machine
	var found engine.Devices
	if err := d.chooseSound(&found); err != nil {
		return err
	}
	devices := station.Devices{Speaker: found.Speaker, Microphone: found.Microphone}
	var err error
	if devices.Display, err = chooseDisplay(ctx, o.Display, displayDrivers(), o.Log); err != nil {
		return err
	}
	if !o.Station.Dial.Call.Video {
		devices.Display = nil
	}
	if o.Station.Dial.Call.Talk && devices.Microphone != nil {
		if o.Station.FrontEnd, err = voice.New(voiceConfig(cfg.Audio).FrontEnd); err != nil {
			return fmt.Errorf("app: %w", err)
		}
	}
	s, err := station.New(o.Station, devices, o.Log)
	if err != nil {
		return fmt.Errorf("app: %w", err)
	}
	if o.Started != nil {
		o.Started(s)
	}
	return s.Run(ctx)
}
