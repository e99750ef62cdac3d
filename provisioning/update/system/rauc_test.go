package system

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/update/slot"
)

// rauc is a real RAUC with two slots in files and a boot loader in a script.
type rauc struct {
	t    *testing.T
	dir  string
	stop func()
}

func newRauc(t *testing.T) *rauc {
	t.Helper()
	for _, tool := range []string{"rauc", "dbus-daemon", "openssl", "mksquashfs"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("EDGECAM_CI") == "1" {
				t.Fatalf("%s is missing: scripts/setup test installs it", tool)
			}
			t.Skipf("%s is missing; 'scripts/setup test' installs it", tool)
		}
	}
	// RAUC mounts a bundle: it needs root and the kernel's loop devices.
	if out, err := exec.Command("losetup", "-f").CombinedOutput(); err != nil || os.Getuid() != 0 {
		t.Skipf("RAUC cannot mount a bundle here: user %d, losetup: %v %s", os.Getuid(), err, out)
	}
	r := &rauc{t: t, dir: t.TempDir()}
	r.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
		"-keyout", r.path("key.pem"), "-out", r.path("cert.pem"), "-subj", "/CN=edgecam test")
	r.write("backend", fmt.Sprintf(`#!/bin/sh
cd %q || exit 1
case $1 in
get-primary) cat primary ;;
set-primary) echo "$2" > primary ;;
get-state) cat "state.$2" ;;
set-state) echo "$3" > "state.$2" ;;
esac
`, r.dir), 0o700)
	r.write("primary", "A\n", 0o600)
	for name, slot := range map[string]string{"a": "A", "b": "B"} {
		r.write("state."+slot, "good\n", 0o600)
		r.write("slot."+name, strings.Repeat("old", 1<<20), 0o600)
	}
	if err := os.Mkdir(r.path("mnt"), 0o700); err != nil {
		t.Fatal(err)
	}
	r.write("system.conf", fmt.Sprintf(`[system]
compatible=edgecam-test
bootloader=custom
statusfile=%[1]s/status
mountprefix=%[1]s/mnt
[keyring]
path=%[1]s/cert.pem
[handlers]
bootloader-custom-backend=%[1]s/backend
[slot.rootfs.0]
device=%[1]s/slot.a
type=raw
bootname=A
[slot.rootfs.1]
device=%[1]s/slot.b
type=raw
bootname=B
`, r.dir), 0o600)

	// A bus of its own: neither the machine's nor another test's is touched.
	bus := exec.Command("dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1", "--address=unix:path="+r.path("bus"))
	out, err := bus.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := bus.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Process.Kill(); _ = bus.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", strings.TrimSpace(address))
	t.Setenv("DBUS_STARTER_BUS_TYPE", "session") // where RAUC looks for its service
	return r
}

func (r *rauc) path(name string) string { return filepath.Join(r.dir, name) }

func (r *rauc) write(name, text string, mode os.FileMode) {
	r.t.Helper()
	if err := os.WriteFile(r.path(name), []byte(text), mode); err != nil {
		r.t.Fatal(err)
	}
}

// read returns what a file says.
func (r *rauc) read(name string) string {
	r.t.Helper()
	return strings.TrimSpace(r.bytes(name))
}

