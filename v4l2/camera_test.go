//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"context"
	"errors"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

const errEINVAL = syscall.EINVAL

func testDriver(node *fakeNode) *Driver {
	d := New(slog.New(slog.DiscardHandler))
	d.open = func(string) (kernel, error) { return node, nil }
	return d
}

func open(t *testing.T, node *fakeNode, want hal.VideoMode) *Camera {
	t.Helper()
	cam, err := testDriver(node).OpenCamera(t.Context(), "/dev/video0", want)
	if err != nil {
		t.Fatalf("OpenCamera: %v", err)
	}
	t.Cleanup(func() { cam.Close() })
	return cam.(*Camera)
}

func wantKind(t *testing.T, err error, kind hal.Kind) {
	t.Helper()
	var e *hal.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("error %v, want a *hal.Error of kind %v", err, kind)
	}
}

func small() *fakeNode {
	return newFake(fakeFormat{code: "YUYV", sizes: discrete(64, 48), intervals: hz(30)})
}

func TestReadDeliversTheMappedBuffer(t *testing.T) {
	node := small()
	cam := open(t, node, hal.VideoMode{})
	before := time.Now()
	node.frame(func(b *filled) { node.buffers[b.index][5] = 77 })
	f, err := cam.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if f.Format != media.FormatYUYV || f.Width != 64 || f.Height != 48 || f.StrideBytes != 128 || len(f.Data) != 64*48*2 || f.Corrupt {
		t.Errorf("frame %+v", f)
	}
	if f.Data[5] != 77 || &f.Data[0] != &node.buffers[0][0] {
		t.Error("the data is not the kernel's buffer")
	}
	if f.CapturedAt.Before(before.Add(-time.Millisecond)) || f.CapturedAt.After(time.Now()) {
		t.Errorf("captured %v after the frame was made", f.CapturedAt.Sub(before))
	}
	queued := node.calls["qbuf"]
	f.Release()
	if node.calls["qbuf"] != queued+1 {
		t.Error("Release did not queue the buffer again")
	}
}

func TestTimeStamps(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*filled)
		age    time.Duration
	}{
		{"past", func(b *filled) { b.timestamp -= 40 * time.Millisecond }, 40 * time.Millisecond},
		{"future becomes now", func(b *filled) { b.timestamp += 30 * time.Millisecond }, 0},
		{"nonsense becomes now", func(b *filled) { b.timestamp = -time.Hour }, 0},
		{"other clock becomes now", func(b *filled) { b.flags, b.timestamp = uapi.BufFlagTimestampUnknown, 1 }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			node := small()
			cam := open(t, node, hal.VideoMode{})
			node.frame(c.change)
			f, err := cam.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer f.Release()
			if age := time.Since(f.CapturedAt); age < c.age || age > c.age+2*time.Second {
				t.Errorf("age %v, want about %v", age, c.age)
			}
		})
	}
}

func TestCorruptFrames(t *testing.T) {
	for _, c := range []struct {
		name, code string
		change     func(*filled)
		corrupt    bool
		bytes      int
	}{
		{"whole", "YUYV", nil, false, 64 * 48 * 2},
		{"flagged", "YUYV", func(b *filled) { b.flags |= uapi.BufFlagError }, true, 64 * 48 * 2},
		{"short", "YUYV", func(b *filled) { b.bytesUsed = 100 }, true, 64 * 48 * 2},
		{"empty", "YUYV", func(b *filled) { b.bytesUsed = 0 }, true, 64 * 48 * 2},
		{"JPEG", "MJPG", func(b *filled) { b.bytesUsed = 1000 }, false, 1000},
		{"empty JPEG", "MJPG", func(b *filled) { b.bytesUsed = 0 }, true, 0},
		{"more than the buffer holds", "MJPG", func(b *filled) { b.bytesUsed = 1 << 31 }, true, 64 * 48 * 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			node := newFake(fakeFormat{code: c.code, sizes: discrete(64, 48), intervals: hz(30)})
			cam := open(t, node, hal.VideoMode{})
			node.frame(c.change)
			f, err := cam.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer f.Release()
			if f.Corrupt != c.corrupt || len(f.Data) != c.bytes {
				t.Errorf("corrupt %v with %d bytes, want %v with %d", f.Corrupt, len(f.Data), c.corrupt, c.bytes)
			}
		})
	}
	t.Run("not a JPEG", func(t *testing.T) {
		node := newFake(fakeFormat{code: "MJPG", sizes: discrete(64, 48), intervals: hz(30)})
		cam := open(t, node, hal.VideoMode{})
		node.frame(func(b *filled) { node.buffers[b.index][0] = 0 })
		f, err := cam.Read(t.Context())
		if err != nil || !f.Corrupt {
			t.Fatalf("frame %+v, %v; want it marked corrupt", f, err)
		}
		f.Release()
	})
}

