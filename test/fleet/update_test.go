package fleet

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tool "github.com/edgecam/edgecam/provisioning/fleet"
	"github.com/edgecam/edgecam/provisioning/update/slot"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// Versions that the programs call themselves.
const (
	installedVersion = "v9.0.0"
	updateVersion    = "v9.1.0"
)

// trial is how long an update has on this bench; on a node it is 120 s.
const trial = 30 * time.Second

// bench is a node that runs its installed program, a house and a server with
// releases.
type bench struct {
	*testing.T
	*house
	*releases
	station *station
	watch   *process
}

func newBench(t *testing.T) (b *bench, update []byte) {
	t.Helper()
	edgecam := build(t, "edgecam", installedVersion)
	launcher := build(t, "edgecam-launcher", "")
	update, err := os.ReadFile(build(t, "edgecam", updateVersion))
	must(t, err)
	b = &bench{T: t, house: newHouse(t, edgecam), releases: newReleases(t)}
	b.key = filepath.Join(b.house.dir, "release.key")
	public := strings.TrimSpace(b.mustTool("update", "keygen", b.key))
	b.watch = start(t, nil, edgecam, "fleet", "--dir", b.authority(), "watch", "--json")

	state := filepath.Join(b.house.dir, "state")
	config := b.configure(state, fmt.Sprintf("update: {keys: [%q]}", public))
	b.station = startStation(t, state, []string{"SSL_CERT_FILE=" + b.root}, launcher,
		"--installed", edgecam, "--state", state, "--trial", trial.String(), "run", "--config", config)
	return b, update
}

// runs waits until the node is online with a program from a slot.
func (b *bench) runs(name, version string) {
	b.Helper()
	var n tool.NodeState
	defer func() {
		if b.Failed() {
			b.Logf("last seen: online %v, slot %q, software %q", n.Online, n.Birth.Slot, n.Birth.Software)
		}
	}()
	within(b.T, 90*time.Second, fmt.Sprintf("the node runs %s from slot %s", version, name), func() bool {
		n = b.node()
		return n.Online && n.Birth.Slot == name && n.Birth.Software == version
	})
}

// command gives the node an update and returns the answer.
func (b *bench) command(url string, more string) wire.Ack {
	b.Helper()
	out, err := b.tool("fleet", "--dir", b.authority(), "--json", "command", nodeID, "update", fmt.Sprintf(`{"url":%q%s}`, url, more))
	var a wire.Ack
	if jerr := json.Unmarshal([]byte(out), &a); jerr != nil {
		b.Fatalf("no answer: %q, %v", out, err)
	}
	return a
}

func (b *bench) accepted(url string) {
	b.Helper()
	if a := b.command(url, ""); a.State != wire.AckDone || !strings.Contains(string(a.Result), "installing") {
		b.Fatalf("%s: %+v", url, a)
	}
}

func (b *bench) refused(url, code string) {
	b.Helper()
	if a := b.command(url, ""); a.State != wire.AckFailed || a.Code != code {
		b.Errorf("%s: answer %s %s, want failed %s", url, a.State, a.Code, code)
	}
}

// event waits for the node's event about a version.
func (b *bench) event(version, state string) map[string]any {
	b.Helper()
	var data map[string]any
	within(b.T, 2*time.Minute, fmt.Sprintf("event: update %s %s", version, state), func() bool {
		for line := range strings.Lines(b.watch.out.String()) {
			var l struct {
				Node  string
				Event wire.Event
			}
			if json.Unmarshal([]byte(line), &l) == nil && l.Event.Type == "update" && l.Event.Data["version"] == version && l.Event.Data["state"] == state {
				data = l.Event.Data
				return true
			}
		}
		return false
	})
	return data
}

