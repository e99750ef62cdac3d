package sim

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

func mustOpen(t testing.TB, d *CameraDriver, want hal.VideoMode) hal.Camera {
	t.Helper()
	c, err := d.OpenCamera(t.Context(), CameraID, want)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustRead(t testing.TB, c hal.Camera) *media.Frame {
	t.Helper()
	f, err := c.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestClockCodeInEveryFormatAndSize(t *testing.T) {
	for _, format := range []media.PixelFormat{media.FormatI420, media.FormatNV12, media.FormatYUYV} {
		for _, size := range [][2]int{{320, 240}, {640, 480}, {854, 480}, {1280, 720}} {
			if size[0] > 640 && format != media.FormatI420 {
				continue
			}
			d := NewCameraDriver(CameraOptions{})
			c := mustOpen(t, d, hal.VideoMode{Format: format, Width: size[0], Height: size[1], FrameInterval: time.Second / 120})
			for range 3 {
				f := mustRead(t, c)
				step := 1
				if format == media.FormatYUYV {
					step = 2
				}
				ms, ok := ReadClock(f.Data, step, f.StrideBytes, f.Width, f.Height)
				if want := uint32(f.CapturedAt.UnixMilli()); !ok || ms != want {
					t.Errorf("%v %v: clock reads %d (%v), stamped %d", format, size, ms, ok, want)
				}
				if age := time.Since(f.CapturedAt); age > time.Second {
					t.Errorf("%v %v: frame was stamped %v before its delivery", format, size, age)
				}
				f.Release()
			}
			_ = c.Close()
		}
	}
}

// TestCodeLayout holds the cells against the description, at 640 pixels, with
// a value whose check bits were computed by hand.
func TestCodeLayout(t *testing.T) {
	const w, h = 640, 480
	luma := make([]byte, w*h)
	const ms = 0x12345678 // 1^2^3^4^5^6^7^8 = 8
	if !StampClock(luma, 1, w, w, h, time.UnixMilli(0x1_9000_0000_0000|ms)) {
		t.Fatal("not stamped")
	}
	want := "1010" + "00010010001101000101011001111000" + "1000"
	for cell := range 40 {
		for _, y := range []int{0, 31} {
			for x := cell * 16; x < cell*16+16; x++ {
				v := byte(16)
				if want[cell] == '1' {
					v = 235
				}
				if luma[y*w+x] != v {
					t.Fatalf("cell %d, pixel (%d,%d) is %d, want %d", cell, x, y, luma[y*w+x], v)
				}
			}
		}
	}
	if luma[32*w] != 0 {
		t.Error("the code is higher than 32 rows")
	}
	luma[16*w+100] ^= 0xFF // one wrong pixel is no matter
	if got, ok := ReadClock(luma, 1, w, w, h); !ok || got != ms {
		t.Errorf("read %#x, %v", got, ok)
	}
	for y := range 32 { // a wrong cell is
		for x := 160; x < 176; x++ {
			luma[y*w+x] = 251 - luma[y*w+x]
		}
	}
	if _, ok := ReadClock(luma, 1, w, w, h); ok {
		t.Error("a wrong cell was not noticed")
	}
	if StampClock(luma, 1, w, 319, h, time.Now()) || StampClock(luma[:100], 1, w, w, h, time.Now()) {
		t.Error("stamped where it does not fit")
	}
}

func TestNoDriftAndDroppedFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewCameraDriver(CameraOptions{Width: 64, Height: 64})
		c := mustOpen(t, d, hal.VideoMode{})
		defer func() { _ = c.Close() }()
		first := mustRead(t, c)
		start := first.CapturedAt
		first.Release()
		for i := 1; i <= 900; i++ {
			f := mustRead(t, c)
			if want := start.Add(time.Duration(i) * (time.Second / 30)); f.Sequence != uint32(i) || !f.CapturedAt.Equal(want) {
				t.Fatalf("frame %d at %v, want %d at %v", f.Sequence, f.CapturedAt, i, want)
			}
			f.Release()
		}
		time.Sleep(10 * time.Second / 30)
		f := mustRead(t, c)
		defer f.Release()
		if f.Sequence != 910 || d.Dropped() != 9 {
			t.Errorf("after a pause of 10 frames: sequence %d, %d dropped, want 910, 9", f.Sequence, d.Dropped())
		}
	})
}

func TestAllBuffersHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewCameraDriver(CameraOptions{Width: 64, Height: 64, Buffers: 3})
		c := mustOpen(t, d, hal.VideoMode{})
		defer func() { _ = c.Close() }()
		held := []*media.Frame{mustRead(t, c), mustRead(t, c), mustRead(t, c)}
		time.AfterFunc(time.Second/2, held[1].Release)
		f := mustRead(t, c)
		if f.Sequence <= 10 || d.Dropped() == 0 {
			t.Errorf("sequence %d, %d dropped: want a gap of half a second", f.Sequence, d.Dropped())
		}
		f.Release()
	})
}