func TestBufferThatDoesNotExist(t *testing.T) {
	node := small()
	cam := open(t, node, hal.VideoMode{})
	node.frame(func(b *filled) { b.index = 99 })
	node.frame(nil)
	f, err := cam.Read(t.Context())
	if err != nil || f.Sequence != 1 {
		t.Fatalf("Read = %+v, %v; want the second frame", f, err)
	}
	f.Release()
}

func TestHeldBuffersMakeTheKernelDrop(t *testing.T) {
	node := small()
	cam := open(t, node, hal.VideoMode{})
	var held []*media.Frame
	for range bufferCount {
		node.frame(nil)
		f, err := cam.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, f)
	}
	for range 3 {
		node.frame(nil) // nobody has a buffer for these
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := cam.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Read with every buffer held: %v", err)
	}
	for _, f := range held {
		f.Release()
	}
	node.frame(nil)
	f, err := cam.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.Release()
	if cam.Dropped() != 3 || f.Sequence != 7 {
		t.Errorf("dropped %d, sequence %d; want 3 and 7", cam.Dropped(), f.Sequence)
	}
}

func TestReleaseWakesAReadWithoutBuffers(t *testing.T) {
	node := newFake(fakeFormat{code: "YUYV", sizes: discrete(64, 48), intervals: hz(30)})
	node.gaveBuffers = 1
	cam := open(t, node, hal.VideoMode{})
	node.frame(nil)
	first, err := cam.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() {
		f, err := cam.Read(t.Context())
		if err == nil {
			f.Release()
		}
		got <- err
	}()
	time.Sleep(10 * time.Millisecond)
	first.Release()
	node.frame(nil)
	select {
	case err := <-got:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Read did not notice the released buffer")
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	cam := open(t, small(), hal.VideoMode{})
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		start := time.Now()
		_, err := cam.Read(ctx)
		cancel()
		wantKind(t, err, hal.Timeout)
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("Read returned %v after its context", d)
		}
	}
}

