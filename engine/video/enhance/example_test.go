package enhance_test

import (
	"fmt"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/enhance"
)

// A camera that hangs sideways, with the neighbour's window hidden.
func Example() {
	cfg := enhance.Defaults()
	cfg.Masks = []enhance.Mask{enhance.Rect(0.7, 0, 0.3, 0.25)}
	cfg.Geometry.Rotate = 90
	chain, err := enhance.New(cfg, enhance.Options{FrameRate: 25})
	if err != nil {
		fmt.Println(err)
		return
	}
	captured := media.NewPicture(640, 480)
	p := chain.Process(captured)
	if p != captured {
		captured.Release()
	}
	fmt.Println(p.Width, p.Height)
	p.Release()
	// Output: 480 640
}
