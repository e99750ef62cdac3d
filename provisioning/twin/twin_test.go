package twin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/internal/durable/powercut"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// check refuses the key "wrong".
func check(merged []byte) []wire.Fault {
	if strings.Contains(string(merged), "wrong") {
		return []wire.Fault{{Path: "wrong", Code: "unknown", Message: "is not a known key"}}
	}
	return nil
}

func open(t *testing.T, fsys durable.FS) *Twin {
	t.Helper()
	tw, err := Open(fsys, Options{Check: check, Software: "v0.4.1"})
	if err != nil {
		t.Fatal(err)
	}
	return tw
}

func des(rev int, cfg string) []byte { return fmt.Appendf(nil, `{"rev":%d,"cfg":%s}`, rev, cfg) }

func send(t *testing.T, tw *Twin, s Scope, payload []byte) Outcome {
	t.Helper()
	o, err := tw.Desired(s, payload)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestMergeAndConfirm(t *testing.T) {
	d := powercut.New()
	tw := open(t, d)
	if tw.Config() != nil || tw.Report().Applied != Factory {
		t.Fatal("a new node is not at factory settings")
	}
	o := send(t, tw, Group, des(7, `{"video":{"speed":4,"bitrate_kbps":500},"log":{"level":"debug"}}`))
	if !o.Apply || string(o.Config) != `{"log":{"level":"debug"},"video":{"bitrate_kbps":500,"speed":4}}` {
		t.Fatalf("%+v %s", o, o.Config)
	}
	if r := tw.Report(); r.State != wire.ReportPending || r.Applied != Factory || r.GroupRevision != 7 {
		t.Fatalf("%+v", r)
	}
	if err := tw.Confirm(); err != nil {
		t.Fatal(err)
	}
	o = send(t, tw, Node, des(1, `{"video":{"speed":8},"log":null}`))
	if string(o.Config) != `{"video":{"bitrate_kbps":500,"speed":8}}` {
		t.Fatalf("%s", o.Config)
	}
	tw.Confirm()
	if o := send(t, tw, Node, des(1, `{"video":{"speed":9}}`)); o.Changed || o.Apply {
		t.Error("an old revision has an effect")
	}
	r := tw.Report()
	if r.State != wire.ReportOK || r.Applied != r.Hash || r.Revision != 1 || !strings.HasPrefix(r.Hash, "sha256:") {
		t.Fatalf("%+v", r)
	}
	tw = open(t, d.After(powercut.LoseAll))
	if string(tw.Config()) != `{"video":{"bitrate_kbps":500,"speed":8}}` || tw.Report().Hash != r.Hash {
		t.Fatal("forgotten after a restart")
	}
	o, err := tw.LeaveGroup()
	if err != nil || string(o.Config) != `{"video":{"speed":8}}` {
		t.Fatalf("%s %v", o.Config, err)
	}
}

func TestRejected(t *testing.T) {
	tw := open(t, powercut.New())
	for i, c := range []struct{ payload, code string }{
		{`{"rev":1,"cfg":{"wrong":1}}`, "unknown"},
		{`{"rev":2,"cfg":{},"min_sw":"v0.5.0"}`, "software"},
		{`{"rev":3,"cfg":[1]}`, "format"},
		{`{"rev":4,"cfg":{},"extra":1}`, "format"},
		{`{"rev":5,"cfg":` + strings.Repeat(`{"a":`, 9) + "1" + strings.Repeat("}", 9) + `}`, "format"},
		{`{"rev":6,"cfg":{"a":"` + strings.Repeat("x", wire.MaxDesired) + `"}}`, "format"},
		{`{"rev":7,"cfg":{},"group":"no/group"}`, "value"},
	} {
		o := send(t, tw, Node, []byte(c.payload))
		r := tw.Report()
		if o.Apply || !o.Changed || r.State != wire.ReportRejected || len(r.Errors) != 1 || r.Errors[0].Code != c.code {
			t.Errorf("%d: %+v %+v", i, o, r)
		}
	}
	if tw.Config() != nil {
		t.Error("something was applied")
	}
}

func TestRollBack(t *testing.T) {
	d := powercut.New()
	tw := open(t, d)
	send(t, tw, Node, des(1, `{"a":1}`))
	tw.Confirm()
	send(t, tw, Node, des(2, `{"a":2}`))
	cfg, err := tw.RollBack("unhealthy", "no picture")
	if err != nil || string(cfg) != `{"a":1}` {
		t.Fatal(string(cfg), err)
	}
	r := tw.Report()
	if r.State != wire.ReportRolledBack || r.Revision != 2 || r.Errors[0].Code != "unhealthy" || r.Applied == r.Hash {
		t.Fatalf("%+v", r)
	}
	// The same configuration is not tried again, whatever its revision.
	if o := send(t, tw, Node, des(3, `{"a":2}`)); o.Apply || tw.Report().State != wire.ReportRolledBack {
		t.Errorf("%+v %+v", o, tw.Report())
	}
	// Three starts that did not last.
	send(t, tw, Node, des(4, `{"a":3}`))
	for i := range maxStarts {
		tw = open(t, d)
		want := `{"a":3}`
		if i == maxStarts-1 {
			want = `{"a":1}`
		}
		if got := string(tw.Config()); got != want {
			t.Fatalf("start %d: %s", i+2, got)
		}
	}
	if r := tw.Report(); r.State != wire.ReportRolledBack || r.Errors[0].Code != "start-failed" {
		t.Errorf("%+v", r)
	}
}

// TestPowerCuts: whatever is confirmed stays, and the configuration is always
// one of those that were sent and accepted.
func TestPowerCuts(t *testing.T) {
	var confirmed string
	legal := []string{"", `{"a":1}`, `{"a":2}`, `{"a":3}`}
	rank := func(s string) int {
		for i, l := range legal {
			if s == l {
				return i
			}
		}
		return -1
	}
	f := powercut.Enumerate(t, nil, func(d *powercut.Disk) {
		confirmed = ""
		tw, err := Open(d, Options{Check: check})
		if err != nil {
			return
		}
		for i := 1; i <= 3; i++ {
			if _, err := tw.Desired(Node, des(i, fmt.Sprintf(`{"a":%d}`, i))); err != nil {
				return
			}
			if i == 2 {
				if _, err := tw.RollBack("x", ""); err != nil {
					return
				}
				continue
			}
			if tw.Confirm() == nil {
				confirmed = legal[i]
			}
		}
	}, func(d *powercut.Disk, cut int, loss powercut.Loss) {
		tw := open(t, d)
		got := string(tw.Config())
		if rank(got) < rank(confirmed) {
			t.Errorf("%q is in force, %q was confirmed", got, confirmed)
		}
		r := tw.Report()
		if (r.State == wire.ReportPending) != tw.OnProbation() {
			t.Errorf("report %+v, on probation %v", r, tw.OnProbation())
		}
		if o := send(t, tw, Node, des(9, `{"a":9}`)); !o.Apply {
			t.Error("takes nothing any more")
		}
	})
	t.Logf("%+v", f)
}

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		have, need string
		want       bool
	}{{"v1.2.3", "v1.2.3", true}, {"1.10.0", "v1.9.9", true}, {"v1.2.3", "1.3.0", false}, {"unknown", "9.9.9", true}, {"v0.4.1-3-gabc", "0.4.1", true}, {"v1.0.0", "", true}} {
		if got := atLeast(c.have, c.need); got != c.want {
			t.Errorf("%s >= %s: %v", c.have, c.need, got)
		}
	}
}

func FuzzDesired(f *testing.F) {
	f.Add(des(1, `{"a":{"b":null}}`), des(2, `{"a":1}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		d := powercut.New()
		tw := open(t, d)
		for i, p := range [][]byte{a, b} {
			o, err := tw.Desired(Scope(i), p)
			if err != nil {
				t.Fatal(err)
			}
			if o.Apply {
				tw.Confirm()
			}
		}
		want := string(tw.Config())
		if got := string(open(t, d.After(powercut.LoseAll)).Config()); got != want {
			t.Fatalf("%q after a restart, %q before", got, want)
		}
	})
}
