package fleetcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/authority"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/fleet"
	"github.com/edgecam/edgecam/provisioning/node"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// hall is a house with a broker, an authority and simulated nodes, all made by
// the commands that a person gives.
type hall struct {
	*testing.T
	dir string
}

// run gives a command and returns what it prints.
func (h hall) run(ctx context.Context, args ...string) (string, error) {
	var out, log bytes.Buffer
	err := h.give(ctx, Streams{Out: &out, Err: &log}, args...)
	return out.String(), err
}

func (h hall) give(ctx context.Context, s Streams, args ...string) error {
	root := &cobra.Command{Use: "edgecam", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(Authority(s), Broker(s), Fleet(s))
	root.SetArgs(append(args, "--dir", h.dir))
	return root.ExecuteContext(ctx)
}

func (h hall) must(args ...string) string {
	h.Helper()
	ctx, cancel := context.WithTimeout(h.Context(), time.Minute)
	defer cancel()
	out, err := h.run(ctx, args...)
	if err != nil {
		h.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return out
}

// beside runs a command until the test ends.
func (h hall) beside(args ...string) {
	h.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { _, err := h.run(ctx, args...); done <- err }()
	h.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.Errorf("%s: %v", args[0], err)
		}
	})
}

func (h hall) nodes() (nodes []fleet.NodeState) {
	h.Helper()
	if err := json.Unmarshal([]byte(h.must("fleet", "list", "--json")), &nodes); err != nil {
		h.Fatal(err)
	}
	return nodes
}

func (h hall) within(what string, cond func() bool) {
	h.Helper()
	for deadline := time.Now().Add(time.Minute); !cond(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.Fatalf("not within a minute: %s", what)
		}
	}
}

