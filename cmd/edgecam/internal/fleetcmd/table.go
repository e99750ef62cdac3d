package fleetcmd

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/edgecam/edgecam/provisioning/fleet"
)

func table(w io.Writer, nodes []fleet.NodeState) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "NODE\tSTATE\tGROUP\tSOFTWARE\tREV\tCONFIG\tBOARD")
	for _, n := range nodes {
		state := n.Status.State
		if state == "" {
			state = "unknown"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", n.ID, clean(state), clean(n.Birth.Group), clean(n.Birth.Software), n.Report.Revision, clean(n.Report.State), clean(n.Birth.Board))
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
