package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/voice"
)

// Engine captures, codes and serves. Make one with New, run it with Run.
type Engine struct {
	cfg      Config
	devices  Devices
	observer Observer
	voice    VoiceObserver
	log      *slog.Logger
	sessions *session.Manager

	demand   *gate // somebody watches, or a snapshot is wanted
	watching *gate // viewers alone
	pool     media.PicturePool
	latest   mailbox
	keyFrame [media.NumStreams]atomic.Bool
	warm     atomic.Bool // the bell has rung, the encoder shall be ready
	wakeKey  chan struct{}
	shots    snapshots
	enhance  enhancer
	outlet   outlet
	governed governed
	refs     references
	hard     hardware
	talk     talkers
	front    *voice.FrontEnd
	duck     *voice.Ducker
	visitor  visitor
	analog   analog
	visiting atomic.Bool
	door     door
	call     call
	ringShot ringShot
	// running is Run's context; background holds what it waits for at the end.
	running    context.Context
	background sync.WaitGroup
	idle       idleTimer
	viewers    atomic.Int32
	mainBps    atomic.Int64 // 0: nobody takes the stream
	thumbBps   atomic.Int64
	hardBps    atomic.Int64 // of the stream in H.264
	ownFailed  atomic.Bool  // the camera's own stream
	layers     atomic.Int32 // temporal, of the main stream
	camera     atomic.Pointer[CameraState]
	onEvent    atomic.Pointer[func(Event)]
	pulses     pulses
	encoders   atomic.Pointer[voiceEncoders] // nil while the microphone is closed
}

// CameraState is what the capture goroutine last saw.
type CameraState struct {
	Streaming bool      `json:"streaming"`
	Mode      string    `json:"mode,omitempty"`
	Err       string    `json:"error,omitempty"`
	Since     time.Time `json:"since"`
}

// New makes an engine and opens its media port. The observer may be nil.
func New(cfg Config, devices Devices, observer Observer, log *slog.Logger) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	duck, err := voice.NewDucker(cfg.Voice.DuckDecay)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	if observer == nil {
		observer = noObserver{}
	}
	front, err := voice.New(cfg.Voice.FrontEnd)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	e := &Engine{
		cfg: cfg, devices: devices, observer: observer, voice: noObserver{}, log: log, front: front, duck: duck,
		demand: newGate(), watching: newGate(), wakeKey: make(chan struct{}, 1),
	}
	if v, ok := observer.(VoiceObserver); ok {
		e.voice = v
	}
	if err := e.enhance.init(cfg, devices, observer, log); err != nil {
		return nil, err
	}
	e.pulses.init()
	e.refs.off = cfg.Video.KeyFramesOnly
	e.governed.init(cfg.Governor, observer, log)
	e.latest.ready = make(chan struct{}, 1)
	e.hard.e, e.hard.box.ready = e, make(chan struct{}, 1)
	e.idle.after = cfg.IdleAfter
	e.idle.fire = e.updateDemand
	e.shots.changed = e.updateDemand
	e.talk.init(cfg.Voice.Duplex, log)
	e.talk.onKey = e.keyPressed
	e.door.init(cfg.Door.Pulse, devices.Relay, log, e.stateChanged)
	e.talk.spoke = e.call.heard
	e.call.init(cfg.Call.RingFor, cfg.Call.QuietFor, e.callChanged)
	sessions, err := session.New(cfg.Session, session.Hooks{
		KeyFrameNeeded: e.requestKeyFrame,
		Mend:           e.refs.mend,
		VideoPlan:      e.planChanged,
		ViewersChanged: e.viewersChanged,
		ChannelOpened:  e.channelOpened,
		NetworkChanged: networkChanged,
		ViewerLeft:     e.viewerLeft,
		Talk:           e.talkPacket,
		Message:        e.message,
	}, log)
	if err != nil {
		return nil, err
	}
	e.sessions = sessions
	e.outlet.send, e.outlet.forget = sessions.WriteVideo, sessions.ForgetVideo
	sessions.SetVideoCeiling(cfg.Video.BitrateBps)
	e.camera.Store(&CameraState{Since: time.Now()})
	return e, nil
}

// Sessions returns the viewers' manager, which a signalling handler needs.
func (e *Engine) Sessions() *session.Manager { return e.sessions }

