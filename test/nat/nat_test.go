// Package nat tests, in network namespaces with NATs and coturn as STUN and TURN
// server, what a node finds out about its network, and that viewers reach it.
package nat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/session/nat"
	"github.com/edgecam/edgecam/internal/testdata"
	"github.com/edgecam/edgecam/test/netlab"
)

// roleVariable makes the test binary do one thing inside a namespace.
const roleVariable = "EDGECAM_TEST_NAT_ROLE"

var roles = map[string]func() error{"discover": discoverRole}

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := roles[role](); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// lab makes a laboratory that is removed with the test.
func lab(t *testing.T, a, b netlab.NAT) *netlab.NATLab {
	t.Helper()
	l, err := netlab.NewNATLab(context.Background(), a, b)
	if errors.Is(err, netlab.ErrNamespaces) {
		testdata.Missing(t, "%v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// spawn starts a command that is stopped with the test.
func spawn(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		gone := make(chan struct{})
		go func() { _ = cmd.Wait(); close(gone) }()
		select {
		case <-gone:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-gone
		}
	})
	return cmd
}

const (
	turnUser, turnPassword = "door", "s3cret-of-the-door"
	turnSecret             = "a-secret-shared-with-the-server"
)

// coturn starts a STUN and TURN server on the laboratory's internet.
func coturn(t *testing.T, l *netlab.NATLab, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("turnserver"); err != nil {
		testdata.Missing(t, "no turnserver: install coturn")
	}
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "turn.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	cmd := l.Command(context.Background(), netlab.Internet, "turnserver", append([]string{
		"-n", "--listening-ip=" + netlab.InternetAddr, "--listening-ip=" + netlab.InternetAddr2, "--relay-ip=" + netlab.InternetAddr,
		"--listening-ip=" + netlab.InternetAddr6, "--relay-ip=" + netlab.InternetAddr6,
		"--realm=lab", "--no-cli", "--log-file=stdout", "--pidfile=" + filepath.Join(dir, "pid"), "--db=" + filepath.Join(dir, "db"),
	}, args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	spawn(t, cmd)
	deadline := time.Now().Add(10 * time.Second)
	for {
		out, _ := l.Command(context.Background(), netlab.Internet, "ss", "-Hlnu", "sport = 3478").Output()
		if strings.Contains(string(out), netlab.InternetAddr+":") {
			return
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("coturn does not listen: %s", text)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// role runs this binary in a role at a place; input and output are JSON.
func role(t *testing.T, l *netlab.NATLab, at netlab.Place, name string, in, out any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := l.Command(ctx, at, os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+name)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(b), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), out); err != nil {
		t.Fatalf("%s: %v in %s", name, err, stdout.String())
	}
}

func discoverRole() error {
	var cfg nat.Config
	if err := json.NewDecoder(os.Stdin).Decode(&cfg); err != nil {
		return err
	}
	r, err := nat.Discover(context.Background(), cfg)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}
