package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/nat"
)

// Manager serves all viewers. Make one with New.
type Manager struct {
	cfg     Config
	hooks   Hooks
	log     *slog.Logger
	sockets *sockets
	api     *webrtc.API
	clock   mediaClock
	gates   [media.NumStreams]*keyFrameGate
	pool    pool
	history history

	failMu   sync.Mutex
	failures []Failure // the oldest first

	keeper     *nat.Keeper // of public addresses
	stop       context.CancelFunc
	background sync.WaitGroup // keeper, follow and pacer
	pacer      pacer

	certMu   sync.Mutex
	cert     *webrtc.Certificate
	certMade time.Time

	mu        sync.Mutex
	closed    bool
	viewers   map[ViewerID]*Viewer
	connCount int
	// readerCount is how many Readers there are besides.
	readerCount int
	ended       chan struct{}  // closed by Close
	wg          sync.WaitGroup // one per viewer, until it is all gone

	spare spare

	fan sync.Mutex // guards fanout and what Viewer says
	out fanout

	ceiling   atomic.Int64 // of the video stream, bits per second
	rateAsked atomic.Int64 // when viewers were last placed, ns of the media clock
	lossAt    atomic.Int64 // when a viewer last missed a packet, the same
	mendAt    atomic.Int64 // when a frame was last asked for that mends a loss
	planMu    sync.Mutex   // Hooks.VideoPlan is called in order

	accepted, refused, replayed, mended  atomic.Uint64
	videoFrames, keyFrames, audioPackets atomic.Uint64
	speaking                             atomic.Bool
}

// New opens the media sockets and returns a manager without viewers. A nil
// logger is silent. ErrPortInUse says that the port is taken.
func New(cfg Config, hooks Hooks, log *slog.Logger) (*Manager, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	m := &Manager{
		cfg: cfg.withDefaults(), hooks: hooks, log: log,
		clock: newMediaClock(time.Now()), viewers: map[ViewerID]*Viewer{}, ended: make(chan struct{}),
	}
	for s := range m.gates {
		ask := func(reason string) {
			if hooks.KeyFrameNeeded != nil {
				hooks.KeyFrameNeeded(media.Stream(s), reason)
			}
		}
		m.gates[s] = newKeyFrameGate(ask)
	}
	m.out.packets.pool = &m.pool
	m.ceiling.Store(defaultCeiling)
	lf := pionLogs{log}
	var err error
	if m.sockets, err = openSockets(m.cfg, lf); err != nil {
		return nil, err
	}
	if m.api, err = newAPI(m.cfg, m.sockets, lf); err != nil {
		_ = m.sockets.close()
		return nil, err
	}
	if _, err = m.peerConfig(""); err != nil {
		_ = m.sockets.close()
		return nil, err
	}
	var servers []string
	for _, s := range m.cfg.ICEServers {
		servers = append(servers, s.URLs...)
	}
	if m.keeper, err = nat.NewKeeper(servers, m.sockets.udp.sockets, log); err != nil {
		_ = m.sockets.close()
		return nil, err
	}
	m.pacer.sockets, m.pacer.wake = m.sockets.udp, make(chan struct{}, 1)
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	m.background.Go(func() { m.keeper.Run(ctx) })
	m.background.Go(func() { m.follow(ctx) })
	m.background.Go(func() { m.pacer.run(ctx) })
	log.Info("media port open", "udp_port", m.sockets.port, "ice_tcp", m.sockets.tcp != nil, "loopback_only", m.cfg.Loopback)
	return m, nil
}

// Port returns the media port.
func (m *Manager) Port() int { return m.sockets.port }

// ICEServers returns the servers that a viewer is told, with credentials for the
// subject of its grant that are valid as long as the grant is, or for a day.
func (m *Manager) ICEServers(g Grant) []ICEServer {
	return forUser(m.cfg.ICEServers, g.Subject, g.Expires)
}

// room tells why there is none for another session. Called under mu.
func (m *Manager) room() error {
	if m.closed {
		return ErrClosed
	}
	if n := len(m.viewers); n >= m.cfg.MaxViewers {
		m.refused.Add(1)
		return fmt.Errorf("%w: all %d places are taken (setting max_viewers)", ErrFull, m.cfg.MaxViewers)
	}
	if n := len(m.viewers) - m.connCount; n >= m.cfg.MaxHalfOpen {
		m.refused.Add(1)
		return fmt.Errorf("%w: %d sessions are still connecting: try again shortly", ErrFull, n)
	}
	return nil
}

