package node_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/authority"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/fleet"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/queue"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// path is what lies between a node and its broker.
type path struct {
	to string
	wg sync.WaitGroup

	mu    sync.Mutex
	delay time.Duration // of every piece, both ways
	piece int           // bytes that go at once
	bytes int           // after about so many a connection is cut; 0: never
	hole  bool          // everything disappears, and nobody is told
	moved int           // bytes that have gone through, both ways
	conns map[net.Conn]bool
}

func newPath(t *testing.T, at, to int) *path {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", at))
	if err != nil {
		t.Fatal(err)
	}
	p := &path{to: fmt.Sprintf("127.0.0.1:%d", to), piece: 4096, conns: map[net.Conn]bool{}}
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() { l.Close(); p.cut(); p.wg.Wait() })
	return p
}

// set changes the path, and cuts the connections if it is to be felt at once.
func (p *path) set(change func(*path), cut bool) {
	p.mu.Lock()
	change(p)
	p.mu.Unlock()
	if cut {
		p.cut()
	}
}

func (p *path) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

func (p *path) serve(node net.Conn) {
	defer node.Close()
	broker, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer broker.Close()
	p.mu.Lock()
	p.conns[node], p.conns[broker] = true, true
	left := -1
	if p.bytes > 0 {
		left = p.bytes/2 + rand.IntN(p.bytes)
	}
	p.mu.Unlock()
	var once sync.Once
	end := func() { once.Do(func() { node.Close(); broker.Close() }) }
	spend := func(n int) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if left < 0 {
			return true
		}
		left = max(left-n, 0)
		return left > 0
	}
	pump := func(from, to net.Conn) {
		defer end()
		buf := make([]byte, 4096)
		for {
			p.mu.Lock()
			piece, delay := p.piece, p.delay
			p.mu.Unlock()
			n, err := from.Read(buf[:piece])
			if err != nil {
				return
			}
			time.Sleep(delay)
			p.mu.Lock()
			hole := p.hole
			p.moved += n
			p.mu.Unlock()
			if !hole {
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
			if !spend(n) {
				return
			}
		}
	}
	p.wg.Go(func() { pump(broker, node) })
	pump(node, broker)
	p.mu.Lock()
	delete(p.conns, node)
	delete(p.conns, broker)
	p.mu.Unlock()
}

// TestPath: a node on a path that is slow, breaks all the time, or swallows
// everything. What it has to say arrives once, in order, and commands are
// answered.
func TestPath(t *testing.T) {
	s := newSite(t)
	s.own = freePort(t)
	p := newPath(t, s.port, s.own)
	defer s.embedded()()
	if _, err := s.auth.Expect(serial, secret, ""); err != nil {
		t.Fatal(err)
	}
	stopAuthority := s.serveAuthority()
	var mu sync.Mutex
	var seen []string
	op, stopOp := s.operator(func(_ string, e wire.Event) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprint(e.Data["n"]))
	})
	defer stopOp()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d := &device{site: s, dir: filepath.Join(t.TempDir(), "node"), keepAlive: 2 * time.Second}
	d.boot()
	defer func() { d.end() }()
	eventually(t, "the claim", func() bool { return d.node.Phase() == enrol.Active && d.node.Connected() })
	stopAuthority() // it is on the same path, and not what is tested

	sent := 0
	send := func(n int) {
		for range n {
			d.node.Event(queue.Normal, "motion", map[string]any{"n": sent})
			sent++
		}
	}
	arrived := func(what string) {
		t.Helper()
		eventually(t, what, func() bool { mu.Lock(); defer mu.Unlock(); return len(seen) >= sent })
		mu.Lock()
		defer mu.Unlock()
		for i, n := range seen {
			if n != fmt.Sprint(i) {
				t.Fatalf("%s: event %d is %s: %q", what, i, n, seen)
			}
		}
	}
	commanded := func(what string) {
		t.Helper()
		before := d.openings()
		if a, err := op.Command(ctx, id, "open-door", nil, 30*time.Second); err != nil || a.State != wire.AckDone || d.openings() != before+1 {
			t.Fatalf("%s: %+v, %v, %d openings", what, a, err, d.openings()-before)
		}
	}

	p.set(func(p *path) { p.delay, p.piece = 60*time.Millisecond, 512 }, true)
	send(5)
	arrived("slow")
	commanded("slow")

	p.set(func(p *path) { p.delay, p.piece, p.bytes = 0, 4096, 12_000 }, true)
	connects, _ := d.node.Stats()
	for range 40 {
		send(5)
		time.Sleep(20 * time.Millisecond)
	}
	arrived("cut again and again")
	if after, _ := d.node.Stats(); after.Connects < connects.Connects+3 {
		t.Errorf("%d connections only: the path was not cut", after.Connects-connects.Connects)
	}
	commanded("cut again and again")

	p.set(func(p *path) { p.bytes = 0 }, true)
	eventually(t, "connected again", d.node.Connected)
	p.set(func(p *path) { p.hole = true }, false)
	send(3)
	eventually(t, "the silence is noticed", func() bool { return !d.node.Connected() })
	send(3)
	p.set(func(p *path) { p.hole = false }, true)
	arrived("swallowed")
	commanded("swallowed")
}

func (d *device) openings() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.doors
}

