package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	tool "github.com/edgecam/edgecam/provisioning/fleet"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// within waits for a condition. The time is generous, since the machine may be
// busy with other tests.
func within(t *testing.T, limit time.Duration, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !cond(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// programs is the folder of what the tests have built.
var programs string

func TestMain(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "edgecam-fleet-"); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := os.RemoveAll(programs); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// build links one of the repository's commands, as version if that is not "",
// unless another test has done so.
func build(t *testing.T, name, version string) string {
	t.Helper()
	into := filepath.Join(programs, name+version)
	if _, err := os.Stat(into); err == nil {
		return into
	}
	args := []string{"build", "-o", into}
	if version != "" {
		args = append(args, "-ldflags=-X github.com/edgecam/edgecam/internal/version.version="+version)
	}
	out, err := exec.Command("go", append(args, "../../cmd/"+name)...).CombinedOutput()
	if err != nil {
		t.Fatalf("go build %s: %v\n%s", name, err, out)
	}
	return into
}

// record collects a process's output.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

// process is a process that runs beside the test and is ended with it.
type process struct {
	*exec.Cmd
	out  record
	done chan struct{}
}

func start(t *testing.T, env []string, path string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(path, args...), done: make(chan struct{})}
	p.Env = append(os.Environ(), env...)
	p.Stdout, p.Stderr = &p.out, &p.out
	must(t, p.Start())
	go func() { defer close(p.done); _ = p.Wait() }()
	t.Cleanup(func() {
		p.end()
		if t.Failed() {
			t.Logf("%s %s:\n%s", filepath.Base(path), strings.Join(args, " "), p.out.String())
		}
	})
	return p
}

func (p *process) end() {
	_ = p.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(15 * time.Second):
		_ = p.Process.Kill()
		<-p.done
	}
}

// house is a fleet of one node: broker, authority and operator's tool.
type house struct {
	t       *testing.T
	edgecam string // the operator's and the authority's program
	dir     string
	port    int
}

const (
	serial = "10000000abcdef07"
	nodeID = "ec-" + serial
	secret = "owner-secret-of-the-house"
)

func (h *house) authority() string { return filepath.Join(h.dir, "authority") }

// tool runs one of the program's commands to its end.
func (h *house) tool(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(h.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, h.edgecam, args...)
	var out, diag bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diag
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, diag.String())
	}
	return out.String(), nil
}

func (h *house) mustTool(args ...string) string {
	h.t.Helper()
	out, err := h.tool(args...)
	must(h.t, err)
	return out
}

// newHouse makes an authority, and starts Debian's mosquitto, or the embedded
// broker where that is not installed.
func newHouse(t *testing.T, edgecam string, initOptions ...string) *house {
	t.Helper()
	h := &house{t: t, edgecam: edgecam, dir: t.TempDir(), port: freePort(t)}
	h.mustTool(append([]string{"authority", "--dir", h.authority(), "init", "--broker", fmt.Sprintf("tls://127.0.0.1:%d", h.port), "--host", "127.0.0.1"},
		initOptions...)...)
	secretFile := filepath.Join(h.dir, "secret")
	must(t, os.WriteFile(secretFile, []byte(secret), 0o600))
	h.mustTool("authority", "--dir", h.authority(), "expect", serial, "--secret-file", secretFile)
	mosquitto, err := exec.LookPath("mosquitto")
	if err != nil {
		mosquitto = "/usr/sbin/mosquitto"
	}
	if _, err := os.Stat(mosquitto); err == nil {
		conf := h.mustTool("authority", "--dir", h.authority(), "broker-config", "mosquitto", "--port", fmt.Sprint(h.port))
		conf += "persistence_location " + h.dir + "/\n"
		if os.Geteuid() == 0 {
			conf += "user root\n"
		}
		path := filepath.Join(h.dir, "mosquitto.conf")
		must(t, os.WriteFile(path, []byte(conf), 0o600))
		start(t, nil, mosquitto, "-c", path)
	} else {
		if os.Getenv("EDGECAM_CI") == "1" {
			t.Fatal("mosquitto is not installed; scripts/setup test installs it")
		}
		t.Log("mosquitto is not installed: the embedded broker instead")
		start(t, nil, edgecam, "broker", "--dir", h.authority(), "--listen", fmt.Sprintf("127.0.0.1:%d", h.port))
	}
	within(t, 30*time.Second, "the broker listens", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", h.port))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	start(t, nil, edgecam, "authority", "--dir", h.authority(), "run")
	return h
}

// configure writes the node's configuration, with more lines of it, and returns
// its file.
func (h *house) configure(state, more string) string {
	h.t.Helper()
	must(h.t, os.MkdirAll(state, 0o700))
	config := filepath.Join(h.dir, "edgecam.yaml")
	must(h.t, os.WriteFile(config, fmt.Appendf(nil, `
state_dir: %q
camera: {source: sim}
microphone: {enabled: false}
speaker: {enabled: false}
http: {listen: "127.0.0.1:%d", https_listen: "", announce: false}
webrtc: {udp_port: 0, ice_tcp: false}
fleet: {site_file: %q, owner_secret: %q, serial: %q}
%s
`, state, freePort(h.t), filepath.Join(h.authority(), "site.json"), secret, serial, more), 0o600))
	return config
}

// node returns what the fleet knows of the node.
func (h *house) node() tool.NodeState {
	h.t.Helper()
	out, err := h.tool("fleet", "--dir", h.authority(), "--json", "list")
	must(h.t, err)
	var nodes []tool.NodeState
	must(h.t, json.Unmarshal([]byte(out), &nodes))
	for _, n := range nodes {
		if n.ID == nodeID {
			return n
		}
	}
	return tool.NodeState{}
}

// station is a node under its launcher, or without one, which is started again
// whenever it ends, as a service manager does.
type station struct {
	state string
	log   record

	mu   sync.Mutex
	cmd  *exec.Cmd
	over bool
	done chan struct{}
}

func startStation(t *testing.T, state string, env []string, launcher string, args ...string) *station {
	t.Helper()
	s := &station{state: state, done: make(chan struct{})}
	run := func() bool {
		s.mu.Lock()
		if s.over {
			s.mu.Unlock()
			return false
		}
		s.cmd = exec.Command(launcher, args...)
		s.cmd.Env = append(os.Environ(), env...)
		s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
		err := s.cmd.Start()
		s.mu.Unlock()
		if err != nil {
			fmt.Fprintf(&s.log, "launcher: %v\n", err)
			return false
		}
		fmt.Fprintf(&s.log, "launcher ended: %v\n", s.cmd.Wait())
		time.Sleep(100 * time.Millisecond)
		return true
	}
	go func() {
		defer close(s.done)
		for run() {
		}
	}()
	t.Cleanup(func() {
		s.mu.Lock()
		s.over = true
		if s.cmd != nil && s.cmd.Process != nil {
			_ = s.cmd.Process.Signal(syscall.SIGTERM)
		}
		s.mu.Unlock()
		select {
		case <-s.done:
		case <-time.After(30 * time.Second):
			s.kill()
			<-s.done
		}
		if t.Failed() {
			t.Logf("node:\n%s", s.log.String())
		}
	})
	return s
}

// kill ends the node as the loss of its power does.
func (s *station) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.cmd.Process.Kill()
}
