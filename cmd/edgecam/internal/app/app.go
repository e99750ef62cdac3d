// Package app is the composition root: the one place where drivers, engine,
// access control and web server meet.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/auth"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/cli"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/httpd"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/lan"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/metrics"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/tlscert"
	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/governor"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/session/nat"
	"github.com/edgecam/edgecam/web"
)

// node is a running edgecam.
type node struct {
	o           cli.RunOptions
	cfg         *config.Config
	next        *config.Config // set by reload
	log         *slog.Logger
	started     time.Time
	devices     *devices
	hasDoor     bool
	engine      *engine.Engine
	auth        *auth.Store
	metrics     *metrics.Metrics
	cert        *tlscert.Manager // nil without an own certificate
	fleet       *fleet           // nil if the node belongs to none
	updates     *updates         // nil without a launcher
	nat         atomic.Pointer[nat.Report]
	uplinkAsked atomic.Bool // by the fleet
	mute        atomic.Bool // the service manager could not be told
}

// Run runs a node until ctx is done, starting it anew when its configuration
// changes and from the beginning after a factory reset.
func Run(ctx context.Context, o cli.RunOptions) error {
	for {
		err := runOnce(ctx, o)
		if !errors.Is(err, errReset) {
			return err
		}
		o.Log.Warn("factory reset, starting again")
		l, lerr := o.Load(nil)
		if lerr != nil {
			return lerr
		}
		o.Config = l.Config
	}
}

func runOnce(ctx context.Context, o cli.RunOptions) (err error) {
	n := &node{o: o, cfg: o.Config, log: o.Log, started: time.Now(), metrics: metrics.New()}
	if o.Dev {
		n.auth = auth.NewDev(auth.Options{Log: o.Log})
	} else {
		if err := finishReset(o.Config); err != nil {
			return err
		}
		if n.auth, err = auth.Open(o.Config.StateDir, auth.Options{
			Log: o.Log, SessionAge: o.Config.Auth.SessionAge(), TokenAge: o.Config.Auth.TokenAge(), MaxFailures: o.Config.Auth.MaxFailures,
		}); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, n.auth.Close()) }()
	defer context.AfterFunc(ctx, func() { n.notified(n.o.Notify.Stopping("stopping")) })()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if n.fleet, err = openFleet(n); err != nil {
		return err
	}
	if n.fleet != nil && resetMarked(o.Config.StateDir) {
		return errReset // the fleet's part has just ended one that was cut short
	}
	if n.updates, err = openUpdates(n); err != nil {
		return err
	}
	if n.fleet != nil {
		defer n.fleet.start(ctx, stop)()
	}
	if n.updates != nil {
		defer n.updates.start(ctx, stop)()
	}
	reset := resetWatch{node: n}
	defer reset.close()
	for {
		reset.follow(ctx, stop, n.cfg.Lines)
		err := n.run(ctx)
		next := n.changedConfig(err)
		if next == nil && err != nil && ctx.Err() == nil && n.fleet != nil {
			next = n.fleet.failed(err)
		}
		if errors.Is(context.Cause(ctx), errReset) {
			return errReset
		}
		if errors.Is(context.Cause(ctx), cli.ErrRestart) {
			return cli.ErrRestart
		}
		if next == nil || ctx.Err() != nil {
			if errors.Is(err, errReload) {
				return nil
			}
			return err
		}
		n.notified(n.o.Notify.Reloading())
		n.cfg = next
	}
}

