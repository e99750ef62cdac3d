package engine

import (
	"log/slog"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/governor"
	"github.com/edgecam/edgecam/engine/media"
)

type rungs struct {
	noObserver
	seen []int
}

func (r *rungs) Governed(level int, _ governor.Reason) { r.seen = append(r.seen, level) }

// TestGoverned: an encoder that takes all the time gets fewer and smaller
// pictures and a smaller budget, and the observer is told.
func TestGoverned(t *testing.T) {
	limits := governor.Defaults(0)
	var g governed
	o := &rungs{}
	g.init(&limits, o, slog.New(slog.DiscardHandler))
	p := media.NewPicture(640, 480)
	coded := func(n int) (count int) {
		for range n {
			if !g.leaveOut() {
				count++
			}
		}
		return count
	}
	if n := coded(30); n != 30 {
		t.Errorf("%d of 30 pictures before anything happened", n)
	}
	now := time.Now()
	for range 60 * 10 { // ten times a second
		now = now.Add(100 * time.Millisecond)
		g.took(95*time.Millisecond, now)
	}
	last := len(governor.Ladder) - 1
	if len(o.seen) != last || o.seen[last-1] != last {
		t.Fatalf("rungs %v", o.seen)
	}
	if n := coded(30); n != 10 {
		t.Errorf("%d of 30 pictures on the last rung, want 10", n)
	}
	if s := g.size(p); s.Width != 320 || s.Height != 240 || g.fps(30) != 10 || g.budget(10) != 40*time.Millisecond {
		t.Errorf("%dx%d, %v fps, budget %v", s.Width, s.Height, g.fps(30), g.budget(10))
	} else {
		s.Release()
	}
	// Hours without a viewer are no load and no calm.
	g.took(time.Millisecond, now.Add(time.Hour))
	if g.g.Level() != last {
		t.Error("a pause changed the rung")
	}
}

func TestUngoverned(t *testing.T) {
	var g governed
	g.init(nil, noObserver{}, slog.New(slog.DiscardHandler))
	p := media.NewPicture(64, 64)
	for range 100 {
		g.took(time.Second, time.Now())
	}
	if s := g.size(p); s != p || g.leaveOut() || g.fps(30) != 30 || g.budget(30) != 20*time.Millisecond {
		t.Error("without a governor something is changed")
	}
}

func TestGovernedDoesNotAllocate(t *testing.T) {
	limits := governor.Defaults(0)
	var g governed
	g.init(&limits, noObserver{}, slog.New(slog.DiscardHandler))
	now := time.Now()
	p := media.NewPicture(320, 240)
	if n := testing.AllocsPerRun(100, func() {
		now = now.Add(2 * time.Second)
		g.took(time.Millisecond, now)
		g.leaveOut()
		g.size(p).Release()
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
