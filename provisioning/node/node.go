// Package node is the fleet's end on a node: it holds the one connection to the
// broker and brings identity, events, desired configuration and commands
// together over it. The node's local life does not depend on it: nothing here
// is waited for by whoever rings, opens or watches, and no broker is needed to
// start or to run.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/command"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/queue"
	"github.com/edgecam/edgecam/provisioning/twin"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// Options make a Node. The functions are how the fleet reaches into the node;
// those that are nil have no effect.
type Options struct {
	FS          durable.FS // folder for the fleet's state
	Site        enrol.Site
	Serial      string // of the board; the node's id follows from it
	Board       string
	Software    string
	BootID      string
	Slot        string // which of the program's slots runs
	OwnerSecret string

	// Check says what is wrong with a provisioned configuration.
	Check func(cfg []byte) []wire.Fault
	// Apply brings a provisioned configuration into force, nil for none. It
	// must not wait for the node to restart with it.
	Apply func(cfg []byte)
	// Healthy says why the node is not well, after a new configuration.
	Healthy func() error
	// Ops are the commands that the node knows beside the fleet's own.
	Ops []command.Op
	// Signal takes messages of viewers, dn/rtc; it must not block.
	Signal func(message []byte, retained bool)
	// Birth is called when the broker has acknowledged a birth; it must not block.
	Birth func()
	// Telemetry returns figures for up/tel.
	Telemetry func() map[string]any
	// Wipe are called by a factory reset.
	Wipe []func() error

	Clock          Clock
	Backoff        client.Backoff
	KeepAlive      time.Duration
	AckTimeout     time.Duration
	Probation      time.Duration // default 60 s
	TelemetryEvery time.Duration // default 5 min; negative: never
	RotationCheck  time.Duration // how often to look whether a rotation is due, default 1 h
	Log            *slog.Logger
}

// lateAfter is the age from which nobody is to be rung up for a ring.
const lateAfter = 60 * time.Second

// Node is such an end. Make one with Open, run it with Run.
type Node struct {
	opt      Options
	log      *slog.Logger
	identity *enrol.Machine
	events   *queue.Queue
	twin     *twin.Twin
	commands *command.Runner
	client   *client.Client
	started  time.Time

	retry  chan time.Duration // ask again for a certificate
	apply  chan struct{}      // a configuration went on probation
	online chan struct{}      // the connection stands

	mu      sync.Mutex
	session uint64
	nonce   string
	claim   []byte // request under way on a claim connection
	seq     uint64
	acks    []wire.Ack // to be sent when there is a connection
	report  bool       // a report is to be sent
	reset   bool
	end     context.CancelFunc

	keeping chan struct{} // holds one while something is published that stays at the broker
	gone    atomic.Bool   // nothing may stay there any more

	born atomic.Bool
}

// ErrReset ends Run after a factory reset or decommissioning: what is in memory
// belongs to a life that is over, and the node is to be opened again.
var ErrReset = errors.New("node: reset; open it again")

// Open reads the node's state. The configuration it is to start with is in
// Config.
func Open(opt Options) (*Node, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Probation <= 0 {
		opt.Probation = time.Minute
	}
	if opt.TelemetryEvery == 0 {
		opt.TelemetryEvery = 5 * time.Minute
	}
	if opt.RotationCheck <= 0 {
		opt.RotationCheck = time.Hour
	}
	if opt.Clock == nil {
		opt.Clock = SystemClock{}
	}
	n := &Node{
		opt: opt, log: opt.Log, started: time.Now(),
		retry: make(chan time.Duration, 1), apply: make(chan struct{}, 1), online: make(chan struct{}, 1), keeping: make(chan struct{}, 1),
	}
	var err error
	if n.identity, err = enrol.Open(opt.FS, enrol.Options{
		Site: opt.Site, ID: wire.NodeID(opt.Serial), Serial: opt.Serial, Model: opt.Board, OwnerSecret: opt.OwnerSecret,
		Now: opt.Clock.Now, Wipe: opt.Wipe, Log: opt.Log,
	}); err != nil {
		return nil, err
	}
	if n.twin, err = twin.Open(opt.FS, twin.Options{Check: opt.Check, Software: opt.Software}); err != nil {
		return nil, err
	}
	if n.events, err = queue.Open(opt.FS, "events", queue.Options{}); err != nil {
		return nil, err
	}
	if n.commands, err = command.Open(opt.FS, command.Options{
		Node: n.identity.ID(), Keys: n.identity.Keys, Session: n.Session, Now: opt.Clock.Now,
		Ops: append(n.ownOps(), opt.Ops...), Ack: n.ack, Log: opt.Log,
	}); err != nil {
		return nil, errors.Join(err, n.events.Close())
	}
	n.client = client.New(client.Options{
		Endpoint: n.endpoint, Handle: n.handle, Up: n.up, Down: n.down, Leaving: n.leaving, Failed: n.failed,
		Backoff: opt.Backoff, KeepAlive: opt.KeepAlive, AckTimeout: opt.AckTimeout, Log: opt.Log,
	})
	return n, nil
}

// ID returns the node's id.
func (n *Node) ID() string { return n.identity.ID() }

// Phase returns where in its life the node is.
func (n *Node) Phase() enrol.Phase { return n.identity.Phase() }

// Fingerprint returns that of the key that waits for approval, "" for none.
func (n *Node) Fingerprint() string { return n.identity.Fingerprint() }

