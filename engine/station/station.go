package station

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/whep"
)

// connectTimeout ends a call whose media does not come about.
const connectTimeout = 15 * time.Second

// Station is an indoor station. Make one with New, run it with Run.
type Station struct {
	cfg     Config
	devices Devices
	log     *slog.Logger
	talking atomic.Bool
	talkNow chan struct{} // talking has changed
	rec     *recorder     // nil without a recording
	calls   atomic.Int64  // that have connected

	mu   sync.Mutex
	link *link // nil between calls
	last Stats // of the call before
}

// New returns a station that calls nobody yet. A nil logger is silent.
func New(cfg Config, devices Devices, log *slog.Logger) (*Station, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Station{cfg: cfg, devices: devices, log: log, talkNow: make(chan struct{}, 1)}
	s.talking.Store(cfg.Talking)
	if cfg.Record != nil {
		if s.rec, err = newRecorder(cfg.Record, cfg.Dial.Call.Listen, cfg.Dial.Call.Video); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Run calls until ctx is done, and returns nil then. It returns early when
// calling again is of no use (refused access, wrong certificate), and after the
// first call with Config.Once.
func (s *Station) Run(ctx context.Context) (err error) {
	defer func() {
		if s.rec != nil {
			err = errors.Join(err, s.rec.close())
		}
	}()
	pause := s.cfg.RetryFirst
	for {
		connected, err := s.call(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && hopeless(err), s.cfg.Once:
			return err
		case connected:
			pause = s.cfg.RetryFirst
		}
		wait := jittered(pause)
		var status *whep.StatusError
		if errors.As(err, &status) {
			wait = max(wait, status.RetryAfter)
		}
		s.event(Event{Type: "waiting", Text: "calling again in " + wait.Round(100*time.Millisecond).String()})
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		pause = min(2*pause, s.cfg.RetryMost)
	}
}

// jittered spreads pauses, so that a hundred stations do not call at once when
// the node comes back.
func jittered(d time.Duration) time.Duration {
	return d/2 + rand.N(d)
}

// hopeless reports whether calling again fails in the same way.
func hopeless(err error) bool {
	var status *whep.StatusError
	if errors.As(err, &status) {
		return !status.Temporary()
	}
	return errors.Is(err, whep.ErrFingerprint) || errors.Is(err, ErrConfig)
}

// call makes one call and waits for its end.
func (s *Station) call(ctx context.Context) (connected bool, err error) {
	l := newLink(s)
	o := s.cfg.Dial
	o.Log = s.log
	o.Hooks = l.hooks()
	dialing, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	client, err := whep.Dial(dialing, o)
	if err != nil {
		if ctx.Err() == nil {
			s.event(Event{Type: "failed", Text: err.Error(), Err: err})
		}
		return false, err
	}
	defer client.Close(context.WithoutCancel(ctx))
	l.client.Store(client)
	s.mu.Lock()
	s.link = l
	s.mu.Unlock()
	l.run(ctx)
	defer func() {
		l.stop()
		s.mu.Lock()
		s.last, s.link = l.stats(), nil
		s.mu.Unlock()
	}()
	select {
	case <-l.connected:
		s.calls.Add(1)
		s.event(Event{Type: "connected", Text: client.Info().Path})
	case <-client.Done():
		s.event(Event{Type: "failed", Text: client.Reason()})
		return false, errors.New("station: " + client.Reason())
	case <-dialing.Done():
		if ctx.Err() == nil {
			s.event(Event{Type: "failed", Text: "no media came about: are UDP packets let through?"})
		}
		return false, errors.New("station: no media within " + connectTimeout.String())
	}
	cancel()
	select {
	case <-client.Done():
	case <-ctx.Done():
	}
	reason := client.Reason()
	if ctx.Err() != nil {
		reason = "hung up"
	}
	s.event(Event{Type: "disconnected", Text: reason})
	return true, nil
}

func (s *Station) event(e Event) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	s.log.Debug("station", "event", e.Type, "text", e.Text) // OnEvent is where people look
	s.cfg.OnEvent(e)
}

// SetTalking switches the own microphone on or off.
func (s *Station) SetTalking(on bool) {
	if s.talking.Swap(on) == on {
		return
	}
	select {
	case s.talkNow <- struct{}{}:
	default:
	}
	if l := s.current(); l != nil {
		l.sayTalking(on)
	}
}

// PressKey sends a key, 0 to 9, *, # or A to D, to the node (RFC 4733). Errors wrap
// ErrNotConnected or session.ErrNoKeys.
func (s *Station) PressKey(ctx context.Context, key byte) error {
	l := s.current()
	if l == nil {
		return ErrNotConnected
	}
	c := l.client.Load()
	if c == nil {
		return ErrNotConnected
	}
	return c.PressKey(ctx, key, keyLength)
}

// keyLength is how long a key is pressed.
const keyLength = 120 * time.Millisecond

// Talking reports whether the own microphone is on.
func (s *Station) Talking() bool { return s.talking.Load() }

func (s *Station) current() *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link
}

// OpenDoor asks the node to release the door and waits for its answer. Errors
// wrap ErrRefused or ErrNotConnected.
func (s *Station) OpenDoor(ctx context.Context) error {
	l := s.current()
	if l == nil {
		return ErrNotConnected
	}
	return l.openDoor(ctx)
}

// Stats returns the statistics of the present call, or of the last one.
func (s *Station) Stats() Stats {
	if l := s.current(); l != nil {
		return l.stats()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// hooks connects a session with the link.
func (l *link) hooks() session.CallHooks {
	return session.CallHooks{
		Video: l.video, Voice: l.voice, VideoClock: l.videoClock, VoiceClock: l.voiceClock,
		Message: l.message, ChannelOpened: l.channelOpened,
		Connected: func() { l.connectedOnce.Do(func() { close(l.connected) }) },
	}
}
