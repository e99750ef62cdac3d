package cli

import (
	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/enhancecmd"
)

// enhanceCommand is the node's picture enhancement for files. Benchmarks use
// it, so its flags and its line of JSON are kept stable.
func (a *app) enhanceCommand() *cobra.Command {
	var o enhancecmd.Options
	cmd := &cobra.Command{
		Use:   "enhance [flags] IN.y4m OUT.y4m",
		Short: "Enhance raw video (Y4M) as the node does before it encodes",
		Long: "Enhance raw video (Y4M) as the node does before it encodes; - is standard input or output. Prints one\n" +
			"line of JSON: frames, steps_ms (mean per frame), noise, user_cpu_s, wall_s; on standard error if the video\n" +
			"goes to standard output.",
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			o.Input, o.Output = args[0], args[1]
			res, err := enhancecmd.Run(o, a.streams.In, a.streams.Out)
			if err != nil {
				return err
			}
			w := a.streams.Out
			if o.Output == "-" {
				w = a.streams.Err
			}
			return printLine(w, res)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Denoise, "denoise", "auto", "auto, fast, off, or the noise's standard deviation in levels")
	f.StringVar(&o.Tone, "tone", "auto", "auto or off")
	f.Float64Var(&o.RateLimit, "rate-limit", 0, "most that tone changes the mean brightness per frame, in levels; 0: the node's own, negative: no limit")
	return cmd
}
