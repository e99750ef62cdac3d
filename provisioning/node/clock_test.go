package node_test

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgecam/edgecam/provisioning/authority"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/fleet"
	"github.com/edgecam/edgecam/provisioning/node"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/queue"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// shifted is a clock that goes wrong by so much, or that nobody has set.
type shifted struct {
	by    atomic.Int64
	unset atomic.Bool
}

func (s *shifted) Now() (time.Time, bool) {
	return time.Now().Add(time.Duration(s.by.Load())), !s.unset.Load()
}

func (s *shifted) shift(by time.Duration) { s.by.Store(int64(by)) }

func TestSystemClock(t *testing.T) {
	now := time.Now()
	if at, _ := (node.SystemClock{}).Now(); at.Before(now) {
		t.Errorf("%v, and it is %v", at, now)
	}
	// The board started in 1970, as far as its clock goes.
	least := now.Add(24 * time.Hour)
	if at, synced := (node.SystemClock{Least: least}).Now(); synced || !at.Equal(least) {
		t.Errorf("a clock from before %v: %v, trusted %v", least, at, synced)
	}
}

// TestRotationInTime: nothing happens at half of the certificate's life; after
// two thirds, give or take a tenth, the node asks for another by itself, and
// the former one is taken back once the new one was seen.
func TestRotationInTime(t *testing.T) {
	s := newSite(t)
	defer s.embedded()()
	if _, err := s.auth.Expect(serial, secret, ""); err != nil {
		t.Fatal(err)
	}
	defer s.serveAuthority()()
	clock := &shifted{}
	d := &device{site: s, dir: filepath.Join(t.TempDir(), "node"), clock: clock, rotation: 50 * time.Millisecond}
	d.boot()
	defer func() { d.end() }()
	known := func() authority.Node { n, _ := s.auth.Node(id); return n }
	eventually(t, "active", func() bool { return d.node.Phase() == enrol.Active && known().Status == authority.Active })
	first := known()
	clock.shift(pki.NodeLife / 2)
	time.Sleep(time.Second)
	if n := known(); n.Key != first.Key {
		t.Fatal("rotated at half of the life")
	}
	clock.shift(pki.NodeLife * 8 / 10)
	eventually(t, "another key, and the former certificate taken back", func() bool {
		n := known()
		return n.Key != first.Key && n.Status == authority.Active && len(n.Revoked) > 0
	})
	clock.shift(0)
	eventually(t, "connected with it", func() bool { return d.node.Connected() && d.node.Phase() == enrol.Active })
}

func TestExpiredEmbedded(t *testing.T)  { s := newSite(t); s.start = s.embedded; expired(t, s) }
func TestExpiredMosquitto(t *testing.T) { s := newSite(t); s.start = s.mosquitto; expired(t, s) }

// expired: a node that was off for longer than its certificate lived gets
// another over the claim certificate, because it holds the old key: nobody
// approves it again, and no secret is registered for it.
func expired(t *testing.T, s *site) {
	defer s.start()()
	var err error
	const life = 6 * time.Second
	if s.auth, err = authority.Open(s.dir, authority.Options{NodeLife: life}); err != nil {
		t.Fatal(err)
	}
	stopAuthority := s.serveAuthority()
	d := &device{site: s, dir: filepath.Join(t.TempDir(), "node")}
	defer func() { d.end() }()
	d.bootUntil("the claim waits for approval", func() bool { n, err := s.auth.Node(id); return err == nil && n.Asking != "" })
	began := time.Now()
	if _, err := s.auth.Approve(id, d.node.Fingerprint(), ""); err != nil {
		t.Fatal(err)
	}
	d.end()
	d.bootUntil("active", func() bool {
		n, _ := s.auth.Node(id)
		return d.node.Phase() == enrol.Active && n.Status == authority.Active
	})
	before, _ := s.auth.Node(id)
	d.end()
	stopAuthority()
	time.Sleep(time.Until(began.Add(life + 2*time.Second)))
	if cert, err := pki.ParseCerts(before.Cert); err != nil || time.Now().Before(cert[0].NotAfter) {
		t.Fatal("the certificate has not expired", err)
	}

	if s.auth, err = authority.Open(s.dir, authority.Options{}); err != nil {
		t.Fatal(err)
	}
	defer s.serveAuthority()()
	d.bootUntil("active with another certificate", func() bool {
		n, _ := s.auth.Node(id)
		return d.node.Connected() && d.node.Phase() == enrol.Active && n.Status == authority.Active && n.Cert != before.Cert && n.Key != before.Key
	})
}

