package vp8

import (
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// TestKeyFramesAreCodedOnce codes key frames of many scenes and rates: the
// estimate must bring most to their target at once, all at the second go, and
// none above the limit unless no quantiser is coarser.
func TestKeyFramesAreCodedOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	passes := [3]int{}
	for i := range 40 {
		w, h := 64+rng.IntN(400), 64+rng.IntN(300)
		cfg := EncoderConfig{Width: w, Height: h, FrameRate: 10 + 20*rng.Float64(), BitrateBps: w * h * (1 + rng.IntN(12)) / 2, Speed: rng.IntN(MaxSpeed + 1)}
		e, err := NewEncoder(cfg)
		if err != nil {
			t.Fatal(err)
		}
		scene, pic := newTestScene(uint64(i), w, h, rng.IntN(6)), media.NewPicture(w, h)
		for k := range 3 {
			scene.next(pic)
			target, limit := e.rc.keyTarget(), e.rc.frameLimit(rateKey)
			f, err := e.Encode(pic, FrameOptions{ForceKey: true})
			if err != nil {
				t.Fatal(err)
			}
			bits, q := float64(len(f.Data)*8), e.LastFrame().Quantizer
			if bits > limit && q < maxQuantIndex || bits < 0.5*target && q > e.cfg.MinQuantizer {
				t.Errorf("scene %d, key frame %d: %.0f bits at index %d, target %.0f, limit %.0f", i, k, bits, q, target, limit)
			}
			passes[min(e.passes, 3)-1]++
		}
		e.Close()
	}
	t.Logf("key frames coded once %d, twice %d, more often %d", passes[0], passes[1], passes[2])
	if passes[0] < 90 || passes[2] > 2 {
		t.Errorf("key frames coded once %d, twice %d, more often %d", passes[0], passes[1], passes[2])
	}
}
