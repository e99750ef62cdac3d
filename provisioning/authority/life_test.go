package authority

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/internal/durable/powercut"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/wire"
)

const (
	serial = "10000000abcdef01"
	id     = "ec-" + serial
	secret = "owner-secret-of-the-test"
)

type fixture struct {
	t    *testing.T
	a    *Authority
	site enrol.Site
	now  time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, now: time.Now()}
	dir := filepath.Join(t.TempDir(), "authority")
	if err := Init(dir, InitOptions{Broker: "tls://localhost:8883", Hosts: []string{"localhost", "127.0.0.1"}, Name: "test", Now: f.now}); err != nil {
		t.Fatal(err)
	}
	if err := Init(dir, InitOptions{}); !errors.Is(err, ErrExists) {
		t.Fatalf("second init: %v", err)
	}
	var err error
	if f.a, err = Open(dir, Options{Now: func() time.Time { return f.now }}); err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(filepath.Join(dir, SiteFile))
	if f.site, err = enrol.ParseSite(data); err != nil {
		t.Fatal(err)
	}
	return f
}

// node opens a node's identity; an empty secret proves nothing.
func (f *fixture) node(fsys durable.FS, secret string) (*enrol.Machine, error) {
	return enrol.Open(fsys, enrol.Options{
		Site: f.site, ID: id, Serial: serial, Model: "test board", OwnerSecret: secret,
		Now: func() (time.Time, bool) { return f.now, true },
	})
}

func (f *fixture) ask(m *enrol.Machine) (wire.CertResponse, error) {
	r, err := m.Request("test")
	if err != nil {
		return wire.CertResponse{}, err
	}
	res := f.a.Answer(r)
	_, err = m.Answer(res)
	return res, err
}

// birth connects as the node would and tells the authority.
func (f *fixture) birth(m *enrol.Machine) (string, error) {
	i, err := m.Identity()
	if err != nil {
		return "", err
	}
	if i.By != enrol.ByClaim {
		if err := f.a.Seen(m.ID(), pki.SerialHex(i.Leaf)); err != nil {
			f.t.Error(err)
		}
		err = m.Born(i.By)
	}
	return i.By, err
}

func (f *fixture) check(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) phase(m *enrol.Machine, want enrol.Phase) {
	f.t.Helper()
	if got := m.Phase(); got != want {
		f.t.Fatalf("phase %s, want %s", got, want)
	}
}

func TestLife(t *testing.T) {
	f := newFixture(t)
	d := powercut.New()
	m, err := f.node(d, secret)
	f.check(err)
	_, err = f.a.Expect(serial, secret, "lobby")
	f.check(err)
	_, err = f.ask(m)
	f.check(err)
	f.phase(m, enrol.Claimed)
	if by, err := f.birth(m); by != enrol.ByNext || err != nil {
		t.Fatal(by, err)
	}
	f.phase(m, enrol.Active)
	if n, _ := f.a.Node(id); n.Status != Active || m.Group() != "lobby" || m.Keys().Serial != 1 {
		t.Fatalf("%+v", n)
	}
	// Rotation at two thirds of the life, with overlap.
	at := m.RotateAt()
	if life := at.Sub(f.now); life < pki.NodeLife/2 || life > pki.NodeLife*4/5 {
		t.Fatalf("rotation after %v", life)
	}
	f.now = at
	first, _ := f.a.Node(id)
	_, err = f.ask(m)
	f.check(err)
	if n, _ := f.a.Node(id); len(n.Revoked) != 0 || n.Former == "" {
		t.Fatal("the former certificate must stay valid until the new one is seen")
	}
	if i, _ := m.Identity(); i.By != enrol.ByNext {
		t.Fatal("the new certificate is not tried")
	}
	m.Refused(enrol.ByNext)
	if i, _ := m.Identity(); i.By != enrol.ByDevice {
		t.Fatal("no way back to the former certificate")
	}
	m.Refused(enrol.ByDevice)
	_, err = f.birth(m)
	f.check(err)
	if n, _ := f.a.Node(id); len(n.Revoked) != 1 || !f.a.IsRevoked(id, n.Revoked[0].Serial) || n.Cert == first.Cert {
		t.Fatal("the former certificate is not revoked")
	}
	if names, _ := d.Names(); strings.Count(strings.Join(names, " "), "key-") != 1 {
		t.Fatalf("keys after a rotation: %v", names)
	}
	// Long off: expired. It asks by the claim certificate and its old key.
	f.now = f.now.Add(2 * pki.NodeLife)
	m, err = f.node(d.After(powercut.KeepAll), "")
	f.check(err)
	if i, _ := m.Identity(); i.By != enrol.ByClaim {
		t.Fatal("connects with an expired certificate")
	}
	_, err = f.ask(m)
	f.check(err)
	if by, err := f.birth(m); by != enrol.ByNext || err != nil {
		t.Fatal(by, err)
	}
	// Revoked: suspended, and back only when the owner wants it.
	f.check(f.a.Revoke(id))
	if res, err := f.ask(m); !errors.Is(err, enrol.ErrRejected) || res.Code != wire.CodeRevoked {
		t.Fatal(res, err)
	}
	f.phase(m, enrol.Suspended)
	f.check(m.FactoryReset())
	f.phase(m, enrol.Unprovisioned)
	_, err = f.a.Expect(serial, secret, "")
	f.check(err)
	if res, err := f.ask(m); err == nil || res.State != wire.CertPending {
		t.Fatalf("claimed without proof: %+v, %v", res, err)
	}
	f.check(m.Decommission())
	if _, err := m.Identity(); !errors.Is(err, enrol.ErrNoIdentity) {
		t.Fatal(err)
	}
}

