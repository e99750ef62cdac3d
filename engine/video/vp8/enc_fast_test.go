package vp8

import (
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// driftingScene is texture that moves by quarters of a sample.
type driftingScene struct{ t int }

func (s *driftingScene) next(p *media.Picture) {
	s.t++
	// The texture has a grain of eight samples, so that it can be drawn between
	// samples by its four nearest grains.
	grain := func(x, y int) int { return int(uint32(x*2654435761^y*40503*65537)>>13) & 127 }
	for y := range p.Height {
		for x := range p.Width {
			fx, fy := 4*x+5*s.t+4096, 4*y-3*s.t+4096 // quarters
			gx, gy, ax, ay := fx>>5, fy>>5, fx&31, fy&31
			top := grain(gx, gy)*(32-ax) + grain(gx+1, gy)*ax
			low := grain(gx, gy+1)*(32-ax) + grain(gx+1, gy+1)*ax
			p.Y[y*p.YStride+x] = byte(64 + (top*(32-ay)+low*ay)>>10)
		}
	}
	fill(p.U, 120)
	fill(p.V, 130)
}

// TestFastLevelsFollowMotion drifts the whole picture by fractions of a sample.
// The fast levels must find them, and cost little more than where the search is
// thorough; in whole samples they would cost more than a third more.
func TestFastLevelsFollowMotion(t *testing.T) {
	run := func(level int) (bytes int) {
		const w, h = 176, 144
		e, err := NewEncoder(EncoderConfig{
			Width: w, Height: h, FrameRate: 30, BitrateBps: 100_000_000, MinQuantizer: 40, MaxQuantizer: 40, Speed: level,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		var scene driftingScene
		d, p := newOutsideDecoder(t, w, h), media.NewPicture(w, h)
		for i := range 10 {
			scene.next(p)
			ev, err := e.Encode(p, FrameOptions{})
			if err != nil {
				t.Fatal(err)
			}
			d.add(ev.Data, e.Reconstruction())
			if i >= 2 {
				bytes += len(ev.Data)
			}
		}
		return bytes
	}
	thorough := run(4)
	for level := range MaxSpeed + 1 {
		if !speedLevels[level].fast {
			continue
		}
		bytes := run(level)
		t.Logf("level %d: %d bytes against %d at level 4", level, bytes, thorough)
		if bytes*3 > thorough*4 {
			t.Errorf("level %d does not follow the motion: %d bytes against %d at level 4", level, bytes, thorough)
		}
	}
}
