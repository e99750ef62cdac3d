package gpio

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/edgecam/edgecam/hal"
)

// Driver finds and opens GPIO lines. It implements [hal.LineDriver] and is safe
// for concurrent use.
type Driver struct {
	log     *slog.Logger
	chips   func() []chip
	request func(chipPath string, r request) (line, error)
}

var _ hal.LineDriver = (*Driver)(nil)

// New returns the driver. A nil log discards.
func New(log *slog.Logger) *Driver {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Driver{log: log, chips: func() []chip { return periphChips(log) }, request: requestLine}
}

// Chips lists the GPIO chips and the names of their lines.
func (d *Driver) Chips(ctx context.Context) ([]hal.ChipInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, ended("list chips", "/dev", err)
	}
	var out []hal.ChipInfo
	for _, c := range d.chips() {
		out = append(out, hal.ChipInfo{Label: c.label, Path: c.path, Lines: slices.Clone(c.lines)})
	}
	if len(out) == 0 {
		if err := forbidden(); err != nil {
			return nil, fail("list chips", "/dev", err)
		}
	}
	return out, nil
}

// open requests the line that ref means, with what make asks of it.
func (d *Driver) open(ctx context.Context, ref hal.LineRef, ask func(offset int) request) (line, string, request, error) {
	name := describe(ref)
	if err := ctx.Err(); err != nil {
		return nil, name, request{}, ended("open", name, err)
	}
	c, offset, err := find(d.chips(), ref)
	if err != nil {
		if f := forbidden(); f != nil {
			err = fmt.Errorf("%w (%w)", err, f)
			return nil, name, request{}, &hal.Error{Op: "open", Path: name, Kind: hal.Permission, Err: err}
		}
		return nil, name, request{}, fail("open", name, err)
	}
	r := ask(offset)
	l, err := d.request(c.path, r)
	if err != nil && r.debounce > 0 && kindOf(err) == hal.Unsupported {
		// No debouncing by the kernel: the caller does it.
		r.debounce = 0
		l, err = d.request(c.path, r)
	}
	if err != nil {
		return nil, name, r, fail("open", name, err)
	}
	return l, name, r, nil
}

// OpenInput opens a line for reading and for its edges.
func (d *Driver) OpenInput(ctx context.Context, cfg hal.InputConfig) (hal.Input, error) {
	if cfg.Debounce < 0 || cfg.Debounce > maxDebounce {
		return nil, &hal.Error{Op: "open", Path: describe(cfg.Line), Kind: hal.Unsupported, Err: fmt.Errorf(
			"gpio: debounce time %v is outside 0 to %v", cfg.Debounce, maxDebounce)}
	}
	l, name, r, err := d.open(ctx, cfg.Line, func(offset int) request { return inputRequest(offset, cfg) })
	if err != nil {
		return nil, err
	}
	in := &input{line: l, name: name, clock: newClock()}
	if r.debounce < cfg.Debounce {
		in.debounce = cfg.Debounce
		d.log.Info("gpio: debouncing in this process", "line", name, "debounce_ms", cfg.Debounce.Milliseconds())
		if in.last, err = l.level(); err != nil {
			l.close()
			return nil, fail("read", name, err)
		}
	}
	return in, nil
}

// OpenOutput opens a line for writing, at its safe level.
func (d *Driver) OpenOutput(ctx context.Context, cfg hal.OutputConfig) (hal.Output, error) {
	if cfg.LongestPulse < 0 {
		return nil, &hal.Error{Op: "open", Path: describe(cfg.Line), Kind: hal.Unsupported, Err: fmt.Errorf(
			"gpio: longest pulse %v is below 0", cfg.LongestPulse)}
	}
	l, name, _, err := d.open(ctx, cfg.Line, func(offset int) request { return outputRequest(offset, cfg) })
	if err != nil {
		return nil, err
	}
	return &output{log: d.log, line: l, name: name, safe: cfg.Safe, longest: cfg.LongestPulse}, nil
}
