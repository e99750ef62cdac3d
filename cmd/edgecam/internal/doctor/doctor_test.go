package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/hal"
)

// machine builds a tree: "path": "content", "path": "-> target" is a link.
func machine(t *testing.T, files map[string]string) System {
	t.Helper()
	root := t.TempDir()
	for p, content := range files {
		full := filepath.Join(root, p)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(target, full)
		} else {
			err = os.WriteFile(full, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p, "/dev/") {
			if err := os.Chmod(full, 0o660); err != nil {
				t.Fatal(err)
			}
			// Root may give files away; others own what they make, and
			// access is then judged by the mode of the owner.
			if os.Getuid() == 0 {
				if err := os.Chown(full, 0, 44); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return System{
		Root: root, UID: 0, User: "pi", Self: 1, CPUs: 4,
		Now:      func() time.Time { return time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) },
		ClockSet: func() (bool, error) { return true, nil },
		DiskFree: func(string) (uint64, error) { return 1 << 30, nil },
		Bind:     func(string, string) error { return nil },
	}
}

var pi = map[string]string{
	"/etc/group":                                           "root:x:0:\nvideo:x:44:pi\n",
	"/dev/video0":                                          "",
	"/dev/video10":                                         "",
	"/sys/class/video4linux/video0/name":                   "HD Webcam\n",
	"/sys/class/video4linux/video0/index":                  "0\n",
	"/sys/class/video4linux/video0/device/driver":          "-> ../../bus/usb/drivers/uvcvideo",
	"/sys/class/video4linux/video10/device/driver":         "-> ../../bus/platform/drivers/bcm2835-codec",
	"/proc/asound/cards":                                   " 0 [Device         ]: USB-Audio - USB Audio\n                      USB Audio at usb-1\n",
	"/dev/snd/pcmC0D0c":                                    "",
	"/dev/gpiochip0":                                       "",
	"/usr/lib/aarch64-linux-gnu/libasound.so.2":            "",
	"/sys/class/thermal/thermal_zone0/type":                "cpu-thermal\n",
	"/sys/class/thermal/thermal_zone0/temp":                "52000\n",
	"/sys/firmware/devicetree/base/model":                  "Raspberry Pi 4 Model B Rev 1.4\x00",
	"/sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
}

func with(base map[string]string, change map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range base {
		out[k] = v
	}
	for k, v := range change {
		if v == "absent" {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	return out
}

func TestFindings(t *testing.T) {
	configured := config.Defaults()
	configured.Lines.Button.Name = "GPIO17"
	configured.Camera.Source = "v4l2:front"
	inUse := errors.New("address already in use")
	tests := []struct {
		name    string
		files   map[string]string
		system  func(*System)
		subject Subject
		check   string
		status  Status
		summary string
		remedy  string
	}{
		{name: "camera", check: "camera", status: OK, summary: "/dev/video0 (HD Webcam), driver uvcvideo"},
		{
			name: "camera held", files: map[string]string{"/proc/812/comm": "motion\n", "/proc/812/fd/7": "-> /dev/video0"},
			check: "camera", status: Warning, summary: "in use by motion (process 812)", remedy: "stop that program",
		},
		{
			name: "raw Bayer", files: map[string]string{"/sys/class/video4linux/video0/device/driver": "-> x/unicam"},
			check: "camera", status: Warning, summary: "raw Bayer", remedy: "libcamera",
		},
		{name: "no camera", files: map[string]string{"/dev/video0": "absent"}, check: "camera", status: Warning, summary: "no signal"},
		{
			name: "camera wanted", files: map[string]string{"/dev/video0": "absent"}, subject: Subject{Config: configured},
			check: "camera", status: Failure, summary: "asks for v4l2:front", remedy: "camera.source",
		},
		{
			name: "no driver", files: map[string]string{"/dev/video0": "absent", "/sys/bus/usb/devices/1-1:1.0/bInterfaceClass": "0e\n"},
			check: "camera", status: Failure, summary: "plugged in at 1-1", remedy: "modprobe uvcvideo",
		},
		{
			name: "driver's own problem", subject: Subject{Inventory: &Inventory{Cameras: []hal.CameraInfo{{ID: "usb-1", Driver: "uvcvideo", Problem: "no known format"}}}},
			check: "camera", status: Warning, summary: "usb-1: no known format",
		},
		{
			name: "no libasound", files: map[string]string{"/usr/lib/aarch64-linux-gnu/libasound.so.2": "absent"},
			check: "sound", status: Failure, summary: "libasound.so.2", remedy: "apt install libasound2",
		},
		{name: "no card", files: map[string]string{"/proc/asound/cards": "--- no soundcards ---\n"}, check: "sound", status: Note, summary: "nothing is heard"},
		{
			name: "card held", files: map[string]string{"/proc/9/comm": "pulseaudio", "/proc/9/fd/3": "-> /dev/snd/pcmC0D0c"},
			check: "sound", status: Warning, summary: "pulseaudio (process 9)", remedy: "stop that program",
		},
		{name: "no gpio", files: map[string]string{"/dev/gpiochip0": "absent"}, subject: Subject{Config: configured}, check: "gpio", status: Failure, summary: "no /dev/gpiochip"},
		{
			name: "port taken", system: func(s *System) { s.Bind = func(_, a string) error { return map[string]error{":8080": inUse}[a] } },
			check: "ports", status: Failure, summary: "tcp :8080 cannot be used", remedy: "set http.listen",
		},
		{
			name: "port taken by edgecam", files: map[string]string{"/proc/33/comm": "edgecam\n"}, system: func(s *System) { s.Bind = func(string, string) error { return inUse } },
			check: "ports", status: Note, summary: "runs already (process 33)",
		},
		{
			name: "clock free", system: func(s *System) { s.ClockSet = func() (bool, error) { return false, nil } },
			check: "clock", status: Warning, summary: "not synchronised", remedy: "timedatectl",
		},
		{
			name: "clock at the epoch", system: func(s *System) { s.Now = func() time.Time { return time.Unix(0, 0) } },
			check: "clock", status: Failure, summary: "1970-01-01", remedy: "timedatectl",
		},
		{
			name: "disk full", system: func(s *System) { s.DiskFree = func(string) (uint64, error) { return 1 << 20, nil } },
			check: "disk", status: Failure, summary: "1 MB left", remedy: "free some space",
		},
		{name: "no state folder", subject: Subject{StateErr: errors.New("read-only file system")}, check: "state", status: Failure, summary: "read-only", remedy: "state_dir"},
		{name: "hot", files: map[string]string{"/sys/class/thermal/thermal_zone0/temp": "86500"}, check: "heat", status: Failure, summary: "86 °C", remedy: "cool"},
		{name: "warm", files: map[string]string{"/sys/class/thermal/thermal_zone0/temp": "81000"}, check: "heat", status: Warning, summary: "81 °C", remedy: "cool"},
		{
			name: "low voltage", files: map[string]string{"/sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n"},
			check: "power", status: Failure, summary: "too low now", remedy: "power supply",
		},
		{
			name: "low voltage before", files: map[string]string{"/sys/devices/platform/soc/soc:firmware/get_throttled": "0x50000\n"},
			check: "power", status: Warning, summary: "since the start", remedy: "power supply",
		},
		{name: "board", check: "processor", status: OK, summary: "Raspberry Pi 4 Model B Rev 1.4, 4 core(s)"},
		{
			name: "bad config", subject: Subject{ConfigErr: config.Problems{{Key: "x", Message: "is not a known key", Source: "e.yaml", Line: 3, Column: 2}}},
			check: "config", status: Failure, summary: "e.yaml:3:2: x is not a known key", remedy: "config schema",
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			sys := machine(t, with(pi, tc.files))
			if tc.system != nil {
				tc.system(&sys)
			}
			if tc.subject.StateDir == "" {
				tc.subject.StateDir = t.TempDir()
				os.Chmod(tc.subject.StateDir, 0o700)
			}
			r := Run(context.Background(), sys, tc.subject)
			var seen []string
			for _, c := range r.Checks {
				if c.Name == tc.check && c.Status == tc.status && strings.Contains(c.Summary, tc.summary) && strings.Contains(c.Remedy, tc.remedy) {
					if r.Status < c.Status {
						t.Errorf("the report's status %v hides it", r.Status)
					}
					return
				}
				seen = append(seen, fmt.Sprintf("%s %v %s → %s", c.Name, c.Status, c.Summary, c.Remedy))
			}
			t.Errorf("no %s %v with %q in\n%s", tc.check, tc.status, tc.summary, strings.Join(seen, "\n"))
		})
	}
}

func TestPermissions(t *testing.T) {
	gid := 44 // as machine sets it
	if os.Getuid() != 0 {
		gid = os.Getgid()
	}
	sys := machine(t, with(pi, map[string]string{"/etc/group": fmt.Sprintf("root:x:0:\nvideo:x:%d:pi\n", gid)}))
	sys.UID, sys.GIDs = os.Getuid()+1, []int{gid + 1}
	r := Run(context.Background(), sys, Subject{StateDir: t.TempDir()})
	for _, name := range []string{"camera", "sound", "gpio"} {
		found := false
		for _, c := range r.Checks {
			if c.Name == name && strings.Contains(c.Remedy, "sudo usermod -aG video pi") && strings.Contains(c.Summary, "group video") {
				found = true
			}
		}
		if !found {
			t.Errorf("%s: no usermod line", name)
		}
	}
	sys.GIDs = append(sys.GIDs, gid)
	if r := Run(context.Background(), sys, Subject{StateDir: t.TempDir()}); r.Status > Warning {
		t.Errorf("a member of the group is refused: %+v", r)
	}
}

func TestHealthyMachineAndOutput(t *testing.T) {
	dir := t.TempDir()
	os.Chmod(dir, 0o700)
	r := Run(context.Background(), machine(t, pi), Subject{StateDir: dir})
	if r.Status != OK {
		t.Errorf("%+v", r)
	}
	js, err := json.Marshal(r)
	if err != nil || !strings.HasPrefix(string(js), `{"status":"ok","checks":[{"name":"config","status":"ok"`) {
		t.Errorf("%s %v", js, err)
	}
	var b strings.Builder
	Report{Checks: []Check{{"camera", Failure, "broken", "mend it"}}}.Print(&b)
	if !strings.Contains(b.String(), "FAILURE  camera     broken\n") || !strings.Contains(b.String(), "→ mend it") {
		t.Error(b.String())
	}
}

func TestThisMachine(t *testing.T) {
	r := Run(context.Background(), Local(), Subject{StateDir: t.TempDir()})
	if len(r.Checks) < 8 {
		t.Errorf("%+v", r)
	}
}
