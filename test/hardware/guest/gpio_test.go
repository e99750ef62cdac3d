package guest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/gpio"
)

const (
	chipLabel = "edgecam-sim"
	doorbell  = "DOORBELL"
	relay     = 2 // offset
)

func simLine(offset int, attr string) string {
	return filepath.Join(os.Getenv("GPIO_SIM"), "sim_gpio"+string(rune('0'+offset)), attr)
}

// drive sets the physical level that a simulated input sees.
func drive(t *testing.T, offset int, high bool) {
	t.Helper()
	value := "pull-down"
	if high {
		value = "pull-up"
	}
	put(t, simLine(offset, "pull"), value)
}

// seen reads the physical level of a simulated line.
func seen(t *testing.T, offset int) bool {
	t.Helper()
	b, err := os.ReadFile(simLine(offset, "value"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b)) == "1"
}

func openInput(t *testing.T, cfg hal.InputConfig) hal.Input {
	t.Helper()
	in, err := gpio.New(logger(t)).OpenInput(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	return in
}

func TestChips(t *testing.T) {
	chips, err := gpio.New(logger(t)).Chips(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range chips {
		t.Logf("%s %s %q", c.Path, c.Label, c.Lines)
		if c.Label == chipLabel && len(c.Lines) == 8 && c.Lines[0] == doorbell && c.Lines[7] == "" {
			return
		}
	}
	t.Errorf("no chip %q with 8 lines in %+v", chipLabel, chips)
}

func TestInputEdges(t *testing.T) {
	for _, activeLow := range []bool{false, true} {
		drive(t, 0, activeLow)
		in := openInput(t, hal.InputConfig{Line: hal.LineRef{Name: doorbell}, ActiveLow: activeLow})
		if v, err := in.Active(); err != nil || v {
			t.Fatalf("at rest: %v, %v", v, err)
		}
		for _, active := range []bool{true, false, true, false} {
			before := time.Now()
			drive(t, 0, active != activeLow)
			after := time.Now()
			e, err := in.WaitEdge(t.Context())
			if err != nil || e.Active != active {
				t.Fatalf("edge %+v, %v; want active %v", e, err, active)
			}
			if e.At.Before(before.Add(-time.Millisecond)) || e.At.After(after.Add(50*time.Millisecond)) {
				t.Errorf("edge dated %v after the drive, which took %v", e.At.Sub(before), after.Sub(before))
			}
			if v, err := in.Active(); err != nil || v != active {
				t.Errorf("level %v, %v after the edge to %v", v, err, active)
			}
		}
		in.Close()
	}
}

func TestInputEdgesAreKept(t *testing.T) {
	drive(t, 0, false)
	in := openInput(t, hal.InputConfig{Line: hal.LineRef{Chip: chipLabel, Offset: 0}})
	for i := range 6 {
		drive(t, 0, i%2 == 0)
		time.Sleep(20 * time.Millisecond) // the simulated interrupt merges edges that follow closely
	}
	for i := range 6 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		e, err := in.WaitEdge(ctx)
		cancel()
		if err != nil || e.Active != (i%2 == 0) {
			t.Fatalf("edge %d: %+v, %v", i, e, err)
		}
	}
}

func TestInputDebounce(t *testing.T) {
	drive(t, 0, false)
	const settle = 60 * time.Millisecond
	in := openInput(t, hal.InputConfig{Line: hal.LineRef{Name: doorbell}, Debounce: settle})
	drive(t, 0, true) // a spike
	drive(t, 0, false)
	time.Sleep(3 * settle)
	pressed := time.Now()
	for i := range 5 { // a contact that bounces, and stays closed
		drive(t, 0, i%2 == 0)
	}
	bounced := time.Since(pressed)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	e, err := in.WaitEdge(ctx)
	if err != nil || !e.Active {
		t.Fatalf("edge %+v, %v", e, err)
	}
	t.Logf("bounced for %v, reported after %v", bounced, time.Since(pressed))
	if e.At.Before(pressed) {
		t.Errorf("the edge is that of the spike, %v before the press", pressed.Sub(e.At))
	}
	ctx, cancel = context.WithTimeout(t.Context(), 3*settle)
	defer cancel()
	if e, err := in.WaitEdge(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one press gave a second edge %+v, %v", e, err)
	}
}

func TestInputBias(t *testing.T) {
	for _, c := range []struct {
		bias hal.Bias
		high bool
	}{{hal.BiasPullUp, true}, {hal.BiasPullDown, false}} {
		in := openInput(t, hal.InputConfig{Line: hal.LineRef{Chip: chipLabel, Offset: 3}, Bias: c.bias})
		if v, err := in.Active(); err != nil || v != c.high {
			t.Errorf("bias %d: level %v, %v", c.bias, v, err)
		}
		in.Close()
	}
}

func TestInputClose(t *testing.T) {
	in := openInput(t, hal.InputConfig{Line: hal.LineRef{Name: doorbell}})
	got := make(chan error, 1)
	go func() { _, err := in.WaitEdge(context.Background()); got <- err }()
	time.Sleep(50 * time.Millisecond)
	in.Close()
	within(t, time.Second, "WaitEdge after Close", func() {
		if err := <-got; !errors.Is(err, hal.ErrClosed) {
			t.Errorf("WaitEdge = %v", err)
		}
	})
}

func TestOutput(t *testing.T) {
	for _, c := range []struct{ activeLow, safe bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		// A line that is let go of falls to its resistor, which a board must
		// have at the safe level.
		drive(t, relay, c.safe != c.activeLow)
		cfg := hal.OutputConfig{Line: hal.LineRef{Chip: chipLabel, Offset: relay}, ActiveLow: c.activeLow, Safe: c.safe}
		out, err := gpio.New(logger(t)).OpenOutput(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		expect := func(when string, active bool) {
			t.Helper()
			if got := seen(t, relay) != c.activeLow; got != active {
				t.Errorf("%+v: %s the line is %v, want %v", c, when, got, active)
			}
		}
		expect("after opening", c.safe)
		for _, v := range []bool{true, false, !c.safe} {
			if err := out.Set(v); err != nil {
				t.Fatal(err)
			}
			expect("after Set", v)
		}
		// In use: nobody else gets it.
		if _, err := gpio.New(nil).OpenOutput(t.Context(), cfg); hal.KindOf(err) != hal.Busy {
			t.Errorf("second open: %v", err)
		}
		if err := out.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		expect("after Close", c.safe)
	}
}

// TestOutputOpensWithoutAGlitch watches an active-low relay while it is opened
// and closed: held high by its resistor, it must never be seen low.
func TestOutputOpensWithoutAGlitch(t *testing.T) {
	drive(t, relay, true)
	defer drive(t, relay, false)
	stop, low := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { low <- n }()
		for {
			select {
			case <-stop:
				return
			default:
				if b, err := os.ReadFile(simLine(relay, "value")); err == nil && strings.TrimSpace(string(b)) == "0" {
					n++
				}
			}
		}
	}()
	for range 200 {
		out, err := gpio.New(nil).OpenOutput(t.Context(), hal.OutputConfig{Line: hal.LineRef{Chip: chipLabel, Offset: relay}, ActiveLow: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	if n := <-low; n > 0 {
		t.Errorf("the relay was seen on %d times", n)
	}
}

// TestLongestPulse: the driver takes the relay back by itself.
func TestLongestPulse(t *testing.T) {
	drive(t, relay, false)
	out, err := gpio.New(logger(t)).OpenOutput(t.Context(), hal.OutputConfig{
		Line: hal.LineRef{Chip: chipLabel, Offset: relay}, LongestPulse: 300 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := out.Set(true); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if !seen(t, relay) {
		t.Error("the relay is off after Set")
	}
	for seen(t, relay) {
		if time.Since(begin) > 10*time.Second {
			t.Fatal("the relay stays on")
		}
		time.Sleep(time.Millisecond)
	}
	t.Logf("off after %v", time.Since(begin))
	if took := time.Since(begin); took < 290*time.Millisecond {
		t.Errorf("off after %v, want 300 ms", took)
	}
}

// TestLatch moves an infrared filter with two coils back and forth: each way its
// own coil gets one pulse, and never are both powered.
func TestLatch(t *testing.T) {
	const in, out = 4, 5 // lines without a name
	drive(t, in, false)
	drive(t, out, false)
	filter, err := gpio.OpenLatch(t.Context(), gpio.New(logger(t)), gpio.LatchConfig{
		On:  hal.OutputConfig{Line: hal.LineRef{Chip: chipLabel, Offset: in}},
		Off: hal.OutputConfig{Line: hal.LineRef{Chip: chipLabel, Offset: out}}, Pulse: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer filter.Close()
	for i := range 6 {
		coil, other := in, out
		if i%2 != 0 {
			coil, other = out, in
		}
		if err := filter.Set(i%2 == 0); err != nil {
			t.Fatal(err)
		}
		if !seen(t, coil) {
			t.Errorf("move %d: the coil has no power", i)
		}
		for begin := time.Now(); seen(t, coil) && i < 4; { // later moves cut the one before short
			if seen(t, other) {
				t.Fatalf("move %d: both coils are powered", i)
			}
			if time.Since(begin) > 10*time.Second {
				t.Fatalf("move %d: the pulse does not end", i)
			}
		}
		if seen(t, other) {
			t.Errorf("move %d: the other coil is powered", i)
		}
	}
}

func TestMissingLine(t *testing.T) {
	_, err := gpio.New(nil).OpenInput(t.Context(), hal.InputConfig{Line: hal.LineRef{Chip: chipLabel, Offset: 8}})
	if hal.KindOf(err) != hal.Gone {
		t.Errorf("line 8 of 8: %v", err)
	}
}

// TestChipComesLater makes a chip after the others have been read, uses it, and
// takes it away again.
func TestChipComesLater(t *testing.T) {
	before, err := gpio.New(nil).Chips(t.Context()) // a machine may have one of its own
	if err != nil {
		t.Fatal(err)
	}
	const config = "/sys/kernel/config/gpio-sim/late"
	ref := hal.LineRef{Name: "LATE_BUTTON"}
	if _, err := gpio.New(nil).OpenInput(t.Context(), hal.InputConfig{Line: ref}); hal.KindOf(err) != hal.Gone {
		t.Fatalf("before the chip is there: %v", err)
	}
	for _, dir := range []string{config, config + "/bank0", config + "/bank0/line1"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(dir) })
	}
	put(t, config+"/bank0/label", "late-sim")
	put(t, config+"/bank0/num_lines", "3")
	put(t, config+"/bank0/line1/name", "LATE_BUTTON")
	put(t, config+"/live", "1")
	t.Cleanup(func() { put(t, config+"/live", "0") })
	in, err := gpio.New(logger(t)).OpenInput(t.Context(), hal.InputConfig{Line: ref})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Active(); err != nil {
		t.Error(err)
	}
	in.Close()
	chips, err := gpio.New(nil).Chips(t.Context())
	if err != nil || len(chips) != len(before)+1 {
		t.Fatalf("%+v, %v", chips, err)
	}
	for _, c := range chips {
		if c.Label == "late-sim" && (len(c.Lines) != 3 || c.Lines[1] != "LATE_BUTTON") {
			t.Errorf("%+v", c)
		}
	}
}
