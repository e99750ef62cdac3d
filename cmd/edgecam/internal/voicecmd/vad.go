package voicecmd

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/edgecam/edgecam/engine/voice/vad"
)

// VADOptions are the options of "edgecam voice vad".
type VADOptions struct {
	// In is a WAV file.
	In string
	// RateHz, unless 0, must be the file's rate.
	RateHz int
}

// VADResult is the line of JSON that "edgecam voice vad" prints.
type VADResult struct {
	RateHz  int `json:"rate_hz"`
	FrameMs int `json:"frame_ms"`
	// Speech has one decision per frame, 1 for speech; a last frame that is not
	// complete counts.
	Speech []int `json:"speech"`
	// SpeechShare is the part of frames with speech, 0 to 1, Onsets how often it
	// began.
	SpeechShare float64 `json:"speech_share"`
	Onsets      int64   `json:"onsets"`
}

// VAD writes one decision per 10 ms of o.In to stdout, as one line of JSON.
// Errors of input and options wrap ErrUsage.
func VAD(o VADOptions, stdout io.Writer) error {
	in, err := readInput(o.In, "-", o.RateHz)
	if err != nil {
		return err
	}
	rate := stageRate(in.rateHz)
	detector, err := vad.New(vad.Config{RateHz: rate})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	there, _, err := converters(in.rateHz, rate)
	if err != nil {
		return err
	}
	n := detector.FrameSamples()
	frames := (len(in.samples)*100 + in.rateHz - 1) / in.rateHz
	x := convert(there, in.samples, there.Delay()+n)[there.Delay():]
	res := VADResult{RateHz: in.rateHz, FrameMs: 10, Speech: make([]int, frames)}
	for i := range frames {
		speech, err := detector.Process(x[i*n : (i+1)*n])
		if err != nil {
			return fmt.Errorf("voice: %w", err)
		}
		if speech {
			res.Speech[i] = 1
		}
	}
	stats := detector.Stats()
	res.SpeechShare = float64(stats.SpeechFrames) / float64(max(stats.Frames, 1))
	res.Onsets = stats.Onsets
	line, err := json.Marshal(res)
	if err == nil {
		_, err = fmt.Fprintf(stdout, "%s\n", line)
	}
	if err != nil {
		return fmt.Errorf("voice: %w", err)
	}
	return nil
}
