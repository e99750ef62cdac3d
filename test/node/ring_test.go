package node

import (
	"context"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/session"
)

// firstPicture makes a session and returns how long the node took to answer, and
// how long it was from the offer until the first packet of the picture.
func firstPicture(t *testing.T, b *bench) (answered, seen time.Duration) {
	t.Helper()
	came := make(chan struct{}, 1)
	call, err := session.NewCall(session.CallConfig{Video: true, Loopback: true}, session.CallHooks{Video: func(session.VideoPacket) {
		select {
		case came <- struct{}{}:
		default:
		}
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer call.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	offer, err := call.Offer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, answer, err := b.engine.Sessions().Answer(ctx, offer, b.grant)
	if err != nil {
		t.Fatal(err)
	}
	answered = time.Since(began)
	if err := call.Accept(answer); err != nil {
		t.Fatal(err)
	}
	select {
	case <-came:
	case <-ctx.Done():
		t.Fatal("no picture")
	}
	return answered, time.Since(began)
}

// TestRingMakesReady: the bell opens the camera, keeps it open while it rings and
// nobody is there yet, and closes it when nobody came; who comes meanwhile does not
// wait for it.
func TestRingMakesReady(t *testing.T) {
	const rings = 4 * time.Second
	b := start(t, func(cfg *engine.Config, _ *bench) { cfg.Call.RingFor = rings })
	streams := func() bool { return b.engine.Camera().Streaming }
	closed := func() {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); streams(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the camera stays open")
			}
		}
	}
	press := func() {
		t.Helper()
		if err := b.lines.Press("button", 50*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	press() // the picture of who rings opens the camera and closes it again soon
	time.Sleep(rings / 2)
	if !streams() { // IdleAfter is 0.2 s
		t.Error("the camera is closed while the bell rings")
	}
	closed()
	for range 2 {
		answered, seen := firstPicture(t, b)
		t.Logf("nobody has rung: answer after %v, picture after %v", answered, seen)
		closed()
		press()
		time.Sleep(time.Second) // somebody hears it and picks up
		answered, seen = firstPicture(t, b)
		t.Logf("after the bell: answer after %v, picture after %v", answered, seen)
		closed()
	}
}
