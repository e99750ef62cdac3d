package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/lan"
)

func (a *app) findCommand() *cobra.Command {
	var asJSON bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "find",
		Short: "List the nodes on the local network",
		Long: "Asks the local network by multicast DNS for nodes (_edgecam._tcp) and lists those that answer.\n" +
			"A node answers unless http.announce is false. What it says of itself is not proven.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if wait < time.Second || wait > time.Minute {
				return usageError{errors.New("--wait must be 1s to 1m")}
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), wait)
			defer cancel()
			found, err := lan.Find(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.streams.Out, found)
			}
			if len(found) == 0 {
				fmt.Fprintln(a.streams.Out, "no node answered; nodes answer on the same network, with http.announce")
				return nil
			}
			w := tabwriter.NewWriter(a.streams.Out, 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tPAGE\tHOST\tBOARD\tVERSION")
			for _, f := range found {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.Name, f.URL, f.Host, f.Board, f.Version)
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().DurationVar(&wait, "wait", 3*time.Second, "how long answers are waited for")
	return cmd
}
