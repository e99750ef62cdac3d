package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/internal/version"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/homeassistant"
	"github.com/edgecam/edgecam/provisioning/queue"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// removeTimeout bounds the attempt to take back what was announced.
const removeTimeout = time.Minute

// openHome returns the bridge to Home Assistant and what runs it; nil if there
// is nothing to announce and nothing to take back.
func (n *node) openHome() (*homeassistant.Bridge, func(context.Context) error, error) {
	c := n.cfg.HomeAssistant
	if n.o.Dev || n.cfg.StateDir == "" {
		return nil, nil, nil
	}
	fsys, err := durable.OpenDir(n.cfg.StateDir)
	if err != nil {
		return nil, nil, err
	}
	if !c.Enabled && !homeassistant.Announced(fsys) {
		return nil, nil, nil
	}
	if c.Broker == "" && n.fleet == nil {
		if c.Enabled {
			return nil, nil, errors.New("app: home_assistant.broker is missing; give mqtt://HOST:1883")
		}
		n.log.Warn("Home Assistant still knows this node; give home_assistant.broker to take it back")
		return nil, nil, nil
	}
	endpoint, err := n.homeEndpoint()
	if err != nil {
		return nil, nil, err
	}
	serial := n.cfg.Fleet.Serial
	if serial == "" {
		serial = boardSerial()
	}
	engine, started := n.engine, n.started
	o := homeassistant.Options{
		Device: homeassistant.Device{
			ID: wire.NodeID(serial), Name: n.cfg.Node.Display(), Model: boardModel(), Serial: serial, Software: version.Get().Version,
			Lock: c.Lock && n.hasDoor, Camera: c.Pictures, Reboot: c.Restart,
		},
		Endpoint: endpoint, Prefix: c.Prefix, FS: fsys, Pulse: n.cfg.Lines.RelayPulse(), Log: n.log,
		Snapshot: func(ctx context.Context) ([]byte, error) {
			var jpeg bytes.Buffer
			err := engine.Snapshot(ctx, &jpeg)
			return jpeg.Bytes(), err
		},
		OpenDoor: func(ctx context.Context) error { return engine.OpenDoor(ctx, "home assistant") },
		Reboot:   func() { rebootSoon(n.log) },
		Telemetry: func() map[string]any {
			return map[string]any{
				"uptime_s": int64(time.Since(started).Seconds()), "viewers": engine.Sessions().Stats().Connected, "camera": engine.Camera().Streaming,
			}
		},
		Update: func() homeassistant.UpdateState {
			return homeassistant.UpdateState{Installed: version.Get().Version, Latest: version.Get().Version}
		},
	}
	var b *homeassistant.Bridge
	o.RingTest = func() {
		b.Ring()
		if n.fleet != nil {
			n.fleet.node.Event(queue.Ring, "ring", map[string]any{"test": true})
		}
	}
	if b, err = homeassistant.New(o); err != nil {
		return nil, nil, err
	}
	if c.Enabled {
		return b, func(ctx context.Context) error { b.Run(ctx); return nil }, nil
	}
	return nil, func(ctx context.Context) error {
		limited, cancel := context.WithTimeout(ctx, removeTimeout)
		defer cancel()
		if err := b.Remove(limited); err != nil {
			n.log.Warn("Home Assistant still knows this node, the next start tries again", "error", err)
		}
		<-ctx.Done()
		return nil
	}, nil
}

// homeEndpoint returns how Home Assistant's broker is reached.
func (n *node) homeEndpoint() (func(context.Context) (client.Endpoint, error), error) {
	c := n.cfg.HomeAssistant
	if c.Broker == "" {
		fleet := n.fleet.node
		return func(context.Context) (client.Endpoint, error) { return fleet.Endpoint() }, nil
	}
	e := client.Endpoint{Broker: c.Broker, Insecure: true, Username: c.Username, Password: c.Password}
	if c.CAFile != "" {
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("app: home_assistant.ca_file: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("app: home_assistant.ca_file: %s holds no certificate", c.CAFile)
		}
		e.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	}
	return func(context.Context) (client.Endpoint, error) { return e, nil }, nil
}

// tellHome passes an event on.
func tellHome(b *homeassistant.Bridge, e engine.Event) {
	if b == nil {
		return
	}
	switch e.Type {
	case "ring":
		b.Ring()
	case "motion":
		b.Motion()
	case "door":
		b.Opened()
	case "ring-picture":
		b.Picture(e.Picture)
	}
}
