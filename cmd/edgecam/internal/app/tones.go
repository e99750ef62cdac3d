package app

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// note is a part of a signal to who stands before the board.
type note struct {
	hz   float64
	last time.Duration
}

// The signals: two rising notes for what was taken, a low one for what was
// refused. They differ in more than pitch, for those who hear little of it.
var (
	acceptedNotes = []note{{660, 120 * time.Millisecond}, {880, 240 * time.Millisecond}}
	refusedNotes  = []note{{220, 500 * time.Millisecond}}
)

const (
	noteLevel = 0.25 // of full scale: -12 dBFS, heard at arm's length from a small speaker
	noteEdge  = 5 * time.Millisecond
	// signalTime bounds a signal, with a card that takes long to open.
	signalTime = 5 * time.Second
)

// Signal plays on the configured speaker that settings were taken or refused.
// A board without a speaker says nothing; one that fails is logged, since
// nothing depends on it.
func Signal(ctx context.Context, cfg *config.Config, log *slog.Logger, accepted bool) {
	if !cfg.Speaker.Enabled {
		return
	}
	only := *cfg
	only.Microphone.Enabled = false
	_, found, err := openDevices(&only, false, log)
	if err != nil {
		log.Info("no tone", "error", err)
		return
	}
	notes := refusedNotes
	if accepted {
		notes = acceptedNotes
	}
	ctx, cancel := context.WithTimeout(ctx, signalTime)
	defer cancel()
	if err := play(ctx, found.Speaker, notes); err != nil {
		log.Info("no tone", "error", err)
	}
}

// play opens a speaker, plays notes and waits until they are out.
func play(ctx context.Context, open func(context.Context) (hal.Speaker, error), notes []note) (err error) {
	s, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := s.Close(); err == nil {
			err = cerr
		}
	}()
	var b media.Block
	for samples := melody(notes); len(samples) > 0; {
		clear(b.Samples[:])
		samples = samples[copy(b.Samples[:], samples):]
		if err := s.Write(ctx, &b); err != nil {
			return err
		}
	}
	select {
	case <-time.After(s.Delay()):
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// melody returns notes at media.EngineRateHz, with soft edges so that they do
// not click.
func melody(notes []note) []int16 {
	const rate = media.EngineRateHz
	edge := int(noteEdge * rate / time.Second)
	var out []int16
	for _, x := range notes {
		n := int(x.last * rate / time.Second)
		for i := range n {
			gain := noteLevel * math.MaxInt16 * min(1, float64(min(i, n-1-i))/float64(edge))
			out = append(out, int16(gain*math.Sin(2*math.Pi*x.hz*float64(i)/rate)))
		}
	}
	return out
}
