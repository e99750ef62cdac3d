package enhance

import (
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// checkMasked fails unless every sample inside the rectangle (in samples, ends
// excluded) is a mask's.
func checkMasked(t *testing.T, p *media.Picture, x0, y0, x1, y1 int, what string) {
	t.Helper()
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			if p.Y[y*p.YStride+x] != maskLuma || p.U[y/2*p.UVStride+x/2] != 128 || p.V[y/2*p.UVStride+x/2] != 128 {
				t.Fatalf("%s: the masked sample %d,%d can be seen: %d", what, x, y, p.Y[y*p.YStride+x])
			}
		}
	}
}

// What is under a mask must not reach the output in any way: two scenes that
// differ only there must give the same pictures, whatever steps run and however
// the configuration changes meanwhile.
func TestMasksNeverLeak(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	masked := Rect(0.25, 0.25, 0.5, 0.5)
	cfg := everything()
	cfg.Geometry, cfg.Overlay = GeometryConfig{}, OverlayConfig{}
	cfg.Masks = []Mask{masked}
	a, b := mustNew(t, cfg, 25), mustNew(t, cfg, 25)
	for n := range 60 {
		p := media.NewPicture(97, 65)
		drawScene(p, n)
		addNoise(p, rng, 4)
		q := clonePicture(p)
		for y := 17; y < 48; y++ { // inside: 24.25 to 72.75, 16.25 to 48.75
			for x := 25; x < 72; x++ {
				q.Y[y*q.YStride+x] ^= 0x5a
				q.U[y/2*q.UVStride+x/2] ^= 0x33
			}
		}
		if n%7 == 3 { // every kind of change that keeps the mask
			cfg.Masks = []Mask{masked, Rect(0, 0.9, rng.Float32(), 0.1)}
			cfg.Denoise.Sigma = 2 + rng.Float32()*4
			cfg.Tone.RateLimit = rng.Float32()
			cfg.Colour.Saturation = 80 + rng.IntN(40)
			for _, c := range []*Chain{a, b} {
				if err := c.Reconfigure(cfg); err != nil {
					t.Fatal(err)
				}
			}
		}
		a.Process(p)
		b.Process(q)
		checkMasked(t, p, 24, 16, 73, 49, "first chain")
		if !samePicture(p, q) {
			t.Fatalf("frame %d depends on what is masked", n)
		}
	}
}

// A mask that is set while the chain runs hides everything from the next
// picture on, also what averages remember: chains that have seen different
// things under it give the same pictures from then on.
func TestNewMaskHidesMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	cfg := Config{Denoise: DenoiseConfig{Mode: Auto, Sigma: 20}}
	a, b := mustNew(t, cfg, 25), mustNew(t, cfg, 25)
	for n := range 20 {
		p := media.NewPicture(64, 64)
		for i := range p.Y {
			p.Y[i] = byte(20 + i%64/8) // near the mask's own black
		}
		addNoise(p, rng, 1)
		q := clonePicture(p)
		for y := range 64 {
			for x := range 32 {
				q.Y[y*q.YStride+x] += byte(12 + y%7)
			}
		}
		if n == 10 {
			cfg.Masks = []Mask{Rect(0, 0, 0.5, 1)}
			for _, c := range []*Chain{a, b} {
				if err := c.Reconfigure(cfg); err != nil {
					t.Fatal(err)
				}
			}
		}
		a.Process(p)
		b.Process(q)
		if n < 10 {
			continue
		}
		checkMasked(t, p, 0, 0, 32, 64, "after the change")
		if !samePicture(p, q) {
			t.Fatalf("%d pictures after the change the output depends on what was seen under the mask", n-10)
		}
	}
}

