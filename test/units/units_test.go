// Package units checks the service units and what is installed with them with
// systemd's own tools.
package units

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/provisioning/update/slot"
)

const unitDir = "../../systemd"

// tool returns the path of a program of systemd. Without it the test is
// skipped, and fails where EDGECAM_CI=1.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("EDGECAM_CI") == "1" {
			t.Fatalf("%s is missing; 'scripts/setup test' installs it", name)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

// unit returns the text of a unit.
func unit(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(unitDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// values returns what a unit says for key, in order.
func values(text, key string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			out = append(out, v)
		}
	}
	return out
}

func run(t *testing.T, name string, args ...string) (output string, err error) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

// TestVerify: systemd understands every line. The programs that units start
// are not installed here; others stand in their place.
func TestVerify(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(unitDir, "*.service"))
	if err != nil || len(names) < 2 {
		t.Fatalf("%q, %v", names, err)
	}
	var paths []string
	for _, name := range names {
		text := unit(t, filepath.Base(name))
		for _, installed := range []string{"/usr/bin/edgecam", "/usr/lib/edgecam/camera-stack"} {
			text = strings.ReplaceAll(text, "ExecStart="+installed, "ExecStart="+program)
		}
		path := filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	// The node's unit with the launcher's drop-in.
	launched := strings.ReplaceAll(unit(t, "edgecam.service"), "/usr/bin/edgecam", program) +
		strings.ReplaceAll(unit(t, "launcher.conf"), "/usr/lib/edgecam/edgecam-launcher", program)
	path := filepath.Join(dir, "edgecam-launched.service")
	if err := os.WriteFile(path, []byte(launched), 0o644); err != nil {
		t.Fatal(err)
	}
	paths = append(paths, path)
	out, err := run(t, analyze, append([]string{"verify", "--man=no", "--recursive-errors=no"}, paths...)...)
	if err != nil || strings.Contains(out, dir) || strings.Contains(out, "edgecam") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestExposure: the units stay as closed as they are, by systemd's measure of
// 0 (closed) to 10, here in tenths.
func TestExposure(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	for name, limit := range map[string]string{"edgecam.service": "13", "edgecam-camera.service": "13"} {
		out, err := run(t, analyze, "security", "--offline=true", "--no-pager", "--threshold="+limit, filepath.Join(unitDir, name))
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// TestLauncher: the drop-in gives the launcher the time that a trial takes, and
// the program's own messages reach the service manager.
func TestLauncher(t *testing.T) {
	text := unit(t, "launcher.conf")
	if got := values(text, "NotifyAccess"); !slices.Equal(got, []string{"all"}) {
		t.Errorf("NotifyAccess is %q: the program on trial is not the main process", got)
	}
	got := values(text, "TimeoutStartSec")
	if len(got) != 1 {
		t.Fatalf("TimeoutStartSec is %q", got)
	}
	minutes, err := strconv.Atoi(strings.TrimSuffix(got[0], "min"))
	if limit := time.Duration(minutes) * time.Minute; err != nil || limit < slot.Trial+90*time.Second {
		t.Errorf("TimeoutStartSec=%s ends a trial of %v before the former program has started", got[0], slot.Trial)
	}
	if starts := values(text, "ExecStart"); len(starts) != 2 || starts[0] != "" || !strings.HasSuffix(starts[1], " run") {
		t.Errorf("ExecStart is %q", starts)
	}
}

// memberships returns the groups that sysusers.d puts the user into.
func memberships(t *testing.T) []string {
	t.Helper()
	var out []string
	for line := range strings.Lines(unit(t, "sysusers.d/edgecam.conf")) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "m" && f[1] == "edgecam" {
			out = append(out, f[2])
		}
	}
	return out
}

// TestDevices: the node reaches every kind of device that it has a driver for,
// and the kinds are known before the service starts: built into the kernel or
// listed for loading.
func TestDevices(t *testing.T) {
	text := unit(t, "edgecam.service")
	if got := values(text, "DevicePolicy"); !slices.Equal(got, []string{"closed"}) {
		t.Errorf("DevicePolicy is %q", got)
	}
	modules, err := os.ReadFile(filepath.Join(unitDir, "modules-load.d", "edgecam.conf"))
	if err != nil {
		t.Fatal(err)
	}
	loaded := strings.Fields(string(modules))
	for _, d := range []struct{ kind, nodes, group, module string }{
		{"char-video4linux", "/dev/video*", "video", "videodev"},
		{"char-media", "/dev/media*", "video", "mc"},
		{"char-alsa", "/dev/snd/*", "audio", "snd"},
		{"char-gpiochip", "/dev/gpiochip*", "gpio", ""},
		{"char-drm", "/dev/dri/*", "render", ""},
	} {
		if !slices.Contains(values(text, "DeviceAllow"), d.kind+" rw") {
			t.Errorf("%s are out of reach: DeviceAllow=%s rw is missing", d.nodes, d.kind)
		}
		if !slices.Contains(memberships(t), d.group) {
			t.Errorf("%s are out of reach: the user is not in group %s", d.nodes, d.group)
		}
		if d.module != "" && !slices.Contains(loaded, d.module) {
			t.Errorf("%s plugged in after the start are out of reach: modules-load.d lacks %s", d.nodes, d.module)
		}
	}
}

// TestRestart: whatever ends the node, it is started again. A panic and the
// watchdog's SIGABRT end a Go program with exit code 2.
func TestRestart(t *testing.T) {
	text := unit(t, "edgecam.service")
	if got := values(text, "Restart"); !slices.Equal(got, []string{"always"}) {
		t.Errorf("Restart is %q", got)
	}
	for _, key := range []string{"RestartPreventExitStatus", "SuccessExitStatus"} {
		if got := values(text, key); got != nil {
			t.Errorf("%s=%q keeps a node that has crashed from being started again", key, got)
		}
	}
}

// TestSystemCalls: audio threads can be started. A refused sched_setscheduler
// keeps every sound card from opening, and only under the unit: the last word
// on it must be the answer 0.
func TestSystemCalls(t *testing.T) {
	filters := values(unit(t, "edgecam.service"), "SystemCallFilter")
	answer := slices.Index(filters, "~sched_setscheduler:0")
	refused := slices.IndexFunc(filters, func(f string) bool { return strings.HasPrefix(f, "~") && strings.Contains(f, "@resources") })
	if answer < 0 || refused > answer {
		t.Errorf("sched_setscheduler is refused: %q", filters)
	}
}

// TestUsers: every user and group that a unit, a rule or tmpfiles.d names is
// made by sysusers.d on a system that has none of them, and the folders have
// the right owner.
func TestUsers(t *testing.T) {
	sysusers, tmpfiles := tool(t, "systemd-sysusers"), tool(t, "systemd-tmpfiles")
	root := t.TempDir()
	for _, dir := range []string{"etc/edgecam", "var/lib"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	abs := func(name string) string {
		path, err := filepath.Abs(filepath.Join(unitDir, name))
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	if out, err := run(t, sysusers, "--root="+root, abs("sysusers.d/edgecam.conf")); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return "\n" + string(data)
	}
	groups, users := read("etc/group"), read("etc/passwd")
	if !strings.Contains(users, "\nedgecam:x:") {
		t.Errorf("no user edgecam in %s", users)
	}
	if !strings.Contains(groups, "\nedgecam:x:") {
		t.Errorf("no group edgecam in %s", groups)
	}
	for _, g := range memberships(t) {
		if !regexp.MustCompile(`(?m)^` + g + `:x:\d+:(.*,)?edgecam(,|$)`).MatchString(groups) {
			t.Errorf("edgecam is not in group %s: %s", g, groups)
		}
	}
	if os.Getuid() != 0 {
		t.Log("the folders' owners are looked at by root only")
		return
	}
	if out, err := run(t, tmpfiles, "--root="+root, "--create", abs("tmpfiles.d/edgecam.conf")); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(filepath.Join(root, "var/lib/edgecam"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
}
