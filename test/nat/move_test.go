package nat

import (
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/test/netlab"
)

// restart takes a viewer's ICE restart to the node and its answer back.
func restart(n, v *side) {
	n.t.Helper()
	isRestart := func(x line) bool { return x.Restart != nil }
	v.tell(line{Ask: "restart"})
	n.tell(line{Restart: v.wait("new credentials", 10*time.Second, isRestart).Restart})
	v.tell(line{Restart: n.wait("the node's new credentials", 10*time.Second, isRestart).Restart})
}

// frames asks a viewer how many packets of the picture have come.
func frames(v *side) int {
	v.t.Helper()
	v.tell(line{Ask: "frames"})
	return v.wait("a count", 10*time.Second, func(x line) bool { return x.Frames > 0 }).Frames
}

// TestMove takes one side of a session from its cable to another network, where it
// has another address, while the picture flows: the session goes on after a restart
// of ICE, and is the same session.
func TestMove(t *testing.T) {
	for _, who := range []netlab.Place{netlab.HostB, netlab.HostA} {
		t.Run(map[netlab.Place]string{netlab.HostA: "node", netlab.HostB: "viewer"}[who], func(t *testing.T) {
			l := lab(t, netlab.PortRestricted, netlab.PortRestricted)
			if err := l.WithoutIPv6(); err != nil {
				t.Fatal(err)
			}
			coturn(t, l, "--no-auth")
			servers := []session.ICEServer{stunServer}
			n, v := startSide(t, l, netlab.HostA, "node"), startSide(t, l, netlab.HostB, "viewer")
			n.tell(line{Servers: servers})
			n.wait("ready", 20*time.Second, func(x line) bool { return x.Ready })
			v.tell(line{Servers: servers})
			n.tell(line{SDP: v.wait("offer", 20*time.Second, func(x line) bool { return x.SDP != "" }).SDP})
			v.tell(line{SDP: n.wait("answer", 20*time.Second, func(x line) bool { return x.SDP != "" }).SDP})
			connected := v.wait("connected", 20*time.Second, func(x line) bool {
				if x.Candidate != "" {
					n.tell(line{Candidate: x.Candidate})
				}
				return x.Connected
			})
			v.wait("the picture", 20*time.Second, func(x line) bool { return x.Frames > 0 })

			if err := l.Move(who, nil); err != nil {
				t.Fatal(err)
			}
			moved := time.Now()
			// Without anything being done the picture does not come back.
			time.Sleep(time.Second)
			before := frames(v)
			time.Sleep(2 * time.Second)
			if now := frames(v); now != before {
				t.Fatalf("%d packets came over a path that is gone", now-before)
			}
			if who == netlab.HostA { // the node has seen it itself, and has sockets at the new address
				n.wait("the node sees the change", 20*time.Second, func(x line) bool { return x.Ask == "network" })
			}
			began := time.Now()
			for frames(v) == before {
				restart(n, v)
				for end := time.Now().Add(4 * time.Second); frames(v) == before && time.Now().Before(end); {
					time.Sleep(20 * time.Millisecond)
				}
				if time.Since(moved) > 17*time.Second { // after 20 s without a sign of life the session ends
					t.Fatal("the picture does not come back")
				}
			}
			t.Logf("was %s; the picture is back %v after the restart began", connected.Pair, time.Since(began).Round(time.Millisecond))
			after := frames(v)
			for end := time.Now().Add(20 * time.Second); frames(v) < after+20; time.Sleep(50 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("only %d packets in 20 s after the move", frames(v)-after)
				}
			}
		})
	}
}
