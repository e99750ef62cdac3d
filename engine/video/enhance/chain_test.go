package enhance

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// everything is a configuration in which each step has work.
func everything() Config {
	return Config{
		Masks: []Mask{Rect(0.1, 0.1, 0.2, 0.3)}, Deflicker: MainsAuto,
		Denoise: DenoiseConfig{Mode: Auto, Sigma: 3}, Tone: ToneConfig{Mode: Auto},
		Colour:   ColourConfig{WhiteBalance: Auto, LowLight: Auto, Monochrome: Auto, Saturation: 110, Vividness: 40},
		Geometry: GeometryConfig{LensK1: -0.1, Zoom: 1.5, PanX: 0.3, Rotate: 90, Mirror: true},
		Overlay:  OverlayConfig{Label: "Front door", Time: true},
	}
}

func TestIdentityChangesNoBit(t *testing.T) {
	identities := map[string]Config{
		"zero":       {},
		"full crop":  {Geometry: GeometryConfig{CropWidth: 1, CropHeight: 1, Zoom: 1}},
		"saturation": {Colour: ColourConfig{Saturation: 100}},
		"defaults":   Defaults(), // on a clean, well lit, still picture
	}
	for name, cfg := range identities {
		for _, size := range [][2]int{{1, 1}, {2, 3}, {17, 9}, {64, 48}, {321, 243}} {
			c := mustNew(t, cfg, 25)
			p := media.NewPicture(size[0], size[1])
			drawScene(p, -1)
			for y := range p.Height { // the whole range is there
				for x := range p.Width / 8 {
					p.Y[y*p.YStride+x] = byte(24 + 200*(x>>2&1))
				}
			}
			want := clonePicture(p)
			for range 30 {
				if out := c.Process(p); out != p || !samePicture(out, want) {
					t.Fatalf("%s, %dx%d: changed", name, size[0], size[1])
				}
			}
		}
	}
}

func TestAllSizes(t *testing.T) {
	long(t)
	rng := rand.New(rand.NewPCG(5, 6))
	cfg := everything()
	for w := 1; w <= 40; w += 1 + w/6 {
		for h := 1; h <= 40; h += 1 + h/5 {
			for _, rotate := range []int{0, 90, 180, 270} {
				cfg.Geometry.Rotate = rotate
				c := mustNew(t, cfg, 30)
				for n := range 4 {
					p := media.NewPicture(w, h)
					drawScene(p, n)
					addNoise(p, rng, 3)
					c.Process(p)
				}
			}
		}
	}
	// A picture whose rows are not padded, and a change of size.
	c := mustNew(t, cfg, 30)
	for _, w := range []int{33, 47, 33} {
		p := &media.Picture{Width: w, Height: 21, Y: make([]byte, w*21), U: make([]byte, (w+1)/2*11), V: make([]byte, (w+1)/2*11), YStride: w, UVStride: (w + 1) / 2}
		drawScene(p, 3)
		c.Process(p)
	}
}

func TestAllocatesNothing(t *testing.T) {
	c, err := New(everything(), Options{FrameRate: 30, Now: time.Now, StepDone: func(Step, time.Duration, bool) {}})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 8))
	p := media.NewPicture(320, 240)
	n := 0
	step := func() {
		n++
		p.Sequence, p.CapturedAt = uint32(n), time.Unix(1_700_000_000+int64(n), 0)
		for i := range 500 {
			p.Y[(i*37+n)%len(p.Y)] = byte(rng.Uint32())
		}
		out := c.Process(p)
		out.Release()
	}
	drawScene(p, 10)
	addNoise(p, rng, 3)
	for range 10 {
		step()
	}
	if got := testing.AllocsPerRun(50, step); got != 0 {
		t.Errorf("%v allocations per frame, want 0", got)
	}
	for s := range NumSteps {
		if st := c.Stats(s); st.Frames != uint64(n) {
			t.Errorf("%v counted %d frames of %d", s, st.Frames, n)
		}
	}
}

