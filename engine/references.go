package engine

import (
	"sync"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/vp8"
)

const (
	// storeEvery is the least distance of two frames that are kept as long-term
	// references, mendReach how far back the one may lie that a loss is mended from:
	// receivers relate frames to each other by running numbers, and browsers
	// remember 50 of them.
	storeEvery, mendReach = 12, 45
)

// references are the long-term references of the main stream, which the viewers
// share. The encode goroutine uses them, and viewers' feedback asks for their use.
type references struct {
	off bool // key frames alone mend losses

	mu     sync.Mutex
	slots  *vp8.ReferenceManager // nil before the first frame, and while off
	newest uint64                // frame coded last
	stored uint64                // frame that was kept last
}

// begin forgets everything: an encoder starts.
func (r *references) begin() {
	r.mu.Lock()
	if r.slots, r.stored = vp8.NewReferenceManager(1), 0; r.off {
		r.slots = nil
	}
	r.mu.Unlock()
}

// mend is session.Hooks.Mend.
func (r *references) mend() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.slots == nil {
		return 0
	}
	base, ok := r.slots.Mend(mendReach)
	if !ok {
		return 0
	}
	return base
}

// viewers is what is asked of session.Manager.
type viewers interface {
	Received(number uint64) bool
	Lossy() bool
}

// options returns what the next frame has to be.
func (r *references) options(v viewers) vp8.FrameOptions {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.slots == nil {
		return vp8.FrameOptions{}
	}
	lossy := v.Lossy()
	if id, ok := r.slots.Awaited(); ok && v.Received(id) {
		r.slots.Decoded(id)
	}
	opt := r.slots.Options()
	if opt.PredictFrom == vp8.ReferenceNone && (!lossy || r.newest-r.stored < storeEvery) {
		opt.Store = vp8.ReferenceNone
	}
	return opt
}

// base returns the number of the frame that a coded one builds on, 0 where that is
// the one before it.
func (r *references) base(info *vp8.EncodeInfo) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.slots == nil {
		return 0
	}
	return r.slots.Held(info.PredictedFrom)
}

// sent takes note of a frame that has been sent.
func (r *references) sent(number uint64, f *media.EncodedVideo, info *vp8.EncodeInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.slots == nil || number == 0 {
		return
	}
	r.slots.Sent(number, *f, *info)
	r.newest = number
	if info.Stored != vp8.ReferenceNone {
		r.stored = number
	}
}
