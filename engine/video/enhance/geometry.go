package enhance

import (
	"math"

	"github.com/edgecam/edgecam/engine/media"
)

// GeometryConfig sets what part of the camera's picture is shown, and how it is
// turned. The steps are applied in the order of the fields.
type GeometryConfig struct {
	// Lens corrects radial distortion: a point at radius r (1 at half the
	// diagonal) of the corrected picture comes from r*(1+K1*r^2+K2*r^4) of the
	// camera's. Barrel distortion has a negative K1. -0.5 to 0.5 each.
	LensK1, LensK2 float32
	// CropX, CropY, CropWidth and CropHeight cut a part out, in parts of the
	// picture; a width or height of 0 is all. The output is smaller.
	CropX, CropY, CropWidth, CropHeight float32
	// Zoom is the digital zoom, 1 to 8 (0 means 1), about the point PanX,
	// PanY: -1 to 1 from edge to edge. The output keeps its size.
	Zoom, PanX, PanY float32
	// Rotate turns clockwise by 0, 90, 180 or 270 degrees.
	Rotate int
	// Mirror exchanges left and right.
	Mirror bool
}

// ZoomMost is the largest digital zoom.
const ZoomMost = 8

// Within returns the geometry that shows a part of what g shows: zoom (1 to
// ZoomMost) times as large, about the point x, y (-1 to 1 from edge to edge of
// the shown picture, right and down). It never shows more than g does.
func (g GeometryConfig) Within(zoom, x, y float32) GeometryConfig {
	// Back from the shown picture to the camera's.
	if g.Mirror {
		x = -x
	}
	switch g.Rotate {
	case 90:
		x, y = y, -x
	case 180:
		x, y = -x, -y
	case 270:
		x, y = -y, x
	}
	base := max(g.Zoom, 1)
	zoom = max(min(zoom, ZoomMost/base), 1)
	g.PanX, g.PanY = panWithin(base, g.PanX, zoom, x), panWithin(base, g.PanY, zoom, y)
	g.Zoom = base * zoom
	return g
}

// panWithin is the pan of a window that is at pan in the window of base and
// basePan.
func panWithin(base, basePan, zoom, pan float32) float32 {
	outside := 1 - 1/(base*zoom)
	if outside == 0 {
		return 0
	}
	from := (1 - 1/base) * (1 + basePan)
	inside := (1 - 1/zoom) * (1 + pan) / base
	return min(max((from+inside)/outside-1, -1), 1)
}

func (g GeometryConfig) identity() bool {
	whole := (g.CropWidth == 0 || g.CropWidth == 1) && (g.CropHeight == 0 || g.CropHeight == 1)
	return whole && g.Rotate == 0 && !g.Mirror && !g.resamples()
}

// resamples reports whether samples have to be interpolated.
func (g GeometryConfig) resamples() bool { return g.LensK1 != 0 || g.LensK2 != 0 || g.Zoom > 1 }

// geometry cuts, turns and corrects. Exact turns move samples; the rest
// interpolates between four, by a table of places.
type geometry struct {
	cfg           GeometryConfig
	x, y          int // upper left corner of the crop, even
	width, height int // of the crop
	tables        [2]placeTable
	pool          media.PicturePool
}

// place is where an output sample comes from: the index of the upper left of
// four samples, and the parts of the way to the right and down, in 1/16.
type place struct {
	at     uint32
	fx, fy uint8
}

const smallestCrop = 16

func newGeometry(cfg GeometryConfig, width, height int) *geometry {
	g := &geometry{cfg: cfg, width: width, height: height}
	cut := func(from, part float32, size int) (int, int) {
		if part == 0 || part == 1 {
			return 0, size
		}
		at := int(from*float32(size)+0.5) &^ 1
		n := max((int(part*float32(size)+0.5)+1)&^1, min(smallestCrop, size))
		n = min(n, size)
		return max(min(at, (size-n)&^1), 0), n
	}
	g.x, g.width = cut(cfg.CropX, cfg.CropWidth, width)
	g.y, g.height = cut(cfg.CropY, cfg.CropHeight, height)
	return g
}

// outSize returns the size of the pictures that leave.
func (g *geometry) outSize() (width, height int) {
	if g.cfg.Rotate%180 != 0 {
		return g.height, g.width
	}
	return g.width, g.height
}