func TestProofs(t *testing.T) {
	f := newFixture(t)
	m, err := f.node(powercut.New(), "another secret, a wrong one")
	f.check(err)
	_, err = f.a.Expect(serial, secret, "")
	f.check(err)
	for range maxFailures {
		if res, err := f.ask(m); !errors.Is(err, enrol.ErrRejected) || res.Code != wire.CodeBadProof {
			t.Fatal(res, err)
		}
	}
	right, err := f.node(powercut.New(), secret)
	f.check(err)
	if res, err := f.ask(right); !errors.Is(err, enrol.ErrRejected) {
		t.Fatalf("after %d wrong proofs the right one counts: %+v", maxFailures, res)
	}
	_, err = f.a.Expect(serial, secret, "")
	f.check(err)
	_, err = f.ask(right)
	f.check(err)

	// Somebody else with the claim certificate asks for the same id.
	thief, err := f.node(powercut.New(), "")
	f.check(err)
	if res, err := f.ask(thief); !errors.Is(err, enrol.ErrPending) {
		t.Fatalf("%+v %v", res, err)
	}
	if _, err := f.a.Approve(id, "0000000000000000", ""); !errors.Is(err, ErrNoPending) {
		t.Fatal(err)
	}
	if n, _ := f.a.Node(id); n.Asking != thief.Fingerprint() || n.Status != Signed {
		t.Fatalf("%+v", n)
	}
	// A renewal must be signed by the old key, and the old certificate ours.
	r, err := thief.Request("")
	f.check(err)
	n, _ := f.a.Node(id)
	r.Renew = &wire.Renewal{Cert: n.Cert, Sig: "00"}
	if res := f.a.Answer(r); res.Code != wire.CodeBadProof {
		t.Fatalf("%+v", res)
	}
	// An answer to another request is none.
	if _, err := thief.Answer(wire.CertResponse{Version: 1, Nonce: "0123456789abcdef", State: wire.CertSigned}); !errors.Is(err, enrol.ErrStale) {
		t.Fatal(err)
	}
	// A certificate for another key is refused by the node.
	r, err = thief.Request("")
	f.check(err)
	if _, err := thief.Answer(wire.CertResponse{Version: 1, Nonce: r.Nonce, State: wire.CertSigned, Cert: n.Cert, Chain: pki.EncodeCert(f.a.ca.Cert)}); !errors.Is(err, pki.ErrWrongKey) {
		t.Fatal(err)
	}
}