// Camera returns the camera's state.
func (e *Engine) Camera() CameraState { return *e.camera.Load() }

// Run runs the engine until ctx is done; everything is closed when it returns.
func (e *Engine) Run(ctx context.Context) error {
	e.running = ctx
	var wg sync.WaitGroup
	start := func(run func(context.Context)) { wg.Go(func() { run(ctx) }) }
	if e.devices.Camera != nil {
		start(e.runCapture)
		start(e.runEncode)
		switch {
		case e.devices.VideoEncoder != nil:
			start(e.runHardware)
		case e.devices.H264Camera != nil:
			start(e.runOwn)
		}
	}
	if e.devices.Microphone != nil {
		start(e.runVoice)
	}
	if e.devices.Speaker != nil {
		start(e.runPlayout)
	}
	if e.devices.Button != nil {
		start(func(ctx context.Context) { e.runInput(ctx, "button", e.devices.Button, e.ring) })
	}
	if e.devices.PIR != nil {
		start(func(ctx context.Context) { e.runInput(ctx, "pir", e.devices.PIR, e.motion) })
	}
	start(e.door.run)
	// Open the camera once, as if somebody came: what is wrong with it shows at
	// the start, and not when the bell rings for the first time.
	e.Prewarm()
	<-ctx.Done()
	e.call.stop()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := e.sessions.Close(closing)
	e.idle.stop()
	wg.Wait()
	e.background.Wait()
	e.latest.clear()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (e *Engine) requestKeyFrame(s media.Stream, reason string) {
	e.keyFrame[s].Store(true)
	select {
	case e.wakeKey <- struct{}{}:
	default:
	}
	e.log.Debug("key frame requested", "stream", s.String(), "reason", reason)
}

// planChanged takes what the viewers' paths carry; the next frame obeys.
func (e *Engine) planChanged(p session.VideoPlan) {
	e.mainBps.Store(int64(p.MainBps))
	e.thumbBps.Store(int64(p.ThumbBps))
	e.hardBps.Store(int64(p.H264Bps))
	e.layers.Store(int32(p.Layers))
}

func (e *Engine) viewersChanged(n int) {
	e.viewers.Store(int32(n))
	e.idle.set(n > 0)
	if n == 0 {
		_ = e.PointAt(wholeView) // cannot be refused
	}
	e.updateDemand()
	e.stateChanged()
}

func (e *Engine) viewerLeft(v *session.Viewer, _ string) {
	e.talk.remove(v.ID())
	e.call.leave(v.ID())
}

// updateDemand opens the devices' gates when they are needed and closes them
// when nobody is left for IdleAfter.
func (e *Engine) updateDemand() {
	watched := e.viewers.Load() > 0
	if !watched || !e.watching.isOpen() {
		e.pulses.uncoded.rest()
	}
	e.watching.set(watched)
	e.demand.set(watched || e.idle.running() || e.shots.waiting() > 0 || e.call.current().state == CallRinging)
}

// Prewarm opens the devices for a viewer who is about to connect, so that they
// start while the connection is made. Without a viewer they close again after
// IdleAfter.
func (e *Engine) Prewarm() {
	if e.viewers.Load() == 0 {
		e.idle.touch()
		e.updateDemand()
	}
}

// idleTimer keeps demand up for a while after the last viewer has left, so that
// a page reload does not restart the camera.
type idleTimer struct {
	after time.Duration
	fire  func()

	mu    sync.Mutex
	timer *time.Timer
	used  bool // somebody has watched
}

// set tells whether anybody watches.
func (i *idleTimer) set(active bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.timer != nil {
		i.timer.Stop()
		i.timer = nil
	}
	if active {
		i.used = true
		return
	}
	if !i.used {
		return
	}
	var t *time.Timer
	t = time.AfterFunc(i.after, func() {
		i.mu.Lock()
		if i.timer == t {
			i.timer = nil
		}
		i.mu.Unlock()
		i.fire()
	})
	i.timer = t
}

// touch begins the waiting time as if somebody had just left.
func (i *idleTimer) touch() {
	i.mu.Lock()
	i.used = true
	i.mu.Unlock()
	i.set(false)
}

func (i *idleTimer) running() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.timer != nil
}

func (i *idleTimer) stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.timer != nil {
		i.timer.Stop()
		i.timer = nil
	}
}
