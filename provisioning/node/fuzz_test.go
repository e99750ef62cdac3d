package node

import (
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/durable/powercut"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/twin"
	"github.com/edgecam/edgecam/provisioning/wire"
)

func testSite(t testing.TB) enrol.Site {
	t.Helper()
	root, err := pki.NewRoot("r", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	claim, err := root.NewClient("claim", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.EncodeKey(claim.Key)
	if err != nil {
		t.Fatal(err)
	}
	pub, _, err := pki.NewSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	return enrol.Site{
		Version: 1, Broker: "tls://127.0.0.1:1", Root: pki.EncodeCert(root.Cert), CommandRoot: pub,
		ClaimCert: pki.EncodeCert(claim.Cert), ClaimKey: string(key),
	}
}

// FuzzHandle sends any bytes on every topic that a node listens to.
func FuzzHandle(f *testing.F) {
	site := testSite(f)
	const serial = "10000000abcdef01"
	id := wire.NodeID(serial)
	topics := []string{
		wire.Down(id, wire.DnCommand), wire.Down(id, wire.DnDesired), wire.Down(id, wire.DnCert), wire.GroupDesired("g"),
		wire.ProvResponse("0123456789abcdef"), wire.Down(id, "what"), "ec1/x", "",
	}
	f.Add(0, false, wire.Encode(wire.Unsigned(wire.Encode(wire.Command{ID: "01234567", Node: id, Op: "rotate", TTL: 9}))))
	f.Add(1, true, []byte(`{"rev":1,"cfg":{"a":1},"group":"g"}`))
	f.Add(2, false, wire.Encode(wire.CertResponse{Version: 1, State: wire.CertSigned}))
	f.Fuzz(func(t *testing.T, topic int, retained bool, payload []byte) {
		n, err := Open(Options{FS: powercut.New(), Site: site, Serial: serial, Clock: fixedClock{}})
		if err != nil {
			t.Fatal(err)
		}
		n.handle(client.Received{Topic: topics[uint(topic)%uint(len(topics))], Payload: payload, Retained: retained})
		if p := n.Phase(); p != enrol.Unprovisioned {
			t.Fatalf("a message led to phase %s", p)
		}
	})
}

type fixedClock struct{}

func (fixedClock) Now() (time.Time, bool) { return time.Unix(1_800_000_000, 0), true }

func FuzzSite(f *testing.F) {
	f.Add(wire.Encode(testSite(f)))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = enrol.ParseSite(data) })
}

// TestDesiredMovesGroup: a node listens to its own group alone, and leaves that
// group's configuration behind with it.
func TestDesiredMovesGroup(t *testing.T) {
	n, err := Open(Options{FS: powercut.New(), Site: testSite(t), Serial: "10000000abcdef01", Clock: fixedClock{}})
	if err != nil {
		t.Fatal(err)
	}
	n.desired(twin.Node, []byte(`{"rev":1,"cfg":{},"group":"yard"}`))
	if g := n.identity.Group(); g != "yard" {
		t.Errorf("group %q", g)
	}
	n.handle(client.Received{Topic: wire.GroupDesired("lobby"), Payload: []byte(`{"rev":5,"cfg":{"a":1}}`)})
	if n.Config() != nil {
		t.Error("another group's configuration was taken")
	}
	n.handle(client.Received{Topic: wire.GroupDesired("yard"), Payload: []byte(`{"rev":5,"cfg":{"a":1}}`)})
	if string(n.Config()) != `{"a":1}` {
		t.Errorf("%s", n.Config())
	}
	n.desired(twin.Node, []byte(`{"rev":2,"cfg":{},"group":""}`))
	if n.Config() != nil || n.identity.Group() != "" {
		t.Errorf("%s %q", n.Config(), n.identity.Group())
	}
}
