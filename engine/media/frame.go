package media

import (
	"sync/atomic"
	"time"
)

// Frame is one frame as a camera delivered it, in the camera's own format.
// Data may be the driver's own (memory-mapped) buffer: Release gives it back
// to the driver, so release soon.
type Frame struct {
	Format        PixelFormat
	Width, Height int
	// StrideBytes is the distance between rows of the first plane; 0 means
	// rows are not padded. Chroma planes of planar formats have half of it.
	StrideBytes int
	Data        []byte
	// CapturedAt is when the sensor exposed the frame (or when it was read,
	// where the driver does not say), with a monotonic reading.
	CapturedAt time.Time
	// Sequence counts frames at the driver; gaps are frames lost before us.
	Sequence uint32
	// Corrupt is set when the driver flagged the buffer as damaged.
	Corrupt bool

	release func(*Frame)
	refs    atomic.Int32
}

// InitFrame makes f ready for a new owner: one reference, and release to be
// called once when the last reference goes. Drivers reuse Frame values.
func (f *Frame) InitFrame(release func(*Frame)) {
	f.release = release
	f.refs.Store(1)
}

// Retain adds a reference.
func (f *Frame) Retain() { f.refs.Add(1) }

// Release drops a reference; the last one returns the buffer to its driver.
func (f *Frame) Release() {
	switch n := f.refs.Add(-1); {
	case n == 0 && f.release != nil:
		f.release(f)
	case n < 0:
		panic("media: Frame released more often than retained")
	}
}
