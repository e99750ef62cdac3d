package guest

import (
	"bytes"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/v4l2"
	"golang.org/x/sys/unix"
)

// TestCameraCrop cuts the left half of an HDMI grabber's colour bars out: four
// bars fill the picture where there were eight.
func TestCameraCrop(t *testing.T) {
	bars := func(crop hal.Crop) (n int, got hal.Crop) {
		cam, err := v4l2.New(logger(t)).OpenCamera(t.Context(), grabber, hal.VideoMode{Width: 640, Height: 360, Crop: crop})
		if err != nil {
			t.Fatal(err)
		}
		defer cam.Close()
		m := cam.Mode()
		f := read(t, cam)
		defer f.Release()
		if f.Width != m.Width || f.Height != m.Height {
			t.Fatalf("frame of %dx%d in mode %+v", f.Width, f.Height, m)
		}
		// Below the text that vivid writes. Luma comes first or at every second byte.
		row := f.Data[(f.Height-8)*f.StrideBytes:][:f.StrideBytes]
		step := f.StrideBytes / f.Width
		n = 1
		for x := 2; x+2 < f.Width; x++ {
			a, b := int(row[(x-1)*step]), int(row[x*step])
			if abs(a-b) > 8 {
				n++
				x += 4 // the edge may be blurred by scaling
			}
		}
		t.Logf("asked for %+v: mode %+v, %d bars", crop, m, n)
		return n, m.Crop
	}
	all, whole := bars(hal.Crop{})
	half, got := bars(hal.Crop{Width: 0.5, Height: 1})
	if !whole.Whole() || got.X > 0.01 || got.Width < 0.49 || got.Width > 0.51 {
		t.Errorf("parts %+v and %+v", whole, got)
	}
	if all != 8 || half != 4 {
		t.Errorf("%d bars, and %d in the left half; want 8 and 4", all, half)
	}
	if again, now := bars(hal.Crop{}); again != all || !now.Whole() {
		t.Errorf("%d bars afterwards, part %+v", again, now)
	}
	webcam := openCamera(t, hal.VideoMode{Crop: hal.Crop{Width: 0.5, Height: 0.5}})
	if c := webcam.Mode().Crop; !c.Whole() {
		t.Errorf("a webcam, which cannot cut, says %+v", c)
	}
}

// TestCameraControlEvents has another program move controls: the camera tells, and
// keeps quiet of what it sets itself.
func TestCameraControlEvents(t *testing.T) {
	const brightness, contrast = 0x00980900, 0x00980901
	cam, other := openCamera(t, smallMode), otherProgram(t)
	type change struct {
		id    uint32
		value int64
	}
	var got []change
	watched := cam.WatchControls([]uint32{brightness, contrast, 0x0098ffff}, func(id uint32, value int64) { got = append(got, change{id, value}) })
	if !slices.Equal(watched, []uint32{brightness, contrast}) {
		t.Fatalf("watches %x", watched)
	}
	readFor := func() {
		for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); {
			read(t, cam).Release()
		}
	}
	if err := cam.SetControl(brightness, 100); err != nil {
		t.Fatal(err)
	}
	readFor()
	if len(got) != 0 {
		t.Errorf("told of what it has set itself: %v", got)
	}
	other(brightness, 140)
	other(contrast, 60)
	readFor()
	if want := []change{{brightness, 140}, {contrast, 60}}; !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
	other(brightness, 128)
	other(contrast, 128)
}

// TestCameraExport reads a frame through its DMABUF descriptor.
func TestCameraExport(t *testing.T) {
	cam := openCamera(t, smallMode)
	f := read(t, cam)
	fd, err := cam.ExportFrame(f)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	data, err := unix.Mmap(fd, 0, len(f.Data), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, f.Data) || len(bytes.TrimLeft(data, "\x00")) == 0 {
		t.Error("the descriptor's memory is not the frame")
	}
	if err := unix.Munmap(data); err != nil {
		t.Fatal(err)
	}
	f.Release()
	if fd, err := cam.ExportFrame(f); fd != -1 || hal.KindOf(err) != hal.Unsupported {
		t.Errorf("a frame that was given back: %d, %v", fd, err)
	}
}

// otherProgram sets controls of the camera by a descriptor of its own.
func otherProgram(t *testing.T) func(id uint32, value int32) {
	t.Helper()
	fd, err := unix.Open(camera, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return func(id uint32, value int32) {
		t.Helper()
		const setControl = 0xc008561c // VIDIOC_S_CTRL
		arg := struct {
			id    uint32
			value int32
		}{id, value}
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), setControl, uintptr(unsafe.Pointer(&arg))); errno != 0 {
			t.Fatal(errno)
		}
	}
}
