package voicecmd

import (
	"fmt"
	"io"

	"github.com/edgecam/edgecam/engine/voice/agc"
	"github.com/edgecam/edgecam/engine/voice/vad"
)

// AGCOptions are the options of "edgecam voice agc".
type AGCOptions struct {
	// In and Out are WAV files.
	In, Out string
	// RateHz, unless 0, must be the file's rate.
	RateHz int
	// JSON asks for the statistics as one line of JSON.
	JSON bool
}

// AGC brings the speech of o.In to the default level, gated by the detector of
// voice activity as in the node. The result is as long as the input and in step
// with it. Statistics go to stderr. Errors of input and options wrap ErrUsage.
func AGC(o AGCOptions, stderr io.Writer) error {
	in, err := readInput(o.In, o.Out, o.RateHz)
	if err != nil {
		return err
	}
	rate := stageRate(in.rateHz)
	control, err := agc.New(agc.Config{RateHz: rate})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	detector, err := vad.New(vad.Config{RateHz: rate})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	process := func(frame []int16) error {
		speech, err := detector.Process(frame)
		if err != nil {
			return err
		}
		return control.ProcessGated(frame, speech)
	}
	if in, err = runStage(control, process, in); err != nil {
		return err
	}
	if err := writeWAV(o.Out, in); err != nil {
		return err
	}
	return printStats(stderr, o.JSON, control.Stats())
}
