package session

import (
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// thinAt is how many frames may wait for a viewer's network before those that no
// other frame needs are left out.
const thinAt = 4

// forward is which of the coded frames a viewer gets. Manager.fan guards it.
type forward struct {
	place
	codecs videoCodecs
	// stream is sent now; want is sent from its next key frame on.
	stream, want media.Stream
	asked        time.Duration // when want was chosen
	tid          uint8         // highest temporal layer that has begun
	waitKey      bool          // nothing is sent before the next key frame
	overran      bool          // because the viewer's queue was full
	late         bool          // the key frame of want was older than what had been sent
	newest       uint32        // media time sent last
}

// keyWish says of which stream a viewer needs a key frame, and why; no reason: of
// none.
type keyWish struct {
	stream media.Stream
	reason string
	viewer *Viewer // with ReasonOverrun
}

// pushVideo queues a frame, if it is one for this viewer, and returns the key
// frame that should be asked for. Called under Manager.fan; never blocks.
func (v *Viewer) pushVideo(f *frame) (wish keyWish) {
	if v.video == nil {
		return keyWish{}
	}
	w := &v.forward
	if f.stream != w.stream {
		if f.stream != w.want || !f.key {
			return keyWish{}
		}
		if w.backwards(f) {
			return keyWish{stream: f.stream, reason: ReasonJoin} // which does not wait
		}
		// What waits of the other stream is of no use any more.
		w.stream, w.waitKey, w.overran = f.stream, false, false
		v.flushBefore.Store(f.number)
		v.counters.switches.Add(1)
	}
	if w.held() {
		return keyWish{}
	}
	if w.waitKey {
		if !f.key && !(w.overran && f.base != 0 && v.path.has(f.base)) {
			if w.overran {
				v.counters.framesDropped.Add(1)
			}
			// A viewer that is still stuck gets no key frame asked for: it
			// would cost all others quality and help nobody.
			if v.videoQueued.Load() > 0 {
				return keyWish{}
			}
			if w.overran {
				return keyWish{stream: w.stream, reason: ReasonOverrun, viewer: v}
			}
			return keyWish{stream: w.stream, reason: ReasonJoin}
		}
		w.waitKey, w.overran = false, false
	}
	if !w.takes(f) || f.tid > 0 && v.videoQueued.Load() >= thinAt {
		v.counters.framesThinned.Add(1)
		w.tid = min(w.tid, f.tid-1)
		return keyWish{}
	}
	if v.videoQueued.Load() < maxQueuedVideo {
		f.refs.Add(1)
		select {
		case v.queue <- f:
			v.videoQueued.Add(1)
			w.newest = f.time()
			return keyWish{}
		default:
			v.m.pool.release(f)
		}
	}
	v.overrun(f.number + 1)
	v.counters.framesDropped.Add(1)
	return keyWish{}
}

// takes reports whether the viewer gets a frame of its stream. A layer begins with
// a frame that refers to the base layer alone.
func (w *forward) takes(f *frame) bool {
	switch {
	case f.tid == 0:
		if f.key {
			w.tid = 0
		}
		return true
	case w.level == levelBase || w.stream != w.want:
		return false
	case f.tid > w.tid && !f.sync:
		return false
	}
	w.tid = max(w.tid, f.tid)
	return true
}

// overrun gives up the queued video up to a frame number, until the next key
// frame. Called under Manager.fan.
func (v *Viewer) overrun(before uint64) {
	v.forward.waitKey, v.forward.overran = true, true
	v.flushBefore.Store(before)
	v.counters.overruns.Add(1)
}
