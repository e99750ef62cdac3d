package command

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/internal/durable/powercut"
	"github.com/edgecam/edgecam/provisioning/wire"
)

const node = "ec-10000000abcdef01"

type fixture struct {
	t      *testing.T
	key    ed25519.PrivateKey
	pub    ed25519.PublicKey
	now    time.Time
	synced bool
	sess   uint64
	nonce  string
	acks   []wire.Ack
	opened int
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{t: t, key: key, pub: pub, now: time.Unix(1_800_000_000, 0), synced: true, sess: 7, nonce: "0123456789abcdef"}
}

func (f *fixture) open(fsys durable.FS) (*Runner, error) {
	return Open(fsys, Options{
		Node: node, Keys: func() wire.KeySet { return wire.KeySet{Keys: []wire.Key{{ID: "k1", Public: f.pub}}} },
		Session: func() (uint64, string) { return f.sess, f.nonce },
		Now:     func() (time.Time, bool) { return f.now, f.synced },
		Ack:     func(a wire.Ack) { f.acks = append(f.acks, a) },
		Ops: []Op{
			{Name: "open-door", Signed: true, MaxTTL: time.Minute, Run: func(context.Context, Call) (any, error) { f.opened++; return nil, nil }},
			{Name: "echo", Run: func(_ context.Context, c Call) (any, error) {
				var v struct{ N int }
				return &v, c.Decode(&v)
			}},
			{Name: "fail", Run: func(context.Context, Call) (any, error) { return nil, Failure("broken", errors.New("it is broken")) }},
			{Name: "reboot", Restarts: true, Run: func(context.Context, Call) (any, error) { return nil, nil }},
		},
	})
}