// TestTwiceAndOutOfOrder: what a broker delivers again, or in another order,
// opens no door twice and brings no old configuration back.
func TestTwiceAndOutOfOrder(t *testing.T) {
	s := newSite(t)
	defer s.embedded()()
	if _, err := s.auth.Expect(serial, secret, ""); err != nil {
		t.Fatal(err)
	}
	defer s.serveAuthority()()
	op, stopOp := s.operator(nil)
	defer stopOp()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d := &device{site: s, dir: filepath.Join(t.TempDir(), "node")}
	d.boot()
	defer func() { d.end() }()
	if _, err := op.Wait(ctx, id, func(n fleet.NodeState) bool { return n.Online && n.Birth.Session > 0 }); err != nil {
		t.Fatal(err)
	}

	// A broker that repeats and reorders, played by an operator.
	e, err := authority.ServiceEndpoint(s.dir, acl.Operator, string(s.read(authority.RootCert)), s.site().Broker)
	if err != nil {
		t.Fatal(err)
	}
	e.ClientID, e.Filters = "operator-odd", []string{wire.Up(id, wire.UpAck)}
	up := make(chan struct{}, 1)
	acks := make(chan wire.Ack, 64)
	c := client.New(client.Options{
		Endpoint: func(context.Context) (client.Endpoint, error) { return e, nil }, Backoff: fast,
		Up: func(context.Context, client.Endpoint) error { up <- struct{}{}; return nil },
		Handle: func(m client.Received) {
			var a wire.Ack
			if err := wire.DecodeLoose(m.Payload, wire.MaxMessage, &a); err == nil && a.State != wire.AckAccepted {
				acks <- a
			}
		},
	})
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); c.Run(running) }()
	defer func() { stop(); <-done }()
	<-up
	publish := func(kind string, payload []byte, retain bool) {
		t.Helper()
		if err := c.Publish(ctx, client.Message{Topic: wire.Down(id, kind), Payload: payload, QoS: 1, Retain: retain}); err != nil {
			t.Fatal(err)
		}
	}
	key, err := pki.ParseKey(s.read(authority.CmdKey))
	if err != nil {
		t.Fatal(err)
	}
	opening := func() []byte {
		n, _ := op.Node(id)
		cmd := wire.Command{ID: wire.NewULID(time.Now()), Node: id, Op: "open-door", Issued: time.Now().Unix(), TTL: 30}
		if n.Birth.Clock == wire.ClockUnsynced {
			cmd.Session, cmd.Nonce = n.Birth.Session, n.Birth.Nonce
		}
		return wire.Encode(wire.Sign(wire.ContextCommand, authority.CommandKeyID, key.(ed25519.PrivateKey), wire.Encode(cmd)))
	}
	first, second := opening(), opening()
	for _, m := range [][]byte{second, first, second, first, first} {
		publish(wire.DnCommand, m, false)
	}
	states := map[string]int{}
	for range 5 {
		select {
		case a := <-acks:
			states[a.State]++
		case <-ctx.Done():
			t.Fatalf("answers: %v", states)
		}
	}
	if d.openings() != 2 || states[wire.AckDone] != 2 || states[wire.AckDuplicate] != 3 {
		t.Errorf("%d openings, answers %v", d.openings(), states)
	}
	// Kept by the broker, it would come with every connection.
	kept := opening()
	d.end()
	publish(wire.DnCommand, kept, true)
	d.boot()
	select {
	case a := <-acks:
		if a.State != wire.AckRejected || a.Code != "retained" || d.openings() != 2 {
			t.Errorf("a retained command: %+v, %d openings", a, d.openings())
		}
	case <-ctx.Done():
		t.Fatal("no answer to a retained command")
	}

	desired := func(rev uint64, cfg string) {
		publish(wire.DnDesired, wire.Encode(wire.Desired{Revision: rev, Config: []byte(cfg)}), true)
	}
	desired(7, `{"a":7}`)
	if _, err := op.Wait(ctx, id, func(n fleet.NodeState) bool { return fleet.Settled(n, 7) }); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	applied := len(d.applied)
	d.mu.Unlock()
	for _, rev := range []uint64{5, 7, 6, 7} {
		desired(rev, fmt.Sprintf(`{"a":%d}`, rev))
	}
	desired(8, `{"a":8}`)
	if _, err := op.Wait(ctx, id, func(n fleet.NodeState) bool { return fleet.Settled(n, 8) }); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.applied) != applied+1 || string(d.node.Config()) != `{"a":8}` {
		t.Errorf("applied %q, in force %s", d.applied, d.node.Config())
	}
}

// TestWill: a node that disappears without a word is told to be offline by the
// broker, with the number of the connection that has ended; the next one has a
// higher number and is not taken for gone by a will that comes late.
func TestWill(t *testing.T) {
	s := newSite(t)
	s.own = freePort(t)
	defer s.mosquitto()()
	p := newPath(t, s.port, s.own)
	if _, err := s.auth.Expect(serial, secret, ""); err != nil {
		t.Fatal(err)
	}
	defer s.serveAuthority()()
	op, stopOp := s.operator(nil)
	defer stopOp()
	d := &device{site: s, dir: filepath.Join(t.TempDir(), "node")}
	d.boot()
	defer func() { d.end() }()
	eventually(t, "online", func() bool { n, _ := op.Node(id); return n.Online && n.Birth.Session > 0 })
	first, _ := op.Node(id)
	p.set(func(p *path) { p.hole = true }, true)
	eventually(t, "the operator learns it", func() bool { n, _ := op.Node(id); return !n.Online })
	if n, _ := op.Node(id); n.Status.State != wire.Offline || n.Status.Session != first.Birth.Session {
		t.Errorf("%+v, the connection was %d", n.Status, first.Birth.Session)
	}
	p.set(func(p *path) { p.hole = false }, true)
	eventually(t, "online again", func() bool { n, _ := op.Node(id); return n.Online && n.Birth.Session > first.Birth.Session })
}
