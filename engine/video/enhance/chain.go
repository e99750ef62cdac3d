package enhance

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// Step names a step of the chain, in the order in which they run.
type Step uint8

// The steps.
const (
	StepMask Step = iota
	StepDeflicker
	StepDenoise
	StepTone
	StepColour
	StepGeometry
	StepOverlay
	NumSteps
)

var stepNames = [NumSteps]string{"mask", "deflicker", "denoise", "tone", "colour", "geometry", "overlay"}

// String returns the step's name as metrics label it.
func (s Step) String() string {
	if s < NumSteps {
		return stepNames[s]
	}
	return "unknown"
}

// StepStats are the counters of a step.
type StepStats struct {
	// Frames is how many frames the step was run on, Changed how many of them
	// it changed.
	Frames, Changed uint64
	// Took is the time spent.
	Took time.Duration
}

// Options are what a chain needs of the outside world.
type Options struct {
	// FrameRate is the camera's, in frames per second; 0 means 30.
	FrameRate float64
	// Now is the clock that steps' costs are measured with; nil measures none.
	Now func() time.Time
	// StepDone is told each step's cost per frame and whether it changed the
	// frame; it must be quick and not block. It may be nil.
	StepDone func(s Step, took time.Duration, changed bool)
}

// Chain enhances the pictures of one camera. Its methods are for one
// goroutine, but [Chain.Stats], [Chain.Noise] and [Chain.Exposure] may be
// called from any.
type Chain struct {
	cfg     Config
	options Options
	night   bool
	// holdTone keeps tone mapping from lifting.
	holdTone bool
	// The size that the steps' memory is made for.
	width, height int

	masks     *masks
	deflicker *deflicker
	denoise   *denoiser
	tone      *tone
	colour    *colour
	geometry  *geometry
	overlay   *overlay
	scene     scene

	stats [NumSteps]struct{ frames, changed, nanos atomic.Uint64 }

	mu       sync.Mutex // holds what follows
	noise    NoiseModel
	known    bool // noise is set
	exposure Exposure
}

// New returns a chain. The error says what is wrong with the configuration.
func New(cfg Config, options Options) (*Chain, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if options.FrameRate <= 0 {
		options.FrameRate = 30
	}
	return &Chain{cfg: cfg.clone(), options: options}, nil
}

// Reconfigure sets another configuration, from the next picture on: that one
// is wholly the new configuration's. What the steps have learned is kept where
// it still holds. The configuration in force stays if the new one is bad.
func (c *Chain) Reconfigure(cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	old := c.cfg
	c.cfg = cfg.clone()
	if !sameMasks(old.Masks, cfg.Masks) {
		// The averages remember what a new mask hides.
		c.masks, c.denoise = nil, nil
	}
	if old.Denoise != cfg.Denoise {
		c.denoise = nil
	}
	if old.Deflicker != cfg.Deflicker {
		c.deflicker = nil
	}
	if old.Tone != cfg.Tone {
		c.tone = nil
	}
	if old.Colour != cfg.Colour {
		c.colour = nil
	}
	if old.Geometry != cfg.Geometry {
		c.geometry = nil
	}
	if old.Overlay != cfg.Overlay {
		c.overlay = nil
	}
	return nil
}

// Config returns the configuration in force; its masks must not be changed.
func (c *Chain) Config() Config { return c.cfg }

// HoldTone lets tone mapping go back to nothing while the camera's own exposure
// still has room.
func (c *Chain) HoldTone(hold bool) { c.holdTone = hold }

// SetFrameRate tells the camera's frame rate.
func (c *Chain) SetFrameRate(fps float64) {
	if fps > 0 && fps != c.options.FrameRate {
		c.options.FrameRate = fps
		c.deflicker = nil
	}
}

// SetNight tells whether the camera sees by infrared light, which has no
// colours.
func (c *Chain) SetNight(night bool) { c.night = night }

