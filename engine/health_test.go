package engine

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/hal"
)

// stuckCamera delivers pictures and then never returns from Read, as a driver
// does whose device has gone astray.
type stuckCamera struct {
	frames  int
	unplug  bool // fail honestly instead
	release chan struct{}
}

func (c *stuckCamera) Mode() hal.VideoMode {
	return hal.VideoMode{Format: media.FormatI420, Width: 16, Height: 16, FrameInterval: 40 * time.Millisecond}
}

func (c *stuckCamera) Read(ctx context.Context) (*media.Frame, error) {
	if c.frames == 0 {
		if c.unplug {
			return nil, &hal.Error{Op: "read", Path: "test", Kind: hal.Gone}
		}
		<-c.release
		return nil, context.Canceled
	}
	c.frames--
	time.Sleep(40 * time.Millisecond)
	return nil, &hal.Error{Op: "read", Path: "test", Kind: hal.Overrun}
}
func (c *stuckCamera) Close() error { return nil }

// healthEngine returns an engine of which only the capture side runs.
func healthEngine(t *testing.T, camera func(context.Context) (hal.Camera, error)) *Engine {
	t.Helper()
	cfg := Defaults()
	cfg.KeepOpen = true
	cfg.Session.UDPPort, cfg.Session.ICETCP = 0, false
	sessions, err := session.New(cfg.Session, session.Hooks{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sessions.Close(context.Background()) })
	e := &Engine{
		cfg: cfg, devices: Devices{Camera: camera}, observer: noObserver{}, log: slog.New(slog.DiscardHandler),
		demand: newGate(), watching: newGate(), wakeKey: make(chan struct{}, 1), sessions: sessions,
	}
	e.latest.ready = make(chan struct{}, 1)
	e.camera.Store(&CameraState{})
	if err := e.enhance.init(cfg, Devices{}, e.observer, e.log); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestHealthOfCapture(t *testing.T) {
	for name, c := range map[string]struct {
		camera stuckCamera
		ill    bool
	}{
		"driver does not return": {stuckCamera{frames: 100}, true},
		"camera is unplugged":    {stuckCamera{frames: 100, unplug: true}, false},
		"camera delivers":        {stuckCamera{frames: 1 << 30}, false},
	} {
		camera := &c.camera
		e := healthEngine(t, func(context.Context) (hal.Camera, error) { return camera, nil })
		synctest.Test(t, func(t *testing.T) {
			camera.release = make(chan struct{})
			e.pulses.init()
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { e.runCapture(ctx); close(done) }()
			time.Sleep(3 * time.Second)
			if err := e.Health(); err != nil {
				t.Errorf("%s: %v after three seconds", name, err)
			}
			time.Sleep(time.Minute)
			if err := e.Health(); (err != nil) != c.ill {
				t.Errorf("%s: %v after a minute", name, err)
			}
			cancel()
			close(camera.release)
			<-done
			if err := e.Health(); err != nil {
				t.Errorf("%s: %v after the end", name, err)
			}
		})
	}
}

// TestHealthOfPicturePath: pictures that viewers wait for and nobody codes are
// noticed; without viewers nobody needs to.
func TestHealthOfPicturePath(t *testing.T) {
	e := healthEngine(t, nil)
	synctest.Test(t, func(t *testing.T) {
		e.pulses.init()
		defer e.enhance.close()
		pool := media.PicturePool{}
		deliver := func() {
			for range 30 {
				e.handOn(t.Context(), pool.Get(16, 16), 25)
				time.Sleep(time.Second)
			}
		}
		deliver()
		if err := e.Health(); err != nil {
			t.Errorf("without viewers: %v", err)
		}
		e.viewers.Store(1)
		e.updateDemand()
		deliver()
		if err := e.Health(); err == nil || !strings.Contains(err.Error(), "encoder") {
			t.Errorf("with a viewer: %v", err)
		}
		e.viewers.Store(0)
		e.updateDemand()
		if err := e.Health(); err != nil {
			t.Errorf("after the viewer has left: %v", err)
		}
		e.latest.clear()
	})
}

// TestPulseRestsWithoutDemand: waiting for viewers is no fault, however long.
func TestPulseRestsWithoutDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p, g := pulse{origin: time.Now()}, newGate()
		p.beat()
		waited := make(chan error, 1)
		go func() { waited <- p.wait(ctx, g) }()
		time.Sleep(time.Hour)
		if age := p.age(); age != 0 {
			t.Errorf("age %v in rest", age)
		}
		g.set(true)
		if err := <-waited; err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if age := p.age(); age != time.Minute {
			t.Errorf("age %v after a minute's step", age)
		}
		cancel()
	})
}