func (f *fixture) runner(fsys durable.FS) *Runner {
	f.t.Helper()
	r, err := f.open(fsys)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// command returns an open-door command with a fresh id.
func (f *fixture) command(op string) wire.Command {
	return wire.Command{ID: wire.NewULID(f.now), Node: node, Op: op, Issued: f.now.Unix(), TTL: 30}
}

func (f *fixture) signed(c wire.Command) []byte {
	return wire.Encode(wire.Sign(wire.ContextCommand, "k1", f.key, wire.Encode(c)))
}

func unsigned(c wire.Command) []byte { return wire.Encode(wire.Unsigned(wire.Encode(c))) }

// do handles a message and runs what it brought; the last answer is returned.
func (f *fixture) do(r *Runner, payload []byte, retained bool) wire.Ack {
	f.t.Helper()
	f.acks = nil
	r.Handle(payload, retained)
	f.drain(r)
	if len(f.acks) == 0 {
		return wire.Ack{}
	}
	return f.acks[len(f.acks)-1]
}

func (f *fixture) drain(r *Runner) {
	for {
		select {
		case t := <-r.queue:
			r.run(f.t.Context(), t)
		default:
			return
		}
	}
}

func (f *fixture) want(a wire.Ack, state, code string) {
	f.t.Helper()
	if a.State != state || a.Code != code {
		f.t.Errorf("answer %+v, want %s %s", a, state, code)
	}
}

func TestDoor(t *testing.T) {
	f := newFixture(t)
	d := powercut.New()
	r := f.runner(d)
	c := f.command("open-door")
	f.want(f.do(r, f.signed(c), false), "done", "")
	if f.acks[0].State != wire.AckAccepted || f.opened != 1 {
		t.Fatalf("%+v, opened %d", f.acks, f.opened)
	}
	f.want(f.do(r, f.signed(c), false), "duplicate", "done")
	f.want(f.do(f.runner(d.After(powercut.LoseAll)), f.signed(c), false), "duplicate", "done")

	c = f.command("open-door")
	f.want(f.do(r, unsigned(c), false), "rejected", "unsigned")
	f.want(f.do(r, f.signed(c), true), "rejected", "retained")
	other := c
	other.Node = "ec-0000000000000000"
	f.want(f.do(r, f.signed(other), false), "rejected", "addressee")
	_, stranger, _ := ed25519.GenerateKey(nil)
	f.want(f.do(r, wire.Encode(wire.Sign(wire.ContextCommand, "k1", stranger, wire.Encode(c))), false), "rejected", "signature")
	f.want(f.do(r, wire.Encode(wire.Sign(wire.ContextUpdate, "k1", f.key, wire.Encode(c))), false), "rejected", "signature")
	long := c
	long.TTL = 61
	f.want(f.do(r, f.signed(long), false), "rejected", "ttl")
	f.now = f.now.Add(31 * time.Second)
	f.want(f.do(r, f.signed(c), false), "expired", "ttl")
	early := f.command("open-door")
	early.Issued += 1000
	f.want(f.do(r, f.signed(early), false), "rejected", "future")
	stale := f.command("open-door")
	stale.Session, stale.Nonce = 6, f.nonce
	f.want(f.do(r, f.signed(stale), false), "rejected", "session")
	if f.opened != 1 {
		t.Fatalf("the door was opened %d times", f.opened)
	}
}

func TestWithoutClock(t *testing.T) {
	f := newFixture(t)
	f.synced = false
	r := f.runner(powercut.New())
	f.want(f.do(r, f.signed(f.command("open-door")), false), "rejected", "session")
	c := f.command("open-door")
	c.Issued += 1 << 20 // nobody can tell
	c.Session, c.Nonce = f.sess, f.nonce
	f.want(f.do(r, f.signed(c), false), "done", "")
	f.want(f.do(r, f.signed(c), false), "duplicate", "done")
	f.sess, f.nonce = 8, "fedcba9876543210"
	c.ID = wire.NewULID(f.now)
	f.want(f.do(r, f.signed(c), false), "rejected", "session")
}

func TestOthers(t *testing.T) {
	f := newFixture(t)
	r := f.runner(powercut.New())
	c := f.command("echo")
	c.Args = json.RawMessage(`{"N":3}`)
	if a := f.do(r, unsigned(c), false); a.State != wire.AckDone || string(a.Result) != `{"N":3}` {
		t.Errorf("%+v", a)
	}
	if a := f.do(r, unsigned(c), false); a.State != wire.AckDuplicate || string(a.Result) != `{"N":3}` {
		t.Errorf("%+v", a)
	}
	c = f.command("echo")
	c.Args = json.RawMessage(`{"M":3}`)
	f.want(f.do(r, unsigned(c), false), "failed", "args")
	f.want(f.do(r, unsigned(f.command("fail")), false), "failed", "broken")
	f.want(f.do(r, unsigned(f.command("what")), false), "rejected", "unknown-op")
	// A signature that is there must be right, even where none is needed.
	bad := wire.Sign(wire.ContextCommand, "k2", f.key, wire.Encode(f.command("echo")))
	f.want(f.do(r, wire.Encode(bad), false), "rejected", "signature")
	if a := f.do(r, []byte("{"), false); a.State != "" {
		t.Errorf("answered to noise: %+v", a)
	}
}

// TestManyAndClockSetBack fills the journal, so that old entries are
// forgotten, and sets the clock back: nothing runs twice.
func TestManyAndClockSetBack(t *testing.T) {
	f := newFixture(t)
	d := powercut.New()
	r := f.runner(d)
	first := f.signed(f.command("open-door"))
	f.want(f.do(r, first, false), "done", "")
	begin := f.now
	for i := range maxJournal - 1 {
		f.want(f.do(r, f.signed(f.command("open-door")), false), "done", "")
		if i%50 == 0 {
			f.now = f.now.Add(time.Second)
		}
	}
	f.want(f.do(r, f.signed(f.command("open-door")), false), "rejected", "busy")
	f.now = f.now.Add(time.Hour)
	f.want(f.do(r, f.signed(f.command("open-door")), false), "done", "")
	f.now = begin
	n := f.opened
	f.want(f.do(r, first, false), "expired", "ttl")
	f.want(f.do(f.runner(d.After(powercut.LoseAll)), first, false), "expired", "ttl")
	if f.opened != n {
		t.Error("a forgotten command was run again")
	}
}

// TestPowerCuts cuts the power at every operation of three commands: the door
// opens at most once for each, and what was answered as done stays done.
func TestPowerCuts(t *testing.T) {
	f := newFixture(t)
	var payloads [][]byte
	var ids []string
	for range 3 {
		c := f.command("open-door")
		ids = append(ids, c.ID)
		payloads = append(payloads, f.signed(c))
	}
	var done map[string]bool
	work := func(d *powercut.Disk) {
		f.opened, f.acks = 0, nil
		r, err := f.open(d)
		if err == nil {
			for _, p := range payloads {
				r.Handle(p, false)
				f.drain(r)
			}
		}
		done = map[string]bool{}
		for _, a := range f.acks {
			done[a.ID] = done[a.ID] || a.State == wire.AckDone
		}
	}
	figures := powercut.Enumerate(t, nil, work, func(d *powercut.Disk, cut int, loss powercut.Loss) {
		before := f.opened
		r := f.runner(d)
		f.acks = nil
		if err := r.Interrupted(); err != nil {
			t.Error(err)
		}
		for i, p := range payloads {
			a := f.do(r, p, false)
			if done[ids[i]] && a.State != wire.AckDuplicate {
				t.Errorf("command %d was answered as done and then %+v", i, a)
			}
		}
		if f.opened > len(payloads) {
			t.Errorf("the door opened %d times for %d commands", f.opened, len(payloads))
		}
		f.opened = before
	})
	t.Logf("%+v", figures)
}

func TestInterruptedReboot(t *testing.T) {
	f := newFixture(t)
	d := powercut.New()
	r := f.runner(d)
	for _, op := range []string{"reboot", "echo"} {
		r.Handle(unsigned(f.command(op)), false) // accepted, and the power goes
	}
	r = f.runner(d.After(powercut.LoseAll))
	f.acks = nil
	if err := r.Interrupted(); err != nil || len(f.acks) != 2 {
		t.Fatal(err, f.acks)
	}
	f.want(f.acks[0], "done", "")
	f.want(f.acks[1], "failed", "interrupted")
	f.acks = nil
	if r.Interrupted(); len(f.acks) != 0 {
		t.Error("answered twice")
	}
	// What has begun since waits or runs: another connection does not end it.
	r.Handle(unsigned(f.command("echo")), false)
	f.acks = nil
	if err := r.Interrupted(); err != nil || len(f.acks) != 0 {
		t.Error("a command that waits was answered as interrupted", err, f.acks)
	}
	f.drain(r)
	if len(f.acks) == 0 || f.acks[len(f.acks)-1].State != wire.AckDone {
		t.Errorf("the command that waited ended as %+v", f.acks)
	}
}

func FuzzHandle(f *testing.F) {
	fx := &fixture{now: time.Unix(1_800_000_000, 0), synced: true, sess: 7, nonce: "0123456789abcdef"}
	fx.pub, fx.key, _ = ed25519.GenerateKey(nil)
	c := fx.command("open-door")
	f.Add(unsigned(c))
	f.Add([]byte(fmt.Sprintf(`{"p":%q,"kid":"k1","sig":"AAAA"}`, "e30=")))
	f.Fuzz(func(t *testing.T, payload []byte) {
		fx.t, fx.acks, fx.opened = t, nil, 0
		r := fx.runner(powercut.New())
		r.Handle(payload, false)
		fx.drain(r)
		if fx.opened != 0 {
			t.Error("the door opened without a signature")
		}
	})
}
