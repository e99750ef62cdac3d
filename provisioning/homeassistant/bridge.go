package homeassistant

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// Options make a Bridge. Functions that are nil have no effect.
type Options struct {
	Device Device
	// Endpoint is where to connect and as whom; client id, will and filters
	// are filled in.
	Endpoint func(ctx context.Context) (client.Endpoint, error)
	Prefix   string     // of discovery topics; default "homeassistant"
	FS       durable.FS // remembers what was announced

	Snapshot  func(ctx context.Context) ([]byte, error)
	RingTest  func()
	OpenDoor  func(ctx context.Context) error
	Reboot    func()
	Telemetry func() map[string]any
	Update    func() UpdateState

	// Pulse is how long the door stays open; the lock then shows as locked.
	Pulse time.Duration
	// Jitter spreads what many nodes answer to a start of Home Assistant over;
	// default 10 s.
	Jitter time.Duration
	Every  time.Duration // of telemetry; default 1 min
	// Backoff are the pauses between attempts to connect.
	Backoff client.Backoff
	Log     *slog.Logger
}

// maxPicture is the longest picture that is published.
const maxPicture = 1 << 20

// Bridge is such a connection. Make one with New, run it with Run.
type Bridge struct {
	opt    Options
	client *client.Client
	status string // topic of Home Assistant's birth
	config string // topic of the description
	work   chan job

	again  *time.Timer // announce again
	locked *time.Timer // the door is locked again

	announcing sync.Mutex
	mu         sync.Mutex
	picture    []byte     // the last one, for a Home Assistant that starts
	removed    chan error // set while Remove runs
}

// job is something to do outside the connection's own goroutine.
type job struct {
	kind string
	data []byte
}

// Kinds of jobs beside Home Assistant's commands.
const (
	jobRing    = "#ring"
	jobMotion  = "#motion"
	jobPicture = "#picture"
	jobBirth   = "#birth"
	jobUnlock  = "#unlock"
)

const stateFile = "homeassistant"

// announced is what Home Assistant knows of us.
type announced struct {
	Prefix     string            `json:"prefix"`
	Components map[string]string `json:"components"`
}

// New makes a bridge.
func New(opt Options) (*Bridge, error) {
	if opt.Prefix == "" {
		opt.Prefix = "homeassistant"
	}
	if !wire.Word(opt.Prefix) || !wire.ValidID(opt.Device.ID) {
		return nil, fmt.Errorf("homeassistant: prefix %q or node %q cannot be in a topic", opt.Prefix, opt.Device.ID)
	}
	if opt.Jitter <= 0 {
		opt.Jitter = 10 * time.Second
	}
	if opt.Every <= 0 {
		opt.Every = time.Minute
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	opt.Device.Lock = opt.Device.Lock && opt.OpenDoor != nil
	opt.Device.Camera = opt.Device.Camera && opt.Snapshot != nil
	opt.Device.Reboot = opt.Device.Reboot && opt.Reboot != nil
	b := &Bridge{
		opt: opt, work: make(chan job, 16), again: stopped(), locked: stopped(), status: opt.Prefix + "/status", config: opt.Prefix + "/device/" + opt.Device.ID + "/config",
	}
	b.client = client.New(client.Options{Endpoint: b.endpoint, Handle: b.handle, Up: b.up, Leaving: b.leaving, Backoff: opt.Backoff, Log: opt.Log})
	return b, nil
}

func stopped() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

func (b *Bridge) upTopic(kind string) string {
	return wire.Up(b.opt.Device.ID, wire.UpHA) + "/" + kind
}

func (b *Bridge) endpoint(ctx context.Context) (client.Endpoint, error) {
	e, err := b.opt.Endpoint(ctx)
	if err != nil {
		return e, err
	}
	e.ClientID = b.opt.Device.ID + "-ha"
	e.Will = &client.Message{Topic: b.upTopic(topicAvailable), Payload: []byte("offline"), QoS: 1, Retain: true}
	e.Filters = []string{wire.Down(b.opt.Device.ID, wire.DnHA) + "/+", b.status}
	return e, nil
}

// Connected reports whether the broker is reached.
func (b *Bridge) Connected() bool { return b.client.Connected() }

// Run serves Home Assistant until ctx is done.
func (b *Bridge) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { b.client.Run(ctx) })
	defer wg.Wait()
	tick := time.NewTicker(b.opt.Every)
	defer tick.Stop()
	defer b.again.Stop()
	defer b.locked.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.figures(ctx)
		case <-b.again.C:
			b.reannounce(ctx)
		case <-b.locked.C:
			b.tell(ctx, topicLock, []byte("LOCKED"), true)
		case j := <-b.work:
			b.do(ctx, j)
		}
	}
}

