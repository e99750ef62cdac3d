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
	"github.com/edgecam/edgecam/hal/pipe"
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
	stacks  hal.CameraDriver
	files   hal.CameraDriver
	// encoders are the board's; nil: none is looked for.
	encoders hal.EncoderDriver
	waves    hal.SoundDriver

	simCamera *sim.CameraDriver
	simSound  *sim.SoundDriver
	simLines  *sim.LineDriver // nil unless lines are simulated

	// simulate lets simulated devices stand in for real ones that are not there.
	simulate bool

	// camera is what was chosen, for the status page.
	camera func() string
}

// newDevices returns the drivers, with nothing chosen.
func newDevices(cfg *config.Config, log *slog.Logger) *devices {
	nodes := v4l2.New(log)
	return &devices{
		cfg: cfg, log: log,
		cameras: nodes, encoders: nodes, sound: alsa.New(log), lines: gpio.New(log),
		stacks: pipe.New(log),
		files:  file.NewCameraDriver(file.CameraOptions{}), waves: file.NewSoundDriver(file.SoundOptions{}),
		simCamera: sim.NewCameraDriver(sim.CameraOptions{}),
		simSound:  sim.NewSoundDriver(simSound(cfg.Sim)),
	}
}

// openDevices resolves every source of the configuration. Nothing is opened
// yet. In development mode simulated devices stand in for those that are not
// there, with a button, a motion sensor and a relay where no line is configured;
// a simulated camera that is asked for by name has these too.
func openDevices(cfg *config.Config, dev bool, log *slog.Logger) (*devices, engine.Devices, error) {
	d := newDevices(cfg, log)
	d.simulate = dev
	var out engine.Devices
	if err := d.chooseCamera(&out); err != nil {
		return nil, out, err
	}
	if err := d.chooseSound(&out); err != nil {
		return nil, out, err
	}
	d.chooseCodec(&out, thisBoard())
	d.chooseLines(&out, dev || d.cfg.Camera.Source == "sim")
	return d, out, nil
}

// auto returns a picker of devices.
func (d *devices) auto(kind, simID, nodes string, absent error) *auto {
	if !d.simulate {
		simID = ""
	}
	return &auto{kind: kind, simID: simID, nodes: nodes, absent: absent, log: d.log, interval: plugCheck}
}

func (d *devices) chooseCamera(out *engine.Devices) error {
	src, err := config.ParseSource(d.cfg.Camera.Source)
	if err != nil {
		return err
	}
	crop, err := d.cfg.Camera.CropRect()
	if err != nil {
		return err
	}
	want := hal.VideoMode{
		Width: d.cfg.Camera.Width, Height: d.cfg.Camera.Height, FrameInterval: time.Second / time.Duration(d.cfg.Camera.FPS),
		Crop: hal.Crop{X: crop[0], Y: crop[1], Width: crop[2], Height: crop[3]},
	}
	var driver hal.CameraDriver
	id := src.Arg
	switch src.Kind {
	case "auto":
		a := d.auto("camera", sim.CameraID, "/dev/video*", errNoCamera)
		d.camera = a.name
		out.Camera = func(ctx context.Context) (hal.Camera, error) {
			return a.camera(ctx, both{d.cameras, d.stacks}, d.simCamera, want)
		}
		return nil
	case "sim":
		driver, id = d.simCamera, sim.CameraID
	case "v4l2":
		driver = d.cameras
	case "rpicam", "argus":
		driver, id = d.stacks, src.String()
	case "file":
		driver, id = d.files, "file:"+src.Arg
	default:
		return fmt.Errorf("app: camera source %q is not a camera", d.cfg.Camera.Source)
	}
	d.camera = func() string { return id }
	out.Camera = func(ctx context.Context) (hal.Camera, error) { return driver.OpenCamera(ctx, id, want) }
	return nil
}

func (d *devices) chooseSound(out *engine.Devices) error {
	const nodes = "/dev/snd/controlC*"
	if d.cfg.Microphone.Enabled {
		driver, id, err := d.card(d.cfg.Microphone.Source)
		switch {
		case err != nil:
			return fmt.Errorf("app: microphone: %w", err)
		case driver == nil:
			a := d.auto("microphone", sim.CardID, nodes, errNoCard)
			out.Microphone = func(ctx context.Context) (hal.Microphone, error) { return a.microphone(ctx, d.sound, d.simSound) }
		default:
			out.Microphone = func(ctx context.Context) (hal.Microphone, error) { return driver.OpenMicrophone(ctx, id) }
		}
	}
	if d.cfg.Speaker.Enabled {
		driver, id, err := d.card(d.cfg.Speaker.Source)
		switch {
		case err != nil:
			return fmt.Errorf("app: speaker: %w", err)
		case driver == nil:
			a := d.auto("speaker", sim.CardID, nodes, errNoCard)
			out.Speaker = func(ctx context.Context) (hal.Speaker, error) { return a.speaker(ctx, d.sound, d.simSound) }
		default:
			out.Speaker = func(ctx context.Context) (hal.Speaker, error) { return driver.OpenSpeaker(ctx, id) }
		}
	}
	return nil
}

// card resolves the source of sound; no driver means to pick one.
func (d *devices) card(source string) (hal.SoundDriver, string, error) {
	src, err := config.ParseSource(source)
	if err != nil {
		return nil, "", err
	}
	switch src.Kind {
	case "auto":
		return nil, "", nil
	case "sim":
		return d.simSound, sim.CardID, nil
	case "alsa":
		return d.sound, src.Arg, nil
	case "file":
		return d.waves, "file:" + src.Arg, nil
	}
	return nil, "", fmt.Errorf("source %q is not a sound card", source)
}

func (d *devices) chooseLines(out *engine.Devices, simulate bool) {
	l := d.cfg.Lines
	switch {
	case l.IRFilterOut.Configured():
		latch := gpio.LatchConfig{On: l.IRFilter.HAL(), Off: l.IRFilterOut.HAL(), Pulse: time.Duration(l.IRPulseMS) * time.Millisecond}
		out.IRFilter = func(ctx context.Context) (hal.Output, error) { return gpio.OpenLatch(ctx, d.lines, latch) }
	case l.IRFilter.Configured():
		out.IRFilter = d.output(d.lines, l.IRFilter.HAL())
	}
	switch {
	case l.IRLightPWM.Configured():
		light := gpio.PWMConfig{
			Chip: l.IRLightPWM.Chip, Channel: l.IRLightPWM.Channel, FrequencyHz: l.IRLightPWM.FrequencyHz,
			Duty: float32(l.IRLightPWM.Duty) / 100, MostDuty: float32(l.IRLightPWM.MostDuty) / 100, Inverted: l.IRLightPWM.Inverted,
		}
		out.IRLight = func(ctx context.Context) (hal.Output, error) { return gpio.OpenPWM(ctx, light) }
	case l.IRLight.Configured():
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
		relay := l.Relay.HAL()
		relay.LongestPulse = config.MaxRelayPulse // whatever becomes of who has set it
		out.Relay = d.output(d.lines, relay)
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
	if stacks, serr := pipe.New(log).Cameras(ctx); serr == nil && behindStack(inv.Cameras) {
		inv.Cameras = append(inv.Cameras, stacks...)
	}
	if inv.Cards, err = alsa.New(log).Cards(ctx); err != nil {
		log.Warn("sound cards cannot be listed", "error", err)
	}
	if inv.Chips, err = gpio.New(log).Chips(ctx); err != nil {
		log.Warn("GPIO chips cannot be listed", "error", err)
	}
	return inv, nil
}
