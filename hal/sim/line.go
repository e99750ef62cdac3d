package sim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// ChipLabel is the label of the simulated GPIO chip. Its lines are "button"
// (offset 0, input), "pir" (1, input), "relay" (2, output), "reset" (3, input)
// and "reset-light" (4, output).
const ChipLabel = "sim"

var lineNames = [...]string{"button", "pir", "relay", "reset", "reset-light"}

// isOutput tells which lines are moved by their outputs only.
var isOutput = [len(lineNames)]bool{2: true, 4: true}

// maxEdges bounds the changes kept for an input that nobody waits on, as the
// kernel does; the oldest are lost.
const maxEdges = 64

// LineDriver is a [hal.LineDriver] with a button, a motion sensor, a relay, and a
// reset button with its light.
// They are wired as configured: levels are always logical, whatever ActiveLow
// says. Nothing moves unless Set or Press moves it.
type LineDriver struct {
	mu    sync.Mutex
	lines [len(lineNames)]lineState
}

type lineState struct {
	active bool
	open   bool
	input  *input
}

var _ hal.LineDriver = (*LineDriver)(nil)

// NewLineDriver returns a driver whose lines are inactive.
func NewLineDriver() *LineDriver { return &LineDriver{} }

// Chips lists the simulated chip.
func (d *LineDriver) Chips(ctx context.Context) ([]hal.ChipInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, contextError("list", ChipLabel, err)
	}
	return []hal.ChipInfo{{Label: ChipLabel, Path: ChipLabel, Lines: append([]string(nil), lineNames[:]...)}}, nil
}

// Set moves the input with that name, as a finger or a visitor would. Outputs
// are moved by the node only.
func (d *LineDriver) Set(name string, active bool) error {
	i, err := d.find(hal.LineRef{Name: name})
	if err != nil {
		return err
	}
	if isOutput[i] {
		return &hal.Error{Op: "set", Path: name, Kind: hal.Unsupported, Err: errors.New("the line is an output: only the node moves it")}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	l := &d.lines[i]
	if l.active != active {
		l.active = active
		if l.input != nil {
			l.input.change(active, time.Now())
		}
	}
	return nil
}

// Press makes the input active and, after hold, inactive again. It does not
// wait.
func (d *LineDriver) Press(name string, hold time.Duration) error {
	if err := d.Set(name, true); err != nil {
		return err
	}
	time.AfterFunc(hold, func() { _ = d.Set(name, false) }) // cannot fail: it just worked
	return nil
}

// State returns the logical level of the line with that name.
func (d *LineDriver) State(name string) (bool, error) {
	i, err := d.find(hal.LineRef{Name: name})
	if err != nil {
		return false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lines[i].active, nil
}

func (d *LineDriver) find(ref hal.LineRef) (int, error) {
	path := lineRefString(ref)
	if ref.Chip != "" && ref.Chip != ChipLabel {
		return 0, &hal.Error{Op: "open", Path: path, Kind: hal.Gone, Err: fmt.Errorf("there is no such simulated chip (it is %q)", ChipLabel)}
	}
	for i, name := range lineNames {
		if ref.Name == name || ref.Name == "" && ref.Offset == i {
			return i, nil
		}
	}
	return 0, &hal.Error{Op: "open", Path: path, Kind: hal.Gone, Err: errors.New(`there is no such simulated line (there are "button", "pir", "relay", "reset" and "reset-light")`)}
}

func lineRefString(ref hal.LineRef) string {
	if ref.Name != "" {
		return ref.Name
	}
	return fmt.Sprintf("%s:%d", ref.Chip, ref.Offset)
}

// claim marks a line as open.
func (d *LineDriver) claim(ctx context.Context, ref hal.LineRef, output bool) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, contextError("open", lineRefString(ref), err)
	}
	i, err := d.find(ref)
	if err != nil {
		return 0, err
	}
	fail := func(kind hal.Kind, why string) (int, error) {
		return 0, &hal.Error{Op: "open", Path: lineNames[i], Kind: kind, Err: errors.New(why)}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case output != isOutput[i]:
		return fail(hal.Unsupported, `of the simulated lines "relay" and "reset-light" are outputs, all others inputs`)
	case d.lines[i].open:
		return fail(hal.Busy, "the line is open already: close it first")
	}
	d.lines[i].open = true
	return i, nil
}

// OpenInput opens "button", "pir" or "reset".
func (d *LineDriver) OpenInput(ctx context.Context, cfg hal.InputConfig) (hal.Input, error) {
	i, err := d.claim(ctx, cfg.Line, false)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	in := &input{
		driver: d, index: i, debounce: max(cfg.Debounce, 0), stable: d.lines[i].active,
		wake: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	in.raw = in.stable
	d.lines[i].input = in
	return in, nil
}

// OpenOutput opens "relay" or "reset-light" at its safe level.
func (d *LineDriver) OpenOutput(ctx context.Context, cfg hal.OutputConfig) (hal.Output, error) {
	i, err := d.claim(ctx, cfg.Line, true)
	if err != nil {
		return nil, err
	}
	o := &output{driver: d, index: i, safe: cfg.Safe, longest: cfg.LongestPulse}
	if err := o.Set(cfg.Safe); err != nil {
		return nil, err
	}
	return o, nil
}

type output struct {
	driver  *LineDriver
	index   int
	safe    bool
	longest time.Duration
	// Guarded by driver.mu:
	closed bool
	sets   int // a pulse that another Set has followed does not end by itself
}

// Set moves the line.
func (o *output) Set(active bool) error {
	o.driver.mu.Lock()
	defer o.driver.mu.Unlock()
	if o.closed {
		return hal.ErrClosed
	}
	o.driver.lines[o.index].active = active
	o.sets++
	if n := o.sets; active != o.safe && o.longest > 0 {
		time.AfterFunc(o.longest, func() {
			o.driver.mu.Lock()
			defer o.driver.mu.Unlock()
			if !o.closed && o.sets == n {
				o.driver.lines[o.index].active = o.safe
			}
		})
	}
	return nil
}

// Close sets the safe level.
func (o *output) Close() error {
	o.driver.mu.Lock()
	defer o.driver.mu.Unlock()
	if !o.closed {
		o.closed = true
		o.driver.lines[o.index].active = o.safe
		o.driver.lines[o.index].open = false
	}
	return nil
}
