package media

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Picture is an 8-bit 4:2:0 planar picture (I420, BT.601 limited range). Y has
// Height rows of YStride bytes; U and V have (Height+1)/2 rows of UVStride
// bytes. Rows may be longer than the visible width.
type Picture struct {
	Width, Height     int
	Y, U, V           []byte
	YStride, UVStride int
	// CapturedAt is when the camera exposed the picture.
	CapturedAt time.Time
	// Sequence is the camera's frame number.
	Sequence uint32

	pool *PicturePool
	refs atomic.Int32
}

// MaxPictureSide is the largest width or height accepted anywhere: VP8's
// 14-bit size fields end there.
const MaxPictureSide = 16383

// NewPicture allocates a picture outside any pool. Width and height are in
// pixels, 1 to MaxPictureSide.
func NewPicture(width, height int) *Picture {
	if width < 1 || height < 1 || width > MaxPictureSide || height > MaxPictureSide {
		panic(fmt.Sprintf("media: picture size %dx%d out of range", width, height))
	}
	// Rows are padded to 16 so that kernels may work on whole macroblocks, and
	// to 64-byte lines so that they start aligned.
	ys := (width + 63) &^ 63
	cs := ((width+1)/2 + 31) &^ 31
	hy, hc := (height+15)&^15, ((height+1)/2+7)&^7
	buf := make([]byte, ys*hy+2*cs*hc)
	p := &Picture{Width: width, Height: height, YStride: ys, UVStride: cs}
	p.Y, buf = buf[:ys*hy:ys*hy], buf[ys*hy:]
	p.U, p.V = buf[:cs*hc:cs*hc], buf[cs*hc:]
	p.refs.Store(1)
	return p
}

// Retain adds a reference.
func (p *Picture) Retain() { p.refs.Add(1) }

// Release drops a reference; the last one returns the picture to its pool.
func (p *Picture) Release() {
	switch n := p.refs.Add(-1); {
	case n == 0 && p.pool != nil:
		p.pool.put(p)
	case n < 0:
		panic("media: Picture released more often than retained")
	}
}

// ChromaSize returns the size of the U and V planes.
func (p *Picture) ChromaSize() (width, height int) { return (p.Width + 1) / 2, (p.Height + 1) / 2 }

// CopyFrom copies the visible part of src, which must have the same size, and
// its times.
func (p *Picture) CopyFrom(src *Picture) {
	cw, ch := src.ChromaSize()
	copyPlane(p.Y, p.YStride, src.Y, src.YStride, src.Width, src.Height)
	copyPlane(p.U, p.UVStride, src.U, src.UVStride, cw, ch)
	copyPlane(p.V, p.UVStride, src.V, src.UVStride, cw, ch)
	p.CapturedAt, p.Sequence = src.CapturedAt, src.Sequence
}

func copyPlane(dst []byte, ds int, src []byte, ss, w, h int) {
	for y := range h {
		copy(dst[y*ds:y*ds+w], src[y*ss:y*ss+w])
	}
}

// PicturePool hands out pictures of one size. Its memory is bounded by the
// number of pictures in flight; a resize drops the old ones.
type PicturePool struct {
	mu            sync.Mutex
	width, height int
	free          []*Picture
}

// Get returns a picture of the given size with one reference. Its content is
// whatever its last user left.
func (pp *PicturePool) Get(width, height int) *Picture {
	pp.mu.Lock()
	if pp.width != width || pp.height != height {
		pp.width, pp.height, pp.free = width, height, nil
	}
	var p *Picture
	if n := len(pp.free); n > 0 {
		p = pp.free[n-1]
		pp.free = pp.free[:n-1]
	}
	pp.mu.Unlock()
	if p == nil {
		p = NewPicture(width, height)
		p.pool = pp
		return p
	}
	p.refs.Store(1)
	return p
}

func (pp *PicturePool) put(p *Picture) {
	pp.mu.Lock()
	if p.Width == pp.width && p.Height == pp.height {
		pp.free = append(pp.free, p)
	}
	pp.mu.Unlock()
}
