// Package node tests the engine whole: simulated devices on one side, WebRTC
// viewers on the other, over loopback.
package node

import (
	"bytes"
	"context"
	"image/jpeg"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/whep"
	"github.com/edgecam/edgecam/engine/voice/opus"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/sim"
)

type bench struct {
	camera *sim.CameraDriver
	sound  *sim.SoundDriver
	lines  *sim.LineDriver
	engine *engine.Engine
	url    string
	grant  session.Grant
	// devices may be changed before the engine is made.
	devices func(*engine.Devices)
}

// start runs an engine on simulated devices until the test ends, and then
// looks for goroutines left behind.
func start(t *testing.T, change func(*engine.Config, *bench)) *bench {
	t.Helper()
	leaks := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, leaks) })
	b := &bench{
		camera: sim.NewCameraDriver(sim.CameraOptions{}),
		sound:  sim.NewSoundDriver(sim.SoundOptions{NoEcho: true}),
		lines:  sim.NewLineDriver(),
		grant:  session.Grant{Subject: "tester", View: true, Talk: true, Open: true},
	}
	cfg := engine.Defaults()
	cfg.Session.UDPPort, cfg.Session.Loopback, cfg.Session.ICETCP = 0, true, false
	cfg.Door.Pulse = 300 * time.Millisecond
	cfg.IdleAfter = 200 * time.Millisecond
	cfg.Video.Speed = 10
	if change != nil {
		change(&cfg, b)
	}
	devices := engine.Devices{
		Camera: func(ctx context.Context) (hal.Camera, error) {
			return b.camera.OpenCamera(ctx, sim.CameraID, hal.VideoMode{})
		},
		Microphone: func(ctx context.Context) (hal.Microphone, error) { return b.sound.OpenMicrophone(ctx, sim.CardID) },
		Speaker:    func(ctx context.Context) (hal.Speaker, error) { return b.sound.OpenSpeaker(ctx, sim.CardID) },
		Button: func(ctx context.Context) (hal.Input, error) {
			return b.lines.OpenInput(ctx, hal.InputConfig{Line: hal.LineRef{Name: "button"}})
		},
		Relay: func(ctx context.Context) (hal.Output, error) {
			return b.lines.OpenOutput(ctx, hal.OutputConfig{Line: hal.LineRef{Name: "relay"}})
		},
	}
	if b.devices != nil {
		b.devices(&devices)
	}
	var err error
	if b.engine, err = engine.New(cfg, devices, nil, slog.New(slog.NewTextHandler(testLog{t}, nil))); err != nil {
		t.Fatal(err)
	}
	handler := whep.New(b.engine.Sessions(), whep.AuthorizerFunc(func(r *http.Request) (session.Grant, error) {
		if r.Header.Get("X-Test") == "stranger" {
			return session.Grant{}, whep.ErrUnauthorized
		}
		return b.grant, nil
	}), whep.Options{})
	server := httptest.NewServer(handler)
	b.url = server.URL + "/whep"
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.engine.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		handler.Close()
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return b
}

type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", bytes.TrimSpace(p))
	return len(p), nil
}

func (v *viewer) watches(what string, frames int, within time.Duration) {
	v.t.Helper()
	before, _, _, _ := v.seen()
	eventually(v.t, within, what, func() bool {
		n, _, _, _ := v.seen()
		return n >= before+frames
	})
}

func TestViewersJoinAndLeave(t *testing.T) {
	b := start(t, nil)
	first := join(t, b.url)
	first.watches("first viewer sees the picture", 15, 20*time.Second)
	eventually(t, 20*time.Second, "sound arrives", func() bool { _, _, _, audio := first.seen(); return audio > 10 })
	second := join(t, b.url)
	second.watches("second viewer sees the picture", 10, 20*time.Second)
	second.message("two viewers counted", func(m map[string]any) bool { return m["type"] == "state" && m["viewers"] == 2.0 })
	second.leave()
	first.watches("first viewer goes on", 15, 20*time.Second)
	if _, _, broken, _ := first.seen(); broken != 0 {
		t.Errorf("%d frames could not be decoded", broken)
	}
	first.leave()
	eventually(t, 30*time.Second, "camera is closed when nobody watches", func() bool { return !b.engine.Camera().Streaming })
}

// TestKeyFrameAtOnce holds the promise that a viewer who joins a running node
// does not wait for a regular key frame.
func TestKeyFrameAtOnce(t *testing.T) {
	b := start(t, nil)
	first := join(t, b.url)
	first.watches("first viewer sees the picture", 5, 20*time.Second)
	for range 3 {
		posted := time.Now()
		v := join(t, b.url)
		v.watches("next viewer sees the picture", 1, 20*time.Second)
		v.mu.Lock()
		took := v.firstKey.Sub(posted)
		v.mu.Unlock()
		t.Logf("first key frame %v after the offer", took)
		v.leave()
	}
}

func TestCameraUnpluggedAndBack(t *testing.T) {
	b := start(t, nil)
	v := join(t, b.url)
	v.watches("picture", 10, 20*time.Second)
	v.mu.Lock()
	bright := v.luma
	v.mu.Unlock()
	b.camera.Unplug()
	eventually(t, 20*time.Second, "viewer sees the dark no-signal picture", func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.luma < bright/2+20 && v.luma < 70
	})
	if state := b.engine.Camera(); state.Streaming || state.Err == "" {
		t.Errorf("state while unplugged: %+v", state)
	}
	b.camera.Replug()
	eventually(t, 30*time.Second, "the picture comes back by itself", func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.luma > bright-10
	})
	v.watches("and moves", 10, 20*time.Second)
}