// TestUpdate gives a real node, which its launcher has started, updates over
// the broker: good ones from slot to slot, and every kind of bad one.
func TestUpdate(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs whole programs")
	}
	b, program := newBench(t)
	b.runs(slot.Installed, installedVersion)

	t.Log("a download that is cut off and goes on by ranges, and then again after a power cut")
	first := b.publish(b.house, "v9.1.0", 10, program)
	b.hold()
	b.accepted(first)
	part := filepath.Join(b.station.state, slot.Folder, "part-*")
	within(t, time.Minute, "a part of the program is there", func() bool {
		for _, path := range glob(t, part) {
			if info, err := os.Stat(path); err == nil && info.Size() >= int64(len(program)/5) {
				return true
			}
		}
		return false
	})
	b.station.kill()
	b.release()
	b.runs(slot.Installed, installedVersion)
	b.cut(2)
	before := b.node().Birth.Session
	b.accepted(first)
	b.event("v9.1.0", "installed")
	if _, ranges := b.requests("edgecam-v9.1.0"); len(ranges) < 3 {
		t.Errorf("ranges %q: the download was not continued", ranges)
	}
	b.event("v9.1.0", "confirmed")
	b.runs(slot.A, updateVersion)
	if after := b.node().Birth.Session; after <= before {
		t.Errorf("session %d after %d", after, before)
	}

	// variant is the same program with another checksum.
	variant := func(name string) []byte { return append(program[:len(program):len(program)], name...) }
	t.Log("bad manifests are refused, and nothing is downloaded")
	b.refused(b.publish(b.house, "old", 9, variant("old")), "rollback-index")
	b.refused(b.publish(b.house, "v9.1.0", 10, program), "same")
	signed := b.publish(b.house, "forged", 11, variant("forged"))
	b.change("forged.json", func(m []byte) []byte {
		var e wire.Envelope
		must(t, json.Unmarshal(m, &e))
		sig := []byte(e.Sig)
		sig[5] ^= 3 // another letter of base64
		e.Sig = string(sig)
		return wire.Encode(e)
	})
	b.refused(signed, "signature")
	b.refused(b.base+"nothing-here.json", "download")
	b.refused(strings.Replace(signed, "https:", "http:", 1), "download")
	for _, version := range []string{"old", "forged"} {
		if n, _ := b.requests("edgecam-" + version); n > 0 {
			t.Errorf("%s was downloaded", version)
		}
	}

	t.Log("a program that is not what was signed")
	changed := b.publish(b.house, "changed", 11, variant("changed"))
	b.change("edgecam-changed", func(p []byte) []byte { p[len(p)/2] ^= 1; return p })
	b.accepted(changed)
	if e := b.event("changed", "failed"); e["code"] != "hash" {
		t.Errorf("%v", e)
	}
	b.runs(slot.A, updateVersion)

	t.Log("a program that dies, and one that runs and sees no picture: the former one returns")
	b.accepted(b.publish(b.house, "dies", 12, []byte("#!/bin/sh\nexit 3\n")))
	b.event("dies", "installed")
	b.event("dies", "rolledback")
	b.runs(slot.A, updateVersion)
	blind := fmt.Sprintf("#!/bin/sh\nEDGECAM_CAMERA_SOURCE=v4l2:/dev/video99 exec %q \"$@\"\n", b.edgecam)
	url := b.publish(b.house, "blind", 13, []byte(blind))
	b.accepted(url)
	b.event("blind", "installed")
	b.runs(slot.B, installedVersion) // it reaches the fleet, and yet is not well
	if e := b.event("blind", "rolledback"); !strings.Contains(fmt.Sprint(e["reason"]), "not well") {
		t.Errorf("%v", e)
	}
	b.runs(slot.A, updateVersion)
	b.refused(url, "refused")

	t.Log("the next good one goes into the other slot")
	b.accepted(b.publish(b.house, "v9.2.0", 14, variant("another build")))
	b.event("v9.2.0", "confirmed")
	b.runs(slot.B, updateVersion)
	if left := glob(t, part); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	must(t, err)
	return names
}
