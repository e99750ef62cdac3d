package engine

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/video/enhance"
	"github.com/edgecam/edgecam/hal"
)

// enhancing returns an engine that is only as complete as handing pictures on
// needs.
func enhancing(t *testing.T, cfg Config, devices Devices) *Engine {
	t.Helper()
	e := &Engine{cfg: cfg, log: slog.New(slog.DiscardHandler), observer: noObserver{}, watching: newGate(), demand: newGate()}
	e.pulses.init()
	e.latest.ready = make(chan struct{}, 1)
	e.shots.changed = func() {}
	sessions, err := session.New(session.Config{Loopback: true}, session.Hooks{}, e.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sessions.Close(context.Background()) })
	e.sessions = sessions
	e.outlet.send, e.outlet.forget = func(*media.EncodedVideo) uint64 { return 0 }, func() {}
	if err := e.enhance.init(cfg, devices, noObserver{}, e.log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.latest.clear() })
	return e
}

func (e *Engine) grey(luma byte) *media.Picture {
	p := e.pool.Get(64, 48)
	for i := range p.Y {
		p.Y[i] = luma
	}
	p.CapturedAt = time.Now()
	return p
}

// From the moment in which SetEnhance returns, neither the encoder's mailbox
// nor a snapshot gives a picture without the new mask.
func TestNewMaskHoldsAtOnce(t *testing.T) {
	for range 20 {
		e := enhancing(t, Defaults(), Devices{})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				e.handOn(ctx, e.grey(200), 30)
			}
		})
		for p, _, _ := e.latest.take(); ; p, _, _ = e.latest.take() {
			if p != nil {
				p.Release()
				break
			}
			time.Sleep(time.Millisecond)
		}
		cfg := Defaults().Enhance
		cfg.Masks = []enhance.Mask{enhance.Rect(0, 0, 0.5, 0.5)}
		if err := e.SetEnhance(cfg, AlwaysDay); err != nil {
			t.Fatal(err)
		}
		seen := 0
		for seen < 5 {
			if p, _, _ := e.latest.take(); p != nil {
				if p.Y[0] != 16 {
					t.Fatal("the encoder gets a picture without the mask")
				}
				p.Release()
				seen++
			}
			p, err := e.shots.next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if p.Y[0] != 16 {
				t.Fatal("a snapshot is taken without the mask")
			}
			p.Release()
		}
		if err := e.SetEnhance(enhance.Config{Masks: []enhance.Mask{{}}}, AlwaysDay); err == nil || len(e.enhance.chain.Config().Masks[0]) != 4 {
			t.Errorf("a bad configuration is taken: %v", err)
		}
		stop()
		wg.Wait()
	}
}

func TestHandingOnAllocatesNothing(t *testing.T) {
	cfg := Defaults()
	cfg.Night = NightAuto
	cfg.Enhance.Geometry.Rotate = 90
	cfg.Enhance.Overlay = enhance.OverlayConfig{Label: "door", Time: true}
	e := enhancing(t, cfg, Devices{})
	step := func() { e.handOn(t.Context(), e.grey(90), 30) }
	for range 10 {
		step()
	}
	if n := testing.AllocsPerRun(50, step); n != 0 {
		t.Errorf("%v allocations per picture, want 0", n)
	}
}

type recordedOutput struct{ levels *[]bool }

func (o recordedOutput) Set(active bool) error { *o.levels = append(*o.levels, active); return nil }
func (o recordedOutput) Close() error          { *o.levels = append(*o.levels, false); return nil }

func TestInfraredLines(t *testing.T) {
	var filter, light []bool
	line := func(levels *[]bool) func(context.Context) (hal.Output, error) {
		return func(context.Context) (hal.Output, error) { return recordedOutput{levels}, nil }
	}
	cfg := Defaults()
	e := enhancing(t, cfg, Devices{IRFilter: line(&filter), IRLight: line(&light)})
	for range 3 {
		e.handOn(t.Context(), e.grey(90), 30)
	}
	if err := e.SetEnhance(cfg.Enhance, AlwaysNight); err != nil {
		t.Fatal(err)
	}
	p := e.grey(90)
	p.U[0] = 90
	p.Retain()
	e.handOn(t.Context(), p, 30)
	if p.U[0] != 128 {
		t.Error("the picture has colour by night")
	}
	p.Release()
	e.enhance.close()
	if !slices.Equal(filter, []bool{true, false, false}) || !slices.Equal(light, []bool{false, true, false}) {
		t.Errorf("filter %v, light %v", filter, light)
	}
}

// What enhancement knows of the noise reaches the video encoder, for as long as
// it takes noise out.
func TestEncoderIsToldTheNoise(t *testing.T) {
	cfg := Defaults()
	cfg.Enhance.Denoise.Sigma = 4
	e := enhancing(t, cfg, Devices{})
	enc := encoder{e: e}
	if n := enc.knownNoise(); n != nil {
		t.Fatalf("known before the first picture: %+v", n)
	}
	for range 3 {
		e.handOn(t.Context(), e.grey(120), 30)
	}
	n := enc.knownNoise()
	if n == nil || n.SigmaQ4[7] != 4*16 || !n.Denoised {
		t.Fatalf("deviation 4 taken out: the encoder is told %+v", n)
	}
	if allocs := testing.AllocsPerRun(10, func() { enc.knownNoise() }); allocs != 0 {
		t.Errorf("%g allocations per frame", allocs)
	}
	cfg.Enhance.Denoise.Mode = enhance.Off
	if err := e.SetEnhance(cfg.Enhance, AlwaysDay); err != nil {
		t.Fatal(err)
	}
	if n := enc.knownNoise(); n != nil {
		t.Errorf("known though nothing looks at it: %+v", n)
	}
}