// TestLateRings: a ring that has waited for more than a minute comes marked
// late, one that has waited for less does not, and motion never is.
func TestLateRings(t *testing.T) {
	for _, c := range []struct {
		waits time.Duration
		late  bool
	}{{40 * time.Second, false}, {61 * time.Second, true}} {
		waits(t, c.waits, c.late)
	}
}

func waits(t *testing.T, age time.Duration, late bool) {
	t.Helper()
	s := newSite(t)
	s.own = freePort(t)
	defer s.embedded()()
	p := newPath(t, s.port, s.own)
	if _, err := s.auth.Expect(serial, secret, ""); err != nil {
		t.Fatal(err)
	}
	defer s.serveAuthority()()
	var mu sync.Mutex
	got := map[string]wire.Event{}
	op, stopOp := s.operator(func(_ string, e wire.Event) { mu.Lock(); got[e.Type] = e; mu.Unlock() })
	defer stopOp()
	clock := &shifted{}
	d := &device{site: s, dir: filepath.Join(t.TempDir(), "node"), clock: clock}
	d.boot()
	defer func() { d.end() }()
	eventually(t, "active", func() bool { return d.node.Phase() == enrol.Active && d.node.Connected() })
	eventually(t, "its birth says that its clock is right", func() bool { n, _ := op.Node(id); return n.Birth.Clock == wire.ClockSynced })
	p.set(func(p *path) { p.hole = true }, true)
	eventually(t, "the loss is noticed", func() bool { return !d.node.Connected() })
	d.node.Event(queue.Ring, "ring", nil)
	d.node.Event(queue.Normal, "motion", nil)
	clock.shift(age)
	p.set(func(p *path) { p.hole = false }, true)
	eventually(t, "both events", func() bool { mu.Lock(); defer mu.Unlock(); return len(got) == 2 })
	mu.Lock()
	defer mu.Unlock()
	if got["ring"].Late != late || got["motion"].Late {
		t.Errorf("after %v: ring late %v, motion late %v", age, got["ring"].Late, got["motion"].Late)
	}
}

// TestWithoutClock: a node whose clock nobody has set is claimed, says so in
// its birth, sends events without a time, and opens the door only for a
// command that echoes the present birth's session and nonce.
func TestWithoutClock(t *testing.T) {
	s := newSite(t)
	defer s.embedded()()
	if _, err := s.auth.Expect(serial, secret, ""); err != nil {
		t.Fatal(err)
	}
	defer s.serveAuthority()()
	events := make(chan wire.Event, 8)
	op, stopOp := s.operator(func(_ string, e wire.Event) { events <- e })
	defer stopOp()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	clock := &shifted{}
	clock.unset.Store(true)
	d := &device{site: s, dir: filepath.Join(t.TempDir(), "node"), clock: clock}
	d.boot()
	defer func() { d.end() }()
	n, err := op.Wait(ctx, id, func(n fleet.NodeState) bool { return n.Online && n.Birth.Session > 0 })
	if err != nil || n.Birth.Clock != wire.ClockUnsynced || n.Birth.Nonce == "" {
		t.Fatalf("%+v, %v", n.Birth, err)
	}
	d.node.Event(queue.Ring, "ring", nil)
	select {
	case e := <-events:
		if e.Time != nil || e.Late || e.Monotonic < 0 || e.Session != n.Birth.Session {
			t.Errorf("%+v", e)
		}
	case <-ctx.Done():
		t.Fatal("no event")
	}
	if a, err := op.Command(ctx, id, "open-door", nil, 30*time.Second); err != nil || a.State != wire.AckDone || d.openings() != 1 {
		t.Fatalf("%+v, %v, %d openings", a, err, d.openings())
	}
}
