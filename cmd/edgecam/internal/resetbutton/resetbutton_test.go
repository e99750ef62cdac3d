package resetbutton

import (
	"context"
	"errors"
	"log/slog"
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

// TestClocks: neither an edge that is read late nor a wall clock that is set
// makes a short press a long one.
func TestClocks(t *testing.T) {
	now := time.Now()
	synctest.Test(t, func(t *testing.T) {
		w := watcher{Config: Config{Hold: hold, Log: slog.New(slog.DiscardHandler)}, timer: time.NewTimer(time.Hour)}
		w.press(now)
		time.Sleep(hold + time.Second) // the machine was busy
		w.expired()
		if w.change(hal.Edge{At: now.Add(time.Second)}) {
			t.Error("an edge that was read late made a press long")
		}
		w.press(now)
		if w.change(hal.Edge{At: now.Add(time.Hour)}) { // the clock was set meanwhile
			t.Error("a clock that was set made a press long")
		}
		w.press(now)
		time.Sleep(hold + time.Second)
		w.expired()
		if !w.change(hal.Edge{At: now.Add(hold + time.Second)}) {
			t.Error("a long press is none")
		}
	})
}