// Ring tells that somebody rings. Without a connection nobody is told: a late
// ring is worse than none.
func (b *Bridge) Ring() { b.add(job{kind: jobRing}) }

// Motion tells that something moves.
func (b *Bridge) Motion() { b.add(job{kind: jobMotion}) }

// Picture shows a JPEG, which nobody may change afterwards.
func (b *Bridge) Picture(jpeg []byte) { b.add(job{jobPicture, jpeg}) }

// Opened tells that the door was opened, by whomever.
func (b *Bridge) Opened() { b.add(job{kind: jobUnlock}) }

// add never waits: who rings does not wait for Home Assistant.
func (b *Bridge) add(j job) {
	select {
	case b.work <- j:
	default:
		b.opt.Log.Warn("home assistant not told, too much waits", "kind", j.kind)
	}
}

// up announces the device.
func (b *Bridge) up(ctx context.Context, _ client.Endpoint) error {
	b.mu.Lock()
	removed := b.removed
	b.mu.Unlock()
	if removed != nil {
		removed <- b.clear(ctx)
		return nil
	}
	return b.announce(ctx)
}

// retained publishes a message that stays.
func (b *Bridge) retained(ctx context.Context, topic string, payload []byte) error {
	return b.client.Publish(ctx, client.Message{Topic: topic, Payload: payload, QoS: 1, Retain: true})
}

// announce publishes the description and the states. Entities that there were
// before and are no more are removed first.
func (b *Bridge) announce(ctx context.Context) error {
	b.announcing.Lock()
	defer b.announcing.Unlock()
	d := b.opt.Device
	var before announced
	if err := durable.Load(b.opt.FS, stateFile, &before); err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.opt.Log.Warn("not known what was announced before", "error", err)
	}
	now := announced{Prefix: b.opt.Prefix, Components: d.platforms()}
	gone := map[string]string{}
	for id, p := range before.Components {
		if _, still := now.Components[id]; !still {
			gone[id] = p
		}
	}
	if before.Prefix != "" && before.Prefix != b.opt.Prefix {
		if err := b.retained(ctx, before.Prefix+"/device/"+d.ID+"/config", nil); err != nil {
			return err
		}
	}
	if len(gone) > 0 {
		if err := b.retained(ctx, b.config, d.discovery(gone)); err != nil {
			return err
		}
		if _, lock := gone["lock"]; lock {
			if err := b.retained(ctx, b.upTopic(topicLock), nil); err != nil {
				return err
			}
		}
	}
	// On disk first: what is announced must be known when it is to be removed.
	if before.Prefix != now.Prefix || len(gone) > 0 || len(before.Components) != len(now.Components) {
		if err := durable.Save(b.opt.FS, stateFile, now); err != nil {
			return err
		}
	}
	if err := b.retained(ctx, b.config, d.discovery(nil)); err != nil {
		return err
	}
	if err := b.retained(ctx, b.upTopic(topicAvailable), []byte("online")); err != nil {
		return err
	}
	if d.Lock {
		if err := b.retained(ctx, b.upTopic(topicLock), []byte("LOCKED")); err != nil {
			return err
		}
	}
	b.figures(ctx)
	b.mu.Lock()
	picture := b.picture
	b.mu.Unlock()
	if len(picture) > 0 {
		return b.client.Publish(ctx, client.Message{Topic: b.upTopic(topicSnapshot), Payload: picture, QoS: 1})
	}
	return nil
}

// figures publishes what changes slowly.
func (b *Bridge) figures(ctx context.Context) {
	if !b.client.Connected() {
		return
	}
	if b.opt.Telemetry != nil {
		b.tell(ctx, topicTelemetry, telemetryPayload(b.opt.Telemetry()), true)
	}
	if b.opt.Update != nil {
		b.tell(ctx, topicUpdate, wire.Encode(b.opt.Update()), true)
	}
}

func (b *Bridge) tell(ctx context.Context, kind string, payload []byte, retain bool) {
	if !b.client.Connected() {
		return
	}
	if err := b.client.Publish(ctx, client.Message{Topic: b.upTopic(kind), Payload: payload, QoS: 1, Retain: retain}); err != nil {
		b.opt.Log.Debug("home assistant not told", "kind", kind, "error", err)
	}
}

