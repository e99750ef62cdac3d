package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/cli"
	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/command"
	"github.com/edgecam/edgecam/provisioning/enrol"
	fleetnode "github.com/edgecam/edgecam/provisioning/node"
	"github.com/edgecam/edgecam/provisioning/queue"
	"github.com/edgecam/edgecam/provisioning/update"
	"github.com/edgecam/edgecam/provisioning/update/slot"
	"github.com/edgecam/edgecam/provisioning/update/system"
)

// updates gives the node other programs, and proves this one if it is on trial.
// A nil updates has no effect.
type updates struct {
	app     *node
	dir     *durable.Dir
	updater *update.Updater
	rauc    system.Installer // nil without RAUC
	engine  atomic.Pointer[engine.Engine]

	mu   sync.Mutex
	ctx  context.Context
	stop context.CancelCauseFunc
	wg   sync.WaitGroup
}

// launched reports whether a launcher has started this program: without one,
// updates would never be started.
func launched() bool { return os.Getenv(slot.DirVariable) != "" }

// updatable reports whether this node can be given other programs or systems.
func updatable() bool { return launched() || system.HasRauc() }

func openUpdates(n *node) (*updates, error) {
	if !updatable() || n.o.Dev {
		return nil, nil
	}
	path := os.Getenv(slot.DirVariable)
	if path == "" {
		path = filepath.Join(n.cfg.StateDir, slot.Folder)
	}
	dir, err := durable.OpenDir(path)
	if err != nil {
		return nil, err
	}
	u := &updates{app: n, dir: dir}
	if system.HasRauc() {
		u.rauc = system.Rauc{}
	}
	trust, err := update.TrustKeys(n.cfg.Update.Keys...)
	if err != nil {
		return nil, err
	}
	now := fleetnode.SystemClock{}.Now
	if n.fleet != nil {
		trust = update.AnyOf(trust, update.TrustSet(n.fleet.node.Keys))
	}
	u.updater = update.New(update.Options{
		FS: dir, Trust: trust, Arch: runtime.GOARCH, Board: boardModel(), Installed: os.Getenv(slot.InstalledVariable), Now: now, Log: n.log,
		System: u.rauc,
	})
	return u, nil
}

func boardModel() string { return firstLine("/sys/firmware/devicetree/base/model") }

// start proves this program, and tells what became of the last update. The
// returned function waits for the end of both and of a download.
func (u *updates) start(ctx context.Context, stop context.CancelCauseFunc) func() {
	ctx, cancel := context.WithCancel(ctx)
	u.mu.Lock()
	u.ctx, u.stop = ctx, stop
	u.mu.Unlock()
	u.wg.Go(func() { u.prove(ctx) })
	if u.rauc != nil {
		u.wg.Go(func() { u.proveSystem(ctx) })
	}
	return func() {
		u.mu.Lock() // nothing is begun from here on
		cancel()
		u.mu.Unlock()
		u.wg.Wait()
	}
}

func (u *updates) serve(e *engine.Engine) {
	if u != nil {
		u.engine.Store(e)
	}
}

// proveEvery is how often a program on trial asks itself whether it is well.
const proveEvery = 2 * time.Second

