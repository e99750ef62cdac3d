package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/edgecam/edgecam/provisioning/wire"
)

// Rollout brings one configuration to many nodes in waves. It can be stored as
// JSON between its waves and gone on with.
type Rollout struct {
	Desired wire.Desired      `json:"desired"`
	Nodes   []string          `json:"nodes"`              // in the order they are served
	Waves   []int             `json:"waves"`              // percent of the nodes, rising, the last 100
	MaxFail int               `json:"max_failed_percent"` // of those done; more pauses
	Done    map[string]string `json:"done"`               // node to state: a Report's, or "silent"
	Paused  string            `json:"paused,omitempty"`   // why
}

// ErrPaused tells that a roll-out stopped because too many nodes failed.
var ErrPaused = errors.New("fleet: the roll-out is paused")

// silent is the state of a node that did not report in time.
const silent = "silent"

// Check says what is wrong with a roll-out's plan.
func (r *Rollout) Check() error {
	if len(r.Nodes) == 0 {
		return errors.New("fleet: the roll-out has no nodes")
	}
	if len(r.Waves) == 0 || r.Waves[len(r.Waves)-1] != 100 || !slices.IsSorted(r.Waves) || r.Waves[0] < 1 {
		return errors.New("fleet: waves must be rising percentages that end with 100")
	}
	if r.MaxFail < 0 || r.MaxFail > 100 {
		return errors.New("fleet: the failure limit must be 0 to 100 percent")
	}
	return nil
}

// Failed counts the nodes that did not come to run with the configuration.
func (r *Rollout) Failed() (n int) {
	for _, state := range r.Done {
		if state != wire.ReportOK {
			n++
		}
	}
	return n
}

// Run goes on with the roll-out until it is done, paused or ctx ends. After
// each wave, and when it pauses, step is called to store it. settle is how long
// a wave's nodes have to report.
func (r *Rollout) Run(ctx context.Context, o *Operator, settle time.Duration, step func(*Rollout) error) error {
	if err := r.Check(); err != nil {
		return err
	}
	if r.Done == nil {
		r.Done = map[string]string{}
	}
	r.Paused = ""
	for _, percent := range r.Waves {
		upTo := (len(r.Nodes)*percent + 99) / 100
		var wave []string
		for _, id := range r.Nodes[:upTo] {
			if _, done := r.Done[id]; !done {
				wave = append(wave, id)
			}
		}
		if len(wave) == 0 {
			continue
		}
		if err := r.wave(ctx, o, wave, settle); err != nil {
			return errors.Join(err, step(r))
		}
		if failed := r.Failed(); failed*100 > r.MaxFail*len(r.Done) {
			r.Paused = fmt.Sprintf("%d of %d nodes failed", failed, len(r.Done))
			return errors.Join(fmt.Errorf("%w: %s", ErrPaused, r.Paused), step(r))
		}
		if err := step(r); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rollout) wave(ctx context.Context, o *Operator, wave []string, settle time.Duration) error {
	revisions := map[string]uint64{}
	for _, id := range wave {
		rev, err := o.SetDesired(ctx, id, r.Desired)
		if err != nil {
			return err
		}
		revisions[id] = rev
	}
	within, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	for _, id := range wave {
		n, err := o.Wait(within, id, func(n NodeState) bool { return Settled(n, revisions[id]) })
		switch {
		case err == nil:
			r.Done[id] = n.Report.State
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			r.Done[id] = silent
		}
	}
	return nil
}