func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		d := NewCameraDriver(CameraOptions{Width: 64, Height: 64})
		c := mustOpen(t, d, hal.VideoMode{})
		_, err := d.OpenCamera(ctx, CameraID, hal.VideoMode{})
		wantKind(t, "second open", err, hal.Busy)

		mustRead(t, c).Release()
		time.AfterFunc(5*time.Millisecond, d.Unplug)
		_, err = c.Read(ctx)
		wantKind(t, "read while unplugged", err, hal.Gone)
		if infos, err := d.Cameras(ctx); err != nil || len(infos) != 0 {
			t.Errorf("an unplugged camera is listed: %v, %v", infos, err)
		}
		_ = c.Close()
		_, err = d.OpenCamera(ctx, CameraID, hal.VideoMode{})
		wantKind(t, "open while unplugged", err, hal.Gone)
		d.Replug()
		d.SetBusy(true)
		_, err = d.OpenCamera(ctx, CameraID, hal.VideoMode{})
		wantKind(t, "open while busy", err, hal.Busy)
		d.SetBusy(false)

		c = mustOpen(t, d, hal.VideoMode{})
		mustRead(t, c).Release()
		d.SetStalled(true)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err = c.Read(short)
		wantKind(t, "read while stalled", err, hal.Timeout)
		time.AfterFunc(time.Second, func() { d.SetStalled(false) })
		mustRead(t, c).Release()
		_ = c.Close()
		if _, err := c.Read(ctx); !errors.Is(err, hal.ErrClosed) {
			t.Errorf("read after Close: %v", err)
		}
	})
}

func wantKind(t *testing.T, what string, err error, kind hal.Kind) {
	t.Helper()
	if err == nil || hal.KindOf(err) != kind {
		t.Errorf("%s: error %v, want kind %v", what, err, kind)
	}
}

// TestSceneMovesAndRests: most of the picture stands still but for the noise,
// and something moves.
func TestSceneMovesAndRests(t *testing.T) {
	mode := hal.VideoMode{Format: media.FormatI420, Width: 640, Height: 480, FrameInterval: time.Second / 30}
	frame := func(s *scene, at time.Duration) []byte {
		f := &media.Frame{Format: mode.Format, Width: 640, Height: 480, StrideBytes: 640, Data: make([]byte, 640*480*3/2)}
		s.draw(f, at)
		return f.Data
	}
	s := newScene(mode, CameraOptions{Noise: 3}, nil)
	a, b := frame(s, 2*time.Second), frame(s, 2200*time.Millisecond)
	moved, still := 0, 0
	for i := range 640 * 480 {
		switch diff := abs(int(a[i]) - int(b[i])); {
		case diff > 12:
			moved++
		case diff <= 6: // noise of both
			still++
		}
	}
	if moved < 3000 || still < 640*480*3/4 {
		t.Errorf("%d pixels moved, %d are still", moved, still)
	}
	// Nothing is left behind where something moved: the scene depends on time alone.
	clean := newScene(mode, CameraOptions{}, nil)
	clean.peak = 0
	s.peak = 0
	b, a = frame(s, 3*time.Second), frame(clean, 3*time.Second)
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("byte %d is %d after other frames, %d in a new scene", i, b[i], a[i])
		}
	}
}

func TestNoAllocationPerFrame(t *testing.T) {
	for _, format := range []media.PixelFormat{media.FormatI420, media.FormatNV12, media.FormatYUYV} {
		d := NewCameraDriver(CameraOptions{})
		c := mustOpen(t, d, hal.VideoMode{Format: format, Width: 320, Height: 240, FrameInterval: time.Second / 120})
		ctx := context.Background()
		n := testing.AllocsPerRun(20, func() {
			f, err := c.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			f.Release()
		})
		if n != 0 {
			t.Errorf("%v: %v allocations per frame", format, n)
		}
		_ = c.Close()
	}
}

func TestTinyAndOddSizes(t *testing.T) {
	for _, size := range [][2]int{{64, 64}, {65, 67}, {66, 480}, {640, 64}, {320, 96}, {1920, 64}, {100, 1000}} {
		d := NewCameraDriver(CameraOptions{FrameInterval: time.Second / 120})
		c := mustOpen(t, d, hal.VideoMode{Width: size[0], Height: size[1]})
		m := c.Mode()
		if m.Width != size[0]&^1 || m.Height != size[1]&^1 {
			t.Errorf("asked for %v, got %dx%d", size, m.Width, m.Height)
		}
		for range 3 {
			mustRead(t, c).Release()
		}
		_ = c.Close()
	}
}

func BenchmarkFrame(b *testing.B) {
	for _, format := range []media.PixelFormat{media.FormatI420, media.FormatNV12, media.FormatYUYV} {
		b.Run(format.String(), func(b *testing.B) {
			mode := hal.VideoMode{Format: format, Width: 640, Height: 480, FrameInterval: time.Second / 30}
			s := newScene(mode, CameraOptions{Noise: 3}, nil)
			f := &media.Frame{Format: format, Width: 640, Height: 480, StrideBytes: 640, Data: make([]byte, format.FrameSize(640, 480))}
			if format == media.FormatYUYV {
				f.StrideBytes = 1280
			}
			b.ReportAllocs()
			for i := range b.N {
				s.draw(f, time.Duration(i%600)*time.Second/30)
				f.CapturedAt = time.Now()
				s.stamp(f)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	mode := hal.VideoMode{Format: media.FormatI420, Width: 640, Height: 480, FrameInterval: time.Second / 30}
	for b.Loop() {
		newScene(mode, CameraOptions{Noise: 3}, nil)
	}
}
