package engine

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/governor"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/pixel"
)

// GovernorObserver is an Observer that is told when the governor changes its
// rung. It must not block.
type GovernorObserver interface {
	// Governed: level is the new rung, 0 the undisturbed picture.
	Governed(level int, why governor.Reason)
}

// governedEvery is how often the governor gets a reading.
const governedEvery = time.Second

// heat is what the board says of itself.
type heat struct {
	celsius   float64
	throttled bool
}

// governed applies the governor's decisions to pictures before they are coded.
// The encode goroutine owns it, but for heat.
type governed struct {
	g        *governor.Governor // nil without one
	observer GovernorObserver   // may be nil
	log      *slog.Logger
	heat     atomic.Pointer[heat]

	busy   time.Duration // spent coding since the last reading
	readAt time.Time
	phase  int // counts pictures towards the next one that is coded
	small  media.PicturePool
}

func (g *governed) init(limits *governor.Limits, observer Observer, log *slog.Logger) {
	g.log = log
	if limits != nil {
		g.g = governor.New(*limits)
	}
	g.observer, _ = observer.(GovernorObserver)
}

// SetHeat tells the governor the board's temperature, 0 if it is not known, and
// whether the board slows its processor down now. It may be called from anywhere.
func (e *Engine) SetHeat(celsius float64, throttled bool) {
	e.governed.heat.Store(&heat{celsius, throttled})
}

// took adds time that was spent coding a picture, and hands the governor a
// reading once a second.
func (g *governed) took(d time.Duration, now time.Time) {
	if g.g == nil {
		return
	}
	g.busy += d
	since := now.Sub(g.readAt)
	if since < governedEvery {
		return
	}
	r := governor.Reading{At: now, Busy: g.busy.Seconds() / since.Seconds()}
	if g.readAt.IsZero() || since > 3*governedEvery {
		r.Busy = -1 // nobody watched in between
	}
	if h := g.heat.Load(); h != nil {
		r.Celsius, r.Throttled = h.celsius, h.throttled
	}
	g.busy, g.readAt = 0, now
	why, changed := g.g.Update(r)
	if !changed {
		return
	}
	s := g.g.Step()
	g.log.Warn("picture path governed", "level", g.g.Level(), "reason", string(why), "celsius", r.Celsius, "busy_percent", int(100*r.Busy),
		"rate_percent", 100*s.RateNum/s.RateDen, "size_percent", 100*s.SizeNum/s.SizeDen, "budget_percent", s.BudgetPercent)
	if g.observer != nil {
		g.observer.Governed(g.g.Level(), why)
	}
}

// step is the present rung.
func (g *governed) step() governor.Step {
	if g.g == nil {
		return governor.Ladder[0]
	}
	return g.g.Step()
}

// leaveOut reports whether a new picture is not to be coded.
func (g *governed) leaveOut() bool {
	s := g.step()
	if g.phase += s.RateNum; g.phase < s.RateDen {
		return true
	}
	g.phase = min(g.phase-s.RateDen, s.RateDen-1) // the rung may have changed
	return false
}

// size returns p as large as the rung allows, with a reference of its own.
func (g *governed) size(p *media.Picture) *media.Picture {
	s := g.step()
	if s.SizeNum == s.SizeDen || p.Width < 64 || p.Height < 64 {
		p.Retain()
		return p
	}
	small := g.small.Get(p.Width*s.SizeNum/s.SizeDen&^1, p.Height*s.SizeNum/s.SizeDen&^1)
	pixel.Scale(small, p)
	return small
}

// fps is the rate at which pictures are coded of a camera's.
func (g *governed) fps(camera float64) float64 {
	s := g.step()
	return camera * float64(s.RateNum) / float64(s.RateDen)
}

// budget is the time that coding a frame may take before the encoder goes to a
// faster level: what is left of a picture's time belongs to the voices and to the
// network.
func (g *governed) budget(fps float64) time.Duration {
	if fps <= 0 {
		fps = defaultFPS
	}
	return time.Duration(float64(time.Second) / fps * float64(g.step().BudgetPercent) / 100)
}
