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
	// it may have changed.
	Frames, Changed uint64
	// Took is the time spent.
	Took time.Duration
}

// Options are what a chain needs of the outside world.
type Options struct {
	// Now is the clock that steps' costs are measured with; nil measures none.
	Now func() time.Time
	// StepDone is told each step's cost per frame; it must be quick and not
	// block. It may be nil.
	StepDone func(s Step, took time.Duration)
}

// Chain enhances the pictures of one camera. Its methods are for one
// goroutine, but [Chain.Stats] and [Chain.Noise] may be called from any.
type Chain struct {
	cfg     Config
	options Options
	// The size that the steps' memory is made for.
	width, height int

	denoise *denoiser
	tone    *tone
	scene   scene

	stats [NumSteps]struct{ frames, changed, nanos atomic.Uint64 }

	noiseMu sync.Mutex
	noise   NoiseModel
	known   bool // noise is set
}

// New returns a chain. The error says what is wrong with the configuration.
func New(cfg Config, options Options) (*Chain, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
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
	if old.Denoise != cfg.Denoise {
		c.denoise = nil
	}
	if old.Tone != cfg.Tone {
		c.tone = nil
	}
	return nil
}

// Process runs the steps on p, which the caller must hold alone, and returns
// the picture to go on with: p itself, changed in place.
func (c *Chain) Process(p *media.Picture) *media.Picture {
	if p.Width != c.width || p.Height != c.height {
		c.width, c.height = p.Width, p.Height
		c.denoise, c.tone = nil, nil
	}
	if c.cfg.Denoise.Mode != Off {
		if c.denoise == nil {
			c.denoise = newDenoiser(p.Width, p.Height, c.cfg.Denoise.Sigma)
		}
		t := c.begin()
		changed := c.denoise.process(p)
		c.end(StepDenoise, t, changed)
		c.publishNoise(changed)
	}
	if c.cfg.Tone.Mode != Off {
		if c.tone == nil {
			c.tone = newTone(c.cfg.Tone, p.Width)
		}
		t := c.begin()
		c.scene.measure(p, nil)
		changed := c.tone.process(p, &c.scene, c.residualSigma())
		c.end(StepTone, t, changed)
	}
	return p
}

// residualSigma is the noise that the denoiser has left in the picture.
func (c *Chain) residualSigma() float32 {
	if !c.known {
		return 1
	}
	if c.noise.Denoised {
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
		c.options.StepDone(s, took)
	}
}

// Stats returns the counters of a step.
func (c *Chain) Stats(s Step) StepStats {
	st := &c.stats[s]
	return StepStats{Frames: st.frames.Load(), Changed: st.changed.Load(), Took: time.Duration(st.nanos.Load())}
}
