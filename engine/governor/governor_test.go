package governor

import (
	"math"
	"testing"
	"time"
)

// run feeds a reading a second, made from the rung, and returns the rung after
// each.
func run(g *Governor, from time.Time, seconds int, reading func(second, level int) Reading) (levels []int, reasons map[Reason]int) {
	reasons = map[Reason]int{}
	for s := range seconds {
		r := reading(s, g.Level())
		r.At = from.Add(time.Duration(s) * time.Second)
		if why, changed := g.Update(r); changed {
			reasons[why]++
		}
		levels = append(levels, g.Level())
	}
	return levels, reasons
}

var start = time.Unix(1_000_000, 0)

func TestStaysWhereAllIsWell(t *testing.T) {
	g := New(Defaults(0))
	for _, r := range []Reading{{Busy: 0.5}, {Celsius: 77, Busy: 0.8}, {Busy: -1}} {
		if levels, _ := run(g, start, 600, func(int, int) Reading { return r }); levels[599] != 0 {
			t.Errorf("%+v: rung %d", r, levels[599])
		}
	}
}

// TestHeat: a board that heats up with its work finds a rung that it can hold,
// below the limit, and comes back when the sun has gone.
func TestHeat(t *testing.T) {
	g := New(Defaults(85))
	celsius, ambient := 60.0, 62.0
	board := func(s, level int) Reading {
		if s == 3000 {
			ambient = 35
		}
		target := ambient + 30*(0.3+0.7*Ladder[level].cost())
		celsius += (target - celsius) / 60 // a minute's time constant
		return Reading{Celsius: celsius, Busy: 0.6 * Ladder[level].cost()}
	}
	levels, reasons := run(g, start, 6000, board)
	if levels[2999] == 0 || reasons[Heat] == 0 {
		t.Fatalf("rung %d at %v °C: %v", levels[2999], celsius, reasons)
	}
	changes := 0
	for i := 1500; i < 3000; i++ {
		if levels[i] != levels[i-1] {
			changes++
		}
	}
	if changes > 6 {
		t.Errorf("%d changes in 25 minutes of constant conditions", changes)
	}
	if levels[5999] != 0 {
		t.Errorf("rung %d in the cool evening", levels[5999])
	}
}

func TestThrottleFlagsNeedNoThermometer(t *testing.T) {
	g := New(Defaults(0))
	levels, reasons := run(g, start, 25, func(int, int) Reading { return Reading{Throttled: true, Busy: 0.3} })
	if levels[9] != 0 || levels[10] != 1 || levels[20] != 2 || reasons[Throttle] != 2 {
		t.Errorf("rungs %v", levels)
	}
}

// TestLoad: a machine too slow by a factor steps down to a rung that fits and
// stays there.
func TestLoad(t *testing.T) {
	for _, need := range []float64{1.2, 1.9, 3.5, 20} {
		g := New(Defaults(0))
		levels, reasons := run(g, start, 600, func(_, level int) Reading {
			return Reading{Busy: math.Min(need*Ladder[level].cost(), 1)}
		})
		last := levels[599]
		if need*Ladder[last].cost() > 0.85 && last != len(Ladder)-1 {
			t.Errorf("%v times too slow: rung %d is too busy", need, last)
		}
		if levels[30] != last || reasons[Calm] != 0 {
			t.Errorf("%v times too slow: rung %d after 30 s, %d after 600, %v", need, levels[30], last, reasons)
		}
	}
}

// TestSwinging: where each step up must be taken back, the tries become rare.
func TestSwinging(t *testing.T) {
	g := New(Defaults(0))
	_, reasons := run(g, start, 3600, func(_, level int) Reading {
		if level == 0 {
			return Reading{Busy: 0.95}
		}
		return Reading{Busy: 0.1} // promises that a step up is possible
	})
	if n := reasons[Calm]; n < 3 || n > 15 {
		t.Errorf("%d steps up in an hour", n)
	}
	// Once a step up holds, the patience is that of the start again.
	run(g, start.Add(2*time.Hour), 3600, func(int, int) Reading { return Reading{Busy: 0.1} })
	if g.Level() != 0 || g.calm != g.limits.CalmFor {
		t.Errorf("rung %d, calm time %v", g.Level(), g.calm)
	}
}

func TestLadder(t *testing.T) {
	for i, s := range Ladder {
		if s.RateNum < 1 || s.RateNum > s.RateDen || s.SizeNum < 1 || s.SizeNum > s.SizeDen || s.BudgetPercent < 1 || s.BudgetPercent > 100 {
			t.Errorf("rung %d is %+v", i, s)
		}
		if i > 0 && s.cost() > Ladder[i-1].cost() {
			t.Errorf("rung %d costs more than the one above", i)
		}
	}
	if Ladder[0].cost() != 1 {
		t.Error("the first rung leaves the picture as it is")
	}
}
