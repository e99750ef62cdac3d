package resetbutton

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/sim"
)

const hold = 10 * time.Second

// bench is a button on a simulated line, and what its presses did.
type bench struct {
	t      *testing.T
	lines  *sim.LineDriver
	resets int
	fail   error
	stop   context.CancelFunc
	done   chan struct{}
}

func (b *bench) config() Config {
	return Config{
		Button: func(ctx context.Context) (hal.Input, error) {
			return b.lines.OpenInput(ctx, hal.InputConfig{Line: hal.LineRef{Name: "reset"}, Debounce: 50 * time.Millisecond})
		},
		Light: func(ctx context.Context) (hal.Output, error) {
			return b.lines.OpenOutput(ctx, hal.OutputConfig{Line: hal.LineRef{Name: "reset-light"}})
		},
		Hold: hold,
		Reset: func() error {
			if b.fail != nil {
				return b.fail
			}
			b.resets++
			return nil
		},
	}
}

// start watches the button, which may be down already.
func start(t *testing.T, lines *sim.LineDriver) *bench {
	b := &bench{t: t, lines: lines, done: make(chan struct{})}
	var ctx context.Context
	ctx, b.stop = context.WithCancel(t.Context())
	go func() { defer close(b.done); Watch(ctx, b.config()) }()
	synctest.Wait()
	return b
}

func (b *bench) end() { b.stop(); <-b.done }

func (b *bench) set(down bool) {
	b.t.Helper()
	if err := b.lines.Set("reset", down); err != nil {
		b.t.Fatal(err)
	}
}

// press holds the button for so long.
func (b *bench) press(d time.Duration) {
	b.t.Helper()
	b.set(true)
	time.Sleep(d)
	b.set(false)
	time.Sleep(200 * time.Millisecond)
	synctest.Wait()
}

func (b *bench) want(what string, resets int) {
	b.t.Helper()
	if b.resets != resets {
		b.t.Errorf("%s: %d resets, want %d", what, b.resets, resets)
	}
}

// changes counts how often the light turns within a second.
func (b *bench) changes() (n int) {
	last, _ := b.lines.State("reset-light")
	for range 100 {
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		if now, _ := b.lines.State("reset-light"); now != last {
			last = now
			n++
		}
	}
	return n
}

func TestPresses(t *testing.T) {
	for _, c := range []struct {
		what   string
		do     func(*bench)
		resets int
	}{
		{"held long enough", func(b *bench) { b.press(hold + time.Second) }, 1},
		{"held as long as may be", func(b *bench) { b.press(hold + LetGo - time.Second) }, 1},
		{"a short press", func(b *bench) { b.press(time.Second) }, 0},
		{"just too short", func(b *bench) { b.press(hold - 100*time.Millisecond) }, 0},
		{"many short presses", func(b *bench) {
			for range 40 {
				b.press(300 * time.Millisecond)
			}
		}, 0},
		{"let go and pressed again in the middle", func(b *bench) { b.press(6 * time.Second); b.press(6 * time.Second) }, 0},
		{"bounces at begin and end", func(b *bench) {
			for range 5 {
				b.set(true)
				time.Sleep(5 * time.Millisecond)
				b.set(false)
				time.Sleep(5 * time.Millisecond)
			}
			b.set(true)
			time.Sleep(4 * time.Second)
			b.set(false) // a bad contact, shorter than the debounce time
			time.Sleep(20 * time.Millisecond)
			b.set(true)
			time.Sleep(7 * time.Second)
			for range 5 {
				b.set(false)
				time.Sleep(5 * time.Millisecond)
				b.set(true)
				time.Sleep(5 * time.Millisecond)
			}
			b.press(time.Millisecond)
		}, 1},
		{"stuck while it runs", func(b *bench) { b.set(true); time.Sleep(24 * time.Hour) }, 0},
		{"stuck for hours, then free", func(b *bench) { b.press(5 * time.Hour) }, 0},
		{"stuck, free, then held", func(b *bench) { b.press(5 * time.Hour); b.press(hold + time.Second) }, 1},
		{"a minute too long", func(b *bench) { b.press(hold + LetGo + time.Minute) }, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, sim.NewLineDriver())
				c.do(b)
				b.want(c.what, c.resets)
				b.end()
				if lit, _ := b.lines.State("reset-light"); lit {
					t.Error("the light stays on")
				}
			})
		})
	}
}

// TestDownAtStart: the line is active when it is opened, because somebody holds
// the button while the power comes, or because it is stuck.
func TestDownAtStart(t *testing.T) {
	for _, c := range []struct {
		what   string
		do     func(*bench)
		resets int
	}{
		{"stuck for ever", func(*bench) { time.Sleep(24 * time.Hour) }, 0},
		{"let go, and no more", func(b *bench) { time.Sleep(hold + time.Second); b.set(false); time.Sleep(time.Hour) }, 0},
		{"floats until its chip has power", func(b *bench) { time.Sleep(3 * time.Second); b.set(false); time.Sleep(time.Hour) }, 0},
		{"let go and pressed once more", func(b *bench) { time.Sleep(hold + time.Second); b.press(0); b.press(time.Second) }, 1},
		{"pressed once more, too late", func(b *bench) {
			time.Sleep(hold + time.Second)
			b.set(false)
			time.Sleep(Again + time.Second)
			b.press(time.Second)
		}, 0},
		{"the second press is a touch", func(b *bench) { time.Sleep(hold + time.Second); b.press(0); b.press(100 * time.Millisecond) }, 0},
		{"the second press sticks", func(b *bench) { time.Sleep(hold + time.Second); b.press(0); b.press(time.Hour) }, 0},
		{"let go early, held anew", func(b *bench) { time.Sleep(3 * time.Second); b.press(0); b.press(hold + time.Second) }, 1},
		{"stuck, free, then held", func(b *bench) { time.Sleep(hold + LetGo + time.Second); b.press(0); b.press(hold + time.Second) }, 1},
		{"let go too late", func(b *bench) { time.Sleep(hold + LetGo + time.Second); b.press(0); b.press(time.Second) }, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lines := sim.NewLineDriver()
				if err := lines.Set("reset", true); err != nil {
					t.Fatal(err)
				}
				b := start(t, lines)
				c.do(b)
				synctest.Wait()
				b.want(c.what, c.resets)
				b.end()
			})
		})
	}
}

