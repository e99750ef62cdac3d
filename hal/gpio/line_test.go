package gpio

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// fakeLine behaves like a requested line: edges queue, deadlines and
// interrupts end a wait, close ends everything.
type fakeLine struct {
	mu       sync.Mutex
	changed  chan struct{}
	high     bool
	queue    []edge
	deadline time.Time
	closed   bool
	gone     error
	levels   []bool // history of an output
}

func newFakeLine() *fakeLine { return &fakeLine{changed: make(chan struct{}, 100)} }

func (l *fakeLine) kick() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

func (l *fakeLine) drive(active bool) {
	l.mu.Lock()
	if l.high != active {
		l.high = active
		c := newClock()
		l.queue = append(l.queue, edge{active: active, stamp: c.monotonic})
	}
	l.mu.Unlock()
	l.kick()
}

func (l *fakeLine) level() (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.high, l.gone
}

func (l *fakeLine) set(active bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone != nil {
		return l.gone
	}
	l.high = active
	l.levels = append(l.levels, active)
	return nil
}

func (l *fakeLine) event(deadline time.Time) (edge, error) {
	l.mu.Lock()
	l.deadline = deadline
	for {
		switch {
		case l.closed:
			l.mu.Unlock()
			return edge{}, os.ErrClosed
		case l.gone != nil:
			l.mu.Unlock()
			return edge{}, l.gone
		case len(l.queue) > 0:
			e := l.queue[0]
			l.queue = l.queue[1:]
			l.mu.Unlock()
			return e, nil
		case !l.deadline.IsZero() && !time.Now().Before(l.deadline):
			l.mu.Unlock()
			return edge{}, os.ErrDeadlineExceeded
		}
		wait := time.Hour
		if !l.deadline.IsZero() {
			wait = time.Until(l.deadline)
		}
		l.mu.Unlock()
		select {
		case <-l.changed:
		case <-time.After(wait):
		}
		l.mu.Lock()
	}
}

func (l *fakeLine) interrupt() {
	l.mu.Lock()
	l.deadline = time.Unix(1, 0)
	l.mu.Unlock()
	l.kick()
}

func (l *fakeLine) close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.kick()
	return nil
}

// fakeDriver hands out l, and remembers what was asked for.
func fakeDriver(l *fakeLine, refuse func(request) error) (*Driver, *[]request) {
	var asked []request
	d := New(nil)
	d.chips = func() []chip { return testChips }
	d.request = func(_ string, r request) (line, error) {
		asked = append(asked, r)
		if refuse != nil {
			if err := refuse(r); err != nil {
				return nil, err
			}
		}
		if r.flags&flagOutput != 0 {
			l.set(r.output)
		}
		return l, nil
	}
	return d, &asked
}

func openInput(t *testing.T, d *Driver, debounce time.Duration) hal.Input {
	t.Helper()
	in, err := d.OpenInput(t.Context(), hal.InputConfig{Line: hal.LineRef{Name: "GPIO2"}, Debounce: debounce})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	return in
}

func TestEdges(t *testing.T) {
	l := newFakeLine()
	d, asked := fakeDriver(l, nil)
	in := openInput(t, d, 20*time.Millisecond)
	if r := (*asked)[0]; r.debounce != 20*time.Millisecond || r.offset != 2 {
		t.Errorf("asked for %+v: the kernel is to debounce", r)
	}
	before := time.Now()
	l.drive(true)
	l.drive(false)
	for _, want := range []bool{true, false} {
		e, err := in.WaitEdge(t.Context())
		if err != nil || e.Active != want {
			t.Fatalf("edge %+v, %v; want active %v", e, err, want)
		}
		if e.At.Before(before.Add(-time.Millisecond)) || e.At.After(time.Now()) {
			t.Errorf("edge is dated %v after the drive", e.At.Sub(before))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := in.WaitEdge(ctx); hal.KindOf(err) != hal.Timeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no edge: %v", err)
	}
	ctx2, cancel2 := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel2)
	if _, err := in.WaitEdge(ctx2); !errors.Is(err, context.Canceled) || hal.KindOf(err) != hal.Other {
		t.Errorf("cancelled: %v", err)
	}
}

