package app

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/session/nat"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// fleetOps are the commands of a node that can be updated, as its birth lists
// them: TestFleet compares them with a real birth.
var fleetOps = strings.Fields("decommission diagnostics factory-reset keys log-level nat-test open-door reboot ring-test rotate signal-key snapshot update uplink")

// publish is the length of a PUBLISH (MQTT 3.1.1, section 3.3).
func publish(topic string, payload, qos int) int {
	n := 2 + len(topic) + payload
	if qos > 0 {
		n += 2 // packet identifier
	}
	return header(n) + n
}

// header is the length of a fixed header (section 2.2).
func header(n int) int {
	h := 2
	for ; n > 127; n >>= 7 {
		h++
	}
	return h
}

const (
	ack  = 4 // PUBACK
	ping = 4 // PINGREQ and PINGRESP
)

// cost is what a node's protocol costs in bytes of MQTT, both ways.
type cost struct{ connection, event, figures, day int }

const (
	eventsADay  = 100
	figuresEach = 5 * time.Minute
	day         = 24 * time.Hour
)

// measure adds it up from the messages themselves, at their usual lengths.
func measure(t *testing.T) cost {
	t.Helper()
	const session = 7 << 20
	now := time.Unix(1_800_000_000, 0)
	birth := wire.Birth{
		Version: 1, Session: session, Nonce: strings.Repeat("0", 32), Clock: wire.ClockSynced, BootID: strings.Repeat("0", 32),
		Board: "Raspberry Pi 4 Model B Rev 1.4", Serial: testSerial, Software: "v0.4.1", Slot: "a", Group: "lobby", Ops: fleetOps, Revision: 12,
		CertExpiry: now.Unix(), CertSerial: strings.Repeat("0", 32), KeySerial: 1,
	}
	hash := "sha256:" + strings.Repeat("0", 64)
	report := wire.Report{Revision: 12, GroupRevision: 3, Applied: hash, State: wire.ReportOK, Hash: hash}
	ms := now.UnixMilli()
	event := wire.Event{ID: wire.NewULID(now), Seq: 1234, Session: session, Time: &ms, Monotonic: 86_400_000, Type: "motion"}
	viewers, camera := 1, true
	behind := &wire.NetworkFamily{
		Kind: "port-restricted cone NAT", UDP: string(nat.UDPWorks), Mapping: string(nat.MappingEndpointIndependent),
		Filtering: string(nat.FilteringAddressPort), Public: "203.0.113.117",
	}
	figures := wire.Figures{Uptime: 864_000, Connects: 12, Viewers: &viewers, Camera: &camera, Network: &wire.NetworkReport{IPv4: behind}}

	up := func(kind string, v any, qos int) int {
		return publish(wire.Up(testID, kind), len(wire.Encode(v)), qos) + qos*ack
	}
	will := len(wire.Up(testID, wire.UpStatus)) + 2 + len(wire.Encode(wire.Status{State: wire.Offline, Session: session})) + 2
	connect := 10 + 2 + len(testID) + will
	subscribe := 2 + 2*3 + len(wire.Down(testID, "#")) + len(wire.GroupDesired("lobby"))
	c := cost{
		connection: header(connect) + connect + 4 + header(subscribe) + subscribe + 6 +
			up(wire.UpStatus, wire.Status{State: wire.Online, Session: session, Software: "v0.4.1"}, 1) + up(wire.UpBirth, birth, 1) + up(wire.UpReport, report, 1),
		event: up(wire.UpEvent, event, 1), figures: up(wire.UpTel, figures, 0),
	}
	c.day = c.connection + eventsADay*c.event + int(day/figuresEach)*c.figures + int(day/client.DefaultKeepAlive)*ping
	return c
}

