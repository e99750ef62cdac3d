package session

import (
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// level is how much of the picture a viewer gets.
type level uint8

const (
	levelThumb level = iota // the thumbnail stream
	levelBase               // the base layer of the main stream: half the pictures
	levelFull               // all of the main stream
)

func (l level) stream() media.Stream {
	if l == levelThumb {
		return media.StreamThumb
	}
	return media.StreamMain
}

// How viewers are placed, by what their paths carry.
const (
	// equalShare and joinShare are the parts of the best viewer's rate with which
	// another keeps and gets all of the main stream. It then has the rate of the
	// slowest of them, so that those whose paths are nearly as good have all
	// pictures, and nobody loses more than that to them.
	equalShare, joinShare = 0.85, 0.92
	// baseMargin is how much more than the base layer takes a path must carry
	// for its viewer to leave the thumbnail.
	baseMargin = 1.15
	// Below one part in mainFloor of the ceiling the thumbnail looks better than
	// the whole picture; floorMargin above that, the whole picture is tried.
	// The thumbnail has at most one part in thumbCeiling.
	mainFloor, floorMargin, thumbCeiling = 5, 1.3, 4
	// downAfter and upAfter are how long a path must be too slow, by far too slow,
	// and good enough. Leaving the thumbnail takes a key frame: where that was soon
	// undone, twice as long the next time, up to upLongest.
	downAfter  = 700 * time.Millisecond
	downSoon   = 250 * time.Millisecond
	layerAfter = time.Second
	upAfter    = 3 * time.Second
	upLongest  = time.Minute
	upProven   = 10 * time.Second
)

// scale is what viewers' rates are compared with, in bits per second.
type scale struct {
	best  int     // rate of the best viewer of the main stream
	base  float64 // part of the main stream that its base layer takes
	floor int     // below which main is not worth having
}

// keeps reports whether a path of a rate can stay on a level.
func (s scale) keeps(l level, rate int) bool {
	switch l {
	case levelFull:
		return rate >= s.floor && float64(rate) >= equalShare*float64(s.best)
	case levelBase:
		return rate >= s.floor && float64(rate) >= s.base*float64(s.best)
	default:
		return true
	}
}

// reaches reports whether a path of a rate can go up to a level.
func (s scale) reaches(l level, rate int) bool {
	if float64(rate) < floorMargin*float64(s.floor) {
		return false
	}
	if l == levelFull {
		return float64(rate) >= joinShare*float64(s.best)
	}
	return float64(rate) >= baseMargin*s.base*float64(s.best)
}

// place is a viewer's level, with the memory that keeps it from changing back and
// forth.
type place struct {
	level       level
	slow, quick time.Duration // since when less, or more, would be right; 0: it is not
	rose        time.Duration // when the thumbnail was last left, 0: never
	patience    time.Duration // before it is left again
}

// move brings the level in line with the rate of the path, and reports whether it
// has changed.
func (p *place) move(now time.Duration, rate int, s scale) bool {
	since := func(at *time.Duration, is bool) time.Duration {
		switch {
		case !is:
			*at = 0
			return -1
		case *at == 0:
			*at = max(now, 1)
		}
		return now - *at
	}
	patience := downAfter
	if !s.keeps(p.level, 2*rate) {
		patience = downSoon
	}
	if since(&p.slow, !s.keeps(p.level, rate)) >= patience {
		for !s.keeps(p.level, rate) {
			p.level--
		}
		if p.level == levelThumb && p.rose != 0 {
			if p.patience = min(2*p.patience, upLongest); now-p.rose > upProven {
				p.patience = upAfter
			}
		}
		p.slow, p.quick = 0, 0
		return true
	}
	if p.level == levelFull {
		return false
	}
	wait := layerAfter
	if p.level == levelThumb {
		p.patience = max(p.patience, upAfter)
		wait = p.patience
	}
	if since(&p.quick, s.reaches(p.level+1, rate)) < wait {
		return false
	}
	if p.level == levelThumb {
		p.rose = now
	}
	p.level++
	if s.reaches(p.level+1, rate) && p.level == levelBase {
		p.level++
	}
	p.slow, p.quick = 0, 0
	return true
}

// layerShare measures which part of the main stream its base layer takes.
type layerShare struct {
	bytes, base float64
	part        float64
}

const (
	// usualBase is assumed until it is known.
	usualBase  = 0.62
	shareBytes = 100_000 // that the measure looks back
)

// add counts a frame of a layered stream.
func (l *layerShare) add(tid uint8, bytes int) {
	l.bytes += float64(bytes)
	if tid == 0 {
		l.base += float64(bytes)
	}
	if l.bytes >= shareBytes {
		l.part = min(max(l.base/l.bytes, 0.5), 0.9)
		l.bytes, l.base = l.bytes/2, l.base/2
	}
}

func (l *layerShare) basePart() float64 {
	if l.part == 0 {
		return usualBase
	}
	return l.part
}
