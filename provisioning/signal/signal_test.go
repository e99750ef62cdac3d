package signal

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edgecam/edgecam/provisioning/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testNode = "ec-10000000abcdef01"
	fpA      = "AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA"
	fpB      = "BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB"
)

func sdpWith(fp string) string { return "v=0\r\na=fingerprint:sha-256 " + fp + "\r\n" }

type fakeSession struct {
	mu    sync.Mutex
	done  chan struct{}
	once  sync.Once
	added []string
}

func (f *fakeSession) Candidates(s string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.added = append(f.added, s)
	return nil
}

func (f *fakeSession) candidates() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.added)
}

func (f *fakeSession) Restart(_ context.Context, s string) (string, error) {
	return "restarted " + s, nil
}
func (f *fakeSession) Close(string)          { f.once.Do(func() { close(f.done) }) }
func (f *fakeSession) Done() <-chan struct{} { return f.done }

// bench is a node's side with sessions that only say what they were asked.
type bench struct {
	*testing.T
	server  *Server
	private ed25519.PrivateKey
	key     *ecdsa.PrivateKey // the viewer's
	now     time.Time
	synced  bool
	nonce   string

	mu      sync.Mutex
	made    []*fakeSession
	offers  []string
	subject []Grant
	sent    chan []byte
}

func (b *bench) Answer(_ context.Context, offer string, g Grant) (Session, string, []ICEServer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if strings.Contains(offer, "full") {
		return nil, "", nil, errors.New("no place is free")
	}
	f := &fakeSession{done: make(chan struct{})}
	b.made, b.offers, b.subject = append(b.made, f), append(b.offers, offer), append(b.subject, g)
	return f, sdpWith(fpB), []ICEServer{{URLs: []string{"stun:s.example"}}}, nil
}

func newBench(t *testing.T) *bench {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	nodeKey, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, private: private, now: time.Now(), synced: true, nonce: "0123456789abcdef", sent: make(chan []byte, 64)}
	if b.key, err = NewKey(); err != nil {
		t.Fatal(err)
	}
	b.server = New(Options{
		Node: testNode, Key: nodeKey, Sessions: b,
		Keys: func() wire.KeySet {
			return wire.KeySet{Keys: []wire.Key{{ID: "k1", Public: public, Ops: []string{OpGrant}}}}
		},
		Now:   func() (time.Time, bool) { return b.now, b.synced },
		Birth: func() string { return b.nonce },
		Publish: func(_ context.Context, peer string, m []byte) error {
			if peer != Peer(PublicKey(&b.key.PublicKey)) {
				t.Errorf("answered to %s", peer)
			}
			b.sent <- bytes.Clone(m)
			return nil
		},
	})
	t.Cleanup(b.server.Close)
	return b
}

func (b *bench) grant(change func(*Grant)) wire.Envelope {
	b.Helper()
	g := Grant{
		Node: testNode, NodeKey: b.server.key, Subject: "phone", Key: PublicKey(&b.key.PublicKey), Scopes: []string{ScopeView, ScopeTalk},
		Begins: b.now.Unix() - 60, Expires: b.now.Unix() + 3600,
	}
	if change != nil {
		change(&g)
	}
	e, err := Issue(g, "k1", b.private)
	if err != nil {
		b.Fatal(err)
	}
	return e
}

