package session

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"
)

const (
	// maxQueuedVideo is how many video frames may wait for a viewer's network:
	// half a second at 30 frames per second. What is older is of no use live.
	maxQueuedVideo = 16
	// maxQueuedAudio is how many audio packets may wait besides.
	maxQueuedAudio = 48
)

// Reasons for the end of a session that is a failure.
const (
	reasonTimeout = "did not connect in time"
	reasonLost    = "connection lost"
)

// Viewer is one session. Its methods may be called from any goroutine.
type Viewer struct {
	m       *Manager
	id      ViewerID
	grant   Grant
	log     *slog.Logger
	created time.Time
	pc      *webrtc.PeerConnection // set before Answer returns
	plan    *plan

	video, audio *outTrack // nil when not asked for
	path         *path
	stream       atomic.Pointer[voiceStream]
	queue        chan *frame
	videoQueued  atomic.Int32
	flushBefore  atomic.Uint64 // video frames with lower numbers are stale
	keySentNs    atomic.Int64  // when the last key frame left, media clock
	mendSentNs   atomic.Int64  // the same of the last frame that mends a loss

	forward forward // under Manager.fan

	// direct says that nobody who sends to this viewer has to wait for a network;
	// alone is signalled when that has ended.
	direct atomic.Bool
	alone  chan struct{}
	outbox outbox
	// Whoever sends:
	label  label // of the last picture sent
	prober prober

	probing atomic.Bool

	voiceLoss voiceLoss

	mending mending // of the goroutine that reads feedback on the picture

	mu          sync.Mutex
	closed      bool
	connectedAt time.Time
	channel     *channel
	candidates  int // remote ones so far
	wg          sync.WaitGroup

	negotiate sync.Mutex // one ICE restart at a time
	connect   *time.Timer
	expiry    *time.Timer
	done      chan struct{}
	mic       micStats
	counters  viewerCounters
}

// ID returns the viewer's public name.
func (v *Viewer) ID() ViewerID { return v.id }

// Grant returns what the viewer may do.
func (v *Viewer) Grant() Grant { return v.grant }

// Done is closed when the session has ended.
func (v *Viewer) Done() <-chan struct{} { return v.done }

// Close ends the session. The reason is for logs. It does not wait.
func (v *Viewer) Close(reason string) { v.close(reason) }

// start runs f in a goroutine that the session waits for when it ends; it does
// nothing when it has ended already.
func (v *Viewer) start(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return
	}
	v.wg.Add(1)
	go func() {
		defer v.wg.Done()
		f()
	}()
}

// observe installs the handlers of the peer connection.
func (v *Viewer) observe() {
	v.pc.OnICEConnectionStateChange(func(s webrtc.ICEConnectionState) {
		if s == webrtc.ICEConnectionStateConnected {
			v.m.join(v)
		}
	})
	v.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		switch s {
		case webrtc.PeerConnectionStateConnected:
			v.connected()
		case webrtc.PeerConnectionStateFailed:
			v.close(reasonLost)
		case webrtc.PeerConnectionStateClosed:
			v.close("closed by the viewer")
		}
	})
	v.pc.SCTP().Transport().ICETransport().OnSelectedCandidatePairChange(v.routed)
	v.pc.OnTrack(v.receive)
	v.pc.OnDataChannel(v.openChannel)
}

// connected starts sending. ICE may reconnect; only the first time counts.
func (v *Viewer) connected() {
	v.mu.Lock()
	first := v.connectedAt.IsZero() && !v.closed
	if first {
		v.connectedAt = time.Now()
	}
	v.mu.Unlock()
	if !first {
		return
	}
	v.connect.Stop()
	v.m.connected(v)
	v.start(v.sendLoop)
}

func (v *Viewer) isConnected() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return !v.connectedAt.IsZero() && !v.closed
}

// close ends the session once; what takes time goes on in the background, and
// Manager.Close waits for it.
func (v *Viewer) close(reason string) {
	v.mu.Lock()
	if v.closed {
		v.mu.Unlock()
		return
	}
	v.closed = true
	joined := !v.connectedAt.IsZero()
	v.mu.Unlock()
	close(v.done)
	v.connect.Stop()
	if v.expiry != nil {
		v.expiry.Stop()
	}
	v.m.remove(v, joined)
	go func() {
		defer v.m.wg.Done()
		v.m.mu.Lock()
		pc := v.pc
		v.m.mu.Unlock()
		if pc != nil {
			if reason == reasonTimeout || reason == reasonLost {
				v.m.failed(v.failure(reason, joined))
			}
			if err := pc.GracefulClose(); err != nil && !errors.Is(err, webrtc.ErrConnectionClosed) {
				v.log.Debug("close peer connection", "err", err)
			}
		}
		v.wg.Wait()
		v.drain()
		v.log.Info("viewer left", "reason", reason, "seconds", int(time.Since(v.created).Seconds()))
		if joined && v.m.hooks.ViewerLeft != nil {
			v.m.hooks.ViewerLeft(v, reason)
		}
	}()
}

// drain gives queued frames back. Nothing is queued any more when it runs.
func (v *Viewer) drain() {
	for {
		select {
		case f := <-v.queue:
			v.m.pool.release(f)
		default:
			return
		}
	}
}
