package pipe

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/haltest"
)

var small = hal.VideoMode{Width: 128, Height: 96, FrameInterval: time.Second / 50}

// misbehaving returns a driver whose program is the stand-in.
func misbehaving(t *testing.T, how string) *Driver {
	d := New(slog.New(slog.NewTextHandler(t.Output(), nil)))
	d.look = func(string) (string, error) { return os.Executable() }
	d.env = []string{standInVariable + "=" + how}
	d.first, d.later, d.grace = 5*time.Second, 1500*time.Millisecond, 500*time.Millisecond
	return d
}

func open(t *testing.T, how string) *camera {
	t.Helper()
	c, err := misbehaving(t, how).OpenCamera(t.Context(), "rpicam", small)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c.(*camera)
}

// until reads until there is an error, which it returns with the number of frames.
func until(t *testing.T, c *camera) (n int, err error) {
	t.Helper()
	for {
		f, err := c.Read(t.Context())
		if err != nil {
			return n, err
		}
		for _, v := range f.Data {
			if v != f.Data[0] {
				t.Fatalf("frame %d is torn: %d and %d", f.Sequence, f.Data[0], v)
			}
		}
		f.Release()
		if n++; n > 50 {
			return n, nil
		}
	}
}

func TestConformance(t *testing.T) {
	haltest.Camera(t, misbehaving(t, "well"), "rpicam")
}

// TestMisbehaviour tells each way a program can fail by the kind of the error.
func TestMisbehaviour(t *testing.T) {
	for _, c := range []struct {
		how    string
		frames int
		kind   hal.Kind
		words  string
	}{
		{"no camera", 0, hal.Gone, "exit status 255: [1;31mERROR [0m: *** no cameras available ***"},
		{"dies", 4, hal.Gone, "exit status 1: ERROR: device timeout detected"},
		{"stops", 4, hal.Timeout, "no frames"},
		{"shuts", 4, hal.Gone, "closed its output"},
	} {
		t.Run(c.how, func(t *testing.T) {
			n, err := until(t, open(t, c.how))
			// The newest frame replaces one not taken in time.
			if n > c.frames || c.frames > 0 && n == 0 || hal.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%d frames, then %v", n, err)
			}
		})
	}
	for _, how := range []string{"noisy", "dribbles", "stubborn", "with child"} {
		t.Run(how, func(t *testing.T) {
			c := open(t, how)
			if n, err := until(t, c); err != nil {
				t.Errorf("%d frames, then %v", n, err)
			}
			begin := time.Now()
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("closing took %v", took)
			}
			eventually(t, "the whole group is gone", func() bool { return syscall.Kill(-c.proc.pid, 0) == syscall.ESRCH })
		})
	}
	t.Run("mute", func(t *testing.T) {
		d := misbehaving(t, "mute")
		d.first = 300 * time.Millisecond
		c, err := d.OpenCamera(t.Context(), "rpicam", small)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Read(t.Context()); hal.KindOf(err) != hal.Timeout {
			t.Errorf("%v", err)
		}
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 200 {
		if ok() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("not so: %s", what)
}

// TestSlowConsumer: who reads slowly gets the newest frame, and the gap shows.
func TestSlowConsumer(t *testing.T) {
	c := open(t, "well")
	f, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := f.Sequence
	f.Release()
	time.Sleep(400 * time.Millisecond)
	f, err = c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	if f.Sequence-first < 5 {
		t.Errorf("frame %d after frame %d and 20 frame times", f.Sequence, first)
	}
	if age := time.Since(f.CapturedAt); age > 200*time.Millisecond {
		t.Errorf("the frame is %v old", age)
	}
}

// TestBackPressure: while every buffer is held the program waits, so that nothing
// is lost or overwritten, and goes on afterwards.
func TestBackPressure(t *testing.T) {
	c := open(t, "well")
	var held []*media.Frame
	for len(held) < bufferCount {
		f, err := c.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, f)
	}
	last := held[bufferCount-1].Sequence
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	// Longer than the program may be silent: it is not its fault.
	if _, err := c.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with every buffer held: %v", err)
	}
	c.mu.Lock()
	if c.sequence != last+1 {
		t.Errorf("frame %d was read into a buffer that is held", c.sequence-1)
	}
	c.mu.Unlock()
	for _, f := range held {
		if f.Data[0] != byte(f.Sequence) {
			t.Errorf("held frame %d has the content of %d", f.Sequence, f.Data[0])
		}
		f.Release()
	}
	f, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	if f.Sequence <= last || f.Data[0] != byte(f.Sequence) {
		t.Errorf("frame %d with the content of %d after %d: the program did not wait", f.Sequence, f.Data[0], last)
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	c := open(t, "well")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if n := testing.AllocsPerRun(20, func() {
		f, err := c.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		f.Release()
	}); n >= 1 {
		t.Errorf("%v allocations a frame", n)
	}
}

func TestPrograms(t *testing.T) {
	m := complete(hal.VideoMode{Width: 650, Height: 481, FrameInterval: time.Second / 15})
	if m.Width != 640 || m.Height != 482 || m.FrameInterval != time.Second/15 {
		t.Errorf("mode %+v", m)
	}
	for _, want := range []string{"--codec=yuv420", "--width=640", "--height=482", "--framerate=15", "--camera=1", "--output=-"} {
		if !slices.Contains(rpicamArgs(1, m), want) {
			t.Errorf("rpicam-vid lacks %s", want)
		}
	}
	if text := strings.Join(argusArgs(0, m), " "); !strings.Contains(text, "sensor-id=0 ! video/x-raw(memory:NVMM),width=640,height=482,framerate=15/1 ! nvvidconv ! video/x-raw,format=I420 ! fdsink") {
		t.Error(text)
	}
	d := New(nil)
	d.look = func(name string) (string, error) {
		if name == "libcamera-vid" {
			return "/usr/bin/libcamera-vid", nil
		}
		return "", exec.ErrNotFound
	}
	list, err := d.Cameras(t.Context())
	if err != nil || len(list) != 1 || list[0].ID != "rpicam" || list[0].Path != "/usr/bin/libcamera-vid" {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := d.OpenCamera(t.Context(), "argus", small); hal.KindOf(err) != hal.Unsupported || !errors.Is(err, exec.ErrNotFound) || !strings.Contains(err.Error(), "sudo apt install") {
		t.Errorf("argus: %v", err)
	}
	for _, id := range []string{"rpicam:x", "rpicam:-1", "rpicam:99", "rpicam1", ""} {
		if _, err := d.OpenCamera(t.Context(), id, small); hal.KindOf(err) != hal.Gone {
			t.Errorf("%q: %v", id, err)
		}
	}
}