func TestLight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, sim.NewLineDriver())
		defer b.end()
		blinks := func(what string, least, most int) {
			t.Helper()
			if n := b.changes(); n < least || n > most {
				t.Errorf("%s: the light turns %d times a second, want %d to %d", what, n, least, most)
			}
		}
		blinks("nobody presses", 0, 0)
		b.set(true)
		time.Sleep(100 * time.Millisecond)
		blinks("held", 2, 3)
		time.Sleep(hold)
		blinks("long enough", 9, 11)
		time.Sleep(LetGo)
		blinks("stuck", 0, 0)
	})
}

// TestFailure: a reset that fails can be tried again, and so can a line.
func TestFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, sim.NewLineDriver())
		b.fail = errors.New("the disk is full")
		b.press(hold + time.Second)
		b.want("failed", 0)
		b.fail = nil
		b.press(hold + time.Second)
		b.want("then not", 1)
		<-b.done // the node starts anew with another watcher
	})
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, lines: sim.NewLineDriver()}
		cfg := b.config()
		opened := 0
		good := cfg.Button
		cfg.Button = func(ctx context.Context) (hal.Input, error) {
			if opened++; opened < 3 {
				return nil, &hal.Error{Op: "open", Path: "reset", Kind: hal.Gone, Err: errors.New("no such chip")}
			}
			return good(ctx)
		}
		cfg.Light = func(context.Context) (hal.Output, error) { return nil, hal.ErrClosed }
		done := make(chan struct{})
		go func() { defer close(done); Watch(t.Context(), cfg) }()
		time.Sleep(time.Minute)
		b.press(hold + time.Second)
		b.want("a line that came late, without a light", 1)
		<-done
	})
}

// scripted is a line whose changes the test writes, one a call.
type scripted struct {
	edges  chan hal.Edge
	active bool
}

func (s *scripted) Active() (bool, error) { return s.active, nil }
func (s *scripted) Close() error          { return nil }
func (s *scripted) WaitEdge(ctx context.Context) (hal.Edge, error) {
	select {
	case e := <-s.edges:
		return e, nil
	case <-ctx.Done():
		return hal.Edge{}, ctx.Err()
	}
}

// TestEdges: an edge that is lost, late, or stamped by a clock that was set does
// not make a short press a long one; nor does a line that is down again at the
// moment of the reset.
func TestEdges(t *testing.T) {
	// step: so much later an edge comes, with a time stamp so far from the first.
	type step struct {
		after  time.Duration
		active bool
		at     time.Duration
	}
	const s = time.Second
	long := []step{{0, true, 0}, {hold + s, false, hold + s}}
	for _, c := range []struct {
		what   string
		early  bool // down at the start
		bounce bool // the line is active when it is looked at before the reset
		steps  []step
		resets int
	}{
		{"a long press", false, false, long, 1},
		{"read late", false, false, []step{{0, true, 0}, {hold + s, false, s}}, 0},
		{"the clock is set forward", false, false, []step{{0, true, 0}, {s, false, time.Hour}}, 0},
		{"the clock is set back", false, false, []step{{0, true, 0}, {hold + s, false, -time.Hour}}, 0},
		{"a release is lost", false, false, []step{{0, true, 0}, {6 * s, true, 6 * s}, {6 * s, false, 12 * s}}, 0},
		{"a press is lost", false, false, []step{{0, false, 0}, {hold + s, false, hold + s}}, 0},
		{"down again", false, true, long, 0},
		{"the confirming press is short, and the clock set forward", true, false, []step{{hold + s, false, 0}, {s, true, s}, {s / 5, false, 3 * s}}, 0},
		{"confirmed", true, false, []step{{hold + s, false, 0}, {s, true, s}, {s, false, 2 * s}}, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			in := &scripted{edges: make(chan hal.Edge), active: c.early}
			resets := 0
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				Watch(ctx, Config{Button: func(context.Context) (hal.Input, error) { return in, nil }, Hold: hold, Reset: func() error { resets++; return nil }})
			}()
			synctest.Wait()
			in.active = c.bounce
			first := time.Now()
			for _, s := range c.steps {
				time.Sleep(s.after)
				in.edges <- hal.Edge{Active: s.active, At: first.Add(s.at)}
				synctest.Wait()
			}
			if resets != c.resets {
				t.Errorf("%s: %d resets, want %d", c.what, resets, c.resets)
			}
			stop()
			<-done
		})
	}
}