// TestTool steers a fleet of ten nodes, of which two are not well with any new
// configuration, as a person does: a roll-out stops before it reaches all,
// goes on when it is told to, and the terminal shows who is in trouble.
func TestTool(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a whole fleet")
	}
	const many, sick = 10, 2
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	h := hall{t, filepath.Join(t.TempDir(), "authority")}
	h.must("authority", "init", "--broker", "tls://"+addr)
	for _, name := range []string{authority.RootKey, authority.CmdRootKey} { // they lie in a safe
		if err := os.Remove(filepath.Join(h.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	h.beside("broker", "--listen", addr, "--authority")
	h.within("the broker listens", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	h.beside("fleet", "simulate", "--nodes", fmt.Sprint(many), "--ramp", "100ms", "--duration", "1h", "--fail", "30") // two of these ten, the third and the eighth
	h.within("all are there", func() bool {
		n := 0
		for _, x := range h.nodes() {
			if x.Online && x.Birth.Group == "simulated" {
				n++
			}
		}
		return n == many
	})

	// In waves: one of the first three fails, and no other is touched.
	state := filepath.Join(t.TempDir(), "rollout.json")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	read := func() (r fleet.Rollout) {
		t.Helper()
		data, err := os.ReadFile(state)
		if err == nil {
			err = json.Unmarshal(data, &r)
		}
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	out, err := h.run(ctx, "fleet", "rollout", "--state", state, "--group", "simulated", "--waves", "30,60,100", "--max-failed", "5", `{"a":1}`)
	r := read()
	if !errors.Is(err, fleet.ErrPaused) || r.Paused == "" || r.Failed() != 1 || len(r.Done) != 3 || len(r.Nodes) != many {
		t.Fatalf("%v\n%s\n%+v", err, out, r)
	}
	touched := 0
	for _, n := range h.nodes() {
		if n.Report.Revision > 0 {
			touched++
			if (n.Report.State == wire.ReportRolledBack) != (r.Done[n.ID] == wire.ReportRolledBack) {
				t.Errorf("%s: %s, in the roll-out's state %q", n.ID, n.Report.State, r.Done[n.ID])
			}
		}
	}
	if touched != len(r.Done) {
		t.Errorf("%d nodes were given the configuration, %d are in the roll-out's state", touched, len(r.Done))
	}
	if _, err := h.run(ctx, "fleet", "rollout", "--state", state, `{"a":2}`); err == nil || !strings.Contains(err.Error(), "holds a roll-out already") {
		t.Errorf("another configuration in the same roll-out: %v", err)
	}
	if out, err = h.run(ctx, "fleet", "rollout", "--state", state, "--max-failed", "50"); err != nil {
		t.Fatalf("going on: %v\n%s", err, out)
	}
	if r = read(); len(r.Done) != many || r.Failed() != sick || r.Paused != "" {
		t.Errorf("at the end %+v", r)
	}
	for _, n := range h.nodes() {
		if n.Report.Revision != 1 || n.Report.State != r.Done[n.ID] {
			t.Errorf("%s: revision %d (%s), in the roll-out's state %q", n.ID, n.Report.Revision, n.Report.State, r.Done[n.ID])
		}
	}

	t.Run("terminal", h.terminal)

	some := r.Nodes[0]
	if out := h.must("fleet", "list"); strings.Count(out, "ec-") != many || strings.Count(out, "online") != many {
		t.Errorf("%s", out)
	}
	if out := h.must("fleet", "show", some); !strings.Contains(out, `"a": 1`) || !strings.Contains(out, `"cert_serial"`) {
		t.Errorf("%s", out)
	}
	if _, err := h.run(ctx, "fleet", "show", "ec-0000000000000000"); !errors.Is(err, fleet.ErrNotKnown) {
		t.Error(err)
	}
	if out := h.must("fleet", "set", "group:simulated", `{"b":1}`); !strings.Contains(out, "revision 1") {
		t.Errorf("%s", out)
	}
	if out := h.must("fleet", "command", some, "rotate"); !strings.HasPrefix(out, "done") {
		t.Errorf("%s", out)
	}
	h.approve()
	h.must("authority", "revoke", some)
	h.within("a revoked node is away", func() bool {
		for _, n := range h.nodes() {
			if n.ID == some {
				return !n.Online
			}
		}
		return true
	})
	if out := h.must("authority", "list"); !strings.Contains(out, "revoked") || strings.Contains(out, simSecret) {
		t.Errorf("%s", out)
	}
}

// approve lets a node in that nobody has registered, after a look at its key.
func (h hall) approve() {
	h.Helper()
	data, err := os.ReadFile(filepath.Join(h.dir, authority.SiteFile))
	if err != nil {
		h.Fatal(err)
	}
	site, err := enrol.ParseSite(data)
	if err != nil {
		h.Fatal(err)
	}
	const serial, id = "5200000000000001", "ec-5200000000000001"
	start := func(fsys durable.FS) (n *node.Node, end func()) {
		if n, err = node.Open(node.Options{FS: fsys, Site: site, Serial: serial}); err != nil {
			h.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); _ = n.Run(ctx) }()
		return n, func() { cancel(); <-done }
	}
	fsys := durable.NewMemory()
	n, end := start(fsys)
	h.within("it waits, and is listed with its key", func() bool {
		key := n.Fingerprint()
		return key != "" && strings.Contains(h.must("authority", "list"), key)
	})
	if _, err := h.run(h.Context(), "authority", "approve", id, "--key", "0000000000000000"); !errors.Is(err, authority.ErrNoPending) {
		h.Errorf("approved with another key: %v", err)
	}
	h.must("authority", "approve", id, "--key", n.Fingerprint(), "--group", "yard")
	end()
	n, end = start(fsys) // instead of waiting for the retry
	defer end()
	h.within("it is in", func() bool { return n.Phase() == enrol.Active && n.Connected() })
	if out := h.must("fleet", "show", id); !strings.Contains(out, `"group": "yard"`) {
		h.Errorf("%s", out)
	}
}

// terminal looks at the live table.
func (h hall) terminal(t *testing.T) {
	const cols, rows = 72, 12
	tty, far := openTerminal(t, cols, rows)
	s := newScreen(cols, rows)
	var mu sync.Mutex
	read := make(chan struct{})
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := far.Read(buf)
			mu.Lock()
			s.write(buf[:n])
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.give(ctx, Streams{Out: tty, Err: &bytes.Buffer{}, Terminal: true}, "fleet", "watch") }()
	shown := func() []string {
		mu.Lock()
		defer mu.Unlock()
		return s.lines()
	}
	h.within("the table is drawn", func() bool { return strings.HasPrefix(shown()[0], "10 nodes, 10 online") })
	lines := shown()
	t.Logf("\n%s", strings.Join(lines, "\n"))
	if !strings.HasPrefix(lines[2], "NODE") || !strings.Contains(lines[3], "ec-5100") || !strings.HasPrefix(lines[rows-1], "last event:") || !strings.HasPrefix(lines[rows-3], "and 4 more") {
		t.Errorf("%q", lines)
	}
	for i, want := range []string{wire.ReportRolledBack, wire.ReportRolledBack, wire.ReportOK} {
		if !strings.Contains(lines[3+i], want) {
			t.Errorf("line %d: %q, want %s: trouble comes first", 3+i, lines[3+i], want)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	tty.Close()
	<-read
	if s.scrolled > 0 || s.other || s.hidden || s.unknown != "" {
		t.Errorf("scrolled %d, left on the other screen %v, without a cursor %v, not understood %q", s.scrolled, s.other, s.hidden, s.unknown)
	}
}
