package enhance

import (
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

func process(t *testing.T, cfg GeometryConfig, p *media.Picture) *media.Picture {
	t.Helper()
	return mustNew(t, Config{Geometry: cfg}, 25).Process(p)
}

func TestTurns(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {5, 3}, {64, 48}, {33, 18}} {
		p := media.NewPicture(size[0], size[1])
		drawScene(p, size[0]/3)
		for i := range p.Y {
			p.Y[i] += byte(i % 13)
		}
		q := p
		for range 4 {
			q = process(t, GeometryConfig{Rotate: 90}, q)
		}
		if !samePicture(p, q) {
			t.Errorf("%v: four quarters are no whole turn", size)
		}
		if a, b := process(t, GeometryConfig{Rotate: 90}, process(t, GeometryConfig{Rotate: 90}, p)), process(t, GeometryConfig{Rotate: 180}, p); !samePicture(a, b) {
			t.Errorf("%v: two quarters are no half turn", size)
		}
		if !samePicture(p, process(t, GeometryConfig{Rotate: 270}, process(t, GeometryConfig{Rotate: 90}, p))) {
			t.Errorf("%v: there and back again differs", size)
		}
		if !samePicture(p, process(t, GeometryConfig{Mirror: true}, process(t, GeometryConfig{Mirror: true}, p))) {
			t.Errorf("%v: mirrored twice differs", size)
		}
		turned := process(t, GeometryConfig{Rotate: 90}, p)
		if turned.Width != size[1] || turned.Height != size[0] {
			t.Fatalf("%v: turned is %dx%d", size, turned.Width, turned.Height)
		}
		// The upper left corner goes to the upper right one.
		if turned.Y[turned.Width-1] != p.Y[0] {
			t.Errorf("%v: does not turn clockwise", size)
		}
		if m := process(t, GeometryConfig{Mirror: true}, p); m.Y[0] != p.Y[p.Width-1] {
			t.Errorf("%v: does not mirror left and right", size)
		}
	}
}

func TestCropAndZoom(t *testing.T) {
	p := media.NewPicture(128, 96)
	drawScene(p, 40)
	c := process(t, GeometryConfig{CropX: 0.25, CropY: 0.5, CropWidth: 0.5, CropHeight: 0.25}, p)
	if c.Width != 64 || c.Height != 24 {
		t.Fatalf("crop is %dx%d", c.Width, c.Height)
	}
	for y := range c.Height {
		for x := range c.Width {
			if c.Y[y*c.YStride+x] != p.Y[(y+48)*p.YStride+x+32] {
				t.Fatalf("crop differs at %d,%d", x, y)
			}
		}
	}
	z := process(t, GeometryConfig{Zoom: 2, PanX: 1, PanY: -1}, p)
	if z.Width != p.Width || z.Height != p.Height {
		t.Fatalf("zoomed is %dx%d", z.Width, z.Height)
	}
	// The middle of the output is the middle of the upper right quarter.
	if got, want := int(z.Y[48*z.YStride+64]), int(p.Y[24*p.YStride+96]); got < want-6 || got > want+6 {
		t.Errorf("zoomed to the upper right: %d, want about %d", got, want)
	}
	// Interpolated turns agree with exact ones.
	for _, rotate := range []int{0, 90, 180, 270} {
		for _, mirror := range []bool{false, true} {
			exact := process(t, GeometryConfig{Rotate: rotate, Mirror: mirror}, p)
			near := process(t, GeometryConfig{Rotate: rotate, Mirror: mirror, LensK1: 1e-7}, p)
			if !samePicture(exact, near) {
				t.Errorf("rotation %d, mirrored %v: interpolation turns otherwise", rotate, mirror)
			}
		}
	}
}

// A grid that a barrel lens bends must come out straight.
func TestLens(t *testing.T) {
	long(t)
	const w, h, k = 320, 240, -0.2
	p := media.NewPicture(w, h)
	g := newGeometry(GeometryConfig{LensK1: k}, w, h)
	// Draw a vertical line as the lens bends it: each output sample on the line
	// x=60 comes from this place.
	for i := range p.Y {
		p.Y[i] = 40
	}
	table := g.table(w, h, w, h, 1)
	for y := range h {
		at := table[y*w+60].at
		for dx := range 5 {
			p.Y[int(at>>16)*p.YStride+int(at&0xffff)+dx-2] = 220
		}
	}
	out := process(t, GeometryConfig{LensK1: k}, p)
	bent := 0
	for y := 4; y < h-4; y++ {
		if out.Y[y*out.YStride+60] < 150 {
			t.Fatalf("the line is not straight in row %d", y)
		}
		if p.Y[y*p.YStride+60] < 150 {
			bent++
		}
	}
	if bent < h/4 {
		t.Fatal("the line was straight before: the test is wrong")
	}
}

func TestOverlay(t *testing.T) {
	long(t)
	for _, ground := range []byte{16, 90, 128, 235} {
		p := media.NewPicture(640, 480)
		for i := range p.Y {
			p.Y[i] = ground
		}
		p.CapturedAt = time.Date(2024, 2, 29, 23, 59, 58, 0, time.UTC)
		want := clonePicture(p)
		mustNew(t, Config{Overlay: OverlayConfig{Label: "Front door", Time: true, Location: time.FixedZone("", 3600)}}, 25).Process(p)
		white, black, changed := 0, 0, 0
		for i, v := range p.Y {
			if v != want.Y[i] {
				changed++
			}
			switch v {
			case 235:
				white++
			case 16:
				black++
			}
		}
		if white < 1000 || black < 1000 || changed > len(p.Y)/20 {
			t.Errorf("on ground %d: %d white and %d black samples, %d changed", ground, white, black, changed)
		}
	}
	// Text that is partly or wholly outside is cut.
	p := media.NewPicture(20, 10)
	DrawText(p, -7, -3, 2, "X\xc3\xa4\xff~y")
	DrawText(p, 500, 500, 1, "X")
}

// No two characters look alike, and none but the space is empty.
func TestGlyphsDiffer(t *testing.T) {
	seen := map[[glyphHeight]byte]byte{}
	for i, g := range glyphs {
		c := byte(i) + ' '
		if other, ok := seen[g]; ok {
			t.Errorf("%q looks like %q", c, other)
		}
		seen[g] = c
		for _, row := range g {
			if row >= 1<<glyphWidth {
				t.Errorf("%q is too wide", c)
			}
		}
	}
	if *glyph('a') != *glyph('A') || *glyph(0xe4) != *glyph('?') {
		t.Error("small or unknown characters")
	}
}
