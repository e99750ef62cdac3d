package guest

import (
	"testing"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/raw"
)

// TestCameraRaw makes pictures of vivid's Bayer mosaics of every order that edgecam
// reads, and looks for the colour bars in them.
func TestCameraRaw(t *testing.T) {
	want := [8][3]int{{180, 128, 128}, {162, 44, 142}, {131, 156, 44}, {112, 72, 58}, {84, 184, 198}, {65, 100, 212}, {35, 212, 114}, {16, 128, 128}}
	for _, format := range []media.PixelFormat{
		media.FormatRGGB8, media.FormatGRBG8, media.FormatGBRG8, media.FormatBGGR8,
		media.FormatRGGB10, media.FormatGRBG10, media.FormatGBRG10, media.FormatBGGR10,
	} {
		t.Run(format.String(), func(t *testing.T) {
			mode := smallMode
			mode.Format = format
			cam := openCamera(t, mode)
			if m := cam.Mode(); m.Format != format {
				t.Fatalf("mode %+v", m)
			}
			f := read(t, cam)
			defer f.Release()
			p := media.NewPicture(f.Width, f.Height)
			// vivid's samples have a gamma curve already, and its light is white.
			if err := raw.New(raw.Options{RedGainQ8: 256, BlueGainQ8: 256, Linear: true}).Process(p, f); err != nil {
				t.Fatal(err)
			}
			for bar, c := range want {
				x, y := bar*40+20, 150
				got := [3]int{int(p.Y[y*p.YStride+x]), int(p.U[y/2*p.UVStride+x/2]), int(p.V[y/2*p.UVStride+x/2])}
				for k := range c {
					if abs(got[k]-c[k]) > 6 {
						t.Errorf("bar %d is %v, want %v", bar, got, c)
						break
					}
				}
			}
		})
	}
}
