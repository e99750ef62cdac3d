package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/session/whip"
	"github.com/edgecam/edgecam/provisioning/command"
)

// uplinkLinger is how long publishing goes on after the last reason for it.
const uplinkLinger = time.Minute

// uplink publishes to the configured server while there is a reason to.
func (n *node) uplink(ctx context.Context) error {
	c := n.cfg.Uplink
	if c.URL == "" {
		<-ctx.Done()
		return nil
	}
	p, err := whip.New(n.engine.Sessions(), whip.Options{URL: c.URL, Token: c.Token, Log: n.log})
	if err != nil {
		return err
	}
	if c.Start == "always" {
		p.Run(ctx)
		return nil
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var running sync.WaitGroup
	defer running.Wait()
	var stop context.CancelFunc
	var wanted time.Time
	for {
		select {
		case <-ctx.Done():
			if stop != nil {
				stop()
			}
			return nil
		case <-tick.C:
		}
		viewers := n.engine.Sessions().Stats().Connected
		if p.Live() {
			viewers-- // the uplink itself
		}
		if n.uplinkAsked.Load() || c.Start == "viewers" && viewers >= c.Viewers {
			wanted = time.Now()
		}
		switch want := time.Since(wanted) < uplinkLinger && (c.Start == "viewers" || n.uplinkAsked.Load()); {
		case want && stop == nil:
			var run context.Context
			run, stop = context.WithCancel(ctx)
			running.Go(func() { p.Run(run) })
			n.log.Info("uplink starts", "viewers", viewers)
		case !want && stop != nil:
			stop()
			running.Wait()
			stop = nil
			n.log.Info("uplink stops", "viewers", viewers)
		}
	}
}

// uplinkCommand switches publishing on or off; it is forgotten when the node
// restarts.
func (f *fleet) uplinkCommand(_ context.Context, c command.Call) (any, error) {
	var args struct {
		On *bool `json:"on"`
	}
	if err := c.Decode(&args); err != nil {
		return nil, err
	}
	switch {
	case args.On == nil:
		return nil, command.Failure("args", errors.New(`app: give {"on":true} or {"on":false}`))
	case f.app.cfg.Uplink.URL == "":
		return nil, command.Failure("config", errors.New("app: uplink.url is not set"))
	case f.app.cfg.Uplink.Start == "always":
		return nil, command.Failure("config", errors.New("app: uplink.start is always: set it to command or viewers"))
	}
	f.app.uplinkAsked.Store(*args.On)
	return nil, nil
}