// Config returns the provisioned configuration in force, nil for none.
func (n *Node) Config() []byte { return n.twin.Config() }

// Connected reports whether the broker is reached.
func (n *Node) Connected() bool { return n.client.Connected() }

// Born reports whether the broker has acknowledged a birth since Open.
func (n *Node) Born() bool { return n.born.Load() }

// Keys returns the keys that may sign for this node.
func (n *Node) Keys() wire.KeySet { return n.identity.Keys() }

// Stats returns the connection's and the queue's counters.
func (n *Node) Stats() (client.Stats, queue.Stats) { return n.client.Stats(), n.events.Stats() }

// Session returns number and nonce of the present connection.
func (n *Node) Session() (uint64, string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.session, n.nonce
}

// ConfigFailed tells that the node does not run with the configuration that
// Apply was given, and returns the one to go back to.
func (n *Node) ConfigFailed(err error) []byte {
	cfg, rerr := n.twin.RollBack("failed", err.Error())
	if rerr != nil {
		n.log.Error("roll-back not recorded", "error", rerr)
	}
	n.log.Warn("provisioned configuration rolled back", "error", err)
	n.reportSoon()
	return cfg
}

// Event queues something that happened; it never waits for a broker. A ring is
// on disk when it returns.
func (n *Node) Event(class queue.Class, kind string, data map[string]any) {
	now, synced := n.opt.Clock.Now()
	n.mu.Lock()
	n.seq++
	e := wire.Event{
		ID: wire.NewULID(now), Seq: n.seq, Session: n.session, Monotonic: time.Since(n.started).Milliseconds(), Type: kind, Data: data,
	}
	n.mu.Unlock()
	if synced {
		ms := now.UnixMilli()
		e.Time = &ms
	}
	if err := n.events.Put(class, wire.Encode(e)); err != nil {
		n.log.Error("event not stored", "type", kind, "error", err)
	}
}

// farewellTime bounds how long a reset on the spot waits for the broker.
const farewellTime = 3 * time.Second

// FactoryReset takes leave of the broker if it is reached, erases what the fleet
// and the owner have given the node, and ends Run with ErrReset. It is what a
// long press of a reset button does.
func (n *Node) FactoryReset() error {
	if n.client.Connected() && n.identity.Phase() == enrol.Active {
		ctx, cancel := context.WithTimeout(context.Background(), farewellTime)
		n.farewell(ctx)
		cancel()
	}
	if err := n.identity.FactoryReset(); err != nil {
		n.stays()
		return err
	}
	n.over()
	return nil
}

// over ends Run.
func (n *Node) over() {
	n.mu.Lock()
	n.reset = true
	end := n.end
	n.mu.Unlock()
	if end != nil {
		end()
	}
}

// Run serves the fleet until ctx is done, or until the node is reset; then it
// returns ErrReset.
func (n *Node) Run(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	n.mu.Lock()
	n.end = end
	n.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { n.client.Run(ctx) })
	wg.Go(func() { n.commands.Run(ctx) })
	wg.Go(func() { n.sendEvents(ctx) })
	wg.Go(func() { n.supervise(ctx) })
	wg.Wait()
	if err := n.events.Close(); err != nil {
		n.log.Warn("event queue not closed", "error", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.reset {
		return ErrReset
	}
	return nil
}

// ownOps are the commands that concern the fleet itself.
func (n *Node) ownOps() []command.Op {
	leave := func(what func() error) command.Op {
		return command.Op{Signed: true, Final: true, MaxTTL: 10 * time.Minute, Run: func(ctx context.Context, c command.Call) (any, error) {
			// The journal goes with everything else: the answer and the
			// farewell come first.
			n.ack(wire.Ack{ID: c.ID, State: wire.AckDone})
			n.flush(ctx)
			n.farewell(ctx)
			if err := what(); err != nil {
				n.stays()
				return nil, err
			}
			n.over()
			return nil, nil
		}}
	}
	reset, decommission := leave(n.identity.FactoryReset), leave(n.identity.Decommission)
	reset.Name, decommission.Name = "factory-reset", "decommission"
	keys := command.Op{Name: "keys", Run: func(_ context.Context, c command.Call) (any, error) {
		// The set itself is signed by the offline key; who sends it is no matter.
		return nil, n.identity.SetKeys(c.Args)
	}}
	rotate := command.Op{Name: "rotate", Run: func(ctx context.Context, _ command.Call) (any, error) { return nil, n.rotate(ctx) }}
	return []command.Op{reset, decommission, keys, rotate}
}

// errNotActive refuses what needs a certificate of the node's own.
var errNotActive = fmt.Errorf("node: not active in a fleet")

// OnProbation reports whether the configuration in force may yet be rolled
// back.
func (n *Node) OnProbation() bool { return n.twin.OnProbation() }

// Blob sends data that belongs to a command's answer, such as a picture.
func (n *Node) Blob(ctx context.Context, commandID string, data []byte) error {
	return n.client.Publish(ctx, client.Message{Topic: wire.Up(n.ID(), wire.UpBlob) + "/" + commandID, Payload: data, QoS: 1})
}

// SignalTo sends a viewer a message of package signal.
func (n *Node) SignalTo(ctx context.Context, peer string, message []byte) error {
	return n.client.Publish(ctx, client.Message{Topic: wire.Up(n.ID(), wire.UpRTC) + "/" + peer, Payload: message, QoS: 1})
}
