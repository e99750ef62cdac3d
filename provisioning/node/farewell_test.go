package node

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/durable/powercut"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// TestNothingStays: a report that is under way when a node takes its leave
// does not bring back at the broker what the farewell has taken away.
func TestNothingStays(t *testing.T) {
	n, err := Open(Options{FS: powercut.New(), Site: testSite(t), Serial: "10000000abcdef01", Clock: fixedClock{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	report := func() error { return n.publish(ctx, wire.UpReport, n.twin.Report(), true) }
	if err := report(); !errors.Is(err, client.ErrOffline) {
		t.Fatal(err)
	}
	// One that the broker does not acknowledge holds the farewell up for no longer than it may take.
	n.keeping <- struct{}{}
	short, end := context.WithTimeout(ctx, 20*time.Millisecond)
	n.farewell(short)
	end()
	<-n.keeping
	if err := report(); !errors.Is(err, errGone) {
		t.Errorf("after a farewell that was held up: %v", err)
	}
	n.stays()
	n.farewell(ctx)
	if err := report(); !errors.Is(err, errGone) {
		t.Errorf("after the farewell: %v", err)
	}
	if err := n.publish(ctx, wire.UpAck, wire.Ack{}, false); !errors.Is(err, client.ErrOffline) {
		t.Errorf("an answer, which does not stay: %v", err)
	}
	n.stays()
	if err := report(); !errors.Is(err, client.ErrOffline) {
		t.Errorf("after a reset that has failed: %v", err)
	}
}