func TestApproval(t *testing.T) {
	f := newFixture(t)
	m, err := f.node(powercut.New(), "")
	f.check(err)
	if _, err := f.ask(m); !errors.Is(err, enrol.ErrPending) {
		t.Fatal(err)
	}
	_, err = f.a.Approve(id, m.Fingerprint(), "yard")
	f.check(err)
	res, err := f.ask(m)
	f.check(err)
	// The answer was lost: asking again gives the same certificate.
	again, err := m.Request("")
	f.check(err)
	if res2 := f.a.Answer(again); res2.Cert != res.Cert {
		t.Error("another certificate for the same key")
	}
}

// TestPowerCuts cuts the node's power at every operation of claim, birth,
// rotation and reset: it opens again, and comes to an active life.
func TestPowerCuts(t *testing.T) {
	f := newFixture(t)
	begin := f.now
	_, err := f.a.Expect(serial, secret, "")
	f.check(err)
	var session uint64
	life := func(d *powercut.Disk) {
		f.now, session = begin, 0
		m, err := f.node(d, secret)
		if err != nil {
			return
		}
		session = m.NextSession()
		for range 2 {
			if _, err := f.ask(m); err != nil {
				return
			}
			if _, err := f.birth(m); err != nil {
				return
			}
			if at := m.RotateAt(); !at.IsZero() {
				f.now = at
			}
		}
	}
	figures := powercut.Enumerate(t, nil, life, func(d *powercut.Disk, cut int, loss powercut.Loss) {
		m, err := f.node(d, secret)
		if err != nil {
			t.Errorf("does not open: %v", err)
			return
		}
		if s := m.NextSession(); s <= session && session > 0 {
			t.Errorf("session %d after %d", s, session)
		}
		for range 3 {
			if m.Phase() == enrol.Active {
				break
			}
			if by, err := f.birth(m); err == nil && by != enrol.ByClaim {
				continue
			}
			if _, err := f.ask(m); err != nil {
				t.Errorf("phase %s: %v", m.Phase(), err)
				return
			}
		}
		if m.Phase() != enrol.Active {
			t.Errorf("phase %s", m.Phase())
		}
		names, _ := d.Names()
		keys := 0
		for _, n := range names {
			if strings.HasPrefix(n, "key-") && !strings.HasSuffix(n, ".tmp") {
				keys++
			}
		}
		if keys > 2 {
			t.Errorf("%d keys on disk: %v", keys, names)
		}
		// Back to how the node was before the cut, for the next round.
		n, err := f.a.Node(id)
		f.check(err)
		n.Revoked = nil
		f.check(f.a.save(n))
	})
	t.Logf("claim, birth, rotation, birth: %+v", figures)

	var secrets [][]byte
	wiped := 0
	figures = powercut.Enumerate(t, func(d *powercut.Disk) {
		life(d)
		secrets = nil
		names, _ := d.Names()
		for _, n := range names {
			if strings.HasPrefix(n, "key-") {
				data, _ := d.ReadFile(n)
				secrets = append(secrets, data[len(data)/2:len(data)/2+40])
			}
		}
	}, func(d *powercut.Disk) {
		if m, err := f.node(d, secret); err == nil {
			_ = m.FactoryReset()
		}
	}, func(d *powercut.Disk, cut int, loss powercut.Loss) {
		m, err := enrol.Open(d, enrol.Options{
			Site: f.site, ID: id, Now: func() (time.Time, bool) { return f.now, true }, Wipe: []func() error{func() error { wiped++; return nil }},
		})
		if err != nil {
			t.Errorf("does not open: %v", err)
			return
		}
		switch m.Phase() {
		case enrol.Active: // the reset had not begun
			if cut == 0 {
				t.Error("the reset did nothing")
			}
		case enrol.Unprovisioned:
			for _, s := range secrets {
				if d.Contains(s) {
					t.Error("key bytes are left")
				}
			}
		default:
			t.Errorf("phase %s", m.Phase())
		}
	})
	if wiped == 0 {
		t.Error("a reset that was cut short did not wipe the rest again")
	}
	t.Logf("factory reset: %+v", figures)
}
