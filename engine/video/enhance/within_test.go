package enhance

import (
	"math"
	"testing"
)

// What is pointed at is that part of the shown picture, however the camera's
// picture is turned, cut and zoomed by configuration.
func TestWithin(t *testing.T) {
	const w, h = 64, 48
	for _, rotate := range []int{0, 90, 180, 270} {
		for _, mirror := range []bool{false, true} {
			for _, base := range []GeometryConfig{{}, {Zoom: 2, PanX: 0.5, PanY: -1}, {CropX: 0.25, CropWidth: 0.5, CropY: 0.5, CropHeight: 0.5}} {
				base.Rotate, base.Mirror = rotate, mirror
				for _, v := range [][3]float32{{1, 0, 0}, {2, 0, 0}, {2, 1, -1}, {3, -0.5, 0.25}, {4, -1, 1}} {
					got := base.Within(v[0], v[1], v[2])
					if err := (Config{Geometry: got}).Validate(); err != nil {
						t.Fatal(err)
					}
					// Where the shown picture's corners are in the camera's.
					all, part := newGeometry(base, w, h), newGeometry(got, w, h)
					ow, oh := all.outSize()
					at := func(g *geometry, x, y float64) (float64, float64) {
						tab := g.table(w, h, ow, oh, 1)
						p := tab[int(y*float64(oh-1))*ow+int(x*float64(ow-1))]
						return float64(p.at&0xffff) + float64(p.fx)/16, float64(p.at>>16) + float64(p.fy)/16
					}
					for _, corner := range [][2]float64{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
						z := float64(v[0])
						inside := func(c float64, pan float32) float64 {
							return (1-1/z)/2*(1+float64(pan)) + c/z
						}
						wantX, wantY := at(all, inside(corner[0], v[1]), inside(corner[1], v[2]))
						x, y := at(part, corner[0], corner[1])
						if math.Abs(x-wantX) > 1.5 || math.Abs(y-wantY) > 1.5 {
							t.Errorf("%+v, zoom %g at %g, %g: corner %v is (%.1f, %.1f), want (%.1f, %.1f)", base, v[0], v[1], v[2], corner, x, y, wantX, wantY)
						}
					}
				}
			}
		}
	}
	if g := (GeometryConfig{Zoom: 4}).Within(8, 0, 0); g.Zoom != ZoomMost {
		t.Errorf("zoom %g, want %d", g.Zoom, ZoomMost)
	}
}
