package vp8

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// regionPSNR is the luma PSNR of a part of two pictures.
func regionPSNR(a, b *media.Picture, r Region) float64 {
	sse := 0
	for y := r.Y; y < r.Y+r.Height; y++ {
		for x := r.X; x < r.X+r.Width; x++ {
			d := int(a.Y[y*a.YStride+x]) - int(b.Y[y*b.YStride+x])
			sse += d * d
		}
	}
	return 10 * math.Log10(255*255*float64(r.Width*r.Height)/math.Max(float64(sse), 1))
}

// panScene is a picture that moves as a whole and changes a little all the
// time: plain above, busy below.
func panScene(p *media.Picture, t int) {
	rng := rand.New(rand.NewPCG(uint64(t), 3))
	for y := range p.Height {
		for x := range p.Width {
			u := x + 2*t
			v := 90 + u/3%40 + y/4%16 + rng.IntN(33)
			if y >= p.Height/2 {
				v = 60 + int(uint32(u*u*31+y*y*17+u*y*7)>>3)%120 + rng.IntN(33)
			}
			p.Y[y*p.YStride+x] = byte(v)
		}
	}
	fill(p.U, 128)
	fill(p.V, 120)
}

// encodePan returns the mean PSNR of two regions and the mean quantiser index
// over the last frames, and the bytes of the stream, with a the region of
// interest.
func encodePan(t *testing.T, cfg EncoderConfig, delta int, a, b Region) (psnrA, psnrB, quantizer float64, bytes int64) {
	t.Helper()
	const frames = 60
	cfg.Width, cfg.Height, cfg.FrameRate, cfg.Speed = panWidth, panHeight, 25, 5
	e, err := NewEncoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.SetInterest([]Region{a}, delta); err != nil {
		t.Fatal(err)
	}
	pic := media.NewPicture(panWidth, panHeight)
	for i := range frames {
		panScene(pic, i)
		if _, err := e.Encode(pic, FrameOptions{}); err != nil {
			t.Fatal(err)
		}
		if i >= frames/2 {
			quantizer += float64(e.LastFrame().Quantizer) / (frames / 2)
			psnrA += regionPSNR(e.Reconstruction(), pic, a) / (frames / 2)
			psnrB += regionPSNR(e.Reconstruction(), pic, b) / (frames / 2)
		}
	}
	return psnrA, psnrB, quantizer, e.Stats().Bytes
}

const panWidth, panHeight = 320, 192

func TestInterestMovesQuality(t *testing.T) {
	region, rest := Region{0, panHeight / 2, panWidth / 4, panHeight / 2}, Region{panWidth / 2, panHeight / 2, panWidth / 2, panHeight / 2}
	in, out, _, bytes := encodePan(t, EncoderConfig{BitrateBps: 900_000}, 0, region, rest)
	in2, out2, _, bytes2 := encodePan(t, EncoderConfig{BitrateBps: 900_000}, -24, region, rest)
	t.Logf("region %.2f to %.2f dB, rest %.2f to %.2f dB, %d to %d bytes", in, in2, out, out2, bytes, bytes2)
	if in2 < in+1.5 {
		t.Errorf("region of interest: %.2f dB, without %.2f", in2, in)
	}
	if out2 > out {
		t.Errorf("the rest got better too: %.2f dB, without %.2f", out2, out)
	}
	if d := float64(bytes2)/float64(bytes) - 1; math.Abs(d) > 0.06 {
		t.Errorf("rate changed by %.1f %%", 100*d)
	}
}

func TestAdaptiveQuantFavoursPlainSurfaces(t *testing.T) {
	upper, lower := Region{0, 0, panWidth, panHeight / 2}, Region{0, panHeight / 2, panWidth, panHeight / 2}
	cfg := EncoderConfig{BitrateBps: 900_000, Denoise: DenoiseOff}
	plain, busy, q, bytes := encodePan(t, cfg, 0, upper, lower)
	cfg.AdaptiveQuant = true
	plain2, busy2, q2, bytes2 := encodePan(t, cfg, 0, upper, lower)
	t.Logf("plain %.2f to %.2f dB, busy %.2f to %.2f dB, index %.1f to %.1f, %d to %d bytes", plain, plain2, busy, busy2, q, q2, bytes, bytes2)
	if q2 > q-4 || plain2 < plain {
		t.Errorf("plain surfaces: index %.1f to %.1f, %.2f to %.2f dB", q, q2, plain, plain2)
	}
	if d := float64(bytes2)/float64(bytes) - 1; math.Abs(d) > 0.06 {
		t.Errorf("rate changed by %.1f %%", 100*d)
	}
}

func TestSetInterestRefuses(t *testing.T) {
	e, err := NewEncoder(EncoderConfig{Width: 64, Height: 64, FrameRate: 25, BitrateBps: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, c := range []struct {
		r     []Region
		delta int
	}{
		{make([]Region, MaxRegions+1), -5},
		{[]Region{{0, 0, 0, 5}}, -5},
		{[]Region{{0, 0, 5, -1}}, -5},
		{[]Region{{0, 0, 5, 5}}, -128},
		{nil, 128},
	} {
		if err := e.SetInterest(c.r, c.delta); !errors.Is(err, ErrFrameOptions) {
			t.Errorf("%d regions, delta %d: %v", len(c.r), c.delta, err)
		}
	}
}

// TestRain draws streaks that come and go over a still scene: the bucket must
// hold, and when the rain ends the picture must come back within two seconds.
func TestRain(t *testing.T) {
	const fps, w, h = 25, 320, 240
	e, err := NewEncoder(EncoderConfig{Width: w, Height: h, FrameRate: fps, BitrateBps: 500_000, Speed: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	rng := rand.New(rand.NewPCG(5, 6))
	src, pic := newStillNoise(2), media.NewPicture(w, h)
	bytes := 0
	encode := func(rain bool) {
		src.next(pic)
		for range 150 {
			x, y := rng.IntN(w), rng.IntN(h-12)
			for k := 0; rain && k < 12; k++ {
				o := (y+k)*pic.YStride + x
				pic.Y[o] = byte(min(int(pic.Y[o])+60, 255))
			}
		}
		f, err := e.Encode(pic, FrameOptions{})
		if err != nil {
			t.Fatal(err)
		}
		bytes += len(f.Data)
		if b := e.LastFrame().Backlog.Seconds(); b > 0.75 {
			t.Fatalf("backlog %.2f s", b)
		}
	}
	for range 2 * fps {
		encode(false)
	}
	before := encPSNR(e.Reconstruction(), src.clean)
	bytes = 0
	for range 4 * fps {
		encode(true)
	}
	rate := float64(bytes) * 8 / 4
	during := encPSNR(e.Reconstruction(), src.clean)
	for range 2 * fps {
		encode(false)
	}
	after := encPSNR(e.Reconstruction(), src.clean)
	t.Logf("before %.2f dB, in the rain %.2f dB at %.0f kbit/s, two seconds after it %.2f dB", before, during, rate/1000, after)
	if rate > 1.15*500_000 {
		t.Errorf("%.0f kbit/s in the rain", rate/1000)
	}
	if after < before-2 {
		t.Errorf("two seconds after the rain: %.2f dB, before it %.2f", after, before)
	}
}
