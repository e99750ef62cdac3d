package engine

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/enhance"
	"github.com/edgecam/edgecam/hal"
)

// NightMode says how the camera is switched between day and night.
type NightMode uint8

// The modes. By night the infrared filter is out, the infrared light on and
// the picture without colour.
const (
	AlwaysDay NightMode = iota
	AlwaysNight
	NightAuto // by the picture's light
)

// EnhanceObserver is an Observer that is told about picture enhancement, too.
// The same rules hold.
type EnhanceObserver interface {
	// EnhanceStep: a step of the chain took that long on a frame, and changed it
	// or only looked at it.
	EnhanceStep(s enhance.Step, took time.Duration, changed bool)
	// Enhanced: a frame has passed the chain.
	Enhanced(noise enhance.NoiseModel, exposure enhance.Exposure, night bool)
}

func (noObserver) EnhanceStep(enhance.Step, time.Duration, bool)       {}
func (noObserver) Enhanced(enhance.NoiseModel, enhance.Exposure, bool) {}

// enhancer runs the enhancement chain between capture and encoder. Its lock is
// held while a picture is processed and handed on, so that no picture of an
// older configuration is handed on after a new one was set.
type enhancer struct {
	log      *slog.Logger
	observer EnhanceObserver
	filter   func(ctx context.Context) (hal.Output, error)
	light    func(ctx context.Context) (hal.Output, error)

	mu    sync.Mutex
	chain *enhance.Chain
	night NightMode
	base  enhance.Config // the configuration, without what viewers point at
	view  View
	// viewWaits says that view is not in force yet, viewAt when one came into force.
	viewWaits bool
	viewAt    time.Time
	// denoises says that the chain takes noise out, so that the encoder need not.
	denoises atomic.Bool

	// Owned by the capture goroutine.
	decision   *enhance.DayNight
	dark       bool // what the lines were set to last
	set        bool
	irFilter   hal.Output
	irLight    hal.Output
	irFailedAt time.Time
	exposure   exposureControl
}

func (e *enhancer) init(cfg Config, devices Devices, observer Observer, log *slog.Logger) error {
	e.log, e.night, e.filter, e.light = log, cfg.Night, devices.IRFilter, devices.IRLight
	e.observer = noObserver{}
	if o, ok := observer.(EnhanceObserver); ok {
		e.observer = o
	}
	e.decision = enhance.NewDayNight(enhance.DayNightConfig{})
	e.base, e.view = cfg.Enhance, wholeView
	e.denoises.Store(cfg.Enhance.Denoise.Mode != enhance.Off)
	var err error
	e.chain, err = enhance.New(cfg.Enhance, enhance.Options{Now: time.Now, StepDone: e.observer.EnhanceStep})
	return err
}

// SetEnhance changes picture enhancement while the engine runs. When it
// returns, no picture of the former configuration will be handed to the encoder
// or to a snapshot any more, and if masks or geometry changed, no frame of it to
// a viewer: what a new mask hides is hidden from then on. A bad configuration is
// refused and the former one stays. Whatever viewers have pointed the picture at
// ends.
func (e *Engine) SetEnhance(cfg enhance.Config, night NightMode) error {
	defer e.viewAltered()
	e.enhance.mu.Lock()
	defer e.enhance.mu.Unlock()
	old := e.enhance.chain.Config()
	if err := e.enhance.chain.Reconfigure(cfg); err != nil {
		return err
	}
	e.enhance.base, e.enhance.view, e.enhance.viewWaits = cfg, wholeView, false
	e.enhance.night = night
	e.enhance.denoises.Store(cfg.Denoise.Mode != enhance.Off)
	// A key frame for a new viewer must not be made of an older picture.
	e.latest.clear()
	if !old.SameView(cfg) {
		e.outlet.advance()
	}
	return nil
}

// openExposure takes the controls of a camera that was just opened.
func (e *Engine) openExposure(camera hal.Camera) {
	h := &e.enhance
	h.mu.Lock()
	defer h.mu.Unlock()
	h.exposure.open(camera, h.chain.Config().Deflicker, h.log)
	w, ok := camera.(hal.ControlWatcher)
	if !ok {
		return
	}
	w.WatchControls(exposureModes, func(id uint32, value int64) {
		h.log.Info("camera control was changed by somebody else", "control", id, "value", value)
		h.mu.Lock()
		h.exposure.stale = true
		h.mu.Unlock()
	})
}

// handOn enhances p, whose reference it takes over, and gives it to snapshots
// and to the encoder.
func (e *Engine) handOn(ctx context.Context, p *media.Picture, fps float64) {
	began := time.Now()
	h := &e.enhance
	h.mu.Lock()
	defer h.mu.Unlock()
	h.chain.SetFrameRate(fps)
	h.chain.HoldTone(h.exposure.acting)
	h.point(began)
	if h.night != NightAuto {
		h.chain.SetNight(h.night == AlwaysNight)
	}
	out := h.chain.Process(p)
	if out != p {
		p.Release()
	}
	h.follow(ctx, out.CapturedAt)
	e.observer.StageDone(StageEnhance, time.Since(began))
	e.shots.deliver(out)
	if e.watching.isOpen() {
		e.pulses.uncoded.begin()
	}
	if e.latest.put(out, fps) {
		e.observer.FrameDropped(DropBusy, 1)
	}
}

// follow acts on what the chain has seen: day and night, and exposure.
func (h *enhancer) follow(ctx context.Context, at time.Time) {
	exposure := h.chain.Exposure()
	night := h.night == AlwaysNight
	if h.night == NightAuto {
		light := enhance.Light{Mean: exposure.Mean, DarkAreas: h.chain.DarkAreas()}
		light.Gain, light.GainKnown = h.exposure.amplified(at)
		night = h.decision.Update(light, at)
	}
	h.chain.SetNight(night)
	h.setLines(ctx, night)
	if h.exposure.stale {
		h.exposure.open(h.exposure.camera, h.chain.Config().Deflicker, h.log)
	}
	h.exposure.follow(exposure, h.chain.Mains(), at)
	noise, _ := h.chain.Noise()
	h.observer.Enhanced(noise, exposure, night)
}

// linesRetry is how long failed lines are left alone.
const linesRetry = 10 * time.Second

// setLines switches the infrared filter and light. The filter's line is active
// by day: it keeps infrared light out.
func (h *enhancer) setLines(ctx context.Context, night bool) {
	if h.set && h.dark == night || time.Since(h.irFailedAt) < linesRetry {
		return
	}
	if h.set || night {
		h.log.Info("camera switched", "night", night)
	}
	h.dark, h.set = night, true
	for _, line := range []struct {
		open   func(context.Context) (hal.Output, error)
		output *hal.Output
		active bool
	}{{h.filter, &h.irFilter, !night}, {h.light, &h.irLight, night}} {
		if line.open == nil {
			continue
		}
		var err error
		if *line.output == nil {
			*line.output, err = line.open(ctx)
		}
		if err == nil {
			err = (*line.output).Set(line.active)
		}
		if err != nil {
			h.log.Warn("infrared line failed", "kind", hal.KindOf(err).String(), "error", err)
			h.irFailedAt, h.set = time.Now(), false
		}
	}
}

// close gives the lines back; their safe levels are set.
func (h *enhancer) close() {
	for _, line := range []*hal.Output{&h.irFilter, &h.irLight} {
		if *line == nil {
			continue
		}
		if err := (*line).Close(); err != nil {
			h.log.Warn("infrared line close failed", "error", err)
		}
		*line = nil
	}
	h.set = false
}
