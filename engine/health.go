package engine

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// stallLimit is how long one step of a loop may take before the loop counts as
// standing still. The longest honest steps are the opening of a USB camera
// whose control transfers run into their timeouts, and its closing.
const stallLimit = 20 * time.Second

// pulse is the sign of life of a goroutine that works in steps: the time since
// which it has been in its present one. Time is counted from origin, by the
// monotonic clock.
type pulse struct {
	origin time.Time
	since  atomic.Int64 // ns, 0 while it rests
}

func (p *pulse) now() int64 { return max(int64(time.Since(p.origin)), 1) }

// beat begins a step.
func (p *pulse) beat() { p.since.Store(p.now()) }

// begin begins a step unless one is under way.
func (p *pulse) begin() { p.since.CompareAndSwap(0, p.now()) }

// rest says that the goroutine waits for something that need not come.
func (p *pulse) rest() { p.since.Store(0) }

// wait rests until g opens and begins a step then; it returns ctx's error once
// that is done.
func (p *pulse) wait(ctx context.Context, g *gate) error {
	p.rest()
	err := g.wait(ctx, true)
	if err == nil {
		p.beat()
	}
	return err
}

// age returns how long the present step has lasted, 0 in rest.
func (p *pulse) age() time.Duration {
	since := p.since.Load()
	if since == 0 {
		return 0
	}
	return time.Duration(p.now() - since)
}

// pulses are the engine's signs of life.
type pulses struct {
	capture, encode, hardware, voice, playout pulse
	// uncoded is the time since which pictures have come for viewers and none
	// was coded.
	uncoded pulse
}

func (p *pulses) init() {
	now := time.Now()
	for _, one := range []*pulse{&p.capture, &p.encode, &p.hardware, &p.voice, &p.playout, &p.uncoded} {
		one.origin = now
	}
}

// Health reports what stands still although it should move: a driver call that
// does not return, a stage that takes nothing, pictures that are captured for
// viewers and not coded. A device that is gone, busy or silent and says so is
// no fault of the engine, which goes on trying; Camera tells of it. A caller
// that gets an error, or no answer, should end the process: nothing else frees
// a goroutine from a driver.
func (e *Engine) Health() error {
	for _, p := range []struct {
		name  string
		pulse *pulse
	}{
		{"capture", &e.pulses.capture},
		{"video encoder", &e.pulses.encode},
		{"hardware encoder", &e.pulses.hardware},
		{"microphone", &e.pulses.voice},
		{"speaker", &e.pulses.playout},
		{"path from camera to encoder", &e.pulses.uncoded},
	} {
		if age := p.pulse.age(); age > stallLimit {
			return fmt.Errorf("engine: %s has stood still for %v", p.name, age.Round(time.Second))
		}
	}
	e.sessions.Stats() // takes the locks that a viewer needs
	return nil
}
