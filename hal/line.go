package hal

import (
	"context"
	"time"
)

// Bias is the pull resistor of an input line.
type Bias uint8

// The biases of an input.
const (
	BiasAsIs Bias = iota
	BiasPullUp
	BiasPullDown
	BiasDisabled
)

// LineRef names a GPIO line, by chip label and offset or by the line's own
// name. Chip numbers are not used: they change with the kernel.
type LineRef struct {
	Chip   string `json:"chip,omitempty" yaml:"chip,omitempty"` // label, such as "pinctrl-rp1"
	Offset int    `json:"offset,omitempty" yaml:"offset,omitempty"`
	Name   string `json:"name,omitempty" yaml:"name,omitempty"` // such as "GPIO17"
}

// InputConfig describes an input line.
type InputConfig struct {
	Line      LineRef
	ActiveLow bool
	Bias      Bias
	// Debounce suppresses changes shorter than itself.
	Debounce time.Duration
}

// OutputConfig describes an output line.
type OutputConfig struct {
	Line      LineRef
	ActiveLow bool
	// Safe is the logical level set at opening and at Close.
	Safe bool
	// LongestPulse is how long the line may be away from the safe level: the driver
	// takes it back by itself then, whatever became of who has set it. 0: for ever.
	LongestPulse time.Duration
}

// Edge is a change of an input. Active is the logical level after it.
type Edge struct {
	Active bool
	At     time.Time
}

// Input is an open input line.
type Input interface {
	Active() (bool, error)
	// WaitEdge waits for the next change, at most until ctx is done.
	WaitEdge(ctx context.Context) (Edge, error)
	Close() error
}

// Output is an open output line. Close sets the safe level first.
type Output interface {
	Set(active bool) error
	Close() error
}

// ChipInfo describes a GPIO chip.
type ChipInfo struct {
	Label string   `json:"label"`
	Path  string   `json:"path"`
	Lines []string `json:"lines"` // names by offset; "" is unnamed
}

// LineDriver finds and opens GPIO lines.
type LineDriver interface {
	Chips(ctx context.Context) ([]ChipInfo, error)
	OpenInput(ctx context.Context, cfg InputConfig) (Input, error)
	OpenOutput(ctx context.Context, cfg OutputConfig) (Output, error)
}