func TestDenoise(t *testing.T) {
	testDenoise(t, DenoiseConfig{Mode: Auto}, 6)
	testDenoise(t, DenoiseConfig{Mode: Auto, Fast: true}, 4.5)
}

func testDenoise(t *testing.T, cfg DenoiseConfig, wantDB float64) {
	t.Helper()
	long(t)
	rng := rand.New(rand.NewPCG(9, 10))
	c := mustNew(t, Config{Denoise: cfg}, 25)
	clean, noisy := media.NewPicture(320, 240), media.NewPicture(320, 240)
	const sigma = 4.0
	var left, n float64
	for i := range 80 {
		drawScene(clean, 3*i-40)
		noisy.CopyFrom(clean)
		addNoise(noisy, rng, sigma)
		c.Process(noisy)
		if i >= 20 {
			left += meanSquare(noisy, clean)
			n++
		}
	}
	m, ok := c.Noise()
	if !ok || !m.Denoised || math.Abs(float64(m.MeanSigmaY)-sigma) > 0.5 {
		t.Errorf("noise estimated as %.2f (known %v), want %.1f", m.MeanSigmaY, ok, sigma)
	}
	if gain := 10 * math.Log10(sigma*sigma/(left/n)); gain < wantDB {
		t.Errorf("%+v: noise is reduced by %.1f dB behind and on a walker, want at least %g", cfg, gain, wantDB)
	}
}

// Behind a walker the ground must be back at once: what is left of the figure
// would be a ghost.
func TestDenoiseLeavesNoGhost(t *testing.T) {
	long(t)
	rng := rand.New(rand.NewPCG(11, 12))
	c := mustNew(t, Config{Denoise: DenoiseConfig{Mode: Auto, Sigma: 4}}, 25)
	empty, p := media.NewPicture(320, 240), media.NewPicture(320, 240)
	drawScene(empty, -1)
	for i := range 60 {
		at := 100
		if i >= 50 {
			at = -1 // gone
		}
		drawScene(p, at)
		addNoise(p, rng, 4)
		c.Process(p)
		if i < 51 {
			continue
		}
		// The mean of the uncovered area, well inside.
		var ghost float64
		for y := 100; y < 200; y++ {
			for x := 110; x < 145; x++ {
				ghost += float64(p.Y[y*p.YStride+x]) - float64(empty.Y[y*empty.YStride+x])
			}
		}
		if ghost /= 100 * 35; math.Abs(ghost) > 0.5 {
			t.Fatalf("%d frames after the figure left, its place differs by %.2f levels", i-49, ghost)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	nan := float32(math.NaN())
	for name, cfg := range map[string]Config{
		"mode":     {Denoise: DenoiseConfig{Mode: 7}},
		"sigma":    {Denoise: DenoiseConfig{Sigma: 25}},
		"nan":      {Denoise: DenoiseConfig{Sigma: nan}},
		"rate":     {Tone: ToneConfig{RateLimit: nan}},
		"mains":    {Deflicker: 9},
		"rotate":   {Geometry: GeometryConfig{Rotate: 45}},
		"zoom":     {Geometry: GeometryConfig{Zoom: 0.5}},
		"crop":     {Geometry: GeometryConfig{CropX: 0.5, CropWidth: 0.6}},
		"lens":     {Geometry: GeometryConfig{LensK1: 3}},
		"corners":  {Masks: []Mask{{{0, 0}, {1, 1}}}},
		"corner":   {Masks: []Mask{{{0, 0}, {1, 1}, {nan, 0}}}},
		"masks":    {Masks: make([]Mask, MaxMasks+1)},
		"label":    {Overlay: OverlayConfig{Label: string(make([]byte, MaxLabel+1))}},
		"saturate": {Colour: ColourConfig{Saturation: 201}},
		"vivid":    {Colour: ColourConfig{Vividness: 101}},
	} {
		if _, err := New(cfg, Options{}); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: error is %v", name, err)
		}
		c := mustNew(t, everything(), 30)
		if err := c.Reconfigure(cfg); !errors.Is(err, ErrConfig) || len(c.cfg.Masks) != 1 {
			t.Errorf("%s: reconfigured with %v", name, err)
		}
	}
}
