package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// plugCheck is how often the list of device nodes is looked at while a simulated
// device stands in for a real one.
const plugCheck = 2 * time.Second

var (
	errNoCamera = errors.New("app: no camera is connected; plug one in, or set camera.source ('edgecam doctor' says what it finds)")
	errNoCard   = errors.New("app: no sound card is connected; plug one in, or set microphone.source and speaker.source")
	errPlugged  = errors.New("app: a device was plugged in")
)

// auto picks a device each time one is opened, so that what is plugged in later
// is taken without a restart. It holds to the device it has picked for as long as
// that is there. In development mode a simulated device stands in until the first
// real one has been seen; never afterwards, and never in production: a scene that
// is not there must not be taken for the door.
type auto struct {
	kind     string // for messages
	simID    string // "" in production
	nodes    string // pattern of the device nodes, to notice new ones
	log      *slog.Logger
	absent   error
	interval time.Duration

	mu     sync.Mutex
	chosen string
	real   bool // a real device was opened before
	told   bool // that there is none
}

// name is the device in use, "" before the first.
func (a *auto) name() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.chosen
}

// candidates orders the usable devices: the one that was picked before alone if
// it is there.
func (a *auto) candidates(usable []string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if slices.Contains(usable, a.chosen) {
		return []string{a.chosen}
	}
	return usable
}

// taken notes which device was opened.
func (a *auto) taken(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.chosen != id {
		a.log.Info("device picked", "device", a.kind, "id", id)
	}
	a.chosen, a.real, a.told = id, a.real || id != a.simID, false
}

// standIn reports whether a simulated device may be used now.
func (a *auto) standIn() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.simID != "" && !a.real {
		return true
	}
	if !a.told {
		a.told = true
		a.log.Warn("waiting for a device", "device", a.kind)
	}
	return false
}

// none is the failure to find a device.
func (a *auto) none(err error) error {
	return &hal.Error{Op: "find", Path: a.kind, Kind: hal.Gone, Err: errors.Join(a.absent, err)}
}

// plugged watches for device nodes that come while a simulated device is in use.
type plugged struct {
	a       *auto
	nodes   []string
	checked time.Time
}

func (a *auto) watch() plugged {
	p := plugged{a: a, checked: time.Now()}
	p.nodes, _ = filepath.Glob(a.nodes) // the pattern is well formed
	return p
}

// check returns an error of kind Gone once another set of nodes is there: the
// owner then opens again, and the list is looked at closely.
func (p *plugged) check() error {
	if time.Since(p.checked) < p.a.interval {
		return nil
	}
	p.checked = time.Now()
	nodes, _ := filepath.Glob(p.a.nodes)
	if slices.Equal(nodes, p.nodes) {
		return nil
	}
	return &hal.Error{Op: "read", Path: p.a.simID, Kind: hal.Gone, Err: errPlugged}
}

// camera opens a camera.
func (a *auto) camera(ctx context.Context, driver, simulated hal.CameraDriver, want hal.VideoMode) (hal.Camera, error) {
	nodes := a.watch()
	found, err := driver.Cameras(ctx)
	var usable []string
	for _, c := range found {
		switch {
		case c.Problem == "" && len(c.Modes) > 0:
			usable = append(usable, c.ID)
		default:
			a.log.Debug("camera skipped", "camera", c.ID, "problem", c.Problem)
			err = errors.Join(err, fmt.Errorf("%s: %s", c.ID, c.Problem))
		}
	}
	var failed error
	for _, id := range a.candidates(usable) {
		cam, err := driver.OpenCamera(ctx, id, want)
		if err == nil {
			a.taken(id)
			return cam, nil
		}
		if failed == nil {
			failed = err
		}
	}
	switch {
	case failed != nil:
		return nil, failed
	case !a.standIn():
		return nil, a.none(err)
	}
	cam, err := simulated.OpenCamera(ctx, a.simID, want)
	if err != nil {
		return nil, err
	}
	a.taken(a.simID)
	return &simCamera{cam, nodes}, nil
}

// simCamera is a simulated camera that gives way.
type simCamera struct {
	hal.Camera
	plugged plugged
}

func (c *simCamera) Read(ctx context.Context) (*media.Frame, error) {
	if err := c.plugged.check(); err != nil {
		return nil, err
	}
	return c.Camera.Read(ctx)
}

// card opens one direction of a sound card with open, which gets the driver.
func card[T any](ctx context.Context, a *auto, driver, simulated hal.SoundDriver, can func(hal.CardInfo) bool,
	open func(hal.SoundDriver, string) (T, error), giveWay func(T, plugged) T,
) (T, error) {
	var none T
	nodes := a.watch()
	found, err := driver.Cards(ctx)
	var usable []string
	for _, c := range found {
		switch {
		case !can(c):
		case c.Problem == "":
			usable = append(usable, c.ID)
		default:
			err = errors.Join(err, fmt.Errorf("%s: %s", c.ID, c.Problem))
		}
	}
	var failed error
	for _, id := range a.candidates(usable) {
		dev, err := open(driver, id)
		if err == nil {
			a.taken(id)
			return dev, nil
		}
		if failed == nil {
			failed = err
		}
	}
	switch {
	case failed != nil:
		return none, failed
	case !a.standIn():
		return none, a.none(err)
	}
	dev, err := open(simulated, a.simID)
	if err != nil {
		return none, err
	}
	a.taken(a.simID)
	return giveWay(dev, nodes), nil
}

// simMicrophone and simSpeaker are simulated devices that give way. They can
// what the simulated card can.
type simMicrophone struct {
	soundSource
	plugged plugged
}

type soundSource interface {
	hal.Microphone
	hal.CaptureGain
}

func (m *simMicrophone) Read(ctx context.Context, b *media.Block) error {
	if err := m.plugged.check(); err != nil {
		return err
	}
	return m.soundSource.Read(ctx, b)
}

type simSpeaker struct {
	soundSink
	plugged plugged
}

type soundSink interface {
	hal.Speaker
	hal.SilenceCounter
}

func (s *simSpeaker) Write(ctx context.Context, b *media.Block) error {
	if err := s.plugged.check(); err != nil {
		return err
	}
	return s.soundSink.Write(ctx, b)
}

func (a *auto) microphone(ctx context.Context, driver, simulated hal.SoundDriver) (hal.Microphone, error) {
	return card(ctx, a, driver, simulated, func(c hal.CardInfo) bool { return c.Capture },
		func(d hal.SoundDriver, id string) (hal.Microphone, error) { return d.OpenMicrophone(ctx, id) },
		func(m hal.Microphone, p plugged) hal.Microphone {
			if s, ok := m.(soundSource); ok {
				return &simMicrophone{s, p}
			}
			return m
		})
}

func (a *auto) speaker(ctx context.Context, driver, simulated hal.SoundDriver) (hal.Speaker, error) {
	return card(ctx, a, driver, simulated, func(c hal.CardInfo) bool { return c.Playback },
		func(d hal.SoundDriver, id string) (hal.Speaker, error) { return d.OpenSpeaker(ctx, id) },
		func(m hal.Speaker, p plugged) hal.Speaker {
			if s, ok := m.(soundSink); ok {
				return &simSpeaker{s, p}
			}
			return m
		})
}
