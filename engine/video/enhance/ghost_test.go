package enhance

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// Ghost energy: what is left of a walker where he was in the frames before, and
// what of the ground shines through where he is. It is measured on means of 4x4
// samples, in which noise of the deviation used here has less than a fifth of
// itself, and compared with the walker's contrast.
func TestWalkersLeaveNoGhost(t *testing.T) {
	long(t)
	for _, c := range []struct {
		speed int // samples per frame
		sigma float64
		fast  bool
		// mostDB is the ghost's mean energy below that of the walker.
		mostDB float64
	}{
		{1, 4, false, -42},
		{4, 4, false, -40},
		{12, 4, false, -40},
		{4, 7, false, -35},
		{4, 4, true, -39},
	} {
		rng := rand.New(rand.NewPCG(31, 32))
		chain := mustNew(t, Config{Denoise: DenoiseConfig{Mode: Auto, Fast: c.fast}}, 25)
		clean, p, empty := media.NewPicture(320, 240), media.NewPicture(320, 240), media.NewPicture(320, 240)
		drawScene(empty, -1)
		var ghost, contrast float64
		cells := 0
		for i := range 70 {
			// He stands for a while, so that averages are old, and goes.
			at := 60 + c.speed*max(i-40, 0)
			if at > 230 {
				break
			}
			drawScene(clean, at)
			p.CopyFrom(clean)
			addNoise(p, rng, c.sigma)
			chain.Process(p)
			if i < 42 {
				continue
			}
			// The trail: what he covered in the last ten frames and does not now,
			// and the strip that he has just come to.
			trail := min(10*c.speed, at-60)
			for y := 80; y+4 <= 232; y += 4 {
				for x := at - trail; x+4 <= at; x += 4 {
					d := cellMean(p, x, y) - cellMean(clean, x, y)
					k := cellMean(p, x, y) - 190 // about his own luma
					ghost += d * d
					contrast += k * k
					cells++
				}
			}
		}
		db := 10 * math.Log10(ghost/contrast)
		noise := 10 * math.Log10(c.sigma*c.sigma/16*float64(cells)/contrast)
		t.Logf("%d samples a frame, deviation %g, fast %v: ghost %.1f dB (the noise itself would be %.1f dB)", c.speed, c.sigma, c.fast, db, noise)
		if db > c.mostDB {
			t.Errorf("%d samples a frame, deviation %g, fast %v: ghost of %.1f dB, want %.0f", c.speed, c.sigma, c.fast, db, c.mostDB)
		}
	}
}

func cellMean(p *media.Picture, x, y int) float64 {
	sum := 0
	for j := range 4 {
		for i := range 4 {
			sum += int(p.Y[(y+j)*p.YStride+x+i])
		}
	}
	return float64(sum) / 16
}

// The very first frame of a noisy camera is cleaned, too, and that of a clean
// one is left alone, be it flat or full of texture.
func TestFirstFrame(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 34))
	clean := media.NewPicture(320, 240)
	drawScene(clean, 100)
	for _, sigma := range []float64{3, 6} {
		p := clonePicture(clean)
		addNoise(p, rng, sigma)
		before := meanSquare(p, clean)
		c := mustNew(t, Config{Denoise: DenoiseConfig{Mode: Auto}}, 25)
		c.Process(p)
		if gain := 10 * math.Log10(before/meanSquare(p, clean)); gain < 3.5 {
			t.Errorf("deviation %g: the first frame is %.1f dB better", sigma, gain)
		}
	}
	texture := media.NewPicture(320, 240)
	for y := range 240 {
		for x := range 320 {
			v := 110 + 50*math.Sin(float64(x*x)/900)*math.Cos(float64(y)/3)
			if x < 100 {
				v = float64(60 + y/2) // a wall
			}
			texture.Y[y*texture.YStride+x] = byte(v)
		}
	}
	for _, p := range []*media.Picture{clean, texture} {
		q := clonePicture(p)
		mustNew(t, Config{Denoise: DenoiseConfig{Mode: Auto}}, 25).Process(q)
		if !samePicture(p, q) {
			t.Errorf("a clean first frame is changed by %.2f mean square", meanSquare(p, q))
		}
	}
}
