package enhance

import (
	"math"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// chromaOf returns the chroma (BT.601, limited range) of a colour of R'G'B'.
func chromaOf(rgb uint32) (u, v byte) {
	r, g, b := float64(rgb>>16), float64(rgb>>8&255), float64(rgb&255)
	return byte(math.Round(128 - 0.1482*r - 0.2910*g + 0.4392*b)), byte(math.Round(128 + 0.4392*r - 0.3678*g - 0.0714*b))
}

// vividOf returns what a chroma pair becomes.
func vividOf(t *testing.T, c *Chain, u, v byte) (byte, byte) {
	t.Helper()
	p := media.NewPicture(16, 16)
	for i := range p.Y {
		p.Y[i] = 128
	}
	for i := range p.U {
		p.U[i], p.V[i] = u, v
	}
	c.Process(p)
	return p.U[0], p.V[0]
}

func TestVividLeavesSkinAlone(t *testing.T) {
	c := mustNew(t, Config{Colour: ColourConfig{Vividness: 100}}, 25)
	// The Monk scale of skin tones, from light to dark, and a flushed one.
	for _, rgb := range []uint32{
		0xf6ede4, 0xf3e7db, 0xf7ead0, 0xeadaba, 0xd7bd96, 0xa07e56, 0x825c43, 0x604134, 0x3a312a, 0x292420, 0xe0a899, 0xc98276,
	} {
		u, v := chromaOf(rgb)
		gu, gv := vividOf(t, c, u, v)
		if math.Abs(float64(gu)-float64(u)) > 1 || math.Abs(float64(gv)-float64(v)) > 1 {
			t.Errorf("skin %06x: chroma %d, %d becomes %d, %d", rgb, u, v, gu, gv)
		}
	}
	// A lawn, a jacket, a sky, a sign: faded colours gain a third and more.
	for _, rgb := range []uint32{0x6b8050, 0x506090, 0x9ab8d8, 0x807098} {
		u, v := chromaOf(rgb)
		gu, gv := vividOf(t, c, u, v)
		before := math.Hypot(float64(u)-128, float64(v)-128)
		after := math.Hypot(float64(gu)-128, float64(gv)-128)
		turned := math.Atan2(float64(gv)-128, float64(gu)-128) - math.Atan2(float64(v)-128, float64(u)-128)
		if after < 1.33*before || math.Abs(turned) > 0.06 {
			t.Errorf("colour %06x: %.1f from grey becomes %.1f, turned by %.2f", rgb, before, after, turned)
		}
	}
	// Grey stays grey.
	for u := byte(127); u <= 129; u++ {
		if gu, gv := vividOf(t, c, u, 128); gu != u || gv != 128 {
			t.Errorf("grey %d becomes %d, %d", u, gu, gv)
		}
	}
}

// Along every hue more colour stays more colour, at every strength.
func TestVividKeepsOrder(t *testing.T) {
	for _, percent := range []int{1, 50, 100} {
		table := newVivid(percent)
		for angle := 0.0; angle < 2*math.Pi; angle += 0.05 {
			last := -1.0
			for s := 0.0; s < 110; s++ {
				u, v := byte(128+s*math.Cos(angle)), byte(128+s*math.Sin(angle))
				x := math.Hypot(float64(u)-128, float64(v)-128)
				x *= 1 + float64(table.extraQ12[u][v])/4096
				if x < last-2 { // the raster of u and v
					t.Fatalf("%d %%, %.2f rad: %.0f from grey becomes %.1f after %.1f", percent, angle, s, x, last)
				}
				last = max(last, x)
			}
		}
	}
}

// In the dark vividness fades out, and by night there is no colour to begin with.
func TestVividFadesInTheDark(t *testing.T) {
	c := mustNew(t, Config{Colour: ColourConfig{Vividness: 100, Monochrome: Auto}}, 25)
	p := media.NewPicture(16, 16)
	set := func(luma byte) {
		for i := range p.Y {
			p.Y[i] = luma
		}
		for i := range p.U {
			p.U[i], p.V[i] = 140, 118
		}
	}
	gain := map[byte]int{}
	for _, luma := range []byte{20, 36, 90} {
		set(luma)
		c.Process(p)
		gain[luma] = int(p.U[0]) - 140
	}
	if gain[20] != 0 || gain[36] <= 0 || gain[36] >= gain[90] {
		t.Errorf("chroma is raised by %v at luma 20, 36 and 90", gain)
	}
	set(90)
	c.SetNight(true)
	if c.Process(p); p.U[0] != 128 || p.V[0] != 128 {
		t.Errorf("chroma %d, %d by night", p.U[0], p.V[0])
	}
}
