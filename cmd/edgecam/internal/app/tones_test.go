package app

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/sim"
)

// TestSignals: each signal comes out of the speaker with its notes and not the
// other's, does not click, and leaves the card free.
func TestSignals(t *testing.T) {
	for _, c := range []struct {
		name   string
		notes  []note
		silent float64 // a note of the other signal
	}{{"accepted", acceptedNotes, 220}, {"refused", refusedNotes, 660}} {
		card := sim.NewSoundDriver(sim.SoundOptions{})
		open := func(ctx context.Context) (hal.Speaker, error) { return card.OpenSpeaker(ctx, "") }
		must(t, play(t.Context(), open, c.notes))
		window := time.Duration(0)
		for _, n := range c.notes {
			window += n.last
		}
		for _, n := range c.notes {
			// Full scale is -3 dBFS here, the notes are 12 dB below it and fill a part of the window.
			if db := card.PlayedTone(n.hz, window+500*time.Millisecond); db < -38 {
				t.Errorf("%s: %.0f Hz at %.1f dBFS", c.name, n.hz, db)
			}
		}
		if db := card.PlayedTone(c.silent, window+500*time.Millisecond); db > -45 {
			t.Errorf("%s: %.0f Hz at %.1f dBFS, which is the other signal", c.name, c.silent, db)
		}
		s := melody(c.notes)
		last := int16(0)
		for i, v := range append(s, 0) {
			if step := int(v) - int(last); step > 1100 || step < -1100 {
				t.Fatalf("%s: a click of %d at sample %d", c.name, step, i)
			}
			last = v
		}
		must(t, play(t.Context(), open, c.notes)) // the card was given back
	}
	// No speaker, and one that is not there: nothing happens, and nobody waits.
	cfg := config.Defaults()
	cfg.Speaker.Enabled = false
	Signal(t.Context(), cfg, slog.New(slog.DiscardHandler), true)
	cfg.Speaker.Enabled, cfg.Speaker.Source = true, "alsa:no-such-card"
	var log lockedBuffer
	Signal(t.Context(), cfg, slog.New(slog.NewTextHandler(&log, nil)), true)
	if log.String() == "" {
		t.Error("a speaker that is not there goes unnoticed")
	}
}
