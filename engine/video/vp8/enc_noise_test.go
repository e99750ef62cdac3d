package vp8

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// stillNoise makes a textured still picture with Gaussian noise.
type stillNoise struct {
	rng   *rand.Rand
	sigma float64
	clean *media.Picture
}

func newStillNoise(sigma float64) *stillNoise {
	s := &stillNoise{rng: rand.New(rand.NewPCG(8, 8)), sigma: sigma, clean: media.NewPicture(320, 240)}
	newTestScene(1, 320, 240, 0).next(s.clean)
	return s
}

func (s *stillNoise) next(p *media.Picture) {
	p.CopyFrom(s.clean)
	for i := range p.Y {
		v := math.Round(float64(s.clean.Y[i]) + s.rng.NormFloat64()*s.sigma)
		p.Y[i] = byte(min(max(v, 0), 255))
	}
}

func TestNoiseEstimate(t *testing.T) {
	for _, sigma := range []float64{0, 0.5, 2, 3, 5, 8} {
		e, err := NewEncoder(EncoderConfig{Width: 320, Height: 240, FrameRate: 25, BitrateBps: 500_000, Speed: 8})
		if err != nil {
			t.Fatal(err)
		}
		src, pic := newStillNoise(sigma), media.NewPicture(320, 240)
		for range 60 {
			src.next(pic)
			if _, err := e.Encode(pic, FrameOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		e.Close()
		got := math.Sqrt(float64(e.LastFrame().NoiseQ4) / 16)
		if math.Abs(got-sigma) > 0.25+0.25*sigma {
			t.Errorf("deviation %g estimated as %.2f", sigma, got)
		}
		if e.noise.filtering != (sigma >= 2) {
			t.Errorf("deviation %g: averaging is %t", sigma, e.noise.filtering)
		}
	}
}

// TestNoiseTold has the caller tell the noise, which then counts in place of the
// encoder's own estimate: from the first frame on, by the levels that the picture
// has, and without averaging what was averaged already.
func TestNoiseTold(t *testing.T) {
	run := func(info *NoiseInfo, frames int) (noiseQ4 int, filtering bool) {
		e, err := NewEncoder(EncoderConfig{Width: 320, Height: 240, FrameRate: 25, BitrateBps: 500_000, Speed: 8})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		src, pic := newStillNoise(4), media.NewPicture(320, 240)
		for range frames {
			src.next(pic)
			if _, err := e.Encode(pic, FrameOptions{Noise: info}); err != nil {
				t.Fatal(err)
			}
		}
		return e.LastFrame().NoiseQ4, e.noise.filtering
	}
	var even, bright NoiseInfo
	for i := range even.SigmaQ4 {
		even.SigmaQ4[i] = 3 << 4
		if i == 15 {
			bright.SigmaQ4[i] = 3 << 4
		}
	}
	if got, filtering := run(&even, 2); got != 9<<4 || !filtering {
		t.Errorf("deviation 3 at all levels: variance %d/16, averaging %t", got, filtering)
	}
	// The scene has next to nothing that is so bright.
	if got, filtering := run(&bright, 2); got > 1<<4 || filtering {
		t.Errorf("deviation 3 of the brightest samples: variance %d/16, averaging %t", got, filtering)
	}
	for i := range even.SigmaQ4 {
		even.SigmaQ4[i] = 6 << 4
	}
	even.Denoised = true
	if got, filtering := run(&even, 20); got != 4<<4 || filtering {
		t.Errorf("deviation 6, taken out: variance %d/16, averaging %t", got, filtering)
	}
	for i := range even.SigmaQ4 {
		even.SigmaQ4[i] = 1<<16 - 1
	}
	even.Denoised = false
	if got, _ := run(&even, 20); got != encMostNoise*encMostNoise<<4 {
		t.Errorf("deviation without measure: variance %d/16", got)
	}
}

// TestDenoisingWins compares both modes on a noisy still scene, against the
// clean picture, and on a clean one.
func TestDenoisingWins(t *testing.T) {
	run := func(sigma float64, mode DenoiseMode) (cleanPSNR float64, bytes int64) {
		e, err := NewEncoder(EncoderConfig{Width: 320, Height: 240, FrameRate: 25, BitrateBps: 400_000, Speed: 6, Denoise: mode})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		src, pic := newStillNoise(sigma), media.NewPicture(320, 240)
		for range 60 {
			src.next(pic)
			if _, err := e.Encode(pic, FrameOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		return encPSNR(e.Reconstruction(), src.clean), e.Stats().Bytes
	}
	on, _ := run(4, DenoiseAuto)
	off, _ := run(4, DenoiseOff)
	if on < off+1 {
		t.Errorf("noisy scene: %.2f dB with averaging, %.2f without", on, off)
	}
	on, bytesOn := run(0, DenoiseAuto)
	off, bytesOff := run(0, DenoiseOff)
	if on != off || bytesOn != bytesOff {
		t.Errorf("clean scene: averaging changed %.2f dB and %d bytes to %.2f and %d", off, bytesOff, on, bytesOn)
	}
}

// TestLightChange has a lamp go on over a still picture: within a second the
// picture must be good again, and nothing may overflow.
func TestLightChange(t *testing.T) {
	const fps = 25
	e, err := NewEncoder(EncoderConfig{Width: 320, Height: 240, FrameRate: fps, BitrateBps: 600_000, Speed: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	src, pic := newStillNoise(2), media.NewPicture(320, 240)
	encode := func() {
		src.next(pic)
		if _, err := e.Encode(pic, FrameOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 * fps {
		encode()
	}
	before := encPSNR(e.Reconstruction(), src.clean)
	for i := range src.clean.Y {
		src.clean.Y[i] = byte(min(int(src.clean.Y[i])*5/4+10, 255))
	}
	for range 2 * fps {
		encode()
		if b := e.LastFrame().Backlog.Seconds(); b > 0.75 {
			t.Fatalf("backlog %.2f s", b)
		}
	}
	if after := encPSNR(e.Reconstruction(), src.clean); after < before-3 {
		t.Errorf("two seconds after the lamp: %.2f dB, before %.2f", after, before)
	}
}
