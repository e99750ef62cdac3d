package app

import (
	"context"
	"crypto/ecdsa"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/internal/version"
	"github.com/edgecam/edgecam/provisioning/enrol"
	fleetnode "github.com/edgecam/edgecam/provisioning/node"
	"github.com/edgecam/edgecam/provisioning/queue"
	"github.com/edgecam/edgecam/provisioning/seal"
	"github.com/edgecam/edgecam/provisioning/signal"
	"github.com/edgecam/edgecam/provisioning/update/slot"
)

// errReset ends a node that was reset to factory settings.
var errReset = errors.New("app: factory reset")

// fleet is the node's membership in a fleet. It lives through restarts of the
// engine, and the engine never waits for it. A nil fleet has no effect.
type fleet struct {
	app    *node
	node   *fleetnode.Node
	engine atomic.Pointer[engine.Engine]
	next   chan *config.Config
	events chan engine.Event
	level  levelReset

	fsys      durable.FS
	signal    *signal.Server
	signalKey *ecdsa.PrivateKey

	owner *seal.Public // for whom pictures are sealed, nil for nobody
	plain bool         // without an owner pictures go as they are
}

// fleetDir is the folder of the fleet's state in the state folder.
const fleetDir = "fleet"

// openFleet reads the node's membership, and lays the provisioned
// configuration over n's. Without a site file it returns nil.
func openFleet(n *node) (*fleet, error) {
	c := n.cfg.Fleet
	if c.SiteFile == "" || n.o.Dev || n.o.Load == nil {
		return nil, nil
	}
	data, err := os.ReadFile(c.SiteFile)
	if err != nil {
		return nil, fmt.Errorf("app: fleet.site_file: %w", err)
	}
	site, err := enrol.ParseSite(data)
	if err != nil {
		return nil, err
	}
	fsys, err := durable.OpenDir(filepath.Join(n.cfg.StateDir, fleetDir))
	if err != nil {
		return nil, err
	}
	f := &fleet{app: n, fsys: fsys, next: make(chan *config.Config, 1), events: make(chan engine.Event, 64)}
	if f.owner, err = ownerOf(c, site); err != nil {
		return nil, err
	}
	f.plain = site.PlainPictures
	serial := c.Serial
	if serial == "" {
		serial = boardSerial()
	}
	if f.node, err = fleetnode.Open(fleetnode.Options{
		FS: fsys, Site: site, Serial: serial, Board: boardModel(), Software: version.Get().Version,
		BootID: bootID(), Slot: os.Getenv(slot.NameVariable), OwnerSecret: c.OwnerSecret,
		Check: f.check, Apply: f.apply, Healthy: f.healthy, Ops: f.ops(), Telemetry: f.telemetry, Signal: f.signalled,
		Wipe: []func() error{f.wipe}, Log: n.log,
	}); err != nil {
		return nil, err
	}
	if f.signal, err = openSignal(f, fsys); err != nil {
		return nil, err
	}
	n.log.Info("member of a fleet", "node", f.node.ID(), "phase", string(f.node.Phase()), "broker", site.Broker)
	if cfg := f.node.Config(); cfg != nil {
		l, err := n.o.Load(cfg)
		if err != nil {
			// It was good once; the file beneath it has changed.
			n.log.Error("provisioned configuration does not go with the file, left out", "error", err)
			f.node.ConfigFailed(err)
			return f, nil
		}
		n.cfg = l.Config
	}
	return f, nil
}

// ownerOf returns for whom pictures are sealed: the node's own configuration
// goes before the site that all nodes of a fleet share. Nil for nobody.
func ownerOf(c config.Fleet, site enrol.Site) (*seal.Public, error) {
	data := site.OwnerKey
	if c.OwnerKey != "" {
		var err error
		if data, err = base64.StdEncoding.DecodeString(c.OwnerKey); err != nil {
			return nil, fmt.Errorf("app: fleet.owner_key: %w", err)
		}
	}
	if len(data) == 0 {
		return nil, nil
	}
	owner, err := seal.ParsePublic(data)
	if err != nil {
		return nil, fmt.Errorf("app: fleet.owner_key: %w", err)
	}
	return &owner, nil
}

// start runs the membership; the returned function waits for its end. stop is
// called with errReset after a factory reset.
func (f *fleet) start(ctx context.Context, stop context.CancelCauseFunc) func() {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f.node.Run(ctx); errors.Is(err, fleetnode.ErrReset) {
			stop(errReset)
		}
	})
	wg.Go(func() { f.forward(ctx) })
	return func() {
		cancel()
		wg.Wait()
		f.signal.Close()
		f.level.end()
	}
}

