package hal

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// coil records its power.
type coil struct {
	on, closed bool
	since      time.Time
	pulses     []time.Duration
	other      *coil
	both       bool
	err        error
}

func (c *coil) Set(on bool) error {
	if c.err != nil {
		return c.err
	}
	if on && !c.on {
		c.since = time.Now()
		c.both = c.both || c.other.on
	}
	if !on && c.on {
		c.pulses = append(c.pulses, time.Since(c.since))
	}
	c.on = on
	return nil
}

func (c *coil) Close() error { c.on, c.closed = false, true; return nil }

func TestLatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in, out coil
		in.other, out.other = &out, &in
		l := NewLatch(&in, &out, 100*time.Millisecond)
		set := func(active bool) {
			t.Helper()
			if err := l.Set(active); err != nil {
				t.Fatal(err)
			}
		}
		set(true)
		time.Sleep(time.Second)
		set(false)
		time.Sleep(50 * time.Millisecond)
		set(true) // in the middle of the other pulse
		time.Sleep(50 * time.Millisecond)
		if !in.on || out.on {
			t.Error("the pulse that was cut short ends the next one early")
		}
		time.Sleep(time.Second)
		if len(in.pulses) != 2 || len(out.pulses) != 1 || in.pulses[1] != 100*time.Millisecond || out.pulses[0] != 50*time.Millisecond {
			t.Errorf("pulses %v and %v", in.pulses, out.pulses)
		}
		if in.both || out.both || in.on || out.on {
			t.Error("both coils had power, or one has it still")
		}
		// A line that fails does not leave the other powered, and is told.
		set(true)
		in.err = errors.New("line is gone")
		time.Sleep(time.Second)
		if err := l.Set(false); !errors.Is(err, in.err) || out.on {
			t.Errorf("the other coil gets power (%v) while the first may have it: %v", out.on, err)
		}
		in.err = nil
		set(false)
		if in.on || !out.on {
			t.Error("the latch does not recover")
		}
		if err := l.Close(); err != nil || !in.closed || !out.closed || out.on {
			t.Errorf("closed: %v", err)
		}
		if err := l.Set(true); !errors.Is(err, ErrClosed) || l.Close() != nil {
			t.Errorf("after Close: %v", err)
		}
		time.Sleep(time.Second)
	})
}