// Process runs the steps on p, which the caller must hold alone, and returns
// the picture to go on with: p itself, changed in place, or another one with
// one reference, where geometry is set; the caller then releases both.
func (c *Chain) Process(p *media.Picture) *media.Picture {
	c.prepare(p.Width, p.Height)
	if len(c.cfg.Masks) > 0 {
		t := c.begin()
		c.end(StepMask, t, c.masks.burn(p))
	}
	hidden := c.masks.hidden
	if c.deflicker != nil {
		t := c.begin()
		c.end(StepDeflicker, t, c.deflicker.process(p, hidden))
	}
	if c.denoise != nil {
		t := c.begin()
		changed := c.denoise.process(p)
		c.end(StepDenoise, t, changed)
		c.publishNoise(changed)
	}
	t := c.begin()
	c.scene.measure(p, hidden)
	c.mu.Lock()
	c.exposure = c.scene.Exposure
	c.mu.Unlock()
	if c.tone != nil {
		c.end(StepTone, t, c.tone.process(p, &c.scene, c.residualSigma(), c.holdTone))
	}
	if c.colour != nil {
		t := c.begin()
		c.end(StepColour, t, c.colour.process(p, c.scene.Mean, c.night, hidden))
	}
	if len(c.cfg.Masks) > 0 {
		// Nothing is left of what later steps made of the masks' surface.
		c.masks.burn(p)
	}
	out := p
	if c.geometry != nil {
		t := c.begin()
		out = c.geometry.process(p)
		c.end(StepGeometry, t, true)
	}
	if c.overlay != nil {
		t := c.begin()
		c.overlay.process(out)
		c.end(StepOverlay, t, true)
	}
	return out
}

// prepare makes what the configuration asks for and is not there yet.
func (c *Chain) prepare(width, height int) {
	if width != c.width || height != c.height {
		c.width, c.height = width, height
		c.masks, c.deflicker, c.denoise, c.tone, c.colour, c.geometry = nil, nil, nil, nil, nil, nil
	}
	if c.masks == nil {
		c.masks = newMasks(c.cfg.Masks, width, height)
	}
	if c.deflicker == nil && c.cfg.Deflicker != MainsOff {
		c.deflicker = newDeflicker(c.cfg.Deflicker, c.options.FrameRate, width, height)
	}
	if c.denoise == nil && c.cfg.Denoise.Mode != Off {
		c.denoise = newDenoiser(width, height, c.cfg.Denoise)
	}
	if c.tone == nil && c.cfg.Tone.Mode != Off {
		c.tone = newTone(c.cfg.Tone, width)
	}
	if c.colour == nil && !c.cfg.Colour.off() {
		c.colour = newColour(c.cfg.Colour, width)
	}
	if c.geometry == nil && !c.cfg.Geometry.identity() {
		c.geometry = newGeometry(c.cfg.Geometry, width, height)
	}
	if c.overlay == nil && !c.cfg.Overlay.off() {
		c.overlay = newOverlay(c.cfg.Overlay)
	}
}

// residualSigma is the noise that the denoiser has left in the picture.
func (c *Chain) residualSigma() float32 {
	switch {
	case !c.known:
		return 1
	case c.noise.Denoised:
		return c.noise.MeanSigmaY / 3
	}
	return c.noise.MeanSigmaY
}

func (c *Chain) begin() time.Time {
	if c.options.Now == nil {
		return time.Time{}
	}
	return c.options.Now()
}

func (c *Chain) end(s Step, began time.Time, changed bool) {
	st := &c.stats[s]
	st.frames.Add(1)
	if changed {
		st.changed.Add(1)
	}
	if c.options.Now == nil {
		return
	}
	took := c.options.Now().Sub(began)
	st.nanos.Add(uint64(max(took, 0)))
	if c.options.StepDone != nil {
		c.options.StepDone(s, took, changed)
	}
}

// Stats returns the counters of a step.
func (c *Chain) Stats(s Step) StepStats {
	st := &c.stats[s]
	return StepStats{Frames: st.frames.Load(), Changed: st.changed.Load(), Took: time.Duration(st.nanos.Load())}
}

// Exposure returns the statistics of the last picture, before tone mapping.
func (c *Chain) Exposure() Exposure {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exposure
}

// Mains returns the mains frequency whose flicker is in the pictures, MainsOff
// where none is seen. It is for the goroutine that calls Process.
func (c *Chain) Mains() Mains {
	if c.deflicker == nil {
		return MainsOff
	}
	return c.deflicker.found()
}

// DarkAreas returns the mean luma of the last picture's darker areas, for
// [DayNight].
func (c *Chain) DarkAreas() float32 { return c.scene.darkAreas() }
