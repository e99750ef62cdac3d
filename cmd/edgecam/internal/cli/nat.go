package cli

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/engine/session/nat"
)

func (a *app) natCommand() *cobra.Command {
	var asJSON bool
	var servers []string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "nat",
		Short: "Find out what stands between this machine and the internet",
		Long: "Ask STUN servers for this machine's public address and for what the network address translator does:\n" +
			"how it maps and filters, whether UDP gets out, and what that means for viewers from outside.\n\n" +
			"The servers are those of webrtc.ice_servers, or those given by --server. Two at different addresses tell the\n" +
			"mapping; what is filtered only a server with RFC 5780 can tell. Exit code 5: no server answers over UDP.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(servers) == 0 {
				l, _, _, _, err := a.load(nil)
				if err != nil {
					return err
				}
				for _, s := range l.WebRTC.ICEServers {
					servers = append(servers, s.URLs...)
				}
			}
			r, err := nat.Discover(cmd.Context(), nat.Config{Servers: servers, Timeout: timeout})
			switch {
			case errors.Is(err, nat.ErrNoServer):
				return usageError{errors.New("no STUN server to ask: set webrtc.ice_servers, or give --server stun:HOST:PORT (see --help)")}
			case errors.Is(err, nat.ErrURI):
				return usageError{err}
			case err != nil:
				return err
			}
			a.code = ExitWarnings
			for _, f := range []*nat.Family{r.IPv4, r.IPv6} {
				if f != nil && f.UDP == nat.UDPWorks {
					a.code = ExitOK
				}
			}
			if asJSON {
				return printJSON(a.streams.Out, r)
			}
			return printNAT(a.streams.Out, r)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.StringArrayVar(&servers, "server", nil, "STUN server, such as stun:stun.example.org:3478 (repeatable)")
	f.DurationVar(&timeout, "timeout", 2*time.Second, "wait for each answer")
	return cmd
}

func printNAT(w io.Writer, r *nat.Report) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, v := range []struct {
		name string
		f    *nat.Family
	}{{"IPv4", r.IPv4}, {"IPv6", r.IPv6}} {
		f := v.f
		if f == nil {
			continue
		}
		fmt.Fprintf(tw, "%s\t%s\n", v.name, f.Kind())
		if f.Local.IsValid() {
			fmt.Fprintf(tw, "  own address\t%v\n", f.Local)
		}
		if f.UDP == nat.UDPWorks {
			kept := "port changed"
			if f.PortKept {
				kept = "port kept"
			}
			fmt.Fprintf(tw, "  public address\t%v (%s)\n", f.Public, kept)
			fmt.Fprintf(tw, "  mapping\t%s\n  filtering\t%s\n  hairpin\t%s\n", f.Mapping, f.Filtering, f.Hairpin)
		}
		for _, s := range f.Servers {
			switch {
			case s.Mapped.IsValid():
				fmt.Fprintf(tw, "  %s\t%v in %.0f ms\n", s.URL, s.Mapped, s.RTTms)
			case s.TCP:
				fmt.Fprintf(tw, "  %s\tanswers over TCP alone\n", s.URL)
			default:
				fmt.Fprintf(tw, "  %s\t! %s\n", s.URL, s.Error)
			}
		}
		fmt.Fprintf(tw, "  →\t%s\n", f.Advice())
	}
	return tw.Flush()
}