// serve tells which engine runs now.
func (f *fleet) serve(e *engine.Engine) {
	if f != nil {
		f.engine.Store(e)
	}
}

// configs receives configurations that the fleet desires.
func (f *fleet) configs() <-chan *config.Config {
	if f == nil {
		return nil
	}
	return f.next
}

// over lays the provisioned configuration over a new one from the file.
func (f *fleet) over(cfg *config.Config) *config.Config {
	if f == nil {
		return cfg
	}
	provisioned := f.node.Config()
	if provisioned == nil {
		return cfg
	}
	l, err := f.app.o.Load(provisioned)
	if err != nil {
		f.app.log.Error("provisioned configuration does not go with the file, left out", "error", err)
		return cfg
	}
	return l.Config
}

// apply brings a provisioned configuration into force; only the newest counts.
func (f *fleet) apply(provisioned []byte) {
	l, err := f.app.o.Load(provisioned)
	if err != nil {
		f.app.log.Error("provisioned configuration not applied", "error", err)
		return
	}
	select {
	case <-f.next:
	default:
	}
	f.next <- l.Config
}

// failed is told that the node does not run. If that may be the provisioned
// configuration's fault, it returns the one to go back to.
func (f *fleet) failed(err error) *config.Config {
	if !f.node.OnProbation() {
		return nil
	}
	l, lerr := f.app.o.Load(f.node.ConfigFailed(err))
	if lerr != nil {
		return nil
	}
	return l.Config
}

// healthTimeout bounds the wait for a picture.
const healthTimeout = 15 * time.Second

// healthy takes a picture: camera, conversion and engine work.
func (f *fleet) healthy() error { return takePicture(f.engine.Load()) }

func takePicture(e *engine.Engine) error {
	if e == nil {
		return errNotRunning
	}
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	var size counter
	if err := e.Snapshot(ctx, &size); err != nil && !errors.Is(err, engine.ErrNoCamera) {
		return err
	}
	return nil
}

var errNotRunning = errors.New("app: the engine does not run")

// counter counts what is written to it.
type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

// event takes what happened from the engine, which must not wait.
func (f *fleet) event(e engine.Event) {
	if f == nil {
		return
	}
	select {
	case f.events <- e:
	default:
		f.app.log.Error("event lost, the disk is too slow", "type", e.Type)
	}
}

// forward stores events. A ring is on disk before it is sent.
func (f *fleet) forward(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-f.events:
			class, data := queue.Normal, map[string]any(nil)
			if e.Type != "motion" {
				class = queue.Ring
			}
			if e.Data != "" {
				data = map[string]any{"by": e.Data}
			}
			f.node.Event(class, e.Type, data)
		}
	}
}

func (f *fleet) telemetry() map[string]any {
	conn, waiting := f.node.Stats()
	m := map[string]any{
		"uptime_s": int64(time.Since(f.app.started).Seconds()), "queued": waiting.Waiting, "dropped": waiting.Dropped, "connects": conn.Connects,
	}
	if e := f.engine.Load(); e != nil {
		m["viewers"] = e.Sessions().Stats().Connected
		m["camera"] = e.Camera().Streaming
	}
	if figures := f.app.netFigures(); figures != nil {
		m["network"] = figures
	}
	return m
}

// wipe removes what the owner has given the node: secrets and certificates in
// the state folder.
func (f *fleet) wipe() error {
	if err := markReset(f.app.o.Config.StateDir); err != nil {
		return err
	}
	d, err := durable.OpenDir(f.app.o.Config.StateDir)
	if err != nil {
		return err
	}
	site := filepath.Clean(f.app.o.Config.Fleet.SiteFile)
	return eraseAll(d, func(name string) bool {
		// The site came with the board, and the next claim needs it.
		return name == resetMark || filepath.Join(d.Path(), name) == site
	})
}

// firstLine returns a small system file's first line, "" if there is none.
func firstLine(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimRight(line, "\x00 ")
}

// bootID returns what tells one boot from another: from the service unit, which
// knows it where the service itself sees only processes in /proc.
func bootID() string {
	if id := os.Getenv("EDGECAM_BOOT_ID"); id != "" {
		return id
	}
	return strings.ReplaceAll(firstLine("/proc/sys/kernel/random/boot_id"), "-", "")
}

// boardSerial returns the board's serial number, else the machine's id, which
// an installed system keeps.
func boardSerial() string {
	for _, path := range []string{"/sys/firmware/devicetree/base/serial-number", "/sys/class/dmi/id/product_uuid", "/etc/machine-id"} {
		if s := firstLine(path); s != "" {
			return s
		}
	}
	host, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return host
}
