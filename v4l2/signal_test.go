//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// play exposes a frame every 2 ms until the test ends.
func play(t *testing.T, node *fakeNode) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
				node.frame(nil)
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
}

// TestSignalLost: a grabber without a signal delivers frames of noise, which
// nobody may see; when the source comes back the stream ends, to be opened anew.
func TestSignalLost(t *testing.T) {
	node := small()
	cam := open(t, node, hal.VideoMode{FrameInterval: time.Second / 30})
	play(t, node)
	for range 10 {
		f, err := cam.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.Release()
	}
	node.source(0x2, true) // V4L2_IN_ST_NO_SIGNAL
	begin := time.Now()
	for {
		f, err := cam.Read(t.Context())
		if err == nil {
			f.Release()
			if time.Since(begin) > signalEvery+time.Second {
				t.Fatal("frames without a signal are delivered")
			}
			continue
		}
		wantKind(t, err, hal.Timeout)
		if !errors.Is(err, errNoSignal) {
			t.Errorf("%v", err)
		}
		break
	}
	if cam.queued.Load() == 0 {
		t.Error("the frames without a signal are kept")
	}
	node.source(0, true)
	for {
		f, err := cam.Read(t.Context())
		if err == nil {
			f.Release()
			continue
		}
		if !errors.Is(err, errSourceChanged) {
			t.Errorf("after the signal is back: %v", err)
		}
		break
	}
}

// TestSignalWithoutEvents: the status alone tells, too, and then the stream goes
// on; a camera whose input has no status is left alone.
func TestSignalWithoutEvents(t *testing.T) {
	node := small()
	node.status = 0x10000 // NO_SYNC from the beginning
	cam := open(t, node, hal.VideoMode{})
	play(t, node)
	_, err := cam.Read(t.Context())
	if !errors.Is(err, errNoSignal) {
		t.Fatalf("%v", err)
	}
	node.source(0, false)
	f, err := cam.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.Release()

	node = small()
	node.noStatus, node.status = syscall.ENOTTY, 0xffffffff
	cam = open(t, node, hal.VideoMode{})
	play(t, node)
	if f, err = cam.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.Release()
}
