package vp8

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// TestEncoderLongRateChanges changes rate and frame rate all the time over
// 10,000 frames: every frame must decode to the reconstruction, in the end
// elsewhere too.
func TestEncoderLongRateChanges(t *testing.T) {
	frames := 10_000
	if testing.Short() {
		frames = 500
	}
	const w, h = 96, 80
	e, err := NewEncoder(EncoderConfig{Width: w, Height: h, FrameRate: 30, BitrateBps: 200_000, Speed: 6, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	rng := rand.New(rand.NewPCG(11, 12))
	scene, pic := newTestScene(2, w, h, 2), media.NewPicture(w, h)
	d := newOutsideDecoder(t, w, h)
	for i := range frames {
		if rng.IntN(7) == 0 {
			e.SetBitrate(2000 << rng.IntN(11))
		}
		if rng.IntN(50) == 0 {
			e.SetFrameRate(1 + 59*rng.Float64())
		}
		scene.frozen = i/100%3 == 1
		opt := FrameOptions{ForceKey: rng.IntN(300) == 0}
		if i > 0 && rng.IntN(40) == 0 {
			opt.Store = Reference(rng.IntN(3))
			opt.PredictFrom = Reference(rng.IntN(3))
		}
		scene.next(pic)
		f, err := e.Encode(pic, opt)
		if err != nil {
			t.Fatal(err)
		}
		d.add(f.Data, e.Reconstruction())
	}
	d.check()
	d.checkFFmpeg()
	if n := e.Stats().Frames; n != frames {
		t.Errorf("%d frames counted, %d coded", n, frames)
	}
}

// TestEncoderSizes codes a few frames of sizes from one macroblock to 1920x1080,
// odd ones among them, with every number of token partitions.
func TestEncoderSizes(t *testing.T) {
	sizes := [][2]int{{16, 16}, {17, 16}, {16, 31}, {2, 300}, {333, 3}, {321, 241}, {640, 480}}
	if !testing.Short() {
		sizes = append(sizes, [][2]int{{1279, 719}, {1280, 720}, {1920, 1080}, {1919, 1079}, {1080, 1919}}...)
	}
	for i, s := range sizes {
		t.Run(fmt.Sprintf("%dx%d", s[0], s[1]), func(t *testing.T) {
			cfg := EncoderConfig{
				Width: s[0], Height: s[1], FrameRate: 25, BitrateBps: 20_000 + s[0]*s[1]*2,
				Speed: 3 + i%6, Threads: 1 + i%3, TokenPartitions: 1 << (i % 4),
			}
			encodeScene(t, cfg, newTestScene(uint64(i), s[0], s[1], i%4), 4, nil).checkFFmpeg()
		})
	}
}
