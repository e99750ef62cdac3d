//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

// machine is a driver on a made-up /dev and /sys.
func machine(t *testing.T, nodes map[string]func() (kernel, error)) *Driver {
	t.Helper()
	d := New(nil)
	d.dev, d.sys = t.TempDir(), t.TempDir()
	for name := range nodes {
		write(t, filepath.Join(d.dev, name), "")
		write(t, filepath.Join(d.sys, "class/video4linux", name, "name"), "Name of "+name+"\n")
	}
	d.open = func(path string) (kernel, error) {
		if n, ok := nodes[filepath.Base(path)]; ok {
			return n()
		}
		return nil, syscall.ENOENT
	}
	return d
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func is(n *fakeNode) func() (kernel, error) { return func() (kernel, error) { return n, nil } }

func ofDriver(name string, caps uint32, formats ...fakeFormat) *fakeNode {
	n := newFake(formats...)
	n.caps.Driver, n.caps.Card, n.caps.DeviceCapabilities = name, name, caps
	return n
}

func TestCameras(t *testing.T) {
	const capture = uapi.CapVideoCapture | uapi.CapStreaming
	yuyv := fakeFormat{code: "YUYV", sizes: discrete(640, 480), intervals: hz(30, 15)}
	nodes := map[string]*fakeNode{
		"video0":  ofDriver("unicam", capture, yuyv),
		"video1":  ofDriver("uvcvideo", capture, yuyv),
		"video2":  ofDriver("uvcvideo", uapi.CapMetadataCapture|uapi.CapStreaming),
		"video3":  ofDriver("uvcvideo", capture), // an old kernel's metadata node
		"video4":  ofDriver("rp1-cfe", capture, yuyv),
		"video5":  ofDriver("tegra-video", capture, yuyv),
		"video10": ofDriver("bcm2835-codec", uapi.CapVideoMem2MemMPlane|uapi.CapStreaming),
		"video14": ofDriver("bcm2835-isp", capture, yuyv),
		"video15": ofDriver("v4l2 loopback", uapi.CapVideoOutput|uapi.CapStreaming),
		"video19": ofDriver("rpi-hevc-dec", uapi.CapVideoMem2MemMPlane|uapi.CapStreaming),
		"video20": ofDriver("pispbe", capture, yuyv),
		"video21": ofDriver("rkisp1", uapi.CapVideoCaptureMPlane|uapi.CapStreaming, yuyv),
		"video22": ofDriver("sensor", capture, fakeFormat{code: "RG12", sizes: discrete(640, 480)}),
	}
	open := map[string]func() (kernel, error){
		"video30": func() (kernel, error) { return nil, syscall.EACCES },
		"video31": func() (kernel, error) { return nil, syscall.ENODEV },
	}
	for name, n := range nodes {
		open[name] = is(n)
	}
	d := machine(t, open)
	link := func(dir, name, target string) {
		p := filepath.Join(d.dev, dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join("../..", target), p); err != nil {
			t.Fatal(err)
		}
	}
	link("v4l/by-id", "usb-046d_0825-video-index0", "video1")
	link("v4l/by-path", "pci-usb-video-index0", "video1")
	link("v4l/by-path", "platform-csi-video-index0", "video0")

	list, err := d.Cameras(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ id, problem string }
	want := []row{
		{"platform-csi-video-index0", "rpicam-vid"},
		{"usb-046d_0825-video-index0", ""},
		{filepath.Join(d.dev, "video4"), "rpicam-vid"},
		{filepath.Join(d.dev, "video5"), "nvarguscamerasrc"},
		{filepath.Join(d.dev, "video21"), "multi-planar"},
		{filepath.Join(d.dev, "video22"), "pixel format"},
		{filepath.Join(d.dev, "video30"), "group \"video\""},
	}
	if len(list) != len(want) {
		t.Fatalf("listed %+v, want %+v", list, want)
	}
	for i, c := range list {
		if c.ID != want[i].id || !strings.Contains(c.Problem, want[i].problem) || (c.Problem == "") != (want[i].problem == "") {
			t.Errorf("camera %d: ID %q, problem %q; want %+v", i, c.ID, c.Problem, want[i])
		}
	}
	if m := list[1].Modes; len(m) != 2 || m[0] != (hal.VideoMode{Format: media.FormatYUYV, Width: 640, Height: 480, FrameInterval: time.Second / 30}) {
		t.Errorf("modes %+v", m)
	}
	if list[6].Name != "Name of video30" {
		t.Errorf("name %q of a node that may not be opened", list[6].Name)
	}
	for name, n := range nodes {
		if !n.closed {
			t.Errorf("%s was left open", name)
		}
	}

	for _, id := range []string{"usb-046d_0825-video-index0", "pci-usb-video-index0", "video1", filepath.Join(d.dev, "video1")} {
		nodes["video1"].closed = false
		cam, err := d.OpenCamera(t.Context(), id, hal.VideoMode{})
		if err != nil {
			t.Errorf("open %q: %v", id, err)
			continue
		}
		cam.Close()
	}
	for id, kind := range map[string]hal.Kind{
		"": hal.Gone, "usb-nobody": hal.Gone, "../../etc/passwd": hal.Gone, "/dev/video77": hal.Gone,
		"video0": hal.Unsupported, "video10": hal.Unsupported, "video22": hal.Unsupported, "video30": hal.Permission,
	} {
		_, err := d.OpenCamera(t.Context(), id, hal.VideoMode{})
		if hal.KindOf(err) != kind || err == nil {
			t.Errorf("open %q: %v, want kind %v", id, err, kind)
		}
	}
}

func TestModesOfRanges(t *testing.T) {
	node := newFake(fakeFormat{code: "NV12", sizes: stepwise(32, 1280, 8), intervals: []uapi.FrameInterval{{
		Min: uapi.Fract{Numerator: 1, Denominator: 60}, Max: uapi.Fract{Numerator: 1, Denominator: 10},
	}}})
	abs, _ := abilities(node)
	got := map[hal.VideoMode]bool{}
	for _, m := range modes(node, abs) {
		got[m] = true
	}
	for _, m := range []hal.VideoMode{
		{Format: media.FormatNV12, Width: 640, Height: 480, FrameInterval: time.Second / 60},
		{Format: media.FormatNV12, Width: 640, Height: 480, FrameInterval: time.Second / 30},
		{Format: media.FormatNV12, Width: 1280, Height: 720, FrameInterval: time.Second / 10},
	} {
		if !got[m] {
			t.Errorf("mode %+v is not listed", m)
		}
	}
	if got[hal.VideoMode{Format: media.FormatNV12, Width: 1920, Height: 1080, FrameInterval: time.Second / 30}] {
		t.Error("a size beyond the range is listed")
	}
}

// TestRealDevices asks this machine's own nodes, if it has any; without, it
// proves that their absence is no error.
func TestRealDevices(t *testing.T) {
	list, err := New(nil).Cameras(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		t.Logf("%s: %s (%s), %d modes, problem %q", c.ID, c.Name, c.Driver, len(c.Modes), c.Problem)
	}
	if _, err := New(nil).OpenCamera(t.Context(), "/dev/null", hal.VideoMode{}); hal.KindOf(err) != hal.Unsupported {
		t.Errorf("opening /dev/null: %v, want kind unsupported", err)
	}
}