func TestCloseEndsWaitEdge(t *testing.T) {
	d, _ := fakeDriver(newFakeLine(), nil)
	in := openInput(t, d, 0)
	got := make(chan error, 1)
	go func() { _, err := in.WaitEdge(context.Background()); got <- err }()
	time.Sleep(10 * time.Millisecond)
	in.Close()
	select {
	case err := <-got:
		if !errors.Is(err, hal.ErrClosed) {
			t.Errorf("WaitEdge = %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("WaitEdge still waits")
	}
	if _, err := in.Active(); !errors.Is(err, hal.ErrClosed) {
		t.Errorf("Active after Close = %v", err)
	}
	if err := in.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// noDebounce is a kernel that cannot debounce the line.
func noDebounce(r request) error {
	if r.debounce > 0 {
		return errNotSupported
	}
	return nil
}

func TestDebouncing(t *testing.T) {
	l := newFakeLine()
	d, asked := fakeDriver(l, noDebounce)
	const settle = 250 * time.Millisecond
	in := openInput(t, d, settle)
	if len(*asked) != 2 || (*asked)[1].debounce != 0 {
		t.Fatalf("asked for %+v; want a second try without debouncing", *asked)
	}
	// A spike shorter than the time is no change; a contact that bounces is
	// one change, dated to its first edge.
	var pressed time.Time
	go func() {
		l.drive(true)
		time.Sleep(5 * time.Millisecond)
		l.drive(false)
		time.Sleep(3 * settle)
		pressed = time.Now()
		for range 4 {
			l.drive(true)
			time.Sleep(2 * time.Millisecond)
			l.drive(false)
			time.Sleep(2 * time.Millisecond)
		}
		l.drive(true)
	}()
	e, err := in.WaitEdge(t.Context())
	if err != nil || !e.Active {
		t.Fatalf("edge %+v, %v", e, err)
	}
	if d := e.At.Sub(pressed); d < -time.Millisecond || d > settle/2 {
		t.Errorf("dated %v after the first edge of the press", d)
	}
	if since := time.Since(pressed); since < settle {
		t.Errorf("reported %v after the press, before it had settled", since)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*settle)
	defer cancel()
	if e, err := in.WaitEdge(ctx); err == nil {
		t.Errorf("a second edge %+v of one press", e)
	}
}

// A call that is ended while the line settles must not lose the change.
func TestEndedWaitKeepsTheChange(t *testing.T) {
	l := newFakeLine()
	d, _ := fakeDriver(l, noDebounce)
	in := openInput(t, d, 50*time.Millisecond)
	l.drive(true)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := in.WaitEdge(ctx); hal.KindOf(err) != hal.Timeout {
		t.Fatalf("WaitEdge = %v", err)
	}
	e, err := in.WaitEdge(t.Context())
	if err != nil || !e.Active {
		t.Errorf("edge %+v, %v", e, err)
	}
}

func TestLineGoesAway(t *testing.T) {
	l := newFakeLine()
	d, _ := fakeDriver(l, nil)
	in := openInput(t, d, 0)
	l.mu.Lock()
	l.gone = syscall.ENODEV
	l.mu.Unlock()
	_, err := in.WaitEdge(t.Context())
	if hal.KindOf(err) != hal.Gone {
		t.Errorf("WaitEdge = %v", err)
	}
	if _, err := in.Active(); hal.KindOf(err) != hal.Gone {
		t.Errorf("Active = %v", err)
	}
}

func TestOutputIsSafeAtBothEnds(t *testing.T) {
	for _, safe := range []bool{false, true} {
		l := newFakeLine()
		d, _ := fakeDriver(l, nil)
		out, err := d.OpenOutput(t.Context(), hal.OutputConfig{Line: hal.LineRef{Name: "GPIO2"}, Safe: safe})
		if err != nil {
			t.Fatal(err)
		}
		if len(l.levels) != 1 || l.levels[0] != safe {
			t.Errorf("levels at opening %v, want the safe level %v", l.levels, safe)
		}
		if err := out.Set(!safe); err != nil || l.high == safe {
			t.Errorf("Set: %v", err)
		}
		if err := out.Close(); err != nil || l.high != safe || !l.closed {
			t.Errorf("Close: %v, level %v", err, l.high)
		}
		if err := out.Set(!safe); !errors.Is(err, hal.ErrClosed) || l.high != safe {
			t.Errorf("Set after Close: %v, level %v", err, l.high)
		}
		if err := out.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	}
}

// Close frees the line even when the safe level cannot be set, and says so.
func TestOutputGoesAway(t *testing.T) {
	l := newFakeLine()
	d, _ := fakeDriver(l, nil)
	out, err := d.OpenOutput(t.Context(), hal.OutputConfig{Line: hal.LineRef{Name: "GPIO2"}})
	if err != nil {
		t.Fatal(err)
	}
	l.gone = syscall.ENODEV
	if err := out.Set(true); hal.KindOf(err) != hal.Gone {
		t.Errorf("Set = %v", err)
	}
	if err := out.Close(); hal.KindOf(err) != hal.Gone || !l.closed {
		t.Errorf("Close = %v, closed %v", err, l.closed)
	}
}

func TestOpenRefused(t *testing.T) {
	d, _ := fakeDriver(newFakeLine(), func(request) error { return syscall.EBUSY })
	_, err := d.OpenInput(t.Context(), hal.InputConfig{Line: hal.LineRef{Name: "GPIO2"}, Debounce: time.Millisecond})
	if hal.KindOf(err) != hal.Busy {
		t.Errorf("OpenInput = %v", err)
	}
	_, err = d.OpenInput(t.Context(), hal.InputConfig{Line: hal.LineRef{Name: "GPIO2"}, Debounce: time.Hour})
	if hal.KindOf(err) != hal.Unsupported {
		t.Errorf("an hour of debouncing: %v", err)
	}
}
