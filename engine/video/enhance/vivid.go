package enhance

import (
	"math"

	"github.com/edgecam/edgecam/engine/media"
)

// vivid makes colours stronger, weak ones more than strong ones, and leaves
// skin alone: a visitor must not look sunburnt. Greys stay grey, since chroma
// noise is there.
type vivid struct {
	// extraQ12 is by how much more than itself a chroma value is to be away from
	// grey, by U and V. 0 to vividMost.
	extraQ12 [256][256]uint16
}

const (
	// vividMost is what a vividness of 100 adds to a weak colour.
	vividMost = 0.6
	// Chroma (distance from grey) from which on colours get all of it, and from
	// which on they get none: order is kept, since s*(1+extra(s)) rises.
	vividFrom, vividAll, vividFading, vividNone = 3, 10, 20, 100
	// Skin of all people lies between these angles from U towards V (105 to 155
	// degrees: what differs is mostly luma), and fades out over skinFade.
	skinFrom, skinTo, skinFade = 105, 155, 25
)

func newVivid(percent int) *vivid {
	t := &vivid{}
	for u := range t.extraQ12 {
		for v := range t.extraQ12[u] {
			du, dv := float64(u-128), float64(v-128)
			s := float32(math.Hypot(du, dv))
			angle := float32(math.Atan2(dv, du) * 180 / math.Pi)
			if angle < -90 {
				angle += 360 // the cut is far from skin
			}
			skin := min(ramp(angle, skinFrom-skinFade, skinFrom), 1-ramp(angle, skinTo, skinTo+skinFade))
			extra := vividMost * ramp(s, vividFrom, vividAll) * (1 - ramp(s, vividFading, vividNone)) * (1 - skin)
			t.extraQ12[u][v] = uint16(extra*float32(percent)/100*4096 + 0.5)
		}
	}
	return t
}

// apply changes p's chroma by the given part of the vividness, in Q8.
func (t *vivid) apply(p *media.Picture, partQ8 int32) {
	cw, ch := p.ChromaSize()
	for y := range ch {
		us, vs := p.U[y*p.UVStride:y*p.UVStride+cw], p.V[y*p.UVStride:y*p.UVStride+cw]
		for x, u := range us {
			v := vs[x]
			extra := int32(t.extraQ12[u][v]) * partQ8
			if extra == 0 {
				continue
			}
			us[x], vs[x] = further(u, extra), further(v, extra)
		}
	}
}

// further moves a chroma value away from grey by extra (Q20), within the range
// that chroma has.
func further(c byte, extraQ20 int32) byte {
	d := int32(c) - 128
	return byte(min(max(int32(c)+(d*extraQ20+1<<19)>>20, 16), 240))
}