func TestCameraStallsAndBusy(t *testing.T) {
	b := start(t, func(_ *engine.Config, b *bench) { b.camera.SetBusy(true) })
	v := join(t, b.url)
	eventually(t, 20*time.Second, "busy camera is reported", func() bool { return b.engine.Camera().Err != "" })
	b.camera.SetBusy(false)
	v.watches("picture after the camera is free", 10, 30*time.Second)
	b.camera.SetStalled(true)
	time.Sleep(1500 * time.Millisecond)
	b.camera.SetStalled(false)
	v.watches("picture after a stall", 10, 30*time.Second)
}

func TestSnapshotWithoutViewers(t *testing.T) {
	b := start(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var buf bytes.Buffer
	if err := b.engine.Snapshot(ctx, &buf); err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(&buf)
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds().Size(); got.X != 640 || got.Y != 480 {
		t.Errorf("snapshot is %v", got)
	}
	b.camera.Unplug()
	eventually(t, 20*time.Second, "the engine sees that the camera is gone", func() bool {
		b.engine.Prewarm()
		return b.engine.Camera().Err != ""
	})
	short, cancel2 := context.WithTimeout(context.Background(), 700*time.Millisecond)
	defer cancel2()
	if err := b.engine.Snapshot(short, io.Discard); err == nil {
		t.Error("snapshot of an unplugged camera succeeded")
	}
}

func TestRingAndDoor(t *testing.T) {
	b := start(t, nil)
	v := join(t, b.url)
	v.message("state on joining", func(m map[string]any) bool { return m["type"] == "state" && m["door"] == "locked" })
	before := time.Now().Add(-time.Second).UnixMilli()
	if err := b.lines.Press("button", time.Second); err != nil {
		t.Fatal(err)
	}
	ring := v.message("ring", func(m map[string]any) bool { return m["type"] == "ring" })
	if at, _ := ring["at"].(float64); int64(at) < before || int64(at) > time.Now().UnixMilli() {
		t.Errorf("ring at %v", ring["at"])
	}
	if err := v.channel.SendText(`{"type":"door","id":"7","action":"open"}`); err != nil {
		t.Fatal(err)
	}
	if reply := v.message("door answer", func(m map[string]any) bool { return m["type"] == "door" && m["id"] == "7" }); reply["ok"] != true {
		t.Fatalf("door answer %v", reply)
	}
	if on, _ := b.lines.State("relay"); !on {
		t.Error("the relay is off right after the release")
	}
	// A second request during the pulse is refused, and the pulse ends.
	if err := b.engine.OpenDoor(context.Background(), "second"); err == nil {
		t.Error("a second release during the pulse was accepted")
	}
	eventually(t, 20*time.Second, "relay falls back", func() bool { on, _ := b.lines.State("relay"); return !on })
}

func TestDoorNeedsScope(t *testing.T) {
	b := start(t, func(_ *engine.Config, b *bench) { b.grant.Open = false })
	v := join(t, b.url)
	v.message("state on joining", func(m map[string]any) bool { return m["type"] == "state" })
	if err := v.channel.SendText(`{"type":"door","id":"1","action":"open"}`); err != nil {
		t.Fatal(err)
	}
	if reply := v.message("refusal", func(m map[string]any) bool { return m["type"] == "door" }); reply["ok"] == true || reply["error"] == "" {
		t.Errorf("door answer %v", reply)
	}
	if on, _ := b.lines.State("relay"); on {
		t.Error("the relay is on")
	}
	if err := v.channel.SendText(`{"type":`); err != nil {
		t.Fatal(err)
	}
	v.message("answer to a broken message", func(m map[string]any) bool { return m["type"] == "error" })
}

// TestTalkBack sends a tone as a viewer's voice: the node's speaker must play
// it, and fall silent afterwards.
func TestTalkBack(t *testing.T) {
	b := start(t, nil)
	v := join(t, b.url)
	v.watches("picture", 3, 20*time.Second)
	enc, err := opus.NewEncoder(opus.EncoderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	packet := func() []byte {
		for {
			var blk media.Block
			for i := range blk.Samples {
				blk.Samples[i] = int16(10000 * math.Sin(2*math.Pi*660*float64(n)/media.EngineRateHz))
				n++
			}
			if p, ok, err := enc.Encode(&blk); err != nil {
				return nil
			} else if ok {
				return append([]byte(nil), p.Data...)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); v.speak(ctx, packet) }()
	eventually(t, 20*time.Second, "the tone is played", func() bool { return b.sound.PlayedTone(660, 200*time.Millisecond) > -20 })
	for id, s := range b.engine.TalkerStats() {
		if s.JitterBufferEmittedCount == 0 || s.JitterBufferDelay == 0 || s.TargetDelay > 400*time.Millisecond {
			t.Errorf("talker %s: %+v", id, s)
		}
	}
	if other := b.sound.PlayedTone(1500, 200*time.Millisecond); other > -40 {
		t.Errorf("%.1f dBFS at 1500 Hz, where nothing was sent", other)
	}
	v.message("talker shown", func(m map[string]any) bool { return m["type"] == "state" && m["talker"] == "tester" })
	cancel()
	<-done
	eventually(t, 20*time.Second, "the speaker is released", func() bool { return len(b.engine.TalkerStats()) == 0 })
}
