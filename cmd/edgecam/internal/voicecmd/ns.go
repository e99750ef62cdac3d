package voicecmd

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/edgecam/edgecam/engine/voice/ns"
	"github.com/edgecam/edgecam/engine/voice/resample"
)

// NSOptions are the options of "edgecam voice ns".
type NSOptions struct {
	// In and Out are WAV files.
	In, Out string
	// RateHz, unless 0, must be the file's rate.
	RateHz int
	// Strength is low, mid or high; empty: mid.
	Strength string
	// JSON asks for the statistics as one line of JSON.
	JSON bool
}

// NS reduces the noise of o.In. The result is as long as the input and in step
// with it. Statistics go to stderr. Errors of input and options wrap ErrUsage.
func NS(o NSOptions, stderr io.Writer) error {
	strength, ok := map[string]ns.Strength{"": ns.Mid, "low": ns.Low, "mid": ns.Mid, "high": ns.High}[o.Strength]
	if !ok {
		return fmt.Errorf("%w: --strength %q, must be low, mid or high", ErrUsage, o.Strength)
	}
	in, err := readInput(o.In, o.Out, o.RateHz)
	if err != nil {
		return err
	}
	s, err := ns.New(ns.Config{RateHz: stageRate(in.rateHz), Strength: strength})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if in, err = runStage(s, s.Process, in); err != nil {
		return err
	}
	if err := writeWAV(o.Out, in); err != nil {
		return err
	}
	return printStats(stderr, o.JSON, s.Stats())
}

// readInput reads the input of a stage with one input and one output.
func readInput(in, out string, rateHz int) (sound, error) {
	if in == "" || out == "" {
		return sound{}, fmt.Errorf("%w: an input and an output file are needed", ErrUsage)
	}
	s, err := readWAV(in)
	if err != nil {
		return sound{}, err
	}
	if rateHz != 0 && rateHz != s.rateHz {
		return sound{}, fmt.Errorf("%w: --rate %d, but %s has %d Hz: leave --rate out", ErrUsage, rateHz, in, s.rateHz)
	}
	return s, nil
}

// stage is what works on frames of 10 ms in place.
type stage interface {
	FrameSamples() int
	Delay() int
}

// stageRate returns the rate at which a signal of rateHz is processed: the
// least that loses nothing, at most 48 kHz.
func stageRate(rateHz int) int {
	for _, r := range []int{8000, 16000, 32000} {
		if rateHz <= r {
			return r
		}
	}
	return 48000
}

// runStage runs process, a method of s, over in. Rates that the stage does not
// know are converted there and back; the delays are taken out again.
func runStage(s stage, process func([]int16) error, in sound) (sound, error) {
	rate := stageRate(in.rateHz)
	there, back, err := converters(in.rateHz, rate)
	if err != nil {
		return sound{}, err
	}
	n := s.FrameSamples()
	delay := there.Delay() + s.Delay() + back.Delay()*rate/in.rateHz + 1
	x := convert(there, in.samples, delay+n)
	x = append(x, make([]int16, (n-len(x)%n)%n)...)
	for at := 0; at < len(x); at += n {
		if err := process(x[at : at+n]); err != nil {
			return sound{}, fmt.Errorf("voice: %w", err)
		}
	}
	skip := (there.Delay()+s.Delay())*in.rateHz/rate + back.Delay()
	y := convert(back, x, 0)
	return sound{rateHz: in.rateHz, samples: y[skip : skip+len(in.samples)]}, nil
}

func converters(fromHz, toHz int) (there, back *resample.Resampler, err error) {
	if there, err = resample.New(fromHz, toHz); err == nil {
		back, err = resample.New(toHz, fromHz)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return there, back, nil
}

// convert returns x at the other rate, followed by at least tail samples.
func convert(r *resample.Resampler, x []int16, tail int) []int16 {
	out := make([]int16, r.MaxOutput(len(x)), r.MaxOutput(len(x))+2*tail+64)
	out = out[:r.Process(out, x)]
	silence := make([]int16, 256)
	piece := make([]int16, r.MaxOutput(len(silence)))
	for want := len(out) + tail; len(out) < want; {
		out = append(out, piece[:r.Process(piece, silence)]...)
	}
	return out
}

func printStats(w io.Writer, wanted bool, stats any) error {
	if !wanted {
		return nil
	}
	line, err := json.Marshal(stats)
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", line)
	}
	if err != nil {
		return fmt.Errorf("voice: %w", err)
	}
	return nil
}
