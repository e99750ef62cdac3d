// Command bench is "edgecam vp8 encode" and "decode" alone, without cgo and
// without what else belongs to edgecam: scripts/bench-vp8 counts its instructions
// for arm64.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/vp8cmd"
	"github.com/edgecam/edgecam/engine/video/vp8"
)

func main() {
	var o vp8cmd.EncodeOptions
	flag.IntVar(&o.BitrateKbps, "bitrate", 0, "bit rate in kbit/s")
	flag.IntVar(&o.Speed, "speed", vp8.SpeedAuto, "0 to 10, or -1")
	flag.IntVar(&o.Threads, "threads", 1, "encoder threads")
	flag.IntVar(&o.Frames, "frames", 0, "how many frames to code; 0: all")
	flag.StringVar(&o.Denoise, "denoise", "auto", "auto or off")
	decode := flag.Bool("decode", false, "decode IN.ivf, write nothing")
	flag.Parse()
	if *decode && flag.NArg() == 1 {
		if err := runDecode(os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if *decode || flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: bench -bitrate KBPS [flags] IN.y4m OUT.ivf, or bench -decode IN.ivf")
		os.Exit(2)
	}
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(o vp8cmd.EncodeOptions, out io.Writer) error {
	o.Input, o.Output = flag.Arg(0), flag.Arg(1)
	res, err := vp8cmd.Encode(o, os.Stdin, out)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(res)
}

func runDecode(out io.Writer) error {
	res, err := vp8cmd.Decode(vp8cmd.DecodeOptions{Input: flag.Arg(0)}, os.Stdin, out)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(res)
}
