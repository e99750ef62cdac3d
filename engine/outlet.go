package engine

import (
	"sync"

	"github.com/edgecam/edgecam/engine/media"
)

// outlet is where coded pictures leave the engine. What an older configuration
// of masks and geometry let be seen does not pass it any more: neither a frame
// that was being coded when the configuration changed, nor one that is kept for
// the next viewer.
type outlet struct {
	send   func(*media.EncodedVideo) (number uint64)
	forget func() // drops what is kept for new viewers

	mu    sync.Mutex // held while a frame is handed over
	epoch uint64     // of the configuration
}

// now returns the epoch; a picture must be taken after it was asked for.
func (o *outlet) now() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.epoch
}

// advance begins a new epoch. When it returns, no frame of an older one is handed
// over any more.
func (o *outlet) advance() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.epoch++
	o.forget()
}

// write hands f over, unless its picture is of an older epoch, and returns the
// number that it was given.
func (o *outlet) write(f *media.EncodedVideo, epoch uint64) (number uint64, written bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if epoch != o.epoch {
		return 0, false
	}
	return o.send(f), true
}
