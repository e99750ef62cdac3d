package vp8

import (
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// tileScene draws 8x8 tiles of one texture that move against each other, so that
// the quarters of a macroblock have vectors of their own.
type tileScene struct{ t int }

func (s *tileScene) next(p *media.Picture) {
	s.t++
	for y := range p.Height {
		for x := range p.Width {
			tx := x
			if (x/8+y/8)&1 != 0 {
				tx += 2 * s.t
			} else {
				tx -= s.t
			}
			h := uint32(tx&1023)*2654435761 ^ uint32(y)*40503
			p.Y[y*p.YStride+x] = byte(64 + (tx*3+y*5)&63 + int(h>>16&31))
		}
	}
	cw, ch := p.ChromaSize()
	for y := range ch {
		for x := range cw {
			p.U[y*p.UVStride+x], p.V[y*p.UVStride+x] = byte(100+(x+s.t)&31), byte(120+(y+s.t)&15)
		}
	}
}

// splitRun codes the scene at a fixed quantiser and returns the bytes after the
// key frame and how many macroblocks were split. All frames are checked with the
// decoder.
func splitRun(t *testing.T, level int, off bool) (bytes, split int) {
	t.Helper()
	const w, h = 128, 96
	e, err := NewEncoder(EncoderConfig{
		Width: w, Height: h, FrameRate: 30, BitrateBps: 100_000_000,
		MinQuantizer: 30, MaxQuantizer: 30, Speed: level, Threads: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if off {
		e.speed.splitSteps = 0
	}
	var scene tileScene
	d, p := newOutsideDecoder(t, w, h), media.NewPicture(w, h)
	for i := range 12 {
		scene.next(p)
		ev, err := e.Encode(p, FrameOptions{})
		if err != nil {
			t.Fatal(err)
		}
		d.add(ev.Data, e.Reconstruction())
		if i > 0 {
			bytes += len(ev.Data)
			split += e.LastFrame().Split
		}
	}
	return bytes, split
}

func TestSplitMacroblocks(t *testing.T) {
	for level := range MaxSpeed + 1 {
		bytes, split := splitRun(t, level, false)
		without, none := splitRun(t, level, true)
		if none != 0 {
			t.Fatalf("level %d: %d macroblocks split though that is off", level, none)
		}
		if speedLevels[level].splitSteps == 0 {
			if split != 0 {
				t.Errorf("level %d splits %d macroblocks", level, split)
			}
			continue
		}
		if split == 0 || bytes*20 > without*19 {
			t.Errorf("level %d: %d macroblocks split, %d bytes against %d without", level, split, bytes, without)
		}
		t.Logf("level %d: %d macroblocks split, %d bytes against %d", level, split, bytes, without)
	}
}
