package node_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/queue"
)

// TestCostOnTheWire measures what TLS 1.3 with certificates on both sides adds
// to the protocol's own bytes: what a connection, an event, a message of figures
// and a ping cost on TCP, both ways.
func TestCostOnTheWire(t *testing.T) {
	s := newSite(t)
	s.own = freePort(t)
	defer s.mosquitto()()
	p := newPath(t, s.port, s.own)
	if _, err := s.auth.Expect(serial, secret, ""); err != nil {
		t.Fatal(err)
	}
	defer s.serveAuthority()()
	moved := func() int { p.mu.Lock(); defer p.mu.Unlock(); return p.moved }
	// settled waits until nothing has moved for a while, and returns how much has since.
	settled := func(since int) int {
		for last := -1; last != moved(); time.Sleep(time.Second) {
			last = moved()
		}
		return moved() - since
	}
	d := &device{site: s, dir: filepath.Join(t.TempDir(), "node")}
	d.bootUntil("active", func() bool { return d.node.Phase() == enrol.Active && d.node.Connected() })
	d.end()

	before := settled(0)
	d.boot()
	eventually(t, "connected", d.node.Connected)
	connection := settled(before)
	before = moved()
	for range 20 {
		d.node.Event(queue.Normal, "motion", nil)
	}
	event := settled(before) / 20
	d.end()
	t.Logf("connection %d bytes, event %d", connection, event)
	// The protocol's own: 1,040 with all that a birth can hold, and 155 (TestCost of the program).
	if connection < 3000 || connection > 8000 {
		t.Errorf("a connection costs %d bytes", connection)
	}
	if event < 150 || event > 250 {
		t.Errorf("an event costs %d bytes", event)
	}

	d.keepAlive = time.Second
	d.boot()
	eventually(t, "connected", d.node.Connected)
	time.Sleep(1500 * time.Millisecond)
	before, from := moved(), time.Now()
	time.Sleep(5 * time.Second)
	rate := float64(moved()-before) / time.Since(from).Seconds()
	t.Logf("a ping every second: %.0f bytes a second", rate)
	if rate < 10 || rate > 120 {
		t.Errorf("pings cost %.0f bytes a second", rate)
	}
	d.end()
}
