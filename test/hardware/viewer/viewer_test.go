package viewer

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/whep"
	"github.com/edgecam/edgecam/engine/station"
	"github.com/edgecam/edgecam/hal"
)

// What is heard at either end, as package guest has it.
const (
	visitorHz = 440
	viewerHz  = 660
)

// stepLimit is for an emulated machine on a busy host.
const stepLimit = 2 * time.Minute

// TestNodeInGuest waits for the node in the virtual machine to tell on the
// console how to reach it, and calls it: the counterpart of guest.TestNode.
func TestNodeInGuest(t *testing.T) {
	if os.Getenv("EDGECAM_GUEST_MINUTES") != "" {
		t.Skip("TestNodeStreamsInGuest has the guest to itself")
	}
	v := call(t)
	w := v.watcher
	v.step(t, "the camera's picture is seen", w.sees(bars))
	v.step(t, "the visitor is heard", w.hears(visitorHz))
	v.step(t, "the bell has rung", w.told("ring"))
	v.step(t, "the picture says that the camera is gone", w.sees(noSignal))
	v.step(t, "the camera's picture is back", w.sees(bars))
	t.Logf("scenes: %v", w.history())
	if n := w.count("connected"); n != 1 {
		t.Errorf("connected %d times, want once: pulling out the camera must not end the call", n)
	}
	asking, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	if err := v.station.OpenDoor(asking); err != nil {
		t.Errorf("the door: %v", err)
	}
	cancel()
	v.step(t, "the node has hung up", w.told("disconnected"))
	v.end(t)
}

// TestNodeStreamsInGuest watches until the node hangs up: the counterpart of
// guest.TestNodeStreams.
func TestNodeStreamsInGuest(t *testing.T) {
	minutes, err := strconv.Atoi(os.Getenv("EDGECAM_GUEST_MINUTES"))
	if err != nil {
		t.Skip("takes minutes: EDGECAM_GUEST_MINUTES says how many")
	}
	v := call(t)
	w := v.watcher
	v.step(t, "the camera's picture is seen", w.sees(bars))
	v.step(t, "the visitor is heard", w.hears(visitorHz))
	var before, least uint64
	for i := range minutes {
		if i == minutes-1 { // the node hangs up in the course of the last one
			break
		}
		time.Sleep(time.Until(v.called.Add(time.Duration(i+1) * time.Minute)))
		s := v.station.Stats().Video
		shown := s.FramesDisplayed - before
		before = s.FramesDisplayed
		t.Logf("minute %d: %d frames displayed of %d received, %d freezes so far", i+1, shown, s.FramesReceived, s.FreezeCount)
		if i == 0 || shown < least {
			least = shown
		}
	}
	if least < 60 {
		t.Errorf("%d frames in the worst minute", least)
	}
	// A camera that an overloaded machine does not serve for a second is told of,
	// and comes back.
	scenes := w.history()
	t.Logf("scenes: %v", scenes)
	if n, last := w.count("connected"), scenes[len(scenes)-1]; n != 1 || last.scene == other {
		t.Errorf("connected %d times, at last %v", n, last)
	}
	v.step(t, "the node has hung up", w.told("disconnected"))
	v.end(t)
}

// viewer is a call to the node.
type viewer struct {
	watcher *watcher
	station *station.Station
	called  time.Time
	hangUp  func()
	ended   chan error
}

