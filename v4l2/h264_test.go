//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// coding is a camera that codes by itself as a second way, with which alone it
// reaches the rate at its large size.
func coding() *fakeNode {
	return newFake(
		fakeFormat{code: "YUYV", sizes: discrete(640, 480, 1280, 720), rate: func(w, _ uint32) []uint32 { return []uint32{30 * 640 / w / 2} }},
		fakeFormat{code: "MJPG", sizes: discrete(640, 480), intervals: hz(30)},
		fakeFormat{code: "H264", sizes: discrete(640, 480, 1280, 720), intervals: hz(30)},
	)
}

// TestCameraH264: H.264 is given to who asks for it, and to nobody else.
func TestCameraH264(t *testing.T) {
	for _, want := range []hal.VideoMode{{}, {Width: 1280, Height: 720}, {Format: media.FormatMJPEG, Width: 1280, Height: 720}} {
		if got := open(t, coding(), want).Mode(); got.Format == media.FormatH264 {
			t.Errorf("asked for %+v, got %+v", want, got)
		}
	}
	node := coding()
	cam := open(t, node, hal.VideoMode{Format: media.FormatH264, Width: 1280, Height: 720})
	if m := cam.Mode(); m.Format != media.FormatH264 || m.Width != 1280 || m.Height != 720 {
		t.Fatalf("%+v", m)
	}
	unit := []byte{0, 0, 0, 1, 0x67, 0x42}
	for _, c := range []struct {
		data    []byte
		corrupt bool
	}{{unit, false}, {unit[1:], false}, {[]byte{0xff, 0xd8, 0, 0, 1, 2}, true}, {unit[:4], true}, {nil, true}} {
		node.frame(func(b *filled) { b.bytesUsed = uint32(copy(node.buffers[b.index], c.data)) })
		f, err := cam.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if f.Corrupt != c.corrupt || f.Format != media.FormatH264 || !slices.Equal(f.Data, c.data) {
			t.Errorf("%x: %+v", c.data, f)
		}
		f.Release()
	}
	if err := errors.Join(cam.SetBitrate(400_000), cam.ForceKey()); err != nil {
		t.Fatal(err)
	}
	if node.values[controlBitrate] != 400_000 || node.values[controlForceKey] != 1 {
		t.Errorf("controls %v", node.values)
	}
	node.noSet = syscall.EINVAL
	wantKind(t, cam.SetBitrate(1), hal.Unsupported)
	wantKind(t, cam.ForceKey(), hal.Unsupported)
	cam.Close()
	if err := cam.ForceKey(); !errors.Is(err, hal.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestCameraH264Alone: a node with nothing else is listed, with what to do, and not
// taken for a camera of pictures.
func TestCameraH264Alone(t *testing.T) {
	alone := func() (kernel, error) {
		return newFake(fakeFormat{code: "H264", sizes: discrete(1280, 720), intervals: hz(30)}), nil
	}
	d := machine(t, map[string]func() (kernel, error){"video0": is(coding()), "video2": alone})
	usb := filepath.Join(d.sys, "devices/usb1/1-1/1-1:1.0")
	for _, name := range []string{"video0", "video2"} {
		write(t, filepath.Join(usb, "uevent"), "")
		if err := os.Symlink(usb, filepath.Join(d.sys, "class/video4linux", name, "device")); err != nil {
			t.Fatal(err)
		}
	}
	infos, err := d.Cameras(t.Context())
	if err != nil || len(infos) != 2 {
		t.Fatalf("%+v, %v", infos, err)
	}
	if infos[0].Device == "" || infos[0].Device != infos[1].Device {
		t.Errorf("devices %q and %q", infos[0].Device, infos[1].Device)
	}
	if infos[0].Problem != "" || infos[1].Problem == "" || len(infos[1].Modes) != 1 || infos[1].Modes[0].Format != media.FormatH264 {
		t.Errorf("%+v", infos)
	}
	_, err = d.OpenCamera(t.Context(), "video2", hal.VideoMode{})
	wantKind(t, err, hal.Unsupported)
	cam, err := d.OpenCamera(t.Context(), "video2", hal.VideoMode{Format: media.FormatH264})
	if err != nil {
		t.Fatal(err)
	}
	cam.Close()
	_, err = testDriver(small()).OpenCamera(t.Context(), "/dev/video0", hal.VideoMode{Format: media.FormatH264})
	wantKind(t, err, hal.Unsupported)
}
