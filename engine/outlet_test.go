package engine

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/enhance"
	"github.com/edgecam/edgecam/engine/video/vp8"
)

// sentFrames are what viewers get, with whether it was before or after a change.
type sentFrames struct {
	mu     sync.Mutex
	frames []media.EncodedVideo
	after  bool
	forgot int
}

func (s *sentFrames) send(f *media.EncodedVideo) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.after {
		c := *f
		c.Data = bytes.Clone(f.Data)
		s.frames = append(s.frames, c)
	}
	return 0
}

// From the moment in which SetEnhance returns, no frame of a picture without
// the new mask goes to a viewer, in the picture or in the thumbnail, though
// pictures are coded all the time; and both streams begin anew.
func TestNewMaskHoldsForViewers(t *testing.T) {
	for round := range 6 {
		cfg := Defaults()
		cfg.Video.Threads = 1
		e := enhancing(t, cfg, Devices{})
		e.wakeKey = make(chan struct{}, 1)
		e.governed.init(cfg.Governor, noObserver{}, e.log)
		var sent sentFrames
		e.outlet.send, e.outlet.forget = sent.send, func() { sent.forgot++ }
		e.mainBps.Store(500_000)
		e.thumbBps.Store(100_000)
		e.watching.set(true)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { e.runEncode(ctx) })
		wg.Go(func() {
			for ctx.Err() == nil {
				e.handOn(ctx, e.grey(200), 30)
				time.Sleep(time.Millisecond)
			}
		})
		time.Sleep(time.Duration(20+7*round) * time.Millisecond)
		changed := cfg.Enhance
		changed.Masks = []enhance.Mask{enhance.Rect(0, 0, 1, 1)}
		if err := e.SetEnhance(changed, AlwaysDay); err != nil {
			t.Fatal(err)
		}
		sent.mu.Lock()
		sent.after = true
		sent.mu.Unlock()
		for n := 0; n < 8; {
			time.Sleep(time.Millisecond)
			sent.mu.Lock()
			n = len(sent.frames)
			sent.mu.Unlock()
		}
		stop()
		wg.Wait()
		if sent.forgot != 1 {
			t.Fatalf("what is kept for new viewers was dropped %d times", sent.forgot)
		}
		decoders := [...]*vp8.Decoder{vp8.NewDecoder(vp8.DecoderOptions{}), vp8.NewDecoder(vp8.DecoderOptions{})}
		seen := [media.NumStreams]int{}
		for i, f := range sent.frames {
			if seen[f.Stream] == 0 && !f.Key {
				t.Fatalf("the first %v frame after the change is no key frame", f.Stream)
			}
			seen[f.Stream]++
			p, err := decoders[f.Stream].Decode(f.Data)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range p.Y[:p.Width] {
				if v > 40 {
					t.Fatalf("frame %d after the change (%v) shows what is masked: %d", i, f.Stream, v)
				}
			}
		}
		for _, d := range decoders {
			d.Close()
		}
		if seen[media.StreamMain] == 0 || seen[media.StreamThumb] == 0 {
			t.Errorf("frames seen: %v", seen)
		}
	}
}

// What does not change the view does not disturb the viewers.
func TestToneNeedsNoKeyFrame(t *testing.T) {
	cfg := Defaults()
	e := enhancing(t, cfg, Devices{})
	cfg.Enhance.Tone.Mode = enhance.Off
	if err := e.SetEnhance(cfg.Enhance, AlwaysDay); err != nil || e.outlet.now() != 0 {
		t.Errorf("epoch %d (%v)", e.outlet.now(), err)
	}
	cfg.Enhance.Geometry.Zoom = 2
	if err := e.SetEnhance(cfg.Enhance, AlwaysDay); err != nil || e.outlet.now() != 1 {
		t.Errorf("epoch %d (%v): what a crop cuts off is hidden, too", e.outlet.now(), err)
	}
}

// A picture that is being coded when the view changes is not sent.
func TestFrameInWorkIsNotSent(t *testing.T) {
	e := enhancing(t, Defaults(), Devices{})
	e.governed.init(Defaults().Governor, noObserver{}, e.log)
	sent := 0
	e.outlet.send = func(*media.EncodedVideo) uint64 { sent++; return 0 }
	enc := encoder{e: e}
	defer enc.close()
	p := e.grey(200)
	defer p.Release()
	enc.encode(p, 30, 500_000, false, false)
	e.outlet.advance()
	enc.encode(p, 30, 500_000, true, true)
	if sent != 1 {
		t.Errorf("%d frames sent, want the one before the change", sent)
	}
}
