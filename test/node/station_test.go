package node

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/session/whep"
	"github.com/edgecam/edgecam/engine/station"
	"github.com/edgecam/edgecam/engine/video/vp8"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/sim"
)

// toneMic is a microphone that hears a sine, paced by the system's clock.
type toneMic struct {
	hz    float64
	n     int
	start time.Time
}

func (m *toneMic) Read(ctx context.Context, b *media.Block) error {
	if m.start.IsZero() {
		m.start = time.Now()
	}
	at := m.start.Add(time.Duration(m.n) * time.Second / media.EngineRateHz)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(at.Add(media.BlockDuration))):
	}
	b.CapturedAt = at
	for i := range b.Samples {
		b.Samples[i] = int16(8000 * math.Sin(2*math.Pi*m.hz*float64(m.n)/media.EngineRateHz))
		m.n++
	}
	return nil
}

func (m *toneMic) Close() error { return nil }

// memoryDisplay keeps what was shown.
type memoryDisplay struct {
	mu     sync.Mutex
	shown  int
	corner int // luma of the upper left sample, which letterboxing leaves black
	middle int
}

func (d *memoryDisplay) Size() (width, height int) { return 800, 480 }

func (d *memoryDisplay) Show(p *media.Picture) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p.Width != 800 || p.Height != 480 {
		return errors.New("picture of another size")
	}
	d.shown++
	d.corner, d.middle = int(p.Y[0]), int(p.Y[240*p.YStride+400])
	return nil
}

func (d *memoryDisplay) Close() error { return nil }

// indoor is an indoor station with simulated devices.
type indoor struct {
	*station.Station
	t       *testing.T
	sound   *sim.SoundDriver
	display *memoryDisplay

	mu     sync.Mutex
	events []station.Event
}

// call starts a station that calls the node, until the test ends.
func call(t *testing.T, url string, change func(*station.Config, *station.Devices)) *indoor {
	t.Helper()
	c := &indoor{t: t, sound: sim.NewSoundDriver(sim.SoundOptions{NoEcho: true}), display: &memoryDisplay{}}
	cfg := station.Config{
		Dial:    whep.DialOptions{URL: url, Call: session.CallConfig{Video: true, Listen: true, Talk: true, Loopback: true}},
		Talking: true, RetryFirst: 100 * time.Millisecond,
		OnEvent: func(e station.Event) {
			c.mu.Lock()
			c.events = append(c.events, e)
			c.mu.Unlock()
		},
	}
	devices := station.Devices{
		Speaker:    func(ctx context.Context) (hal.Speaker, error) { return c.sound.OpenSpeaker(ctx, sim.CardID) },
		Microphone: func(context.Context) (hal.Microphone, error) { return &toneMic{hz: 660}, nil },
		Display:    func(context.Context) (hal.Display, error) { return c.display, nil },
	}
	if change != nil {
		change(&cfg, &devices)
	}
	var err error
	if c.Station, err = station.New(cfg, devices, slog.New(slog.NewTextHandler(testLog{t}, nil))); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("station: %v", err)
		}
	})
	return c
}

