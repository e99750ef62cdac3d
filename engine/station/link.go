package station

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/session/whep"
	"github.com/edgecam/edgecam/engine/video/jitter"
)

// link is one call.
type link struct {
	s             *Station
	client        atomic.Pointer[whep.Client]
	connected     chan struct{}
	connectedOnce sync.Once
	began         time.Time

	cancel context.CancelFunc
	wg     sync.WaitGroup

	// Picture.
	mu       sync.Mutex // guards buf, and delay
	buf      *jitter.Buffer
	delay    session.PlayoutDelay
	hasDelay bool
	kick     chan struct{} // a packet has come
	shown    pictureStats

	// Sound.
	neteqMu     sync.Mutex
	neteq       *codec.Buffer // nil before the first packet
	format      codec.Format
	voiceCh     chan struct{} // the first packet has come
	voiceOnce   sync.Once
	encoder     atomic.Pointer[codec.Encoder] // of the own voice, while talking
	sound       soundClock
	playoutLate atomic.Int64 // ns, of the speaker

	// Messages.
	door  sync.Mutex
	asked map[string]chan reply
	next  int
}

func newLink(s *Station) *link {
	cfg := jitter.Config{MinDelay: s.cfg.MinDelay, MaxDelay: s.cfg.MaxDelay}
	if cfg.MaxDelay == 0 {
		cfg.MaxDelay = 500 * time.Millisecond
	}
	return &link{
		s: s, connected: make(chan struct{}), began: time.Now(), buf: jitter.New(cfg),
		kick: make(chan struct{}, 1), voiceCh: make(chan struct{}), asked: map[string]chan reply{},
	}
}

// run starts the link's goroutines.
func (l *link) run(ctx context.Context) {
	ctx, l.cancel = context.WithCancel(ctx)
	start := func(f func(context.Context)) { l.wg.Go(func() { f(ctx) }) }
	if l.s.cfg.Dial.Call.Video {
		start(l.runPicture)
	}
	if l.s.cfg.Dial.Call.Listen {
		start(l.runPlayout)
	}
	if l.s.cfg.Dial.Call.Talk && l.s.devices.Microphone != nil {
		start(l.runMicrophone)
	}
}

func (l *link) stop() {
	l.cancel()
	l.wg.Wait()
}
