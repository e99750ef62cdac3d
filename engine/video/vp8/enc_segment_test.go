package vp8

import (
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// TestSegmentMapPersists counts the frames that send a map: with regions that
// stay, only those that refine; where a region moves, that frame; and after a
// loss, the frame that mends it.
func TestSegmentMapPersists(t *testing.T) {
	e, err := NewEncoder(EncoderConfig{Width: panWidth, Height: panHeight, FrameRate: 25, BitrateBps: 600_000, Speed: 5, AdaptiveQuant: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	d := newOutsideDecoder(t, panWidth, panHeight)
	pic := media.NewPicture(panWidth, panHeight)
	region := Region{X: 40, Y: 30, Width: 80, Height: 60}
	encode := func(i int, opt FrameOptions) (sent, refined bool) {
		if err := e.SetInterest([]Region{region}, -12); err != nil {
			t.Fatal(err)
		}
		panScene(pic, i)
		f, err := e.Encode(pic, opt)
		if err != nil {
			t.Fatal(err)
		}
		d.add(f.Data, e.Reconstruction())
		if !e.header.segmented {
			t.Fatalf("frame %d has no segments", i)
		}
		return e.header.updateMap, e.segment.count > 0
	}
	sentAlone := 0
	for i := range 60 {
		sent, refined := encode(i, FrameOptions{Store: map[bool]Reference{true: ReferenceGolden}[i == 1]})
		if i == 0 && !sent {
			t.Fatal("a key frame without its map")
		}
		if sent && !refined {
			sentAlone++
		}
	}
	t.Logf("%d of 60 maps sent without need to refine", sentAlone)
	if sentAlone > 20 {
		t.Errorf("%d of 60 maps sent", sentAlone)
	}
	region.X += 64
	if sent, _ := encode(60, FrameOptions{}); !sent {
		t.Error("the region moved, and no map was sent")
	}
	if sent, _ := encode(61, FrameOptions{PredictFrom: ReferenceGolden}); !sent {
		t.Error("a frame that mends a loss has no map")
	}
	d.check()
	d.checkFFmpeg()
}
