package pixel_test

import (
	"fmt"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/pixel"
)

// A YUYV frame of two pixels becomes a picture.
func ExampleConvert() {
	frame := &media.Frame{
		Format: media.FormatYUYV, Width: 2, Height: 1,
		Data: []byte{81, 90, 82, 240}, // Y0 U Y1 V: red
	}
	picture := media.NewPicture(2, 1)
	if err := pixel.Convert(picture, frame); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(picture.Y[:2], picture.U[0], picture.V[0])
	// Output: [81 82] 90 240
}