// prove confirms this program once it is well, if it is on trial. The launcher
// watches the time.
func (u *updates) prove(ctx context.Context) {
	tick := time.NewTicker(proveEvery)
	defer tick.Stop()
	for {
		s, err := slot.Read(u.dir)
		if err != nil {
			u.app.log.Error("state of updates not readable", "error", err)
			return
		}
		if s.Trial == "" || s.Trial != os.Getenv(slot.NameVariable) {
			u.tell(s)
			return
		}
		if err := u.well(); err != nil {
			u.app.log.Info("update not confirmed yet", "version", s.Slots[s.Trial].Version, "reason", err)
		} else if err := slot.Write(u.dir, s.Confirm()); err != nil {
			u.app.log.Error("update not confirmed", "error", err)
		} else {
			u.app.log.Info("update confirmed", "version", s.Slots[s.Trial].Version, "slot", s.Trial)
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

var errNoBirth = errors.New("app: the broker has not acknowledged a birth")

// well says why the node is not: frames must flow, and a node of a fleet must
// have reached it.
func (u *updates) well() error {
	if err := takePicture(u.engine.Load()); err != nil {
		return err
	}
	if f := u.app.fleet; f != nil && f.node.Phase() == enrol.Active && !f.node.Born() {
		return errNoBirth
	}
	return nil
}

// tell reports the last update's end, once.
func (u *updates) tell(s slot.State) {
	if s.Last == nil || s.Last.Told {
		return
	}
	l := *s.Last
	if l.State == slot.RolledBack {
		u.app.log.Warn("update rolled back", "version", l.Version, "reason", l.Reason)
	}
	u.app.fleet.updateEvent(map[string]any{"state": l.State, "version": l.Version, "id": l.ID, "reason": l.Reason})
	l.Told = true
	s.Last = &l
	if err := slot.Write(u.dir, s); err != nil {
		u.app.log.Warn("update's result will be told again", "error", err)
	}
}

func (f *fleet) updateEvent(data map[string]any) {
	if f == nil {
		return
	}
	for k, v := range data {
		if v == "" {
			delete(data, k)
		}
	}
	f.node.Event(queue.Normal, "update", data)
}

// install downloads in the background, since doors are opened by the same
// queue of commands, and then ends this program.
func (u *updates) install(signed []byte, base *url.URL, id string, again bool) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ctx == nil || u.ctx.Err() != nil {
		return errNotRunning
	}
	release, err := update.Lock(u.dir.Path())
	if err != nil {
		return err
	}
	ctx, stop := u.ctx, u.stop
	u.wg.Go(func() {
		m, err := u.updater.Install(ctx, signed, base, id, again)
		if rerr := release(); rerr != nil {
			u.app.log.Warn("update's lock not released", "error", rerr)
		}
		if err != nil {
			u.app.log.Error("update not installed", "version", m.Version, "error", err)
			u.app.fleet.updateEvent(map[string]any{"state": "failed", "version": m.Version, "id": id, "code": string(update.CodeOf(err)), "reason": err.Error()})
			return
		}
		u.app.fleet.updateEvent(map[string]any{"state": "installed", "version": m.Version, "id": id})
		if u.rauc != nil {
			rebootSoon(u.app.log)
			return
		}
		stop(cli.ErrRestart)
	})
	return nil
}

// update is the fleet's command. What can be refused is refused in its answer;
// what becomes of the rest comes as events.
func (f *fleet) update(ctx context.Context, c command.Call) (any, error) {
	var args struct {
		Manifest json.RawMessage `json:"manifest"`
		URL      string          `json:"url"`
		Again    bool            `json:"again"`
	}
	if err := c.Decode(&args); err != nil {
		return nil, err
	}
	u := f.app.updates
	if u == nil {
		return nil, errNotRunning
	}
	signed := []byte(args.Manifest)
	var base *url.URL
	if args.URL != "" {
		var err error
		if base, err = url.Parse(args.URL); err != nil {
			return nil, command.Failure("args", err)
		}
	}
	if len(signed) == 0 {
		if base == nil {
			return nil, command.Failure("args", errors.New(`app: give {"url":"https://…"} or {"manifest":…}`))
		}
		var err error
		if signed, err = update.Fetch(ctx, update.Client(nil), base); err != nil {
			return nil, coded(err)
		}
	}
	m, p, err := u.updater.Check(signed, args.Again)
	if err != nil {
		return nil, coded(err)
	}
	if err := u.install(signed, base, c.ID, args.Again); err != nil {
		return nil, coded(err)
	}
	return map[string]any{"state": "installing", "version": m.Version, "bytes": p.Size}, nil
}

func coded(err error) error {
	if code := update.CodeOf(err); code != "" {
		return command.Failure(string(code), err)
	}
	return fmt.Errorf("app: update: %w", err)
}
