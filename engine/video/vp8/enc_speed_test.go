package vp8

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// TestSpeedHoldsABudget plays a machine on which each level takes a quarter less
// than the one before.
func TestSpeedHoldsABudget(t *testing.T) {
	cfg := EncoderConfig{Width: 64, Height: 48, FrameRate: 30, BitrateBps: 100_000, Speed: SpeedAuto, FrameBudget: 10 * time.Millisecond}
	e, err := NewEncoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	scene, pic := newTestScene(4, 64, 48, 2), media.NewPicture(64, 48)
	start := e.speed.level
	run := func(frames int, atStart time.Duration) (level, changes int) {
		for range frames {
			scene.next(pic)
			if _, err := e.Encode(pic, FrameOptions{}); err != nil {
				t.Fatal(err)
			}
			if n := e.LastFrame().Speed; n != level {
				level, changes = n, changes+1
			}
			took := atStart
			for range level - start {
				took = took * 3 / 4
			}
			e.FrameTook(took)
		}
		return level, changes
	}
	// 25 ms, 18.8, 14.1, 10.5, 7.9: four levels up.
	if level, changes := run(400, 25*time.Millisecond); level != start+4 || changes > 6 {
		t.Errorf("level %d after %d changes, want %d", level, changes, start+4)
	}
	if level, _ := run(600, 3*time.Millisecond); level != start {
		t.Errorf("level %d on an idle machine, want %d", level, start)
	}
	if level, _ := run(200, time.Second); level != MaxSpeed {
		t.Errorf("level %d on a hopeless machine, want %d", level, MaxSpeed)
	}
}

// TestSpeedUnderLoadSteps lets other work come and go on a machine whose frame
// times scatter and whose key frames take three times as long. A second after
// each step nearly all frames must be inside the budget, and the level must rest.
func TestSpeedUnderLoadSteps(t *testing.T) {
	const budget = 20 * time.Millisecond
	cfg := EncoderConfig{Width: 64, Height: 48, FrameRate: 30, BitrateBps: 100_000, Speed: SpeedAuto, FrameBudget: budget}
	e, err := NewEncoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	rng := rand.New(rand.NewPCG(8, 9))
	scene, pic := newTestScene(4, 64, 48, 2), media.NewPicture(64, 48)
	start := e.speed.level
	for step, load := range []float64{0.5, 1.4, 2.6, 1.2, 3.5, 0.4} {
		late, changes, level := 0, 0, e.speed.level
		const frames, settle = 300, 30
		for i := range frames {
			scene.next(pic)
			key := i == 150
			if _, err := e.Encode(pic, FrameOptions{ForceKey: key}); err != nil {
				t.Fatal(err)
			}
			now := e.LastFrame().Speed
			took := load * (0.85 + 0.3*rng.Float64())
			for range now - start {
				took *= 0.75
			}
			if key {
				took *= 3
			}
			e.FrameTook(time.Duration(took * float64(budget)))
			if i >= settle {
				changes += b2i(now != level)
				late += b2i(took > 1.1)
			}
			level = now
		}
		t.Logf("step %d, load %.1f: level %d, %d of %d frames late, %d changes", step, load, level, late, frames-settle, changes)
		if late > (frames-settle)/20 {
			t.Errorf("step %d, load %.1f: %d frames late", step, load, late)
		}
		if changes > 4 {
			t.Errorf("step %d, load %.1f: the level changed %d times", step, load, changes)
		}
	}
}

// TestSpeedStaysWithoutABudget: a chosen level is not moved.
func TestSpeedStaysWithoutABudget(t *testing.T) {
	for _, cfg := range []EncoderConfig{{Speed: 3, FrameBudget: time.Millisecond}, {Speed: SpeedAuto}} {
		cfg.Width, cfg.Height, cfg.FrameRate, cfg.BitrateBps = 32, 32, 30, 100_000
		e, err := NewEncoder(cfg)
		if err != nil {
			t.Fatal(err)
		}
		before := e.speed
		for range 100 {
			e.FrameTook(time.Second)
		}
		if e.speed != before {
			t.Errorf("%+v: level %d became %d", cfg, before.level, e.speed.level)
		}
		e.Close()
	}
}
