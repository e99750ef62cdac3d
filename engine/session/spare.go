package session

import (
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
)

// spareUser is whom the TURN credentials of a spare connection are for: who will
// have it is not known yet.
const spareUser = "next-viewer"

// spare is a peer connection for the viewer who comes next: its candidates are
// gathered, its address at a TURN server is there. At most one is kept, and for a
// time only.
type spare struct {
	mu     sync.Mutex
	pc     *webrtc.PeerConnection
	made   time.Time // when its gathering began
	making bool
	until  time.Time
	timer  *time.Timer
	closed bool
	wg     sync.WaitGroup
}

// Prewarm keeps a connection ready for d, so that an offer is answered without
// waiting for anything: for when the bell rings. It does not wait.
func (m *Manager) Prewarm(d time.Duration) {
	s := &m.spare
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || d <= 0 {
		return
	}
	s.until = time.Now().Add(d)
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = time.AfterFunc(d, m.dropSpare)
	m.makeSpare()
}

// makeSpare makes the connection if it is wanted and not there. Called under
// spare.mu.
func (m *Manager) makeSpare() {
	s := &m.spare
	if s.closed || s.making || s.pc != nil || !time.Now().Before(s.until) {
		return
	}
	s.making = true
	s.wg.Go(func() {
		began := time.Now()
		pc, err := m.newSpare()
		if err != nil {
			m.log.Debug("no spare connection", "error", err)
		}
		s.mu.Lock()
		s.making = false
		if !s.closed && time.Now().Before(s.until) {
			s.pc, s.made, pc = pc, began, nil
		}
		s.mu.Unlock()
		closeSpare(pc)
	})
}

func (m *Manager) newSpare() (*webrtc.PeerConnection, error) {
	cfg, err := m.peerConfig(spareUser)
	if err != nil {
		return nil, err
	}
	cfg.ICECandidatePoolSize = 1 // gathering begins at once (RFC 9429 section 3.5.4)
	return m.api.NewPeerConnection(cfg)
}

// takeSpare returns the connection, or nil, and when its gathering began, and sees
// to the next one.
func (m *Manager) takeSpare() (*webrtc.PeerConnection, time.Time) {
	s := &m.spare
	s.mu.Lock()
	defer s.mu.Unlock()
	pc := s.pc
	s.pc = nil
	m.makeSpare()
	return pc, s.made
}

// dropSpare closes a connection whose time is over, or whose addresses are no
// longer the machine's, and makes another if one is still wanted.
func (m *Manager) dropSpare() {
	s := &m.spare
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	pc := s.pc
	s.pc = nil
	s.wg.Go(func() { closeSpare(pc) })
	m.makeSpare()
}

// closeSpares ends it all.
func (m *Manager) closeSpares() {
	s := &m.spare
	s.mu.Lock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	pc := s.pc
	s.pc = nil
	s.mu.Unlock()
	closeSpare(pc)
	s.wg.Wait()
}

func closeSpare(pc *webrtc.PeerConnection) {
	if pc != nil {
		_ = pc.GracefulClose()
	}
}
