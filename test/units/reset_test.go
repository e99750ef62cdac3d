package units

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const imageFiles = "../../packaging/image/files"

// given are the files of an image, and what the owner has put into them.
var given = map[string]string{
	"etc/edgecam-system/wpa_supplicant.conf":       "psk=\"given-password\"",
	"etc/edgecam-system/authorized_keys":           "ssh-ed25519 given-key",
	"etc/edgecam-system/hostname":                  "given-name",
	"etc/edgecam-system/wpa_supplicant.conf.part":  "psk=\"given-half",
	"etc/edgecam-system/ssh/ssh_host_ed25519_key":  "given-host-key",
	"etc/edgecam-system/parts/wifi.conf":           "psk=\"given-later\"",
	"etc/wpa_supplicant/wpa_supplicant-wlan0.conf": "psk=\"given-password\"",
	"root/.ssh/authorized_keys":                    "ssh-ed25519 given-key",
	"etc/ssh/ssh_host_ed25519_key":                 "given-host-key",
	"boot/edgecam/edgecam.json.done":               "given-network",
	"var/lib/edgecam/system-reset":                 "asked",
	"etc/edgecam/edgecam.yaml":                     "stays",
	"etc/edgecam/site.json":                        "stays",
	"etc/credstore/edgecam.fleet.owner_secret":     "stays",
	"var/lib/edgecam/auth.json":                    "stays",
	"etc/wpa_supplicant/functions.sh":              "stays",
	"boot/edgecam/README.txt":                      "stays",
	"etc/ssh/sshd_config":                          "stays",
}

// image is an image's tree for system-reset to work on. Programs that change
// something go through steps, which counts them, keeps second names of what is
// overwritten, and kills the script at one of them.
type image struct {
	t              *testing.T
	root, bin, log string
}

func newImage(t *testing.T) image {
	t.Helper()
	m := image{t: t, root: t.TempDir(), bin: t.TempDir()}
	m.log = filepath.Join(m.bin, "steps")
	for name, text := range given {
		path := filepath.Join(m.root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		// What lies on the medium under a name that has gone is seen by another.
		if err := os.Link(path, filepath.Join(m.bin, "medium-"+strings.ReplaceAll(name, "/", "+"))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"dd", "rm", "sync", "systemctl"} {
		real, err := exec.LookPath(name)
		if name == "systemctl" {
			real = "true"
		} else if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("#!/bin/sh\necho %s \"$@\" >>%s\n[ \"$(wc -l <%s)\" -ne \"${CUT:-0}\" ] || kill -9 $PPID\nexec %s \"$@\"\n", name, m.log, m.log, real)
		if name == "sync" { // the whole machine's is not needed here
			text = strings.Replace(text, "exec "+real+" \"$@\"", "exit 0", 1)
		}
		if err := os.WriteFile(filepath.Join(m.bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// reset runs the script, killed at step cut (0: never), and returns the steps.
func (m image) reset(cut int) []string {
	m.t.Helper()
	_ = os.Remove(m.log)
	cmd := exec.Command("sh", filepath.Join(imageFiles, "usr/lib/edgecam/system-reset"))
	cmd.Env = []string{"EDGECAM_ROOT=" + m.root, "PATH=" + m.bin + ":" + os.Getenv("PATH"), fmt.Sprintf("CUT=%d", cut)}
	if out, err := cmd.CombinedOutput(); (err != nil) != (cut > 0) {
		m.t.Fatalf("cut %d: %v\n%s", cut, err, out)
	}
	text, err := os.ReadFile(m.log)
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// left returns the files that hold what the owner has given, and those that
// should have stayed.
func (m image) left() (secrets, kept []string) {
	m.t.Helper()
	for _, dir := range []string{m.root, m.bin} {
		_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			switch {
			case err != nil:
				m.t.Error(err)
			case bytes.Contains(text, []byte("given-")):
				secrets = append(secrets, path)
			case string(text) == "stays" && dir == m.root:
				kept = append(kept, path)
			}
			return nil
		})
	}
	return secrets, kept
}

// TestSystemReset: an image's part of a factory reset leaves nothing of the
// wireless network, SSH keys and name, under no name, also when it is killed at
// any of its steps and runs again; what came with the board stays.
func TestSystemReset(t *testing.T) {
	m := newImage(t)
	_, before := m.left()
	steps := m.reset(0)
	if secrets, kept := m.left(); len(secrets) > 0 || len(kept) != len(before) || len(before) < 7 {
		t.Errorf("left %q, kept %q of %q", secrets, kept, before)
	}
	if !strings.Contains(strings.Join(steps, "\n"), "systemctl stop --no-block wpa_supplicant@wlan0.service") {
		t.Errorf("the node stays on the air: %q", steps)
	}
	if again := m.reset(0); again != nil {
		t.Errorf("without a request: %q", again)
	}
	for cut := 1; cut <= len(steps); cut++ {
		m := newImage(t)
		m.reset(cut)
		_, err := os.Lstat(filepath.Join(m.root, "var/lib/edgecam/system-reset"))
		if secrets, _ := m.left(); err != nil && len(secrets) > 0 {
			t.Fatalf("cut at %q: the request is gone, and left are %q", steps[cut-1], secrets)
		}
		m.reset(0)
		if secrets, kept := m.left(); len(secrets) > 0 || len(kept) != len(before) {
			t.Errorf("cut at %q and run again: left %q, kept %q", steps[cut-1], secrets, kept)
		}
	}
	t.Logf("%d points", len(steps))
}

// TestImageUnits: systemd understands the image's own units, and the service of
// an image asks the system for its part of a reset.
func TestImageUnits(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, pattern := range []string{"*.service", "*.path"} {
		names, err := filepath.Glob(filepath.Join(imageFiles, "etc/systemd/system", pattern))
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, command := range values(string(text), "ExecStart") {
				if _, err := os.Stat(imageFiles + command); err != nil {
					t.Errorf("%s starts %s, which the image has not", name, command)
				}
				text = bytes.ReplaceAll(text, []byte("ExecStart="+command), []byte("ExecStart="+program))
			}
			path := filepath.Join(dir, filepath.Base(name))
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
	}
	out, err := run(t, analyze, append([]string{"verify", "--man=no", "--recursive-errors=no"}, paths...)...)
	if err != nil || strings.Contains(out, dir) || strings.Contains(out, "edgecam") {
		t.Errorf("%v\n%s", err, out)
	}
	dropIn, err := os.ReadFile(filepath.Join(imageFiles, "etc/systemd/system/edgecam.service.d/image.conf"))
	if err != nil || !strings.Contains(string(dropIn), "Environment=EDGECAM_SYSTEM_RESET=1") {
		t.Errorf("%v\n%s", err, dropIn)
	}
	build, err := os.ReadFile("../../packaging/image/build")
	if err != nil || !strings.Contains(string(build), "edgecam-system-reset.path") {
		t.Errorf("the image does not enable edgecam-system-reset.path (%v)", err)
	}
}