func (b *bench) dialog(change func(*Grant)) *Dialog {
	b.Helper()
	d, err := NewDialog(b.grant(change), b.key)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

func (b *bench) request(d *Dialog, kind, sdp string) []byte {
	b.Helper()
	m, err := d.Request(kind, sdp)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

func (b *bench) reply() []byte {
	b.Helper()
	select {
	case m := <-b.sent:
		return m
	case <-time.After(5 * time.Second):
		b.Fatal("no reply")
		return nil
	}
}

// silent says that nothing was answered and no session was made.
func (b *bench) silent(what string, sessions int) {
	b.Helper()
	b.server.wgIdle()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.made) != sessions || len(b.sent) != 0 {
		b.Errorf("%s: %d sessions, %d replies", what, len(b.made), len(b.sent))
	}
}

func TestSession(t *testing.T) {
	b := newBench(t)
	d := b.dialog(nil)
	b.server.Handle(b.request(d, TypeOffer, sdpWith(fpA)), false)
	first := b.reply()
	r, err := d.Reply(first)
	if err != nil || r.Type != TypeAnswer || r.SDP != sdpWith(fpB) || len(r.Servers) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := d.Reply(first); !errors.Is(err, ErrReplay) {
		t.Errorf("the answer again: %v", err)
	}
	if g := b.subject[0]; g.Subject != "phone" || len(g.Scopes) != 2 {
		t.Errorf("%+v", g)
	}
	b.server.Handle(b.request(d, TypeCandidates, "a=candidate:1"), false)
	eventually(t, "candidates", func() bool { b.server.wgIdle(); return len(b.made[0].candidates()) == 1 })
	b.server.Handle(b.request(d, TypeRestart, "new"), false)
	if r, err := d.Reply(b.reply()); err != nil || r.SDP != "restarted new" {
		t.Errorf("%+v, %v", r, err)
	}
	b.server.Handle(b.request(d, TypeBye, ""), false)
	if r, err := d.Reply(b.reply()); err != nil || r.Type != TypeBye {
		t.Errorf("%+v, %v", r, err)
	}
	select {
	case <-b.made[0].done:
	default:
		t.Error("the session goes on")
	}
	full := b.dialog(nil)
	b.server.Handle(b.request(full, TypeOffer, sdpWith(fpA)+"full"), false)
	if r, err := full.Reply(b.reply()); err != nil || r.Type != TypeError || r.Error != "no place is free" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestBusy: offers that are dropped because too much is under way take no place
// among those that are remembered.
func TestBusy(t *testing.T) {
	b := newBench(t)
	for range maxBusy {
		b.server.busy <- struct{}{}
	}
	for range maxKnown {
		b.server.Handle(b.request(b.dialog(nil), TypeOffer, sdpWith(fpA)), false)
	}
	for range maxBusy {
		<-b.server.busy
	}
	b.silent("while busy", 0)
	b.now = b.now.Add(4 * skew)
	d := b.dialog(nil)
	d.Nonce = b.nonce // this clock runs ahead of the dialog's
	b.synced = false
	b.server.Handle(b.request(d, TypeOffer, sdpWith(fpA)), false)
	if r, err := d.Reply(b.reply()); err != nil || r.Type != TypeAnswer {
		t.Fatalf("after it: %+v, %v", r, err)
	}
}

func TestGrantBounds(t *testing.T) {
	b := newBench(t)
	for what, g := range map[string]Grant{
		"too long": {Begins: 0, Expires: int64(MaxLife/time.Second) + 1}, "overflows": {Begins: 1, Expires: 1<<63 - 1},
		"begins before time": {Begins: -1 << 62, Expires: 1 << 62}, "ends before it begins": {Begins: 2, Expires: 2},
	} {
		g.Node, g.NodeKey, g.Key, g.Scopes = testNode, b.server.key, PublicKey(&b.key.PublicKey), []string{ScopeView}
		if _, err := Issue(g, "k1", b.private); !errors.Is(err, ErrGrant) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// wgIdle lets what is under way be done.
func (s *Server) wgIdle() {
	for len(s.busy) > 0 {
		time.Sleep(time.Millisecond)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("not in time: %s", what)
}

// TestRefusals: whatever a broker or a stranger makes of messages, there is no
// session and no answer.
func TestRefusals(t *testing.T) {
	b := newBench(t)
	stranger, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	_, otherPrivate, _ := ed25519.GenerateKey(nil)
	good := b.request(b.dialog(nil), TypeOffer, sdpWith(fpA))
	swap := func(m []byte, old, new string) []byte {
		s, body, payload, _, err := unseal(m)
		if err != nil {
			t.Fatal(err)
		}
		_ = payload
		body.SDP = strings.Replace(body.SDP, old, new, 1)
		forged, _, err := seal(contextRequest, stranger, s.Grant, body)
		if err != nil {
			t.Fatal(err)
		}
		return forged
	}
	for name, m := range map[string][]byte{
		"nothing":                           nil,
		"no JSON":                           []byte("hello"),
		"another fingerprint, own key":      swap(good, fpA, fpB),
		"a bit of the payload":              bytes.Replace(good, []byte(`"p":"e`), []byte(`"p":"f`), 1),
		"grant by a stranger":               forgedGrant(t, b, otherPrivate),
		"grant for another node":            b.request(b.dialog(func(g *Grant) { g.Node = "ec-10000000abcdef02" }), TypeOffer, sdpWith(fpA)),
		"grant for another key of it":       b.request(b.dialog(func(g *Grant) { g.NodeKey = PublicKey(&stranger.PublicKey) }), TypeOffer, sdpWith(fpA)),
		"grant that has expired":            b.request(b.dialog(func(g *Grant) { g.Begins -= 9000; g.Expires = g.Begins + 10 }), TypeOffer, sdpWith(fpA)),
		"grant that begins later":           b.request(b.dialog(func(g *Grant) { g.Begins += 3000 }), TypeOffer, sdpWith(fpA)),
		"grant for another certificate":     b.request(b.dialog(func(g *Grant) { g.Fingerprint = fpB }), TypeOffer, sdpWith(fpA)),
		"offer without a fingerprint":       b.request(b.dialog(nil), TypeOffer, "v=0\r\n"),
		"offer with a weak fingerprint":     b.request(b.dialog(nil), TypeOffer, "v=0\r\na=fingerprint:md5 AA\r\n"),
		"two fingerprints, one not allowed": b.request(b.dialog(func(g *Grant) { g.Fingerprint = fpA }), TypeOffer, sdpWith(fpA)+sdpWith(fpB)),
		"candidates without a session":      b.request(b.dialog(nil), TypeCandidates, "a=candidate:1"),
	} {
		b.server.Handle(m, false)
		b.silent(name, 0)
	}
	b.server.Handle(good, true)
	b.silent("retained", 0)
	b.now = b.now.Add(skew + 10*time.Second)
	b.server.Handle(good, false)
	b.silent("kept for a while", 0)
	b.now = time.Now()
	b.synced = false
	d := b.dialog(nil)
	b.server.Handle(b.request(d, TypeOffer, sdpWith(fpA)), false)
	if r, err := d.Reply(b.reply()); err != nil || r.Type != TypeError || d.Nonce != b.nonce {
		t.Errorf("no clock and no nonce: %+v, %v", r, err)
	}
	b.silent("no clock and no nonce", 0)
	b.server.Handle(b.request(d, TypeOffer, sdpWith(fpA)), false)
	if r, err := d.Reply(b.reply()); err != nil || r.Type != TypeAnswer {
		t.Errorf("no clock, with the birth's nonce: %+v, %v", r, err)
	}
}

func forgedGrant(t *testing.T, b *bench, key ed25519.PrivateKey) []byte {
	t.Helper()
	g := Grant{
		Node: testNode, NodeKey: b.server.key, Key: PublicKey(&b.key.PublicKey), Scopes: []string{ScopeView},
		Begins: b.now.Unix() - 60, Expires: b.now.Unix() + 3600,
	}
	e, err := Issue(g, "k1", key)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDialog(e, b.key)
	if err != nil {
		t.Fatal(err)
	}
	return b.request(d, TypeOffer, sdpWith(fpA))
}

// TestReplay: an offer makes one session, how often it may come, also after the
// session has ended and with and without a clock.
func TestReplay(t *testing.T) {
	for _, synced := range []bool{true, false} {
		b := newBench(t)
		b.synced = synced
		d := b.dialog(nil)
		d.Nonce = b.nonce
		offer := b.request(d, TypeOffer, sdpWith(fpA))
		for range 3 {
			b.server.Handle(offer, false)
		}
		if _, err := d.Reply(b.reply()); err != nil {
			t.Fatal(err)
		}
		cand := b.request(d, TypeCandidates, "x")
		b.server.Handle(cand, false)
		b.server.Handle(cand, false)
		eventually(t, "idle", func() bool { return len(b.server.busy) == 0 })
		b.made[0].Close("")
		if r, err := d.Reply(b.reply()); err != nil || r.Type != TypeBye {
			t.Fatal(r, err)
		}
		b.server.Handle(offer, false)
		b.silent("the offer after the end", 1)
		if len(b.made[0].added) != 1 {
			t.Errorf("candidates taken %d times", len(b.made[0].added))
		}
		if !synced {
			b.nonce = "another birth 001"
			b.server.Handle(offer, false)
			if r, err := d.Reply(b.reply()); err == nil {
				t.Errorf("an old offer's challenge is taken: %+v", r)
			}
			b.silent("the offer after another birth", 1)
		}
	}
}

// TestForgedReplies: the viewer takes an answer of its node alone, to its own
// offer.
func TestForgedReplies(t *testing.T) {
	b := newBench(t)
	stranger, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	d, other := b.dialog(nil), b.dialog(nil)
	_ = b.request(d, TypeOffer, sdpWith(fpA))
	b.server.Handle(b.request(other, TypeOffer, sdpWith(fpA)), false)
	theirs := b.reply()
	if _, err := d.Reply(theirs); !errors.Is(err, ErrReplay) {
		t.Errorf("another session's answer: %v", err)
	}
	_, body, _, _, err := unseal(theirs)
	if err != nil {
		t.Fatal(err)
	}
	body.Session, body.Request = d.session, d.asked
	forged, _, err := seal(contextReply, stranger, nil, body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Reply(forged); !errors.Is(err, ErrSignature) {
		t.Errorf("a stranger's answer: %v", err)
	}
	body.Request = hashOf([]byte("another offer"))
	old, _, err := seal(contextReply, b.server.opt.Key, nil, body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Reply(old); !errors.Is(err, ErrReplay) {
		t.Errorf("an answer to another offer: %v", err)
	}
	echo := b.request(d, TypeOffer, sdpWith(fpA))
	if _, err := d.Reply(echo); !errors.Is(err, ErrSignature) {
		t.Errorf("the own offer back: %v", err)
	}
}

func FuzzHandle(f *testing.F) {
	f.Add([]byte(`{"grant":{"p":"e30=","kid":"k1","sig":"AA=="},"p":"e30=","sig":"AA=="}`))
	f.Add([]byte(`{"p":"eyJ2IjoxfQ==","sig":""}`))
	key, err := NewKey()
	if err != nil {
		f.Fatal(err)
	}
	s := New(Options{
		Node: testNode, Key: key, Keys: func() wire.KeySet { return wire.KeySet{} }, Now: func() (time.Time, bool) { return time.Now(), true }, Birth: func() string { return "" },
		Publish: func(context.Context, string, []byte) error { f.Error("answered"); return nil },
	})
	f.Fuzz(func(_ *testing.T, m []byte) { s.Handle(m, false) })
}
