package signal

import (
	"fmt"
	"testing"
)

// take hands a message to the server's second half, in the order that the test
// wants: Handle works on messages beside each other.
func (b *bench) take(m []byte) (work func()) {
	b.Helper()
	body, g, payload, err := b.server.admit(m, false)
	if err != nil {
		b.Fatal(err)
	}
	e, err := b.server.place(body)
	if err != nil {
		b.Fatal(err)
	}
	return func() { b.server.act(e, body, g, payload) }
}

// Candidates that are worked on before their offer wait for its answer, as many as
// a bound lets.
func TestCandidatesBeforeTheAnswer(t *testing.T) {
	b := newBench(t)
	d := b.dialog(nil)
	offer := b.take(b.request(d, TypeOffer, sdpWith(fpA)))
	for i := range maxEarly + 3 {
		b.take(b.request(d, TypeCandidates, fmt.Sprint("candidate ", i)))()
	}
	offer()
	added := b.made[0].candidates()
	if len(added) != maxEarly || added[0] != "candidate 0" || added[maxEarly-1] != fmt.Sprint("candidate ", maxEarly-1) {
		t.Errorf("%d candidates were kept: %v", len(added), added)
	}
	b.take(b.request(d, TypeCandidates, "afterwards"))()
	if added = b.made[0].candidates(); added[len(added)-1] != "afterwards" || len(added) != maxEarly+1 {
		t.Errorf("after the answer: %v", added)
	}

	// What came for an offer that is refused is forgotten with it.
	d = b.dialog(nil)
	offer = b.take(b.request(d, TypeOffer, sdpWith(fpA)+"full"))
	b.take(b.request(d, TypeCandidates, "for nothing"))()
	offer()
	for name, e := range b.server.known {
		if len(e.early) > 0 {
			t.Errorf("%s keeps %v", name, e.early)
		}
	}
}

// A node without a clock that has connected anew tells the viewer of a session that
// goes on its new nonce, and then restarts.
func TestRestartWithoutClock(t *testing.T) {
	b := newBench(t)
	b.synced = false
	d := b.dialog(nil)
	d.Nonce = b.nonce
	b.server.Handle(b.request(d, TypeOffer, sdpWith(fpA)), false)
	if r, err := d.Reply(b.reply()); err != nil || r.Type != TypeAnswer {
		t.Fatalf("%+v, %v", r, err)
	}
	b.server.wgIdle()
	b.nonce = "another birth 01"
	b.server.Handle(b.request(d, TypeRestart, "a=ice-ufrag:x"), false)
	if r, err := d.Reply(b.reply()); err != nil || r.Type != TypeError || d.Nonce != b.nonce {
		t.Fatalf("%+v, %v", r, err)
	}
	b.server.Handle(b.request(d, TypeRestart, "a=ice-ufrag:x"), false)
	if r, err := d.Reply(b.reply()); err != nil || r.Type != TypeAnswer {
		t.Errorf("%+v, %v", r, err)
	}
}
