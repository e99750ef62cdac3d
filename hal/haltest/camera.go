package haltest

import (
	"context"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// Camera checks a driver by the camera with that id, which nobody else uses.
func Camera(t *testing.T, driver hal.CameraDriver, id string) {
	t.Helper()
	open := func(t *testing.T, want hal.VideoMode) hal.Camera {
		t.Helper()
		cam, err := driver.OpenCamera(limited(t), id, want)
		if err != nil {
			t.Fatalf("open %q: %v", id, err)
		}
		t.Cleanup(func() { _ = cam.Close() })
		return cam
	}
	t.Run("list", func(t *testing.T) { leaks(t); listCameras(t, driver, id) })
	t.Run("negotiate", func(t *testing.T) { leaks(t); negotiate(t, open) })
	t.Run("frames", func(t *testing.T) { leaks(t); frames(t, open(t, hal.VideoMode{})) })
	t.Run("held frames", func(t *testing.T) { leaks(t); heldFrames(t, open(t, hal.VideoMode{})) })
	t.Run("close while reading", func(t *testing.T) {
		leaks(t)
		cam := open(t, hal.VideoMode{})
		err := endedBy(t, func() error { return readOne(context.Background(), cam) }, func() {
			if err := cam.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
		closedError(t, err)
		if err := cam.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
		closedError(t, readOne(limited(t), cam))
	})
	t.Run("reopen", func(t *testing.T) {
		leaks(t)
		for range 3 {
			cam := open(t, hal.VideoMode{})
			if err := readOne(limited(t), cam); err != nil {
				t.Fatal(err)
			}
			if err := cam.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("cancel", func(t *testing.T) {
		leaks(t)
		cam := open(t, hal.VideoMode{})
		cancelled(t, func(ctx context.Context) error { return readOne(ctx, cam) })
		if err := readOne(limited(t), cam); err != nil {
			t.Errorf("read after a cancelled one: %v", err)
		}
	})
	t.Run("crop", func(t *testing.T) { leaks(t); crop(t, open) })
	t.Run("unknown id", func(t *testing.T) {
		leaks(t)
		_, err := driver.OpenCamera(limited(t), "no-such-camera-0", hal.VideoMode{})
		unknown(t, err)
	})
}

func readOne(ctx context.Context, cam hal.Camera) error {
	f, err := cam.Read(ctx)
	if err != nil {
		return err
	}
	f.Release()
	return nil
}

func listCameras(t *testing.T, driver hal.CameraDriver, id string) {
	infos, err := driver.Cameras(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range infos {
		if c.ID == id || c.Path == id {
			if c.Name == "" || c.Driver == "" || len(c.Modes) == 0 && c.Problem == "" {
				t.Errorf("incomplete entry %+v", c)
			}
			return
		}
	}
	t.Errorf("camera %q is not among %+v", id, infos)
}

// negotiate asks for odd things and wants a usable mode each time.
func negotiate(t *testing.T, open func(*testing.T, hal.VideoMode) hal.Camera) {
	for _, want := range []hal.VideoMode{
		{},
		{Width: 640, Height: 480, FrameInterval: time.Second / 30},
		{Format: media.FormatYUYV},
		{Format: media.FormatMJPEG, Width: 1, Height: 1, FrameInterval: time.Nanosecond},
		{Width: 100000, Height: 100000, FrameInterval: time.Hour},
		{Format: media.PixelFormat(250), Width: -5, Height: -5, FrameInterval: -1},
	} {
		cam := open(t, want)
		m := cam.Mode()
		if m.Format == media.FormatUnknown || m.Width <= 0 || m.Height <= 0 || m.FrameInterval <= 0 {
			t.Errorf("asked for %+v: mode %+v has empty fields", want, m)
		}
		f, err := cam.Read(limited(t))
		if err != nil {
			t.Fatalf("asked for %+v: %v", want, err)
		}
		if f.Format != m.Format || f.Width != m.Width || f.Height != m.Height {
			t.Errorf("frame is %v %dx%d, mode %v %dx%d", f.Format, f.Width, f.Height, m.Format, m.Width, m.Height)
		}
		f.Release()
		if err := cam.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// crop asks for a part of the sensor's picture: a camera reads out that part, or
// all, and says which; and the next one who opens it has all again.
func crop(t *testing.T, open func(*testing.T, hal.VideoMode) hal.Camera) {
	first := open(t, hal.VideoMode{})
	usual := first.Mode().Crop
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	want := hal.Crop{X: 0.25, Y: 0.25, Width: 0.5, Height: 0.5}
	for _, ask := range []hal.Crop{want, {}} {
		cam := open(t, hal.VideoMode{Crop: ask})
		got := cam.Mode().Crop
		off := max(distance(got.X, ask.X), distance(got.Y, ask.Y), distance(got.Width, ask.Width), distance(got.Height, ask.Height))
		if !got.Valid() || got != usual && off > 0.05 {
			t.Errorf("asked for %+v: %+v, usually %+v", ask, got, usual)
		}
		if ask.Whole() && got != usual {
			t.Errorf("after a crop the camera reads out %+v, before %+v", got, usual)
		}
		f, err := cam.Read(limited(t))
		if err != nil {
			t.Fatal(err)
		}
		if m := cam.Mode(); f.Width != m.Width || f.Height != m.Height {
			t.Errorf("frame is %dx%d, mode %dx%d", f.Width, f.Height, m.Width, m.Height)
		}
		f.Release()
		if err := cam.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func distance(a, b float32) float32 { return max(a-b, b-a) }

// frames checks order, times and sizes of frames, and the pace.
func frames(t *testing.T, cam hal.Camera) {
	const n = 12
	m := cam.Mode()
	var last time.Time
	var sequence uint32
	first := time.Time{}
	for i := range n {
		f, err := cam.Read(limited(t))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		if len(f.Data) == 0 {
			t.Fatal("empty frame")
		}
		if want := m.Format.FrameSize(m.Width, m.Height); !f.Corrupt && len(f.Data) < want {
			t.Errorf("frame has %d bytes, want at least %d", len(f.Data), want)
		}
		if age := now.Sub(f.CapturedAt); age < -time.Millisecond || age > deviceLimit {
			t.Errorf("frame is %v old", age)
		}
		if i > 0 && (!f.CapturedAt.After(last) || int32(f.Sequence-sequence) <= 0) {
			t.Errorf("frame %d at %v follows frame %d at %v", f.Sequence, f.CapturedAt, sequence, last)
		}
		if i == 0 {
			first = f.CapturedAt
		}
		last, sequence = f.CapturedAt, f.Sequence
		f.Release()
	}
	// Half and double allow for automatic exposure and a busy machine; a
	// driver that does not wait at all, or sleeps on, fails.
	if mean := last.Sub(first) / (n - 1); mean < m.FrameInterval/2 || mean > 4*m.FrameInterval {
		t.Errorf("frames come every %v, the mode says %v", mean, m.FrameInterval)
	}
}

// heldFrames checks that held frames keep their content, also beyond Close,
// and that holding all of them neither breaks nor hangs the driver.
func heldFrames(t *testing.T, cam hal.Camera) {
	var held []*media.Frame
	var sums []uint64
	for range 64 {
		ctx, cancel := context.WithTimeout(context.Background(), 5*cam.Mode().FrameInterval+50*time.Millisecond)
		f, err := cam.Read(ctx)
		cancel()
		if err != nil {
			break // every buffer is held
		}
		held, sums = append(held, f), append(sums, checksum(f.Data))
	}
	if len(held) == 0 {
		t.Fatal("no frame could be had")
	}
	if len(held) == 64 {
		t.Errorf("64 frames could be held: the memory in flight is not bounded")
	}
	held[0].Retain()
	held[0].Release()
	check := func(when string) {
		for i, f := range held {
			if checksum(f.Data) != sums[i] {
				t.Errorf("%s: held frame %d changed", when, f.Sequence)
			}
		}
	}
	check("while reading")
	released := held[len(held)-1]
	held, sums = held[:len(held)-1], sums[:len(sums)-1]
	released.Release()
	f, err := cam.Read(limited(t))
	if err != nil {
		t.Errorf("read after a buffer came back: %v", err)
	} else {
		f.Release()
	}
	check("after going on")
	if err := cam.Close(); err != nil {
		t.Error(err)
	}
	check("after Close")
	for _, f := range held {
		f.Release()
	}
}

func checksum(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, v := range b {
		h = (h ^ uint64(v)) * 1099511628211
	}
	return h
}
