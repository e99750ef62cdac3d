package engine

import (
	"io"
	"log/slog"
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// TestEncoderKeepsUp codes noise that no machine codes in its time: the encoder
// must learn what its frames take and turn to a faster level.
func TestEncoderKeepsUp(t *testing.T) {
	e, err := New(Defaults(), Devices{}, nil, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	enc := encoder{e: e}
	defer enc.close()
	p := media.NewPicture(640, 480)
	defer p.Release()
	rng := rand.New(rand.NewPCG(1, 2))
	first := 0
	for i := range 40 {
		for k := range p.Y {
			p.Y[k] = byte(rng.Uint32())
		}
		enc.encode(p, 240, 20_000_000, false, i == 0)
		if i == 0 {
			first = enc.vp8.LastFrame().Speed
		}
	}
	if got := enc.vp8.LastFrame().Speed; got <= first {
		t.Errorf("level %d after 40 frames, %d at first", got, first)
	}
	if a, b := e.governed.budget(30), e.governed.budget(10); a >= b || a <= 0 {
		t.Errorf("budgets of %v at 30 and %v at 10 frames per second", a, b)
	}
}
