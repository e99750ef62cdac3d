package fleetcmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/internal/atomicfile"
	"github.com/edgecam/edgecam/provisioning/fleet"
	"github.com/edgecam/edgecam/provisioning/wire"
)

func (t *tool) rolloutCommand() *cobra.Command {
	var r fleet.Rollout
	var file, groupName, state string
	var settle time.Duration
	var most int
	cmd := &cobra.Command{
		Use: "rollout --state FILE [JSON]", Short: "Bring a configuration to many nodes in waves", Args: cobra.MaximumNArgs(1),
		Long: "Each wave waits for its nodes' reports; if more than --max-failed percent of them fail, the roll-out\n" +
			"pauses. Its state is in the file: the same command without JSON goes on where it stopped.",
		RunE: func(cmd *cobra.Command, args []string) error {
			r.MaxFail = most
			resumed, err := resume(state, &r)
			if err != nil {
				return err
			}
			if !resumed {
				if r.Desired.Config, err = configArgument(args, file); err != nil {
					return err
				}
			} else if cmd.Flags().Changed("max-failed") {
				r.MaxFail = most
			}
			if resumed && (len(args) > 0 || file != "") {
				return fmt.Errorf("%s holds a roll-out already; give no configuration to go on with it, or another --state", state)
			}
			return t.with(cmd.Context(), true, fleet.Options{}, func(ctx context.Context, op *fleet.Operator) error {
				if !resumed {
					for _, n := range op.Nodes() {
						if n.Online && (groupName == "" || n.Birth.Group == groupName) {
							r.Nodes = append(r.Nodes, n.ID)
						}
					}
				}
				err := r.Run(ctx, op, settle, func(r *fleet.Rollout) error {
					if !t.asJSON {
						fmt.Fprintf(t.Out, "%d of %d nodes done, %d failed %s\n", len(r.Done), len(r.Nodes), r.Failed(), r.Paused)
					}
					return atomicfile.Write(state, append(wire.Encode(r), '\n'), 0o600)
				})
				if t.asJSON {
					err = errors.Join(err, printJSON(t.Out, r))
				}
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&state, "state", "", "file that keeps the roll-out's state")
	f.StringVarP(&file, "file", "f", "", "read the JSON from this file")
	f.StringVar(&groupName, "group", "", "nodes of this group only")
	f.IntSliceVar(&r.Waves, "waves", []int{1, 10, 50, 100}, "percent of the nodes, one number per wave")
	f.IntVar(&most, "max-failed", 5, "pause if more than this percentage fails; may be given again to go on")
	f.DurationVar(&settle, "wait", 3*time.Minute, "how long a wave's nodes have to report")
	_ = cmd.MarkFlagRequired("state")
	return cmd
}

func resume(path string, r *fleet.Rollout) (bool, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(data, r); err != nil {
		return false, fmt.Errorf("%s is not a roll-out: %w", path, err)
	}
	return true, nil
}
