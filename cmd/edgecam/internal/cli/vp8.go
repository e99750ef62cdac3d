package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/vp8cmd"
	"github.com/edgecam/edgecam/engine/video/vp8"
)

// vp8Command is the codec for files. Benchmarks use it, so its flags and its
// line of JSON are kept stable.
func (a *app) vp8Command() *cobra.Command {
	cmd := group("vp8", "Encode and decode VP8 files with the node's own codec")
	cmd.AddCommand(a.vp8Encode(), a.vp8Decode())
	return cmd
}

func (a *app) vp8Encode() *cobra.Command {
	var o vp8cmd.EncodeOptions
	cmd := &cobra.Command{
		Use:   "encode --bitrate KBPS [flags] IN.y4m OUT.ivf",
		Short: "Encode raw video (Y4M) to VP8 (IVF)",
		Long: "Encode raw video (Y4M) to VP8 (IVF); - is standard input or output. Prints one line of JSON:\n" +
			"frames, bytes, psnr_y, user_cpu_s, wall_s, drops; on standard error if the video goes to standard output.",
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			o.Input, o.Output = args[0], args[1]
			if o.BitrateKbps <= 0 || o.BitrateKbps > 1_000_000 {
				return usageError{errors.New("--bitrate must be 1 to 1000000 kbit/s")}
			}
			if o.Threads < 1 || o.Threads > 64 {
				return usageError{errors.New("--threads must be 1 to 64")}
			}
			res, err := vp8cmd.Encode(o, a.streams.In, a.streams.Out)
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
	f.IntVar(&o.BitrateKbps, "bitrate", 0, "bit rate in kbit/s (needed)")
	f.IntVar(&o.Speed, "speed", vp8.SpeedAuto, "0 best quality to 10 fastest; -1: holds a time budget per frame")
	f.IntVar(&o.Threads, "threads", 1, "encoder threads; the output does not depend on them")
	f.IntVar(&o.Width, "width", 0, "must agree with IN, if given")
	f.IntVar(&o.Height, "height", 0, "must agree with IN, if given")
	f.Float64Var(&o.FPS, "fps", 0, "must agree with IN, if given")
	f.IntVar(&o.TemporalLayers, "temporal-layers", 1, "1 to 3")
	f.IntVar(&o.KeyInterval, "keyint", 0, "frames from one key frame to the next; 0: only the first")
	f.StringVar(&o.Denoise, "denoise", "auto", "auto or off")
	f.BoolVar(&o.AllowDrop, "drop", false, "rate control may leave frames out")
	if err := cmd.MarkFlagRequired("bitrate"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

func (a *app) vp8Decode() *cobra.Command {
	var o vp8cmd.DecodeOptions
	cmd := &cobra.Command{
		Use:   "decode [--threads T] [--md5] IN.ivf [OUT.y4m]",
		Short: "Decode VP8 (IVF) to raw video (Y4M)",
		Long: "Decode VP8 (IVF) to raw video (Y4M); - is standard input or output. Damaged frames are concealed and\n" +
			"counted. --md5 prints the MD5 of all pictures (I420) and the name of the input; then OUT may be left out.",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			o.Input = args[0]
			if len(args) == 2 {
				o.Output = args[1]
			} else if !o.MD5 {
				return usageError{errors.New("OUT.y4m is missing (only --md5 needs none)")}
			}
			if o.Threads < 1 || o.Threads > 64 {
				return usageError{errors.New("--threads must be 1 to 64")}
			}
			res, err := vp8cmd.Decode(o, a.streams.In, a.streams.Out)
			if err != nil {
				return err
			}
			w := a.streams.Out
			if o.Output == "-" {
				w = a.streams.Err
			}
			if o.MD5 {
				_, err = fmt.Fprintf(w, "%s  %s\n", res.MD5, o.Input)
				return err
			}
			return printLine(w, res)
		},
	}
	cmd.Flags().IntVar(&o.Threads, "threads", 1, "decoder threads")
	cmd.Flags().BoolVar(&o.MD5, "md5", false, "print the MD5 of all pictures")
	return cmd
}

func printLine(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("cli: %w", err)
	}
	_, err = w.Write(append(line, '\n'))
	return err
}
