// Package voicecmd is the logic of the commands "edgecam voice ...": the
// stages of the voice path on files.
package voicecmd

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/edgecam/edgecam/engine/voice/aec"
)

// AECOptions are the options of "edgecam voice aec".
type AECOptions struct {
	// Far, Near and Out are WAV files: what the loudspeaker plays, what the
	// microphone hears, and the result.
	Far, Near, Out string
	// RateHz, unless 0, must be the files' rate.
	RateHz int
	// Tail is the length of echo that is modelled; 0: the default.
	Tail time.Duration
	// WithNS reduces noise after the cancellation.
	WithNS bool
	// JSON asks for the statistics as one line of JSON.
	JSON bool
}

// AEC cancels the echo of o.Far in o.Near. The far end counts as silent after
// its end; the result is as long as o.Near. Statistics go to stderr. Errors of
// input and options wrap ErrUsage.
func AEC(o AECOptions, stderr io.Writer) error {
	if o.Far == "" || o.Near == "" || o.Out == "" {
		return fmt.Errorf("%w: --far, --near and --out are all needed", ErrUsage)
	}
	far, err := readWAV(o.Far)
	if err != nil {
		return err
	}
	near, err := readWAV(o.Near)
	if err != nil {
		return err
	}
	if far.rateHz != near.rateHz {
		return fmt.Errorf("%w: %s has %d Hz, %s %d Hz: give both at one rate", ErrUsage, o.Far, far.rateHz, o.Near, near.rateHz)
	}
	if o.RateHz != 0 && o.RateHz != near.rateHz {
		return fmt.Errorf("%w: --rate %d, but the files have %d Hz: leave --rate out", ErrUsage, o.RateHz, near.rateHz)
	}
	// A rate that has no whole frame of 10 ms is taken for its neighbour: the
	// canceller works on samples, its constants of time are then 1 % off at most.
	rate := (near.rateHz + 50) / 100 * 100
	canceller, err := aec.New(aec.Config{RateHz: rate, Tail: o.Tail})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	cancel(canceller, far.samples, near.samples)
	if o.WithNS {
		if near, err = reduceNoise(near); err != nil {
			return err
		}
	}
	if err := writeWAV(o.Out, near); err != nil {
		return err
	}
	if !o.JSON {
		return nil
	}
	line, err := json.Marshal(canceller.Stats())
	if err != nil {
		return fmt.Errorf("voice: %w", err)
	}
	_, err = fmt.Fprintf(stderr, "%s\n", line)
	return err
}

// cancel runs the canceller over near in place; the result is in step with it.
func cancel(c *aec.Canceller, far, near []int16) {
	n := c.FrameSamples()
	late := int((c.Delay()*time.Duration(n*100) + time.Second/2) / time.Second)
	farFrame, nearFrame := make([]int16, n), make([]int16, n)
	for at := 0; at-late < len(near); at += n {
		frame(farFrame, far, at)
		frame(nearFrame, near, at)
		c.ProcessFarEnd(farFrame)
		c.ProcessCapture(nearFrame)
		// What is written lies behind what is still to be read.
		to := at - late
		copy(near[min(max(to, 0), len(near)):], nearFrame[min(max(-to, 0), n):])
	}
}

// frame fills f from x at a place, with silence after its end.
func frame(f, x []int16, at int) {
	clear(f)
	if at < len(x) {
		copy(f, x[at:])
	}
}