// process returns a new picture with one reference.
func (g *geometry) process(p *media.Picture) *media.Picture {
	w, h := g.outSize()
	out := g.pool.Get(w, h)
	out.CapturedAt, out.Sequence = p.CapturedAt, p.Sequence
	cw, ch := (g.width+1)/2, (g.height+1)/2
	if g.cfg.resamples() {
		pw, ph := p.ChromaSize()
		ow, oh := out.ChromaSize()
		if g.tables[0].stride != p.YStride || g.tables[1].stride != p.UVStride {
			g.tables[0].pack(g.table(p.Width, p.Height, w, h, 1), w, p.YStride)
			g.tables[1].pack(g.table(pw, ph, ow, oh, 2), ow, p.UVStride)
		}
		g.tables[0].remap(out.Y, out.YStride, p.Y, w, h)
		g.tables[1].remap(out.U, out.UVStride, p.U, ow, oh)
		g.tables[1].remap(out.V, out.UVStride, p.V, ow, oh)
		return out
	}
	at := g.y/2*p.UVStride + g.x/2
	turn(out.Y, out.YStride, p.Y[g.y*p.YStride+g.x:], p.YStride, g.width, g.height, g.cfg.Rotate, g.cfg.Mirror)
	turn(out.U, out.UVStride, p.U[at:], p.UVStride, cw, ch, g.cfg.Rotate, g.cfg.Mirror)
	turn(out.V, out.UVStride, p.V[at:], p.UVStride, cw, ch, g.cfg.Rotate, g.cfg.Mirror)
	return out
}

// turn copies a plane of w by h, rotated clockwise and then mirrored.
func turn(dst []byte, ds int, src []byte, ss, w, h, rotate int, mirror bool) {
	ow, oh := w, h
	if rotate%180 != 0 {
		ow, oh = h, w
	}
	// Walking right in the output is stepX in the source, walking down stepY.
	var start, stepX, stepY int
	switch rotate {
	case 0:
		start, stepX, stepY = 0, 1, ss
	case 90:
		start, stepX, stepY = (h-1)*ss, -ss, 1
	case 180:
		start, stepX, stepY = (h-1)*ss+w-1, -1, -ss
	case 270:
		start, stepX, stepY = w-1, ss, -1
	}
	if mirror {
		start, stepX = start+(ow-1)*stepX, -stepX
	}
	for y := range oh {
		row := dst[y*ds : y*ds+ow]
		at := start + y*stepY
		if stepX == 1 {
			copy(row, src[at:at+ow])
			continue
		}
		for x := range row {
			row[x] = src[at]
			at += stepX
		}
	}
}

// table computes the places of a plane's samples; scale is 1 for luma and 2 for
// chroma.
func (g *geometry) table(pw, ph, ow, oh, scale int) []place {
	t := make([]place, ow*oh)
	w, h := float64(g.width)/float64(scale), float64(g.height)/float64(scale)
	x0, y0 := float64(g.x/scale), float64(g.y/scale)
	zoom := max(float64(g.cfg.Zoom), 1)
	// The middle of the lens, and half its diagonal.
	mx, my := float64(pw)/2, float64(ph)/2
	radius := math.Hypot(mx, my)
	for oy := range oh {
		for ox := range ow {
			x, y := float64(ox)+0.5, float64(oy)+0.5
			if g.cfg.Mirror {
				x = float64(ow) - x
			}
			switch g.cfg.Rotate {
			case 90:
				x, y = y, float64(ow)-x
			case 180:
				x, y = float64(ow)-x, float64(oh)-y
			case 270:
				x, y = float64(oh)-y, x
			}
			free := (1 - 1/zoom) / 2
			x = x0 + w*free*(1+float64(g.cfg.PanX)) + x/zoom
			y = y0 + h*free*(1+float64(g.cfg.PanY)) + y/zoom
			dx, dy := (x-mx)/radius, (y-my)/radius
			r := dx*dx + dy*dy
			f := 1 + float64(g.cfg.LensK1)*r + float64(g.cfg.LensK2)*r*r
			t[oy*ow+ox] = placeOf(mx+dx*f*radius-0.5, my+dy*f*radius-0.5, pw, ph)
		}
	}
	return t
}

// placeOf returns the place of a point between samples, moved inside the plane.
// The index has the plane's x in the lower half and y in the upper.
func placeOf(x, y float64, w, h int) place {
	part := func(v float64, n int) (int, uint8) {
		q := int(math.Round(min(max(v, 0), float64(n-1)) * 16))
		i := min(q>>4, max(n-2, 0))
		return i, uint8(min(q-i<<4, 16))
	}
	px, fx := part(x, w)
	py, fy := part(y, h)
	if w < 2 {
		fx = 0
	}
	if h < 2 {
		fy = 0
	}
	return place{uint32(py)<<16 | uint32(px), fx, fy}
}
