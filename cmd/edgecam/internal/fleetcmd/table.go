package fleetcmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/provisioning/fleet"
	"github.com/edgecam/edgecam/provisioning/wire"
)

func table(w io.Writer, nodes []fleet.NodeState) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "NODE\tSTATE\tGROUP\tSOFTWARE\tREV\tCONFIG\tBOARD")
	for _, n := range nodes {
		state := n.Status.State
		if state == "" {
			state = "unknown"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", n.ID, state, n.Birth.Group, n.Birth.Software, n.Report.Revision, n.Report.State, clean(n.Birth.Board))
	}
	return tw.Flush()
}

// clean keeps what a node says from steering the terminal.
func clean(s string) string {
	return string(bytes.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, []byte(s)))
}

func (t *tool) watchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "watch", Short: "Watch the nodes and their events", Args: cobra.NoArgs,
		Long: "In a terminal a table that is kept up to date; otherwise, and with --json, one line per event.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			type line struct {
				Node  string     `json:"node"`
				Event wire.Event `json:"event"`
			}
			lines := make(chan line, 256)
			o := fleet.Options{OnEvent: func(node string, e wire.Event) {
				select {
				case lines <- line{node, e}:
				default:
				}
			}}
			return t.with(cmd.Context(), true, o, func(ctx context.Context, op *fleet.Operator) error {
				live := t.Terminal && !t.asJSON
				tick := time.NewTicker(500 * time.Millisecond)
				defer tick.Stop()
				last := ""
				if live {
					if err := t.draw(op, last); err != nil {
						return err
					}
				}
				for {
					select {
					case <-ctx.Done():
						return nil
					case l := <-lines:
						last = fmt.Sprintf("%s  %s  %s  late=%v", time.Now().Format(time.TimeOnly), l.Node, clean(l.Event.Type), l.Event.Late)
						var err error
						switch {
						case t.asJSON:
							_, err = fmt.Fprintf(t.Out, "%s\n", wire.Encode(l))
						case !live:
							_, err = fmt.Fprintln(t.Out, last)
						}
						if err != nil {
							return err
						}
					case <-tick.C:
						if live {
							if err := t.draw(op, last); err != nil {
								return err
							}
						}
					}
				}
			})
		},
	}
}

// maxRows bounds what is drawn of a large fleet.
const maxRows = 40

func (t *tool) draw(op *fleet.Operator, last string) error {
	nodes := op.Nodes()
	online := 0
	for _, n := range nodes {
		if n.Online {
			online++
		}
	}
	var b bytes.Buffer
	b.WriteString("\x1b[H\x1b[J")
	fmt.Fprintf(&b, "%d nodes, %d online   (Ctrl-C ends)\n\n", len(nodes), online)
	if err := table(&b, nodes[:min(len(nodes), maxRows)]); err != nil {
		return err
	}
	fmt.Fprintf(&b, "\nlast event: %s\n", last)
	_, err := t.Out.Write(b.Bytes())
	return err
}
