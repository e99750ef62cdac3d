package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/update/slot"
)

// TestMain is also the programs under test: the launcher itself, and a program
// that confirms.
func TestMain(m *testing.M) {
	switch os.Getenv("LAUNCHER_TEST") {
	case "launcher":
		os.Unsetenv("LAUNCHER_TEST")
		os.Exit(run(os.Args[1:], os.Environ()))
	case "confirm":
		dir, err := durable.OpenDir(os.Getenv(slot.DirVariable))
		if err != nil {
			panic(err)
		}
		s, err := slot.Read(dir)
		if err == nil {
			err = slot.Write(dir, s.Confirm())
		}
		if err != nil {
			panic(err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// bench is a state folder with an installed program and one on trial, both
// shell scripts.
type bench struct {
	t         *testing.T
	state     string
	installed string
	dir       *durable.Dir
}

func newBench(t *testing.T, update string) *bench {
	t.Helper()
	b := &bench{t: t, state: t.TempDir()}
	b.installed = filepath.Join(b.state, "installed")
	if err := os.WriteFile(b.installed, []byte("#!/bin/sh\necho installed $EDGECAM_SLOT $@\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.dir, err = durable.OpenDir(filepath.Join(b.state, slot.Folder)); err != nil {
		t.Fatal(err)
	}
	text := []byte("#!/bin/sh\n" + update + "\n")
	if err := durable.Replace(b.dir, slot.File(slot.A), text); err != nil {
		t.Fatal(err)
	}
	if err := b.dir.MakeExecutable(slot.File(slot.A)); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	s := slot.State{Current: slot.Installed}.Begin(slot.A, slot.Program{Version: "v2", Index: 7, Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}, "id", slot.Fingerprint(b.installed))
	if err := slot.Write(b.dir, s); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) command(args ...string) (*exec.Cmd, *bytes.Buffer) {
	out := &bytes.Buffer{}
	cmd := exec.Command(os.Args[0], append([]string{"--installed", b.installed, "--state", b.state}, args...)...)
	cmd.Env = append(os.Environ(), "LAUNCHER_TEST=launcher", "TEST_PROGRAM="+os.Args[0], "WATCHDOG_PID=1")
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

func (b *bench) run(args ...string) string {
	b.t.Helper()
	cmd, out := b.command(args...)
	done := make(chan error, 1)
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			fmt.Fprintf(out, "exit: %v\n", err)
		}
	case <-time.After(time.Minute):
		cmd.Process.Kill()
		<-done
		b.t.Fatal("the launcher did not end")
	}
	return out.String()
}

func (b *bench) last() slot.Result {
	b.t.Helper()
	s, err := slot.Read(b.dir)
	if err != nil || s.Last == nil {
		b.t.Fatalf("no result: %+v, %v", s, err)
	}
	return *s.Last
}

const confirms = `LAUNCHER_TEST=confirm "$TEST_PROGRAM" && echo update $EDGECAM_SLOT "$@" "watchdog:$WATCHDOG_PID"`

func TestConfirmed(t *testing.T) {
	b := newBench(t, confirms)
	if out := b.run("run", "--dev"); out != "update a run --dev watchdog:\n" {
		t.Errorf("on trial: %q", out)
	}
	if l := b.last(); l.State != slot.Confirmed || l.ID != "id" {
		t.Errorf("%+v", l)
	}
	// Confirmed: it takes the launcher's place. (It has nothing to confirm now.)
	if out := b.run("run"); !strings.HasPrefix(out, "update a run watchdog:1") {
		t.Errorf("confirmed: %q", out)
	}
	// Damaged on the medium: the installed one.
	if err := os.WriteFile(b.dir.File(slot.File(slot.A)), []byte("#!/bin/sh\necho evil\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if out := b.run("run"); strings.Contains(out, "evil") || !strings.Contains(out, "installed installed run\n") || !strings.Contains(out, "damaged") {
		t.Errorf("damaged: %q", out)
	}
}

func TestDies(t *testing.T) {
	b := newBench(t, "echo trying; exit 3")
	out := b.run("run")
	if strings.Count(out, "trying\n") != slot.MaxTries || !strings.HasSuffix(out, "installed installed run\n") {
		t.Errorf("%q", out)
	}
	if l := b.last(); l.State != slot.RolledBack {
		t.Errorf("%+v", l)
	}
	if out := b.run(); out != "installed installed\n" {
		t.Errorf("afterwards: %q", out)
	}
}

func TestNoProgram(t *testing.T) {
	b := newBench(t, "")
	// No interpreter: exec itself fails.
	text := []byte("#!/nonexistent\n")
	sum := sha256.Sum256(text)
	if err := os.WriteFile(b.dir.File(slot.File(slot.A)), text, 0o700); err != nil {
		t.Fatal(err)
	}
	s := slot.State{Current: slot.Installed}.Begin(slot.A, slot.Program{Version: "v2", Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}, "", slot.Fingerprint(b.installed))
	if err := slot.Write(b.dir, s); err != nil {
		t.Fatal(err)
	}
	if out := b.run("run"); !strings.HasSuffix(out, "installed installed run\n") {
		t.Errorf("%q", out)
	}
}

// TestSilent: it runs, and never says that it is well; nor does it end when it
// is asked to at first.
func TestSilent(t *testing.T) {
	b := newBench(t, "echo waiting; exec sleep 100")
	began := time.Now()
	out := b.run("--trial", "300ms", "run")
	if !strings.HasPrefix(out, "waiting\n") || !strings.HasSuffix(out, "installed installed run\n") || time.Since(began) > 30*time.Second {
		t.Errorf("%q", out)
	}
	if l := b.last(); l.State != slot.RolledBack || !strings.Contains(l.Reason, "not well") {
		t.Errorf("%+v", l)
	}
}

// TestStopped: asked to end during a trial, it ends with its program, and the
// trial goes on at the next start.
func TestStopped(t *testing.T) {
	b := newBench(t, "trap 'exit 0' TERM; echo ready >"+`"$EDGECAM_UPDATE_DIR/ready"`+"; while :; do sleep 0.05; done")
	cmd, out := b.command("run")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(b.dir.File("ready")); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the program did not start")
		}
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if s, err := slot.Read(b.dir); err != nil || s.Trial != slot.A || s.Tries != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestSmall: nothing but the standard library and the slots' state.
func TestSmall(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(string(out))
	if len(got) != 3 {
		t.Errorf("the launcher depends on %v", got)
	}
	for _, p := range got {
		if !strings.HasPrefix(p, "github.com/edgecam/edgecam/") || strings.Contains(p, "wire") {
			t.Errorf("the launcher depends on %s", p)
		}
	}
}