// run runs the node with one configuration.
func (n *node) run(ctx context.Context) error {
	devs, found, err := openDevices(n.cfg, n.o.Dev, n.log)
	if err != nil {
		return err
	}
	n.devices, n.hasDoor = devs, found.Relay != nil
	ec := engineConfig(n.cfg, n.o.Dev)
	if ec.Session.TURNRoots, err = turnRoots(n.cfg.WebRTC.TURNCAFile); err != nil {
		return err
	}
	if n.engine, err = engine.New(ec, found, newObserver(n.metrics), n.log); err != nil {
		return err
	}
	home, runHome, err := n.openHome()
	if err != nil {
		return errors.Join(err, n.engine.Sessions().Close(ctx))
	}
	n.engine.OnEvent(func(e engine.Event) {
		n.metrics.Event(e.Type)
		tellHome(home, e)
		n.fleet.event(e)
	})
	n.fleet.serve(n.engine)
	n.updates.serve(n.engine)
	n.metrics.SetViewers(n.viewerMetrics)
	n.metrics.SetVoice(n.engine.VoiceStats)
	n.metrics.SetTalkers(n.engine.TalkerStats)
	signalling := n.whep()
	defer signalling.Close()
	recorders, err := n.rtsp(found.Microphone != nil)
	var server *httpd.Server
	if err == nil {
		server, err = n.server(signalling)
	}
	if err == nil {
		err = server.Listen()
	}
	if err == nil {
		err = n.announce(server)
	}
	if err != nil {
		if recorders != nil {
			recorders.Close()
		}
		return errors.Join(err, n.engine.Sessions().Close(ctx))
	}

	// Whichever part ends first ends the others.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	parts := []func(context.Context) error{n.engine.Run, server.Serve, n.reload, n.supervised, n.heat, n.network, n.uplink}
	if runHome != nil {
		parts = append(parts, runHome)
	}
	if recorders != nil {
		parts = append(parts, recorders.Run)
	}
	if port, secure := server.LAN(); port != 0 && n.cfg.HTTP.Announce && !n.o.Dev {
		parts = append(parts, func(ctx context.Context) error { lan.Announce(ctx, n.onLAN(port, secure), n.log); return nil })
	}
	if n.cert != nil {
		parts = append(parts, func(ctx context.Context) error { n.cert.Run(ctx, n.log); return nil })
	}
	errs := make([]error, len(parts))
	var wg sync.WaitGroup
	for i, part := range parts {
		wg.Go(func() {
			defer stop()
			errs[i] = part(ctx)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (n *node) server(signalling http.Handler) (*httpd.Server, error) {
	o := httpd.Options{
		HTTP:     n.cfg.HTTP,
		Dev:      n.o.Dev,
		Page:     web.FS,
		Auth:     n.auth,
		WHEP:     signalling,
		Metrics:  n.metrics.Handler(),
		Snapshot: n.engine.Snapshot,
		Status:   n.status,
		Camera:   n.cfg.Node.Display(),
		OpenDoor: n.doorOpener(),
		Ready:    n.ready,
		Count:    n.metrics.Request,
		Log:      n.log,
	}
	if n.devices.simLines != nil {
		o.PressButton = func(context.Context) error { return n.devices.simLines.Press("button", pressTime) }
		o.Played = n.played
	}
	if !n.o.Dev && n.cfg.HTTP.HTTPSListen != "" && n.cfg.HTTP.TLSCert == "" {
		if n.cert == nil {
			var err error
			if n.cert, err = tlscert.Open(n.cfg.StateDir, n.cfg.HTTP.Hosts...); err != nil {
				return nil, err
			}
		}
		o.GetCertificate = n.cert.GetCertificate
		fmt.Fprintf(n.o.Stdout, "HTTPS certificate, SHA-256 fingerprint: %s\n", n.cert.Fingerprint())
	}
	return httpd.New(o)
}

// engineConfig translates the configuration. In development mode media stays
// on loopback too.
func engineConfig(cfg *config.Config, loopback bool) engine.Config {
	ec := engine.Defaults()
	ec.KeepOpen = cfg.Camera.KeepOpen
	ec.Video.BitrateBps = cfg.Video.BitrateKbps * 1000
	ec.Video.Speed = cfg.Video.Speed
	if cfg.Video.Governor == "auto" {
		limits := governor.Defaults(thisBoard().Thermal.HardCelsius)
		ec.Governor = &limits
	}
	ec.Video.KeyFramesOnly = cfg.Video.Mending == "key-frames"
	ec.Video.Threads = cfg.Video.Threads
	if ec.Video.Threads == 0 {
		// One core stays for everything else.
		ec.Video.Threads = min(max(runtime.NumCPU()-1, 1), 4)
	}
	ec.Enhance, ec.Night = enhanceConfig(cfg)
	ec.Voice = voiceConfig(cfg.Audio)
	ec.Door.Pulse = cfg.Lines.RelayPulse()
	s := &ec.Session
	s.UDPPort = cfg.WebRTC.UDPPort
	s.ICETCP = cfg.WebRTC.ICETCP
	s.PublicIPs = cfg.WebRTC.PublicIPs
	s.MaxViewers = cfg.WebRTC.MaxViewers
	s.MaxHalfOpen = max(s.MaxHalfOpen, cfg.WebRTC.MaxViewers)
	s.Loopback = loopback
	s.MDNS = session.MDNSMode(cfg.WebRTC.MDNS)
	for _, name := range cfg.WebRTC.VoiceCodecs {
		s.VoiceCodecs = append(s.VoiceCodecs, codec.Name(name))
	}
	for _, server := range cfg.WebRTC.ICEServers {
		s.ICEServers = append(s.ICEServers, session.ICEServer(server))
		if len(server.URLs) > 0 && strings.HasPrefix(server.URLs[0], "turn") {
			s.GatherWait = time.Duration(cfg.WebRTC.RelayWaitMS) * time.Millisecond
		}
	}
	return ec
}
