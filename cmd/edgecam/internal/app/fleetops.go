package app

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/session/nat"
	"github.com/edgecam/edgecam/internal/version"
	"github.com/edgecam/edgecam/provisioning/command"
	"github.com/edgecam/edgecam/provisioning/queue"
	"github.com/edgecam/edgecam/provisioning/seal"
	"github.com/edgecam/edgecam/provisioning/update"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// ops are the commands that a fleet can give this node.
func (f *fleet) ops() []command.Op {
	all := []command.Op{
		{Name: "open-door", Signed: true, MaxTTL: time.Minute, Timeout: 5 * time.Second, Run: f.openDoor},
		{Name: "reboot", Restarts: true, Run: func(context.Context, command.Call) (any, error) { return nil, nil }, After: func() { rebootSoon(f.app.log) }},
		{Name: "snapshot", Run: f.snapshot},
		{Name: "ring-test", Run: f.ringTest},
		{Name: "log-level", Run: f.logLevel},
		{Name: "diagnostics", Run: f.diagnostics},
		{Name: "nat-test", Timeout: time.Minute, Run: f.natTest},
		{Name: "uplink", Run: f.uplinkCommand},
		{Name: "signal-key", Run: f.attest},
	}
	if updatable() {
		all = append(all, command.Op{Name: update.Op, Signed: true, Timeout: 90 * time.Second, Run: f.update})
	}
	return all
}

func (f *fleet) openDoor(ctx context.Context, c command.Call) (any, error) {
	e := f.engine.Load()
	if e == nil {
		return nil, errNotRunning
	}
	return nil, e.OpenDoor(ctx, "fleet key "+c.Signer)
}

// answerTime lets the answer to a reboot leave before it happens.
const answerTime = 2 * time.Second

// rebootSoon restarts the machine through its service manager.
func rebootSoon(log *slog.Logger) {
	time.AfterFunc(answerTime, func() {
		if out, err := exec.Command("systemctl", "reboot").CombinedOutput(); err != nil {
			log.Error("reboot failed; does the unit allow it?", "error", err, "output", string(out[:min(len(out), 200)]))
		}
	})
}

// snapshot sends a picture, sealed for its owner, beside the answer.
func (f *fleet) snapshot(ctx context.Context, c command.Call) (any, error) {
	e := f.engine.Load()
	if e == nil {
		return nil, errNotRunning
	}
	var jpeg bytes.Buffer
	if err := e.Snapshot(ctx, &jpeg); err != nil {
		return nil, err
	}
	return f.sealed(ctx, c, "image/jpeg", jpeg.Bytes())
}

// errNoOwner keeps back what anybody at the broker could see.
var errNoOwner = command.Failure("no-owner-key",
	errors.New("app: pictures and diagnostics leave the node sealed for their owner, and it knows no owner's key: give fleet.owner_key, or owner_key in the site file"))

// sealed sends what only the owner may see: sealed, unless the site says that it
// may go as it is.
func (f *fleet) sealed(ctx context.Context, c command.Call, kind string, data []byte) (any, error) {
	if f.owner == nil {
		if !f.plain {
			return nil, errNoOwner
		}
		return f.blob(ctx, c, kind, data)
	}
	box, err := f.owner.Seal(seal.Purpose{Node: f.node.ID(), Command: c.ID, Type: kind}, data)
	if err != nil {
		return nil, err
	}
	if _, err := f.blob(ctx, c, kind, box); err != nil {
		return nil, err
	}
	return map[string]any{"type": kind, "bytes": len(data), "sealed": f.owner.ID()}, nil
}

func (f *fleet) blob(ctx context.Context, c command.Call, kind string, data []byte) (any, error) {
	if len(data) > wire.MaxPayload {
		return nil, command.Failure("too-large", fmt.Errorf("app: %d bytes, brokers take %d", len(data), wire.MaxPayload))
	}
	if err := f.node.Blob(ctx, c.ID, data); err != nil {
		return nil, err
	}
	return map[string]any{"type": kind, "bytes": len(data)}, nil
}

// ringTest sends an event like a ring's that says that it is none.
func (f *fleet) ringTest(context.Context, command.Call) (any, error) {
	f.node.Event(queue.Ring, "ring", map[string]any{"test": true})
	return nil, nil
}

// levelReset brings the log's level back after a while.
type levelReset struct {
	mu    sync.Mutex
	timer *time.Timer
	back  func()
}

func (r *levelReset) set(after time.Duration, back func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer != nil && r.timer.Stop() {
		back = r.back // to what was before the first change
	}
	r.back = back
	r.timer = time.AfterFunc(after, back)
}

// end brings the level back at once.
func (r *levelReset) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer != nil && r.timer.Stop() {
		r.back()
	}
}

func (f *fleet) logLevel(_ context.Context, c command.Call) (any, error) {
	args := struct {
		Level   string `json:"level"`
		Minutes int    `json:"minutes"`
	}{Minutes: 15}
	if err := c.Decode(&args); err != nil {
		return nil, err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(args.Level)); err != nil || args.Minutes < 1 || args.Minutes > 24*60 {
		return nil, command.Failure("args", errors.New("app: level must be debug, info, warn or error, minutes 1 to 1440"))
	}
	lv := f.app.o.Level
	if lv == nil {
		return nil, errors.New("app: the log's level is fixed")
	}
	before := lv.Level()
	f.level.set(time.Duration(args.Minutes)*time.Minute, func() { lv.Set(before) })
	lv.Set(level)
	return nil, nil
}

// natTest answers what stands between the node and the internet, as the STUN
// servers of its configuration see it. The command cannot name others: a node
// must not be turned against a host of somebody's choice.
func (f *fleet) natTest(ctx context.Context, _ command.Call) (any, error) {
	l, err := f.app.o.Load(f.node.Config())
	if err != nil {
		return nil, err
	}
	var servers []string
	for _, s := range l.WebRTC.ICEServers {
		servers = append(servers, s.URLs...)
	}
	r, err := nat.Discover(ctx, nat.Config{Servers: servers})
	if errors.Is(err, nat.ErrNoServer) {
		return nil, command.Failure("no-server", errors.New("app: webrtc.ice_servers names no STUN server"))
	}
	return r, err
}

// diagnostics sends a ZIP of what helps to find a fault, sealed as a picture
// is: it shows nobody and its secrets are masked, but names, addresses and who
// watches are the owner's affair.
func (f *fleet) diagnostics(ctx context.Context, c command.Call) (any, error) {
	conn, events := f.node.Stats()
	session, _ := f.node.Session()
	parts := map[string]any{
		"version.json": version.Get(),
		"fleet.json":   map[string]any{"id": f.node.ID(), "phase": f.node.Phase(), "session": session, "connection": conn, "queue": events},
	}
	if e := f.engine.Load(); e != nil {
		parts["engine.json"] = map[string]any{"camera": e.Camera(), "sessions": e.Sessions().Stats(), "uptime_s": int64(time.Since(f.app.started).Seconds())}
	}
	if l, err := f.app.o.Load(f.node.Config()); err == nil {
		parts["config.json"] = l.Entries()
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, v := range parts {
		text, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return nil, err
		}
		w, err := z.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(text); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return f.sealed(ctx, c, "application/zip", out.Bytes())
}
