package app

import (
	"context"
	"fmt"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/cli"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/session"
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
	if err := callNetwork(&cfg, &o.Station.Dial.Call); err != nil {
		return err
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

// callNetwork gives a call the servers of the configuration, by which it is reached
// from other networks, and the authorities that they are trusted by.
func callNetwork(cfg *config.Config, c *session.CallConfig) (err error) {
	if c.Loopback {
		return nil
	}
	for _, s := range cfg.WebRTC.ICEServers {
		c.ICEServers = append(c.ICEServers, session.ICEServer(s))
	}
	c.TURNRoots, err = turnRoots(cfg.WebRTC.TURNCAFile)
	return err
}