// TestCost: what the documentation says of the protocol's cost, of one node and
// of a million, follows from the messages as they are.
func TestCost(t *testing.T) {
	c := measure(t)
	const million = 1_000_000
	publishes := 3 + eventsADay + int(day/figuresEach)
	text, err := os.ReadFile("../../../../docs/fleet-protocol.md")
	must(t, err)
	_, section, found := strings.Cut(string(text), "\n## Cost\n")
	if !found {
		t.Fatal("docs/fleet-protocol.md has no section Cost")
	}
	section = strings.Join(strings.Fields(section), " ")
	perSecond := func(aDay int) string { return thousands(aDay * million / int(day/time.Second)) }
	for _, want := range []string{
		fmt.Sprintf("a connection %s bytes", thousands(c.connection)), fmt.Sprintf("an event %d", c.event), fmt.Sprintf("a message of figures %d", c.figures),
		fmt.Sprintf("costs %d KB", (c.day+500)/1000), fmt.Sprintf("| bytes of MQTT a day | %d GB |", (c.day+500)/1000),
		fmt.Sprintf("| publishes a day | %d million |", publishes), fmt.Sprintf("| publishes a second, in the mean | %s |", perSecond(publishes)),
		fmt.Sprintf("| of these figures | %s |", perSecond(int(day/figuresEach))), fmt.Sprintf("| pings a second | %s |", perSecond(int(day/client.DefaultKeepAlive))),
		fmt.Sprintf("| with figures every hour | %d GB, %s publishes a second |", (c.day-(int(day/figuresEach)-24)*c.figures+500)/1000, perSecond(3+eventsADay+24)),
		"| subscriptions | 2 million |", "| retained messages | 3 million |",
	} {
		if !strings.Contains(section, want) {
			t.Errorf("docs/fleet-protocol.md should say %q", want)
		}
	}
	t.Logf("%+v", c)
	if c.day > 200_000 {
		t.Errorf("%d bytes a day", c.day)
	}
	// Clouds count messages in units of 5 KB.
	if most := max(c.connection, c.event, c.figures); most > 5<<10 {
		t.Errorf("a message of %d bytes counts twice", most)
	}
}

// thousands writes a number as the documentation does: 4,525.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// TestFigures: what the node tells of itself is what the schema of figures
// says, with and without a network that is known.
func TestFigures(t *testing.T) {
	n := &node{}
	family := &nat.Family{UDP: nat.UDPWorks, Mapping: nat.MappingEndpointIndependent, Filtering: nat.FilteringAddressPort}
	for _, r := range []*nat.Report{nil, {}, {IPv4: family}, {IPv4: family, IPv6: family}} {
		if r != nil {
			n.nat.Store(r)
		}
		m := map[string]any{"uptime_s": 5, "queued": 0, "dropped": 0, "connects": 1}
		if f := n.netFigures(); f != nil {
			m["network"] = f
		}
		var out wire.Figures
		if err := wire.Decode(wire.Encode(m), wire.MaxMessage, &out); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
		if r != nil && r.IPv4 != nil && (out.Network.IPv4.Kind != family.Kind() || out.Network.IPv4.UDP != string(nat.UDPWorks)) {
			t.Errorf("%+v", out.Network.IPv4)
		}
	}
}

// commandRow is a row of the commands' table: commands, signed, longest life.
var commandRow = regexp.MustCompile("(?m)^\\| (`[a-z].*`) \\| (must|may|the set is[^|]*) \\| ([^|]*) \\|")

// TestCommandsDocumented: the commands that a node knows, which of them must be
// signed and how long they may live are what the documentation says.
func TestCommandsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/fleet-protocol.md")
	must(t, err)
	type rule struct {
		signed bool
		life   string
	}
	documented := map[string]rule{}
	for _, row := range commandRow.FindAllStringSubmatch(string(text), -1) {
		for _, name := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(row[1], -1) {
			documented[name[1]] = rule{row[2] == "must", row[3]}
		}
	}
	var names []string
	for name := range documented {
		names = append(names, name)
	}
	slices.Sort(names)
	if !slices.Equal(names, fleetOps) {
		t.Errorf("documented %q, known %q", names, fleetOps)
	}
	lives := map[time.Duration]string{0: "1 h", time.Minute: "60 s", 10 * time.Minute: "10 min"}
	for _, op := range (&fleet{}).ops() {
		if got, want := documented[op.Name], (rule{op.Signed, lives[op.MaxTTL]}); got != want {
			t.Errorf("%s: documented %+v, known %+v", op.Name, got, want)
		}
	}
}