func TestCloseWakesRead(t *testing.T) {
	node := small()
	cam := open(t, node, hal.VideoMode{})
	got := make(chan error, 1)
	go func() { _, err := cam.Read(context.Background()); got <- err }()
	time.Sleep(10 * time.Millisecond)
	if err := cam.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-got:
		if !errors.Is(err, hal.ErrClosed) {
			t.Errorf("Read = %v, want ErrClosed", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Read still waits after Close")
	}
	if err := cam.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := cam.Read(context.Background()); !errors.Is(err, hal.ErrClosed) {
		t.Errorf("Read after Close = %v", err)
	}
	if node.mapped != 0 || node.calls["close"] != 1 || node.owned {
		t.Errorf("%d buffers mapped, closed %d times, owned %v", node.mapped, node.calls["close"], node.owned)
	}
}

func TestFramesOutliveClose(t *testing.T) {
	node := small()
	cam := open(t, node, hal.VideoMode{})
	node.frame(nil)
	f, err := cam.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.Retain()
	if err := cam.Close(); err != nil {
		t.Fatal(err)
	}
	if node.mapped != 1 || node.owned {
		t.Fatalf("%d buffers mapped after Close, want the one handed out; owned %v", node.mapped, node.owned)
	}
	f.Release()
	if node.mapped != 1 {
		t.Fatal("unmapped before the last release")
	}
	f.Release()
	if node.mapped != 0 {
		t.Error("still mapped after the last release")
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		kind hal.Kind
	}{
		{"unplugged", syscall.ENODEV, hal.Gone},
		{"I/O error", syscall.EIO, hal.Other},
		{"stream stopped by the driver", syscall.EINVAL, hal.Unsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			node := small()
			cam := open(t, node, hal.VideoMode{})
			got := make(chan error, 1)
			go func() { _, err := cam.Read(context.Background()); got <- err }()
			time.Sleep(5 * time.Millisecond)
			node.unplug(c.err)
			select {
			case err := <-got:
				wantKind(t, err, c.kind)
			case <-time.After(10 * time.Second):
				t.Fatal("Read did not notice")
			}
			if err := cam.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

func TestWatchdog(t *testing.T) {
	node := small()
	cam := open(t, node, hal.VideoMode{})
	cam.quietSince = time.Now().Add(-patience)
	start := time.Now()
	_, err := cam.Read(t.Context())
	wantKind(t, err, hal.Timeout)
	if !errors.Is(err, errNoFrames) {
		t.Errorf("error %v does not tell that frames stopped", err)
	}
	if d := time.Since(start); d < 25*time.Millisecond || d > patience/2 {
		t.Errorf("gave up after %v, want one interval", d)
	}
}

// A device in an error condition reports "ready" at once and always.
func TestErrorConditionDoesNotSpin(t *testing.T) {
	node := small()
	node.pollAlwaysErr = true
	cam := open(t, node, hal.VideoMode{})
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	_, err := cam.Read(ctx)
	wantKind(t, err, hal.Timeout)
	if n := node.calls["poll"]; n > 50 {
		t.Errorf("polled %d times in 150 ms", n)
	}
}

func TestOpenFailures(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind hal.Kind
	}{{syscall.EACCES, hal.Permission}, {syscall.EBUSY, hal.Busy}, {syscall.ENOENT, hal.Gone}, {syscall.ENODEV, hal.Gone}, {syscall.EIO, hal.Other}} {
		d := New(nil)
		d.open = func(string) (kernel, error) { return nil, c.err }
		_, err := d.OpenCamera(t.Context(), "/dev/video0", hal.VideoMode{})
		wantKind(t, err, c.kind)
	}
	node := small()
	node.owned = true // another process streams
	_, err := testDriver(node).OpenCamera(t.Context(), "/dev/video0", hal.VideoMode{})
	wantKind(t, err, hal.Busy)
}

func TestLayout(t *testing.T) {
	for _, c := range []struct {
		name                       string
		format                     media.PixelFormat
		stride, room, want, frames int
	}{
		{"padded", media.FormatYUYV, 192, 192 * 48, 192, 192 * 48},
		{"not told", media.FormatYUYV, 0, 1 << 20, 128, 128 * 48},
		{"stride of the whole picture", media.FormatNV12, 96, 64 * 48 * 3 / 2, 64, 64 * 48 * 3 / 2},
		{"padded planes", media.FormatI420, 128, 1 << 20, 128, 128 * 48 * 3 / 2},
		{"too small", media.FormatNV12, 64, 64 * 48, 0, 0},
		{"grey", media.FormatGrey, 64, 64 * 48, 64, 64 * 48},
	} {
		stride, size := layout(hal.VideoMode{Format: c.format, Width: 64, Height: 48}, c.stride, c.room)
		if stride != c.want || size != c.frames {
			t.Errorf("%s: stride %d size %d, want %d and %d", c.name, stride, size, c.want, c.frames)
		}
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	node := small()
	cam := open(t, node, hal.VideoMode{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	allocs := testing.AllocsPerRun(200, func() {
		node.frame(nil)
		f, err := cam.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		f.Release()
	})
	if allocs != 0 {
		t.Errorf("%v allocations per frame", allocs)
	}
}

func TestConcurrentUse(t *testing.T) {
	node := small()
	cam := open(t, node, hal.VideoMode{})
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				node.frame(nil)
				time.Sleep(100 * time.Microsecond)
			}
		}
	}()
	frames := make(chan *media.Frame, 2)
	released := make(chan struct{})
	go func() {
		defer close(released)
		for f := range frames {
			f.Release()
		}
	}()
	for range 300 {
		f, err := cam.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.Retain()
		frames <- f
		f.Release()
	}
	cam.Close()
	close(frames)
	close(stop)
	<-released
	if node.mapped != 0 {
		t.Errorf("%d buffers left mapped", node.mapped)
	}
}