func call(t *testing.T) *viewer {
	t.Helper()
	console, address := os.Getenv("EDGECAM_GUEST_CONSOLE"), os.Getenv("EDGECAM_GUEST_ADDRESS")
	if console == "" {
		t.Skip("no virtual machine: test/hardware/run.sh starts it and this test")
	}
	fingerprint, token := awaitNode(t, console)
	tls, err := whep.PinnedTLS(fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: tls}
	t.Cleanup(transport.CloseIdleConnections)
	v := &viewer{called: time.Now(), ended: make(chan error, 1)}
	w := &watcher{events: map[string]int{}, called: v.called}
	v.watcher = w
	v.station, err = station.New(station.Config{
		Dial: whep.DialOptions{
			URL: "https://" + address + "/whep", Authorization: "Bearer " + token, HTTP: &http.Client{Transport: transport},
			Call: session.CallConfig{Video: true, Listen: true, Talk: true, Loopback: true},
		},
		Talking: true, Once: true, OnEvent: w.event,
	}, station.Devices{
		Speaker:    func(context.Context) (hal.Speaker, error) { return &speaker{w: w}, nil },
		Microphone: func(context.Context) (hal.Microphone, error) { return &tone{}, nil },
		Display:    func(context.Context) (hal.Display, error) { return display{w}, nil },
	}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, hangUp := context.WithCancel(t.Context())
	v.hangUp = hangUp
	t.Cleanup(hangUp)
	go func() {
		for {
			err := v.station.Run(ctx)
			// An overloaded machine may not answer in a call's time; a call that came
			// about must last.
			if ctx.Err() != nil || w.count("connected") > 0 || time.Since(v.called) > stepLimit {
				v.ended <- err
				return
			}
			t.Logf("calling again after: %v", err)
			time.Sleep(time.Second)
		}
	}()
	return v
}

// step waits until done.
func (v *viewer) step(t *testing.T, what string, done func() bool) {
	t.Helper()
	begin := time.Now()
	for !done() {
		if time.Since(begin) > stepLimit {
			v.hangUp()
			<-v.ended
			t.Fatalf("%s: not within %v; %s; %+v", what, stepLimit, v.watcher, v.station.Stats())
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("%7.3f s %s", time.Since(v.called).Seconds(), what)
}

// end waits for the end of the call.
func (v *viewer) end(t *testing.T) {
	t.Helper()
	if err := <-v.ended; err != nil {
		t.Errorf("station: %v", err)
	}
	t.Logf("%+v", v.station.Stats())
}

// awaitNode reads the guest's console until the node has said how it is called.
func awaitNode(t *testing.T, console string) (fingerprint, token string) {
	t.Helper()
	// Complete lines only: the console is slow.
	said := regexp.MustCompile(`(?m)^EDGECAM-NODE (\S+) (\S+)\s*\n`)
	over := regexp.MustCompile(`(?m)^EDGECAM-GUEST-RESULT|Kernel panic`)
	for range 4000 {
		text, err := os.ReadFile(console)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if m := said.FindSubmatch(text); m != nil {
			return string(m[1]), string(m[2])
		}
		if over.Match(text) {
			t.Fatal("the guest has ended and no node has started in it")
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("no node has started in the guest")
	return "", ""
}

// watcher is what the viewer has seen and heard.
type watcher struct {
	called time.Time

	mu     sync.Mutex
	events map[string]int
	scenes []change // one after the other
	looked int      // up to here the test has looked at them
	sound  [media.EngineRateHz / 10]int16
	at     int
}

// change is when a scene began.
type change struct {
	at            time.Duration
	scene         scene
	width, height int
	colours       [8][3]int // Y, U and V in the middle of each bar
}

func (c change) String() string {
	return fmt.Sprintf("%.3f s %v %dx%d %v", c.at.Seconds(), c.scene, c.width, c.height, c.colours)
}

// maxScenes bounds the history of a picture that changes all the time.
const maxScenes = 200

type scene int

const (
	bars scene = iota
	noSignal
	other
)

func (s scene) String() string { return [...]string{"bars", "no signal", "other"}[s] }

func (w *watcher) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("events %v, scenes %v", w.events, w.scenes)
}

func (w *watcher) history() []change {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.scenes)
}

func (w *watcher) event(e station.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events[e.Type]++
}

func (w *watcher) count(event string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events[event]
}

func (w *watcher) told(event string) func() bool { return func() bool { return w.count(event) > 0 } }

// sees reports whether the scene is there or was there since the one that was
// asked for before: the test may look late.
func (w *watcher) sees(want scene) func() bool {
	return func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for i := w.looked; i < len(w.scenes); i++ {
			if w.scenes[i].scene == want {
				w.looked = i
				return true
			}
		}
		return false
	}
}

// hears reports whether the last tenth of a second has the tone.
func (w *watcher) hears(hz float64) func() bool {
	return func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		c := 2 * math.Cos(2*math.Pi*hz/media.EngineRateHz)
		var a, b float64
		for i := range w.sound {
			a, b = float64(w.sound[(w.at+i)%len(w.sound)])+c*a-b, a
		}
		return 2*math.Sqrt(a*a+b*b-c*a*b)/float64(len(w.sound)) > 2000
	}
}

// colours are vivid's bars of 75 %, as BT.601 luma, U and V.
var colours = [8][3]int{
	{180, 128, 128},
	{162, 44, 142},
	{131, 156, 44},
	{112, 72, 58},
	{84, 184, 198},
	{65, 100, 212},
	{35, 212, 114},
	{16, 128, 128},
}

func sceneOf(p *media.Picture) (s scene, seen [8][3]int) {
	right, grey := 0, 0
	for i, want := range colours {
		x, y := (2*i+1)*p.Width/16, p.Height*5/6 // below the text that vivid writes
		got := [3]int{int(p.Y[y*p.YStride+x]), int(p.U[y/2*p.UVStride+x/2]), int(p.V[y/2*p.UVStride+x/2])}
		seen[i] = got
		near := true
		for k := range got {
			near = near && got[k]-want[k] < 20 && want[k]-got[k] < 20
		}
		if near {
			right++
		}
		if got[0] < 110 && got[1] > 120 && got[1] < 136 && got[2] > 120 && got[2] < 136 {
			grey++
		}
	}
	switch {
	case right == len(colours):
		return bars, seen
	case grey == len(colours):
		return noSignal, seen
	}
	return other, seen
}

type display struct{ w *watcher }

func (display) Size() (width, height int) { return 320, 180 }
func (display) Close() error              { return nil }

func (d display) Show(p *media.Picture) error {
	s, seen := sceneOf(p)
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	if n := len(d.w.scenes); n < maxScenes && (n == 0 || d.w.scenes[n-1].scene != s) {
		d.w.scenes = append(d.w.scenes, change{time.Since(d.w.called), s, p.Width, p.Height, seen})
	}
	return nil
}

// speaker keeps what is played, at the clock's pace.
type speaker struct {
	w     *watcher
	start time.Time
	n     int
}

func (s *speaker) Write(ctx context.Context, b *media.Block) error {
	s.w.mu.Lock()
	for _, v := range b.Samples {
		s.w.sound[s.w.at] = v
		s.w.at = (s.w.at + 1) % len(s.w.sound)
	}
	s.w.mu.Unlock()
	return pace(ctx, &s.start, &s.n)
}

func (*speaker) Delay() time.Duration { return 0 }
func (*speaker) Close() error         { return nil }

// tone is a microphone that hears the viewer's tone.
type tone struct {
	start time.Time
	n     int
}

func (m *tone) Read(ctx context.Context, b *media.Block) error {
	if err := pace(ctx, &m.start, &m.n); err != nil {
		return err
	}
	b.CapturedAt = time.Now().Add(-media.BlockDuration)
	for i := range b.Samples {
		b.Samples[i] = int16(8000 * math.Sin(2*math.Pi*viewerHz*float64(m.n*media.BlockSamples+i)/media.EngineRateHz))
	}
	return nil
}

func (*tone) Close() error { return nil }

// pace waits for the end of the next block.
func pace(ctx context.Context, start *time.Time, n *int) error {
	if start.IsZero() {
		*start = time.Now()
	}
	*n++
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(start.Add(time.Duration(*n) * media.BlockDuration))):
		return nil
	}
}