// reserve makes a session, if there is room.
func (m *Manager) reserve(g Grant, p *plan) (*Viewer, error) {
	var raw [4]byte
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.room(); err != nil {
		return nil, err
	}
	var id ViewerID
	for id == "" || m.viewers[id] != nil {
		_, _ = rand.Read(raw[:]) // does not fail (crypto/rand)
		id = ViewerID(hex.EncodeToString(raw[:]))
	}
	v := &Viewer{
		m: m, id: id, grant: g, plan: p, created: time.Now(),
		log:   m.log.With("viewer", string(id)),
		path:  newPath(m.clock.epoch, int(m.ceiling.Load())),
		queue: make(chan *frame, maxQueuedVideo+maxQueuedAudio), done: make(chan struct{}),
		alone: make(chan struct{}, 1),
	}
	v.connect = time.AfterFunc(m.cfg.ConnectTimeout, func() { v.close(reasonTimeout) })
	m.viewers[id] = v
	m.wg.Add(1)
	m.accepted.Add(1)
	return v, nil
}

// connected counts a viewer whose media flows.
func (m *Manager) connected(v *Viewer) {
	m.mu.Lock()
	if m.viewers[v.id] != v {
		m.mu.Unlock()
		return
	}
	m.connCount++
	n := m.connCount + m.readerCount
	m.mu.Unlock()
	v.log.Info("viewer joined", "subject", v.grant.Subject, "setup_ms", time.Since(v.created).Milliseconds())
	m.listen(v)
	if m.hooks.ViewersChanged != nil {
		m.hooks.ViewersChanged(n)
	}
	if m.hooks.ViewerJoined != nil {
		m.hooks.ViewerJoined(v)
	}
}

// remove forgets a viewer.
func (m *Manager) remove(v *Viewer, joined bool) {
	m.mu.Lock()
	if m.viewers[v.id] == v {
		delete(m.viewers, v.id)
		if joined {
			m.connCount--
		}
	}
	n := m.connCount + m.readerCount
	m.mu.Unlock()
	m.leave(v)
	m.adaptVideo(true)
	if joined && m.hooks.ViewersChanged != nil {
		m.hooks.ViewersChanged(n)
	}
}

func (m *Manager) list() []*Viewer {
	m.mu.Lock()
	defer m.mu.Unlock()
	vs := make([]*Viewer, 0, len(m.viewers))
	for _, v := range m.viewers {
		if v.pc != nil {
			vs = append(vs, v)
		}
	}
	return vs
}

// Viewers returns a snapshot of all sessions, oldest first.
func (m *Manager) Viewers() []ViewerInfo {
	vs := m.list()
	slices.SortFunc(vs, func(a, b *Viewer) int { return a.created.Compare(b.created) })
	infos := make([]ViewerInfo, len(vs))
	for i, v := range vs {
		infos[i] = v.Info()
	}
	return infos
}

// Viewer returns the session with the given name, nil when there is none.
func (m *Manager) Viewer(id ViewerID) *Viewer {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v := m.viewers[id]; v != nil && v.pc != nil {
		return v
	}
	return nil
}

// Stats returns totals.
func (m *Manager) Stats() Stats {
	m.mu.Lock()
	connected, all, readers := m.connCount, len(m.viewers), m.readerCount
	m.mu.Unlock()
	m.fan.Lock()
	plan := m.out.plan
	m.fan.Unlock()
	requests := map[string]uint64{}
	for _, g := range m.gates {
		for reason, n := range g.snapshot() {
			requests[reason] += n
		}
	}
	return Stats{
		Connected: connected + readers, Readers: readers, HalfOpen: all - connected, Accepted: m.accepted.Load(), Refused: m.refused.Load(),
		VideoFrames: m.videoFrames.Load(), KeyFrames: m.keyFrames.Load(), AudioPackets: m.audioPackets.Load(),
		Speaking:         m.speaking.Load(),
		KeyFrameRequests: requests, KeyFramesReplayed: m.replayed.Load(), Mended: m.mended.Load(),
		VideoRateBps: plan.MainBps, ThumbRateBps: plan.ThumbBps, H264RateBps: plan.H264Bps, TemporalLayers: plan.Layers,
	}
}

// Close ends all sessions, waits for them until ctx is done, and closes the
// sockets. Frames written afterwards go nowhere.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	close(m.ended)
	vs := make([]*Viewer, 0, len(m.viewers))
	for _, v := range m.viewers {
		vs = append(vs, v)
	}
	m.mu.Unlock()
	m.stop()
	m.background.Wait()
	m.closeSpares()
	for _, g := range m.gates {
		g.close()
	}
	for _, v := range vs {
		v.close("node stops")
	}
	gone := make(chan struct{})
	go func() {
		m.wg.Wait()
		close(gone)
	}()
	var err error
	select {
	case <-gone:
	case <-ctx.Done():
		err = fmt.Errorf("session: close: viewers did not end in time: %w", ctx.Err())
	}
	m.fan.Lock()
	m.out.stop(&m.pool)
	m.history.clear(&m.pool)
	m.fan.Unlock()
	if cerr := m.sockets.close(); err == nil && cerr != nil {
		err = fmt.Errorf("session: close: %w", cerr)
	}
	return err
}