// bytes returns what a file holds: an image may begin with what looks like space.
func (r *rauc) bytes(name string) string {
	r.t.Helper()
	b, err := os.ReadFile(r.path(name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

func (r *rauc) run(program string, args ...string) {
	r.t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		r.t.Fatalf("%s %s: %v\n%s", program, args[0], err, out)
	}
}

// boot starts RAUC's service as it runs in a slot.
func (r *rauc) boot(slot string) {
	r.t.Helper()
	if r.stop != nil {
		r.stop()
	}
	service := exec.Command("rauc", "-c", r.path("system.conf"), "service", "--override-boot-slot="+slot)
	var log bytes.Buffer
	service.Stdout, service.Stderr = &log, &log
	if err := service.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.stop = func() { _ = service.Process.Kill(); _ = service.Wait(); r.stop = nil }
	r.t.Cleanup(func() {
		if r.stop != nil {
			r.stop()
		}
		if r.t.Failed() {
			r.t.Logf("RAUC: %s", &log)
		}
	})
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if booted, err := (Rauc{}).Booted(r.t.Context()); err == nil && booted == slot {
			return
		} else if time.Now().After(end) {
			r.t.Fatalf("RAUC does not answer: %q, %v", booted, err)
		}
	}
}

// bundle makes a bundle and returns its path and what it brings.
func (r *rauc) bundle(name string) (string, []byte) {
	r.t.Helper()
	image := make([]byte, 1<<20)
	if _, err := rand.Read(image); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Mkdir(r.path(name), 0o700); err != nil {
		r.t.Fatal(err)
	}
	r.write(name+"/rootfs.img", string(image), 0o600)
	r.write(name+"/manifest.raucm", "[update]\ncompatible=edgecam-test\nversion="+name+"\n[bundle]\nformat=plain\n[image.rootfs]\nfilename=rootfs.img\n", 0o600)
	path := r.path(name + ".raucb")
	r.run("rauc", "--cert", r.path("cert.pem"), "--key", r.path("key.pem"), "bundle", r.path(name), path)
	return path, image
}

// TestRauc drives a real RAUC: a bundle is written into the other slot and
// confirmed, another is left, and one that was changed is not taken.
func TestRauc(t *testing.T) {
	r := newRauc(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	fsys, err := durable.OpenDir(r.path("mnt")) // any folder
	if err != nil {
		t.Fatal(err)
	}
	r.boot("A")
	v2, image := r.bundle("v2")
	if err := Install(ctx, fsys, Rauc{}, Bundle{Version: "v2", Index: 2, SHA256: "02"}, v2); err != nil {
		t.Fatal(err)
	}
	if got := r.read("primary"); got != "B" || !strings.HasPrefix(r.bytes("slot.b"), string(image[:1000])) || r.bytes("slot.a") != strings.Repeat("old", 1<<20) {
		t.Errorf("primary %s, or the slots hold something else", got)
	}
	r.boot("B")
	if trial, err := Started(ctx, fsys, Rauc{}); err != nil || trial == nil {
		t.Fatalf("on trial %v, %v", trial, err)
	}
	if err := Confirm(ctx, fsys, Rauc{}); err != nil || r.read("state.B") != "good" {
		t.Errorf("confirmed: %v, slot B is %s", err, r.read("state.B"))
	}

	v3, _ := r.bundle("v3")
	if err := Install(ctx, fsys, Rauc{}, Bundle{Version: "v3", Index: 3, SHA256: "03"}, v3); err != nil {
		t.Fatal(err)
	}
	r.boot("A")
	if err := Refuse(ctx, fsys, Rauc{}, "no pictures"); err != nil {
		t.Fatal(err)
	}
	if r.read("primary") != "B" || r.read("state.A") != "bad" {
		t.Errorf("left: primary %s, slot A is %s", r.read("primary"), r.read("state.A"))
	}
	s, err := Read(fsys)
	if err != nil || s.Index != 2 || s.Last.State != slot.RolledBack {
		t.Errorf("%+v, %v", s, err)
	}

	r.boot("B")
	data, err := os.ReadFile(v3)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	r.write("changed.raucb", string(data), 0o600)
	before := r.bytes("slot.a")
	if err := Install(ctx, fsys, Rauc{}, Bundle{Version: "v4", Index: 4, SHA256: "04"}, r.path("changed.raucb")); err == nil {
		t.Error("a changed bundle was taken")
	}
	if s, _ := Read(fsys); s.Pending != nil || r.bytes("slot.a") != before {
		t.Errorf("the changed bundle left its marks: %+v", s)
	}
}
