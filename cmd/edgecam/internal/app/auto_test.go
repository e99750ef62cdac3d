package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/sim"
)

// shelf is a driver of the cameras and cards that lie on it.
type shelf struct {
	cameras []hal.CameraInfo
	cards   []hal.CardInfo
	busy    string
}

type shelfCamera struct {
	hal.Camera
	id string
}

func (*shelfCamera) Close() error { return nil }

func (s *shelf) Cameras(context.Context) ([]hal.CameraInfo, error) { return s.cameras, nil }
func (s *shelf) Cards(context.Context) ([]hal.CardInfo, error)     { return s.cards, nil }

func (s *shelf) OpenCamera(_ context.Context, id string, _ hal.VideoMode) (hal.Camera, error) {
	if id == s.busy {
		return nil, &hal.Error{Op: "open", Path: id, Kind: hal.Busy}
	}
	return &shelfCamera{id: id}, nil
}

type shelfCard struct{ hal.Speaker }

func (s *shelf) OpenSpeaker(context.Context, string) (hal.Speaker, error) { return shelfCard{}, nil }

func (s *shelf) OpenMicrophone(context.Context, string) (hal.Microphone, error) {
	return nil, errors.New("not used")
}

func usable(id string) hal.CameraInfo {
	return hal.CameraInfo{ID: id, Modes: []hal.VideoMode{{Width: 640}}}
}

func picker(t *testing.T, simID string) (a *auto, plugIn func(string)) {
	dir := t.TempDir()
	a = &auto{
		kind: "camera", simID: simID, nodes: filepath.Join(dir, "node*"), absent: errNoCamera,
		log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	return a, func(name string) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestProductionWaitsForTheCamera: without a camera there is none, and the one
// that comes later is taken.
func TestProductionWaitsForTheCamera(t *testing.T) {
	a, _ := picker(t, "")
	s := &shelf{cameras: []hal.CameraInfo{{ID: "raw", Problem: "raw Bayer"}}}
	_, err := a.camera(t.Context(), s, sim.NewCameraDriver(sim.CameraOptions{}), hal.VideoMode{})
	if hal.KindOf(err) != hal.Gone || !errors.Is(err, errNoCamera) || a.name() != "" {
		t.Fatalf("no camera: %v, %q", err, a.name())
	}
	s.cameras = append(s.cameras, usable("usb-1"), usable("usb-2"))
	cam, err := a.camera(t.Context(), s, nil, hal.VideoMode{})
	if err != nil || cam.(*shelfCamera).id != "usb-1" || a.name() != "usb-1" {
		t.Fatalf("%v, %v", cam, err)
	}
}

// TestPickIsHeld: the camera in use is not exchanged for another that comes
// before it in the list or for a moment when it is busy, but it is when it is
// gone.
func TestPickIsHeld(t *testing.T) {
	a, _ := picker(t, "")
	s := &shelf{cameras: []hal.CameraInfo{usable("b")}}
	open := func() (string, error) {
		cam, err := a.camera(t.Context(), s, nil, hal.VideoMode{})
		if err != nil {
			return "", err
		}
		return cam.(*shelfCamera).id, nil
	}
	if id, err := open(); id != "b" {
		t.Fatal(id, err)
	}
	s.cameras = []hal.CameraInfo{usable("a"), usable("b")}
	if id, err := open(); id != "b" {
		t.Fatal(id, err)
	}
	s.busy = "b"
	if id, err := open(); hal.KindOf(err) != hal.Busy {
		t.Fatal(id, err)
	}
	s.cameras = s.cameras[:1]
	if id, err := open(); id != "a" {
		t.Fatal(id, err)
	}
}

// TestSimulatedCameraGivesWay: in development mode the simulated camera stands in
// until a real one is plugged in, and does not come back when that is pulled out.
func TestSimulatedCameraGivesWay(t *testing.T) {
	a, plugIn := picker(t, sim.CameraID)
	s := &shelf{}
	simulated := sim.NewCameraDriver(sim.CameraOptions{})
	cam, err := a.camera(t.Context(), s, simulated, hal.VideoMode{Width: 160, Height: 120, FrameInterval: time.Second / 30})
	if err != nil {
		t.Fatal(err)
	}
	defer cam.Close()
	for range 3 {
		f, err := cam.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.Release()
	}
	plugIn("node0")
	if _, err := cam.Read(t.Context()); hal.KindOf(err) != hal.Gone {
		t.Fatalf("read after plugging in: %v", err)
	}
	s.cameras = []hal.CameraInfo{usable("usb")}
	if cam, err := a.camera(t.Context(), s, simulated, hal.VideoMode{}); err != nil || cam.(*shelfCamera).id != "usb" {
		t.Fatal(cam, err)
	}
	s.cameras = nil
	if _, err := a.camera(t.Context(), s, simulated, hal.VideoMode{}); hal.KindOf(err) != hal.Gone {
		t.Errorf("a simulated camera took the real one's place: %v", err)
	}
}

func TestSimulatedSpeakerGivesWay(t *testing.T) {
	a, plugIn := picker(t, sim.CardID)
	s := &shelf{cards: []hal.CardInfo{{ID: "mic", Capture: true}}}
	speaker, err := a.speaker(t.Context(), s, sim.NewSoundDriver(sim.SoundOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	defer speaker.Close()
	if _, ok := speaker.(hal.SilenceCounter); !ok {
		t.Error("the simulated speaker does not count its silence any more")
	}
	var b media.Block
	if err := speaker.Write(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	plugIn("node1")
	if err := speaker.Write(t.Context(), &b); hal.KindOf(err) != hal.Gone {
		t.Fatalf("write after plugging in: %v", err)
	}
	s.cards = append(s.cards, hal.CardInfo{ID: "usb", Playback: true})
	if _, err := a.speaker(t.Context(), s, nil); err != nil || a.name() != "usb" {
		t.Errorf("%v, %q", err, a.name())
	}
}

// TestSensorBehindStack: a raw sensor is taken through its stack's program where
// that is installed, and a USB camera comes first.
func TestSensorBehindStack(t *testing.T) {
	nodes := &shelf{cameras: []hal.CameraInfo{{ID: "/dev/video0", Driver: "unicam", Problem: "raw Bayer"}}}
	stacks := &shelf{cameras: []hal.CameraInfo{usable("argus"), usable("rpicam")}}
	open := func(d both) string {
		a, _ := picker(t, "")
		if _, err := a.camera(t.Context(), d, nil, hal.VideoMode{}); err != nil {
			return err.Error()
		}
		return a.name()
	}
	if got := open(both{nodes, stacks}); got != "rpicam" {
		t.Errorf("picked %q", got)
	}
	if got := open(both{nodes, &shelf{}}); !strings.Contains(got, "raw Bayer") {
		t.Errorf("without the program: %q", got)
	}
	if got := open(both{&shelf{}, stacks}); !strings.Contains(got, "no camera is connected") {
		t.Errorf("without a sensor: %q", got)
	}
	nodes.cameras = append(nodes.cameras, usable("usb"))
	if got := open(both{nodes, stacks}); got != "usb" {
		t.Errorf("with a USB camera: %q", got)
	}
}
