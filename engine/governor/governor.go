// Package governor decides how much work the picture path may do: heat, the
// board's throttle flags and the share of time that coding takes step it down a
// ladder of encoder time, frame rate and size, and up again. It has no clock and
// does no I/O: readings come with their times.
//
// Down is quick, up is slow and one step at a time. A step up that had to be taken
// back doubles the calm time that the next one needs, so that a board at its limit
// does not swing.
package governor

import "time"

// Reading is what was measured at a time.
type Reading struct {
	At time.Time
	// Celsius is the temperature; 0 where there is no sensor.
	Celsius float64
	// Throttled says that the board slows its processor down now.
	Throttled bool
	// Busy is the share of time since the last reading that coding took, 0 to 1
	// and above where there is more than one encoder; negative if nothing was
	// coded.
	Busy float64
}

// Limits are a board's. Start from Defaults.
type Limits struct {
	// HotCelsius steps down, below CoolCelsius it may step up.
	HotCelsius, CoolCelsius float64
	// BusyHigh steps down; a step up must be expected to stay below BusyLow.
	BusyHigh, BusyLow float64
	// HotFor and BusyFor are how long each must last, and the least time between
	// two steps for that reason; CalmFor how long all must be well for a step up.
	HotFor, BusyFor, CalmFor time.Duration
}

// Defaults returns the limits of a board that begins to throttle at hard degrees
// Celsius; 0 means 85, the Raspberry Pi's.
func Defaults(hard float64) Limits {
	if hard <= 0 {
		hard = 85
	}
	return Limits{
		HotCelsius: hard - 7, CoolCelsius: hard - 13,
		BusyHigh: 0.85, BusyLow: 0.7,
		HotFor: 10 * time.Second, BusyFor: 3 * time.Second, CalmFor: 30 * time.Second,
	}
}

// calmMost bounds the doubling of the calm time.
const calmMost = 5 * time.Minute

// Step is a rung of the ladder. Ratios are of the undisturbed picture.
type Step struct {
	// BudgetPercent is the share of a frame's time that the encoder may take
	// before it goes to a faster speed level.
	BudgetPercent int
	// RateNum/RateDen of the pictures are coded, SizeNum/SizeDen is the scale of
	// each side.
	RateNum, RateDen int
	SizeNum, SizeDen int
}

// Ladder begins with the undisturbed picture. First the encoder gets faster
// levels, which cost bits and not smoothness, then pictures are left out, then
// they get smaller.
var Ladder = []Step{
	{60, 1, 1, 1, 1},
	{40, 1, 1, 1, 1},
	{40, 2, 3, 1, 1},
	{40, 1, 2, 1, 1},
	{40, 1, 2, 3, 4},
	{40, 1, 2, 1, 2},
	{40, 1, 3, 1, 2},
}

// cost is roughly what a step takes of the first one's time.
func (s Step) cost() float64 {
	return float64(s.RateNum*s.SizeNum*s.SizeNum) / float64(s.RateDen*s.SizeDen*s.SizeDen)
}

// Reason says why a step was taken.
type Reason string

// The reasons.
const (
	Heat     Reason = "heat"
	Throttle Reason = "throttle"
	Load     Reason = "load"
	Calm     Reason = "calm"
)

// Governor holds the rung. The zero value is not ready: use New. It is for one
// goroutine.
type Governor struct {
	limits Limits
	level  int
	calm   time.Duration // that the next step up needs

	hotSince, busySince, calmSince time.Time // zero: not so
	steppedAt, raisedAt            time.Time
}

// New returns a governor on the first rung.
func New(l Limits) *Governor { return &Governor{limits: l, calm: l.CalmFor} }

// Level is the rung, 0 to len(Ladder)-1.
func (g *Governor) Level() int { return g.level }

// Step is the rung's meaning.
func (g *Governor) Step() Step { return Ladder[g.level] }

// Update takes a reading and reports whether the rung has changed, and why.
// Readings must not go back in time.
func (g *Governor) Update(r Reading) (why Reason, changed bool) {
	l := g.limits
	hot := r.Throttled || r.Celsius >= l.HotCelsius
	busy := r.Busy >= l.BusyHigh
	mark(&g.hotSince, hot, r.At)
	mark(&g.busySince, busy, r.At)
	mark(&g.calmSince, !hot && r.Celsius < l.CoolCelsius && g.mayRise(r.Busy), r.At)
	switch {
	case lasted(g.hotSince, r.At, l.HotFor) && r.At.Sub(g.steppedAt) >= l.HotFor:
		why = Heat
		if r.Throttled {
			why = Throttle
		}
		return why, g.down(r.At)
	case lasted(g.busySince, r.At, l.BusyFor) && r.At.Sub(g.steppedAt) >= l.BusyFor:
		return Load, g.down(r.At)
	case !g.raisedAt.IsZero() && r.At.Sub(g.raisedAt) >= g.calm:
		g.raisedAt, g.calm = time.Time{}, l.CalmFor // the step up has proved good
	case g.level > 0 && lasted(g.calmSince, r.At, g.calm):
		g.level--
		g.steppedAt, g.raisedAt, g.calmSince = r.At, r.At, r.At
		return Calm, true
	}
	return "", false
}

// mayRise reports whether the rung above is expected to be no more than well
// busy.
func (g *Governor) mayRise(busy float64) bool {
	if g.level == 0 {
		return false
	}
	return busy*Ladder[g.level-1].cost()/Ladder[g.level].cost() < g.limits.BusyLow
}

func (g *Governor) down(at time.Time) bool {
	if !g.raisedAt.IsZero() && at.Sub(g.raisedAt) < g.calm {
		g.calm = min(2*g.calm, max(calmMost, g.limits.CalmFor))
	}
	g.raisedAt, g.calmSince = time.Time{}, time.Time{}
	if g.level == len(Ladder)-1 {
		return false
	}
	g.level++
	g.steppedAt, g.busySince = at, time.Time{} // what was measured is of the rung before
	return true
}

func mark(since *time.Time, so bool, at time.Time) {
	switch {
	case !so:
		*since = time.Time{}
	case since.IsZero():
		*since = at
	}
}

func lasted(since, at time.Time, d time.Duration) bool { return !since.IsZero() && at.Sub(since) >= d }
