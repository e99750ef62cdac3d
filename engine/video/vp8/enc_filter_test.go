package vp8

import (
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// TestFilterAdjustmentWithoutUpperLayer leaves the frames of the upper layer out,
// while the adjustment for the zero vector changes to and fro with a picture that
// moves and rests: what is left must decode to what the encoder holds, with two
// layers and after the change to one.
func TestFilterAdjustmentWithoutUpperLayer(t *testing.T) {
	const w, h = 128, 96
	e, err := NewEncoder(EncoderConfig{Width: w, Height: h, FrameRate: 30, BitrateBps: 400_000, Speed: 5, TemporalLayers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	d, pic := NewDecoder(DecoderOptions{}), media.NewPicture(w, h)
	scene := newTestScene(5, w, h, 0)
	seen := map[int]int{}
	single := false
	for i := range 120 {
		// The light of the whole scene changes now and then.
		scene.frozen = i/7%2 == 1
		scene.next(pic)
		// One layer begins behind a frame of the upper one.
		if i >= 60 && !single && i%2 == 0 {
			single = true
			e.SetTwoLayers(false)
		}
		ev, err := e.Encode(pic, FrameOptions{})
		if err != nil {
			t.Fatal(err)
		}
		seen[e.header.modeDeltas[encZeroDelta]]++
		if ev.TemporalID > 0 {
			continue
		}
		got, err := d.Decode(ev.Data)
		if err != nil {
			t.Fatal(err)
		}
		if encPictureSum(got) != encPictureSum(e.Reconstruction()) {
			t.Fatalf("frame %d: %s", i, firstDifference(got, e.Reconstruction()))
		}
	}
	if seen[encZeroAtRest] < 5 || seen[encZeroInWork] < 5 {
		t.Fatalf("adjustments seen: %v", seen)
	}
	if !single {
		t.Fatal("two layers to the end")
	}
}