// event waits for an event.
func (c *indoor) event(what string, match func(station.Event) bool) station.Event {
	c.t.Helper()
	var found station.Event
	eventually(c.t, 20*time.Second, "event: "+what, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, e := range c.events {
			if match(e) {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

// TestIntercom: a node and an indoor station see, hear and understand each
// other without a browser.
func TestIntercom(t *testing.T) {
	b := start(t, nil)
	path := t.TempDir() + "/call.webm"
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	c := call(t, b.url, func(cfg *station.Config, _ *station.Devices) { cfg.Record = file })
	c.event("connected", func(e station.Event) bool { return e.Type == "connected" })
	eventually(t, 20*time.Second, "the picture is on the display", func() bool {
		c.display.mu.Lock()
		defer c.display.mu.Unlock()
		return c.display.shown > 10 && c.display.corner == 16 && c.display.middle > 30
	})
	eventually(t, 20*time.Second, "the station's voice is heard at the node", func() bool { return b.sound.PlayedTone(660, 200*time.Millisecond) > -20 })
	eventually(t, 20*time.Second, "the node's voice is heard at the station", func() bool { return c.sound.PlayedLevel(300*time.Millisecond) > -45 })
	c.event("who talks", func(e station.Event) bool {
		return e.State != nil && e.State.Talker != nil && *e.State.Talker == "tester"
	})

	if err := b.lines.Press("button", 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	c.event("ring", func(e station.Event) bool { return e.Type == "ring" })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.OpenDoor(ctx); err != nil {
		t.Fatalf("the door: %v", err)
	}
	if on, _ := b.lines.State("relay"); !on {
		t.Error("the relay is off right after the release")
	}
	if err := c.OpenDoor(ctx); !errors.Is(err, station.ErrRefused) {
		t.Errorf("a second release during the pulse: %v", err)
	}

	c.SetTalking(false)
	eventually(t, 20*time.Second, "the node's speaker is released", func() bool { return len(b.engine.TalkerStats()) == 0 })
	s := c.Stats()
	// Where the machine is so busy that the path seems slow, it is the thumbnail.
	if w := s.Video.FrameWidth; w != 640 && w != 320 {
		t.Errorf("the picture is %d wide", w)
	}
	if s.Video.FramesDecoded < 10 || s.Video.FramesCorrupt != 0 || s.Call.State != "connected" || s.Call.VoicePacketsSent < 20 {
		t.Errorf("statistics %+v", s)
	}
	if s.Recorded == 0 {
		t.Error("nothing is recorded")
	}
}

// TestStationCallsAgain: when the session ends, the station calls again, and it
// gives up where that is of no use.
func TestStationCallsAgain(t *testing.T) {
	b := start(t, nil)
	c := call(t, b.url, func(cfg *station.Config, _ *station.Devices) { cfg.Talking = false })
	picture := func(n int) {
		eventually(t, 20*time.Second, "picture", func() bool { return c.Stats().Calls == int64(n) && c.Stats().Video.FramesDecoded > 5 })
	}
	picture(1)
	for _, v := range b.engine.Sessions().Viewers() {
		b.engine.Sessions().Viewer(v.ID).Close("test")
	}
	c.event("disconnected", func(e station.Event) bool { return e.Type == "disconnected" })
	picture(2)
}

func TestStationRefused(t *testing.T) {
	b := start(t, func(_ *engine.Config, b *bench) { b.grant.View = false })
	s, err := station.New(station.Config{Dial: whep.DialOptions{URL: b.url, Call: session.CallConfig{Video: true, Loopback: true}}}, station.Devices{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var status *whep.StatusError
	if err := s.Run(ctx); !errors.As(err, &status) || status.Code != http.StatusForbidden {
		t.Errorf("%v, want a refusal with 403", err)
	}
}

// TestEveryVoiceCodec: a node and a station call each other with every codec;
// the tone of the station arrives at the node, the node's voice at the station.
func TestEveryVoiceCodec(t *testing.T) {
	for _, name := range codec.Names() {
		if testing.Short() && name != codec.Opus {
			continue // the race detector's build is short of time
		}
		t.Run(string(name), func(t *testing.T) {
			b := start(t, func(cfg *engine.Config, _ *bench) { cfg.Video.Speed = vp8.MaxSpeed })
			c := call(t, b.url, func(cfg *station.Config, d *station.Devices) {
				cfg.Dial.Call.Video = false
				cfg.Dial.Call.VoiceCodecs = []codec.Name{name}
				d.Display = nil
			})
			eventually(t, 20*time.Second, "the tone is heard at the node", func() bool { return b.sound.PlayedTone(660, 300*time.Millisecond) > -22 })
			if other := b.sound.PlayedTone(1500, 300*time.Millisecond); other > -32 {
				t.Errorf("%.1f dBFS at 1500 Hz, where nothing was sent", other)
			}
			eventually(t, 20*time.Second, "the node's voice is heard at the station", func() bool { return c.sound.PlayedLevel(300*time.Millisecond) > -45 })
			if got := c.Stats().Call.Voice; got != string(name) {
				t.Errorf("the codec is %s", got)
			}
		})
	}
}
