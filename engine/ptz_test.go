package engine

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/enhance"
)

// shown hands on a picture that is dark on the left and bright on the right, and
// returns what the encoder gets.
func (e *Engine) shown(t *testing.T) *media.Picture {
	t.Helper()
	p := e.grey(0)
	for y := range p.Height {
		for x := range p.Width {
			p.Y[y*p.YStride+x] = byte(40 + 2*x)
		}
	}
	e.handOn(context.Background(), p, 30)
	out, _, _ := e.latest.take()
	if out == nil {
		t.Fatal("no picture for the encoder")
	}
	t.Cleanup(out.Release)
	return out
}

func TestPointAt(t *testing.T) {
	cfg := Defaults()
	cfg.Enhance = enhance.Config{Masks: []enhance.Mask{enhance.Rect(0.9, 0, 0.1, 1)}}
	e := enhancing(t, cfg, Devices{})
	for _, v := range []View{{}, {Zoom: 0.5}, {Zoom: 9}, {Zoom: 2, X: 1.1}, {Zoom: 2, Y: -2}, {Zoom: float32(math.NaN())}, {Zoom: 2, X: float32(math.NaN())}} {
		if err := e.PointAt(v); err == nil {
			t.Errorf("%+v is taken", v)
		}
	}
	if p := e.shown(t); p.Y[0] != 40 {
		t.Fatalf("the left edge is %d, want 40", p.Y[0])
	}
	if err := e.PointAt(View{Zoom: 2, X: 1}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	p := e.shown(t)
	if p.Width != 64 || p.Height != 48 || p.Y[0] < 100 || p.Y[0] > 106 {
		t.Errorf("%dx%d, the left edge is %d, want 64x48 and about 103", p.Width, p.Height, p.Y[0])
	}
	for x := 52; x < 64; x++ {
		if v := p.Y[10*p.YStride+x]; v != 16 {
			t.Fatalf("what the mask hides is seen at %d: %d", x, v)
		}
	}
	// A second one follows at once: it waits, but comes into force by itself.
	if err := e.PointAt(View{Zoom: 4, X: -1}); err != nil {
		t.Fatal(err)
	}
	if p := e.shown(t); p.Y[0] < 100 && time.Since(began) < viewEvery {
		t.Error("views are changed with every picture")
	}
	time.Sleep(viewEvery + 10*time.Millisecond)
	if p := e.shown(t); p.Y[0] > 42 || p.Y[63] > 75 {
		t.Errorf("edges are %d and %d, want 40 and 72", p.Y[0], p.Y[63])
	}
	// A new configuration ends what viewers point at.
	if err := e.PointAt(View{Zoom: 4, X: 1}); err != nil {
		t.Fatal(err)
	}
	if err := e.SetEnhance(enhance.Config{}, AlwaysDay); err != nil {
		t.Fatal(err)
	}
	if p := e.shown(t); p.Y[0] != 40 || e.View() != wholeView {
		t.Errorf("%+v, the left edge is %d after a change of the configuration", e.View(), p.Y[0])
	}
}