func (b *Bridge) leaving(ctx context.Context, _ client.Endpoint) {
	b.mu.Lock()
	removed := b.removed != nil
	b.mu.Unlock()
	if !removed {
		b.tell(ctx, topicAvailable, []byte("offline"), true)
	}
}

// handle takes a message. Retained ones are not commands: they would be carried
// out at every connection.
func (b *Bridge) handle(m client.Received) {
	if m.Retained {
		return
	}
	if m.Topic == b.status {
		if string(m.Payload) == "online" {
			b.add(job{kind: jobBirth})
		}
		return
	}
	t, err := wire.ParseTopic(m.Topic)
	if err != nil || t.Name != b.opt.Device.ID || t.Dir != "dn" || t.Kind != wire.DnHA || len(m.Payload) > 64 {
		return
	}
	b.add(job{t.Sub, m.Payload})
}

// commandTimeout bounds what a command may take.
const commandTimeout = 15 * time.Second

func (b *Bridge) do(ctx context.Context, j job) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	o := b.opt
	switch {
	case j.kind == jobRing:
		b.tell(ctx, topicRing, ringPayload(), false)
	case j.kind == jobMotion:
		b.tell(ctx, topicMotion, []byte("ON"), false)
	case j.kind == jobPicture:
		b.show(ctx, j.data)
	case j.kind == jobBirth:
		b.again.Reset(rand.N(o.Jitter))
	case j.kind == jobUnlock && o.Device.Lock:
		b.tell(ctx, topicLock, []byte("UNLOCKED"), true)
		b.locked.Reset(o.Pulse)
	case j.kind == cmdLock && o.Device.Lock:
		b.lock(ctx, string(j.data))
	case j.kind == cmdSnapshot && o.Device.Camera:
		jpeg, err := o.Snapshot(ctx)
		if err != nil {
			o.Log.Warn("no picture for home assistant", "error", err)
			return
		}
		b.show(ctx, jpeg)
	case j.kind == cmdRing && o.RingTest != nil:
		o.RingTest()
	case j.kind == cmdReboot && o.Device.Reboot:
		o.Log.Warn("restart asked for by home assistant")
		o.Reboot()
	}
}

func (b *Bridge) reannounce(ctx context.Context) {
	if !b.client.Connected() {
		return
	}
	if err := b.announce(ctx); err != nil {
		b.opt.Log.Warn("home assistant not told again", "error", err)
	}
}

func (b *Bridge) lock(ctx context.Context, command string) {
	switch command {
	case "UNLOCK", "OPEN":
		b.tell(ctx, topicLock, []byte("UNLOCKING"), true)
		if err := b.opt.OpenDoor(ctx); err != nil {
			b.opt.Log.Warn("door not opened for home assistant", "error", err)
			b.tell(ctx, topicLock, []byte("LOCKED"), true)
		}
		// The engine's own event tells that it is open.
	case "LOCK":
		// The door locks by itself.
	}
}

func (b *Bridge) show(ctx context.Context, jpeg []byte) {
	if len(jpeg) == 0 || len(jpeg) > maxPicture {
		return
	}
	b.mu.Lock()
	b.picture = jpeg
	b.mu.Unlock()
	// Not retained: a broker is no place for pictures of visitors.
	b.tell(ctx, topicSnapshot, jpeg, false)
}

// Announced reports whether Home Assistant still knows of a node whose state is
// in fsys.
func Announced(fsys durable.FS) bool {
	var a announced
	return durable.Load(fsys, stateFile, &a) == nil
}

// Remove takes everything back that the bridge has left at the broker, instead
// of Run. It tries until that is done or ctx is.
func (b *Bridge) Remove(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 8)
	b.mu.Lock()
	b.removed = done
	b.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { b.client.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("homeassistant: not removed: %w", ctx.Err())
	}
}

// clear removes what is retained, and then the memory of it.
func (b *Bridge) clear(ctx context.Context) error {
	topics := []string{b.config}
	var before announced
	if err := durable.Load(b.opt.FS, stateFile, &before); err == nil && before.Prefix != "" && before.Prefix != b.opt.Prefix {
		topics = append(topics, before.Prefix+"/device/"+b.opt.Device.ID+"/config")
	}
	for _, kind := range []string{topicLock, topicTelemetry, topicUpdate, topicAvailable} {
		topics = append(topics, b.upTopic(kind))
	}
	for _, t := range topics {
		if err := b.retained(ctx, t, nil); err != nil {
			return err
		}
	}
	return errors.Join(durable.Erase(b.opt.FS, stateFile), durable.Erase(b.opt.FS, stateFile+durable.BackupSuffix))
}