func TestMaskShapes(t *testing.T) {
	// A triangle: every sample whose middle is inside is hidden, and what is
	// more than a sample (two in chroma's raster) away is not.
	tri := Mask{{0.1, 0.1}, {0.9, 0.3}, {0.3, 0.85}}
	const w, h = 120, 90
	p := media.NewPicture(w, h)
	drawScene(p, -1)
	want := clonePicture(p)
	mustNew(t, Config{Masks: []Mask{tri}}, 25).Process(p)
	side := func(a, b Point, x, y float64) float64 {
		ax, ay, bx, by := float64(a.X)*w, float64(a.Y)*h, float64(b.X)*w, float64(b.Y)*h
		return (bx-ax)*(y-ay) - (by-ay)*(x-ax)
	}
	inside, outside := 0, 0
	for y := range h {
		for x := range w {
			least, near := 1.0, false
			for i := range tri {
				a, b := tri[i], tri[(i+1)%3]
				s := side(a, b, float64(x)+0.5, float64(y)+0.5)
				if s < 0 {
					least = -1
				}
				if s > -250 && s < 250 { // within about three samples of a side
					near = true
				}
			}
			hidden := p.Y[y*p.YStride+x] == maskLuma
			switch {
			case least > 0:
				inside++
				if !hidden {
					t.Fatalf("%d,%d is inside and can be seen", x, y)
				}
			case !near:
				outside++
				if hidden || p.Y[y*p.YStride+x] != want.Y[y*p.YStride+x] {
					t.Fatalf("%d,%d is outside and hidden", x, y)
				}
			}
		}
	}
	if inside < 1000 || outside < 1000 {
		t.Fatalf("%d samples inside, %d outside: the test is wrong", inside, outside)
	}
	// Masks that reach over the edges, or cross themselves.
	mustNew(t, Config{Masks: []Mask{Rect(-1, -1, 3, 3), {{0, 0}, {1, 1}, {1, 0}, {0, 1}}}}, 25).Process(p)
	checkMasked(t, p, 0, 0, w, h, "everything masked")
}

// The same with everything that moves samples: whatever is under a mask, the
// picture that leaves is the same, at odd sizes, too, and while geometry changes.
func TestMasksNeverLeakThroughGeometry(t *testing.T) {
	long(t)
	rng := rand.New(rand.NewPCG(51, 52))
	for round := range 12 {
		w, h := 40+rng.IntN(60), 30+rng.IntN(50)
		cfg := everything()
		cfg.Colour.Vividness, cfg.Denoise.Fast = 80, round%2 == 0
		cfg.Masks = []Mask{{{0.2, 0.15}, {0.7, 0.3}, {0.6, 0.9}}}
		hides := newMasks(cfg.Masks, w, h)
		a, b := mustNew(t, cfg, 25), mustNew(t, cfg, 25)
		for n := range 10 {
			p := media.NewPicture(w, h)
			drawScene(p, n)
			addNoise(p, rng, 4)
			q := clonePicture(p)
			for _, s := range hides.luma {
				for x := s.x0; x < s.x1; x++ {
					q.Y[s.y*q.YStride+x] = byte(rng.Uint32())
				}
			}
			for _, s := range hides.chroma {
				for x := s.x0; x < s.x1; x++ {
					q.U[s.y*q.UVStride+x], q.V[s.y*q.UVStride+x] = byte(rng.Uint32()), byte(rng.Uint32())
				}
			}
			if n%3 == 2 {
				cfg.Geometry = GeometryConfig{
					LensK1: rng.Float32() - 0.5, Zoom: 1 + 3*rng.Float32(), PanX: 2*rng.Float32() - 1,
					Rotate: 90 * rng.IntN(4), Mirror: n%2 == 0, CropWidth: 0.5 + rng.Float32()/2, CropHeight: 1,
				}
				for _, c := range []*Chain{a, b} {
					if err := c.Reconfigure(cfg); err != nil {
						t.Fatal(err)
					}
				}
			}
			outA, outB := a.Process(p), b.Process(q)
			if !samePicture(outA, outB) {
				t.Fatalf("%dx%d, frame %d, %+v: the output depends on what is masked", w, h, n, cfg.Geometry)
			}
			if outA != p {
				outA.Release()
				outB.Release()
			}
		}
	}
}
