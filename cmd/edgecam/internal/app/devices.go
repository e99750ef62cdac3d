package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/edgecam/edgecam/alsa"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/doctor"
	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/file"
	"github.com/edgecam/edgecam/hal/gpio"
	"github.com/edgecam/edgecam/hal/sim"
	"github.com/edgecam/edgecam/v4l2"
)

// pressTime is how long the simulated button is held.
const pressTime = 200 * time.Millisecond

// devices are the drivers and what was chosen from them.
type devices struct {
	cfg *config.Config
	log *slog.Logger

	cameras hal.CameraDriver
	sound   hal.SoundDriver
	lines   hal.LineDriver
	files   hal.CameraDriver
	waves   hal.SoundDriver

	simCamera *sim.CameraDriver
	simSound  *sim.SoundDriver
	simLines  *sim.LineDriver // nil unless lines are simulated

	// What was chosen, for the status page.
	camera, microphone, speaker string
}

// newDevices returns the drivers, with nothing chosen.
func newDevices(cfg *config.Config, log *slog.Logger) *devices {
	return &devices{
		cfg: cfg, log: log,
		cameras: v4l2.New(log), sound: alsa.New(log), lines: gpio.New(log),
		files: file.NewCameraDriver(file.CameraOptions{}), waves: file.NewSoundDriver(file.SoundOptions{}),
		simCamera: sim.NewCameraDriver(sim.CameraOptions{}),
		simSound:  sim.NewSoundDriver(simSound(cfg.Sim)),
	}
}

// openDevices resolves every source of the configuration. Nothing is opened
// yet. simulateLines gives a simulated button, motion sensor and relay where
// no line is configured.
func openDevices(ctx context.Context, cfg *config.Config, simulateLines bool, log *slog.Logger) (*devices, engine.Devices, error) {
	d := newDevices(cfg, log)
	var out engine.Devices
	if err := d.chooseCamera(ctx, &out); err != nil {
		return nil, out, err
	}
	if err := d.chooseSound(ctx, &out); err != nil {
		return nil, out, err
	}
	d.chooseLines(&out, simulateLines || d.camera == sim.CameraID)
	return d, out, nil
}

func (d *devices) chooseCamera(ctx context.Context, out *engine.Devices) error {
	src, err := config.ParseSource(d.cfg.Camera.Source)
	if err != nil {
		return err
	}
	var driver hal.CameraDriver
	id := src.Arg
	switch src.Kind {
	case "auto":
		driver, id = d.firstCamera(ctx)
	case "sim":
		driver, id = d.simCamera, sim.CameraID
	case "v4l2":
		driver = d.cameras
	case "file":
		driver, id = d.files, "file:"+src.Arg
	default:
		return fmt.Errorf("app: camera source %q is not a camera", d.cfg.Camera.Source)
	}
	d.camera = id
	want := hal.VideoMode{Width: d.cfg.Camera.Width, Height: d.cfg.Camera.Height, FrameInterval: time.Second / time.Duration(d.cfg.Camera.FPS)}
	out.Camera = func(ctx context.Context) (hal.Camera, error) { return driver.OpenCamera(ctx, id, want) }
	return nil
}

// firstCamera returns the first real camera that can be used, else the
// simulated one.
func (d *devices) firstCamera(ctx context.Context) (hal.CameraDriver, string) {
	found, err := d.cameras.Cameras(ctx)
	if err != nil {
		d.log.Warn("cameras cannot be listed", "error", err)
	}
	for _, c := range found {
		if c.Problem == "" && len(c.Modes) > 0 {
			return d.cameras, c.ID
		}
		d.log.Warn("camera skipped", "camera", c.ID, "problem", c.Problem)
	}
	d.log.Info("no camera found, using the simulated one")
	return d.simCamera, sim.CameraID
}

