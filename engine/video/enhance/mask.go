package enhance

import (
	"math"
	"slices"

	"github.com/edgecam/edgecam/engine/media"
)

// Point is a place in a picture: 0, 0 is the upper left corner, 1, 1 the lower
// right one.
type Point struct{ X, Y float32 }

// Mask is a polygon of the camera's picture (before geometry) that nobody may
// see. It has at least three corners; crossing sides leave no hole.
type Mask []Point

// Rect returns the mask of a rectangle.
func Rect(x, y, width, height float32) Mask {
	return Mask{{x, y}, {x + width, y}, {x + width, y + height}, {x, y + height}}
}

// Limits of masks.
const (
	MaxMasks       = 32
	MaxMaskCorners = 64
)

// maskLuma is what masks show.
const maskLuma = 16

type span struct{ y, x0, x1 int }

// masks are the rows' parts that masks hide, for one picture size.
type masks struct {
	luma, chroma []span
	hidden       []bool // by cell of cellSide, whether any of it is hidden
}

func newMasks(list []Mask, width, height int) *masks {
	m := &masks{}
	if len(list) == 0 {
		return m
	}
	across, down := (width+cellSide-1)/cellSide, (height+cellSide-1)/cellSide
	m.hidden = make([]bool, across*down)
	for _, mask := range list {
		for y := range height {
			m.luma = mask.row(m.luma, y, width, height)
		}
	}
	for _, s := range m.luma {
		m.chroma = append(m.chroma, span{s.y / 2, s.x0 / 2, (s.x1 + 1) / 2})
		for x := s.x0 / cellSide; x <= (s.x1-1)/cellSide; x++ {
			m.hidden[s.y/cellSide*across+x] = true
		}
	}
	m.luma, m.chroma = merge(m.luma), merge(m.chroma)
	return m
}

// row adds what the mask touches of row y, be it a corner of a sample.
func (m Mask) row(spans []span, y, width, height int) []span {
	top, bottom := float64(y), float64(y+1)
	first, last := math.Inf(1), math.Inf(-1)
	var crossings []float64
	for i, a := range m {
		b := m[(i+1)%len(m)]
		ax, ay := float64(a.X)*float64(width), float64(a.Y)*float64(height)
		bx, by := float64(b.X)*float64(width), float64(b.Y)*float64(height)
		if ay > by {
			ax, ay, bx, by = bx, by, ax, ay
		}
		if by < top || ay > bottom || by == top && ay < top || ay == bottom && by > bottom {
			continue
		}
		at := func(y float64) float64 {
			if by == ay {
				return bx
			}
			return ax + (bx-ax)*(min(max(y, ay), by)-ay)/(by-ay)
		}
		x0, x1 := at(top), at(bottom)
		if ay == by {
			x0, x1 = ax, bx
			if ay == top || ay == bottom { // on the line between two rows
				continue
			}
		}
		x0, x1 = min(x0, x1), max(x0, x1)
		first, last = min(first, x0), max(last, x1)
		spans = addSpan(spans, y, x0, x1, width)
		if middle := (top + bottom) / 2; ay <= middle && by > middle {
			crossings = append(crossings, at(middle))
		}
	}
	slices.Sort(crossings)
	// Between the first and the last crossing all is hidden where sides cross,
	// and what lies between pairs of them otherwise.
	for i := 0; i+1 < len(crossings); i += 2 {
		spans = addSpan(spans, y, crossings[i], crossings[i+1], width)
	}
	return spans
}

func addSpan(spans []span, y int, x0, x1 float64, width int) []span {
	a, b := max(int(math.Floor(x0)), 0), min(int(math.Ceil(x1)), width)
	if a < b {
		spans = append(spans, span{y, a, b})
	}
	return spans
}

// merge sorts spans and joins those that touch.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int {
		if a.y != b.y {
			return a.y - b.y
		}
		return a.x0 - b.x0
	})
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && out[n-1].y == s.y && s.x0 <= out[n-1].x1 {
			out[n-1].x1 = max(out[n-1].x1, s.x1)
			continue
		}
		out = append(out, s)
	}
	return out
}

// burn hides p's masked parts.
func (m *masks) burn(p *media.Picture) bool {
	for _, s := range m.luma {
		fill(p.Y[s.y*p.YStride+s.x0:s.y*p.YStride+s.x1], maskLuma)
	}
	for _, s := range m.chroma {
		fill(p.U[s.y*p.UVStride+s.x0:s.y*p.UVStride+s.x1], 128)
		fill(p.V[s.y*p.UVStride+s.x0:s.y*p.UVStride+s.x1], 128)
	}
	return len(m.luma) > 0
}
