package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/voicecmd"
)

// voiceCommand is the voice engine for files. Benchmarks use it, so its flags
// are kept stable.
func (a *app) voiceCommand() *cobra.Command {
	cmd := group("voice", "Run the node's own voice engine on files")
	cmd.AddCommand(a.voiceEncode(), a.voiceDecode(), a.voiceAEC(), a.voiceNS(), a.voiceAGC(), a.voiceVAD(), a.voiceNetEQ())
	return cmd
}

func (a *app) voiceEncode() *cobra.Command {
	var o voicecmd.EncodeOptions
	var kbps int
	cmd := &cobra.Command{
		Use:   "encode --codec CODEC [flags] IN.wav OUT.bin",
		Short: "Encode a WAV file to frames with a 2-byte length before each",
		Args:  cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			o.In, o.Out, o.BitrateBps = args[0], args[1], voiceRate(kbps)
			return voicecmd.Encode(o, a.streams.Err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Codec, "codec", "", "one of "+strings.Join(voicecmd.Codecs(), ", ")+" (needed)")
	f.IntVar(&kbps, "bitrate", 0, "bit rate where the codec has a choice, in kbit/s, or in bit/s from 1000 on; 0: its usual one")
	f.StringVar(&o.FrameMs, "frame-ms", "", "iSAC: 30 (the usual one), 60 or adaptive")
	f.BoolVar(&o.PiecewiseMap, "piecewise-map", false, "iSAC: code for decoders that decode without --exact-map")
	need(cmd, "codec")
	return cmd
}

func (a *app) voiceDecode() *cobra.Command {
	var o voicecmd.DecodeOptions
	cmd := &cobra.Command{
		Use:   "decode --codec CODEC [--loss FILE] IN.bin OUT.wav",
		Short: "Decode frames with a 2-byte length before each to a WAV file",
		Args:  cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			o.In, o.Out = args[0], args[1]
			return voicecmd.Decode(o, a.streams.Err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Codec, "codec", "", "one of "+strings.Join(voicecmd.Codecs(), ", ")+" (needed)")
	f.StringVar(&o.Loss, "loss", "", "file with 0 or 1 per frame; 1 is lost and concealed")
	f.BoolVar(&o.NoEnhancer, "no-enhancer", false, "iLBC: leave the enhancer out")
	f.BoolVar(&o.ExactMap, "exact-map", false, "iSAC at 16 kHz: decode with the exact map of reflection coefficients, as encode codes")
	need(cmd, "codec")
	return cmd
}

func (a *app) voiceAEC() *cobra.Command {
	var o voicecmd.AECOptions
	var tail int
	cmd := &cobra.Command{
		Use:   "aec --far FAR.wav --near MIC.wav --out OUT.wav [flags]",
		Short: "Cancel the echo of one recording in another",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			o.Tail = time.Duration(tail) * time.Millisecond
			return voicecmd.AEC(o, a.streams.Err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Far, "far", "", "what the speaker played (needed)")
	f.StringVar(&o.Near, "near", "", "what the microphone heard (needed)")
	f.StringVar(&o.Out, "out", "", "the result (needed)")
	f.IntVar(&o.RateHz, "rate", 0, "must agree with the files, if given")
	f.IntVar(&tail, "tail-ms", 0, "length of the echo path in milliseconds; 0: the usual one")
	f.BoolVar(&o.WithNS, "with-ns", false, "noise reduction as well")
	f.BoolVar(&o.JSON, "json", false, "statistics as JSON on standard error")
	need(cmd, "far", "near", "out")
	return cmd
}

func (a *app) voiceNS() *cobra.Command {
	var o voicecmd.NSOptions
	cmd := &cobra.Command{
		Use:   "ns [flags] IN.wav OUT.wav",
		Short: "Reduce noise",
		Args:  cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			o.In, o.Out = args[0], args[1]
			return voicecmd.NS(o, a.streams.Err)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.RateHz, "rate", 0, "must agree with IN, if given")
	f.StringVar(&o.Strength, "strength", "mid", "low, mid or high")
	f.BoolVar(&o.JSON, "json", false, "statistics as JSON on standard error")
	return cmd
}

func (a *app) voiceAGC() *cobra.Command {
	var o voicecmd.AGCOptions
	cmd := &cobra.Command{
		Use:   "agc [flags] IN.wav OUT.wav",
		Short: "Bring voices to an even level",
		Args:  cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			o.In, o.Out = args[0], args[1]
			return voicecmd.AGC(o, a.streams.Err)
		},
	}
	cmd.Flags().IntVar(&o.RateHz, "rate", 0, "must agree with IN, if given")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "statistics as JSON on standard error")
	return cmd
}

func (a *app) voiceVAD() *cobra.Command {
	var o voicecmd.VADOptions
	cmd := &cobra.Command{
		Use:   "vad [flags] IN.wav",
		Short: "Tell speech from noise: JSON, one decision per 10 ms",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			o.In = args[0]
			return voicecmd.VAD(o, a.streams.Out)
		},
	}
	cmd.Flags().IntVar(&o.RateHz, "rate", 0, "must agree with IN, if given")
	return cmd
}

func (a *app) voiceNetEQ() *cobra.Command {
	var o voicecmd.NetEQOptions
	var kbps int
	cmd := &cobra.Command{
		Use:   "neteq --trace TRACE.csv --in IN.wav --out OUT.wav --stats STATS.json [flags]",
		Short: "Play a recording through the receive buffer, packets arriving as in a trace",
		Long: "Play a recording through the receive buffer (jitter buffer, concealment, time stretching).\n" +
			"TRACE.csv has a line seq,ts_ms,arrival_ms for each packet of 20 ms; arrival -1: lost.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			o.BitrateBps = voiceRate(kbps)
			return voicecmd.NetEQ(o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Codec, "codec", "l16", "l16, opus, ilbc20, g722, pcmu or pcma")
	f.StringVar(&o.Trace, "trace", "", "when packets arrive (needed)")
	f.StringVar(&o.In, "in", "", "what is said (needed)")
	f.StringVar(&o.Out, "out", "", "what is heard (needed)")
	f.StringVar(&o.Stats, "stats", "", "statistics as JSON")
	f.StringVar(&o.Timeline, "timeline", "", "delay and concealment every 10 ms as CSV")
	f.IntVar(&o.RateHz, "rate", 0, "must agree with IN, if given")
	f.IntVar(&kbps, "bitrate", 0, "Opus: bit rate in kbit/s, or in bit/s from 1000 on; 0: its usual one")
	need(cmd, "trace", "in", "out")
	return cmd
}

// need marks flags, which are defined, as required.
func need(cmd *cobra.Command, flags ...string) {
	for _, name := range flags {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err)
		}
	}
}

// voiceRate returns a bit rate in bit/s. No voice codec takes a megabit: from 1000
// on the number is in bit/s already.
func voiceRate(n int) int {
	if n >= 1000 {
		return n
	}
	return n * 1000
}