func (d *devices) chooseSound(ctx context.Context, out *engine.Devices) error {
	if d.cfg.Microphone.Enabled {
		driver, id, err := d.card(ctx, d.cfg.Microphone.Source, func(c hal.CardInfo) bool { return c.Capture })
		if err != nil {
			return fmt.Errorf("app: microphone: %w", err)
		}
		d.microphone = id
		out.Microphone = func(ctx context.Context) (hal.Microphone, error) { return driver.OpenMicrophone(ctx, id) }
	}
	if d.cfg.Speaker.Enabled {
		driver, id, err := d.card(ctx, d.cfg.Speaker.Source, func(c hal.CardInfo) bool { return c.Playback })
		if err != nil {
			return fmt.Errorf("app: speaker: %w", err)
		}
		d.speaker = id
		out.Speaker = func(ctx context.Context) (hal.Speaker, error) { return driver.OpenSpeaker(ctx, id) }
	}
	return nil
}

func (d *devices) card(ctx context.Context, source string, can func(hal.CardInfo) bool) (hal.SoundDriver, string, error) {
	src, err := config.ParseSource(source)
	if err != nil {
		return nil, "", err
	}
	switch src.Kind {
	case "sim":
		return d.simSound, sim.CardID, nil
	case "alsa":
		return d.sound, src.Arg, nil
	case "file":
		return d.waves, "file:" + src.Arg, nil
	case "auto":
		cards, err := d.sound.Cards(ctx)
		if err != nil {
			d.log.Warn("sound cards cannot be listed", "error", err)
		}
		for _, c := range cards {
			if c.Problem == "" && can(c) {
				return d.sound, c.ID, nil
			}
		}
		d.log.Info("no sound card found, using the simulated one")
		return d.simSound, sim.CardID, nil
	}
	return nil, "", fmt.Errorf("source %q is not a sound card", source)
}

func (d *devices) chooseLines(out *engine.Devices, simulate bool) {
	l := d.cfg.Lines
	if l.IRFilter.Configured() {
		out.IRFilter = d.output(d.lines, l.IRFilter.HAL())
	}
	if l.IRLight.Configured() {
		out.IRLight = d.output(d.lines, l.IRLight.HAL())
	}
	if simulate && !l.Button.Configured() && !l.PIR.Configured() && !l.Relay.Configured() {
		d.simLines = sim.NewLineDriver()
		d.log.Info("no lines configured, using a simulated button, motion sensor and relay")
		out.Button = d.input(d.simLines, hal.InputConfig{Line: hal.LineRef{Name: "button"}})
		out.PIR = d.input(d.simLines, hal.InputConfig{Line: hal.LineRef{Name: "pir"}})
		out.Relay = d.output(d.simLines, hal.OutputConfig{Line: hal.LineRef{Name: "relay"}})
		return
	}
	if l.Button.Configured() {
		out.Button = d.input(d.lines, l.Button.HAL())
	}
	if l.PIR.Configured() {
		out.PIR = d.input(d.lines, l.PIR.HAL())
	}
	if l.Relay.Configured() {
		out.Relay = d.output(d.lines, l.Relay.HAL())
	}
}

func (d *devices) input(driver hal.LineDriver, cfg hal.InputConfig) func(context.Context) (hal.Input, error) {
	return func(ctx context.Context) (hal.Input, error) { return driver.OpenInput(ctx, cfg) }
}

func (d *devices) output(driver hal.LineDriver, cfg hal.OutputConfig) func(context.Context) (hal.Output, error) {
	return func(ctx context.Context) (hal.Output, error) { return driver.OpenOutput(ctx, cfg) }
}

// Devices lists everything that the drivers find, simulated devices left out.
// A driver that fails is logged; the others are listed all the same.
func Devices(ctx context.Context, _ *config.Config, log *slog.Logger) (doctor.Inventory, error) {
	var inv doctor.Inventory
	var err error
	if inv.Cameras, err = v4l2.New(log).Cameras(ctx); err != nil {
		log.Warn("cameras cannot be listed", "error", err)
	}
	if inv.Cards, err = alsa.New(log).Cards(ctx); err != nil {
		log.Warn("sound cards cannot be listed", "error", err)
	}
	if inv.Chips, err = gpio.New(log).Chips(ctx); err != nil {
		log.Warn("GPIO chips cannot be listed", "error", err)
	}
	return inv, nil
}
