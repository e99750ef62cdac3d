package gpio

import (
	"errors"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// outputs returns a driver of two fake lines.
func outputs() (d *Driver, lines [2]*fakeLine) {
	lines = [2]*fakeLine{newFakeLine(), newFakeLine()}
	d = New(nil)
	d.chips = func() []chip { return []chip{{label: "fake", path: "/dev/fake", lines: []string{"A", "B"}}} }
	d.request = func(_ string, r request) (line, error) { return lines[r.offset], nil }
	return d, lines
}

func (l *fakeLine) history() []bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.levels)
}

func (l *fakeLine) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = err
}

func TestLongestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, lines := outputs()
		out, err := d.OpenOutput(t.Context(), hal.OutputConfig{Line: hal.LineRef{Name: "A"}, LongestPulse: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		set := func(active bool) {
			t.Helper()
			if err := out.Set(active); err != nil {
				t.Fatal(err)
			}
		}
		after := func(d time.Duration, want ...bool) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := lines[0].history(); !slices.Equal(got, want) {
				t.Errorf("levels %v, want %v", got, want)
			}
		}
		set(true)
		after(999*time.Millisecond, true)
		after(2*time.Millisecond, true, false)
		set(true)
		time.Sleep(500 * time.Millisecond)
		set(true) // begins anew
		after(900*time.Millisecond, true, false, true, true)
		set(false)
		after(time.Hour, true, false, true, true, false)
		set(true)
		lines[0].fail(syscall.EIO) // does not fall
		after(1050*time.Millisecond, true, false, true, true, false, true)
		lines[0].fail(nil)
		after(100*time.Millisecond, true, false, true, true, false, true, false)
		set(true)
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		after(time.Hour, true, false, true, true, false, true, false, true, false)
	})
	d, _ := outputs()
	if _, err := d.OpenOutput(t.Context(), hal.OutputConfig{Line: hal.LineRef{Name: "A"}, LongestPulse: -1}); hal.KindOf(err) != hal.Unsupported {
		t.Errorf("a longest pulse of -1: %v", err)
	}
}

func TestLatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, lines := outputs()
		cfg := LatchConfig{On: hal.OutputConfig{Line: hal.LineRef{Name: "A"}}, Off: hal.OutputConfig{Line: hal.LineRef{Name: "B"}}, Pulse: 100 * time.Millisecond}
		out, err := OpenLatch(t.Context(), d, cfg)
		if err != nil {
			t.Fatal(err)
		}
		check := func(when string, on, off bool) {
			t.Helper()
			synctest.Wait()
			a, _ := lines[0].level()
			b, _ := lines[1].level()
			if a != on || b != off {
				t.Errorf("%s: coils %v and %v, want %v and %v", when, a, b, on, off)
			}
		}
		move := func(active bool) {
			t.Helper()
			if err := out.Set(active); err != nil {
				t.Fatal(err)
			}
		}
		check("after opening", false, false)
		move(true)
		check("in the pulse", true, false)
		time.Sleep(101 * time.Millisecond)
		check("after the pulse", false, false)
		move(false)
		check("back", false, true)
		time.Sleep(50 * time.Millisecond)
		move(true) // before that is over
		check("turned round", true, false)
		time.Sleep(60 * time.Millisecond)
		check("the earlier pulse's end", true, false)
		lines[0].fail(syscall.ENODEV)
		if err := out.Set(false); hal.KindOf(err) != hal.Gone {
			t.Errorf("a coil that cannot be switched off: %v", err)
		}
		check("then the other one", true, false)
		lines[0].fail(nil)
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		check("after Close", false, false)
		if err := out.Set(true); !errors.Is(err, hal.ErrClosed) {
			t.Errorf("Set after Close: %v", err)
		}
		for _, pulse := range []time.Duration{0, time.Minute} {
			cfg.Pulse = pulse
			if _, err := OpenLatch(t.Context(), d, cfg); hal.KindOf(err) != hal.Unsupported {
				t.Errorf("pulse of %v: %v", pulse, err)
			}
		}
		cfg.Pulse, cfg.Off.Line.Name = time.Second, "C"
		lines[0].closed = false
		if _, err := OpenLatch(t.Context(), d, cfg); hal.KindOf(err) != hal.Gone || !lines[0].closed {
			t.Errorf("without the second line: %v, the first is closed: %v", err, lines[0].closed)
		}
	})
}
