package station

import (
	"time"

	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/video/jitter"
	"github.com/edgecam/edgecam/engine/voice"
	"github.com/edgecam/edgecam/engine/voice/neteq"
)

// Stats are a call's statistics. Names follow W3C webrtc-stats where it has
// them; durations are nanoseconds in JSON.
type Stats struct {
	Duration time.Duration    `json:"duration"`
	Call     session.CallInfo `json:"transport"`
	Video    VideoStats       `json:"video"`
	Voice    neteq.Stats      `json:"audio"`
	// FrontEnd is nil without one.
	FrontEnd *voice.Stats `json:"frontEnd,omitempty"`
	// Talking says whether the own microphone is on, Calls how many calls have
	// come about, Recorded how many bytes are in the recording.
	Talking  bool  `json:"talking"`
	Calls    int64 `json:"calls"`
	Recorded int64 `json:"recordedBytes,omitempty"`
}

// VideoStats are those of the received picture.
type VideoStats struct {
	jitter.Stats
	FramesDecoded    uint64        `json:"framesDecoded"`
	KeyFramesDecoded uint64        `json:"keyFramesDecoded"`
	FramesCorrupt    uint64        `json:"framesCorrupted"`
	FramesDisplayed  uint64        `json:"framesDisplayed"`
	FrameWidth       int           `json:"frameWidth"`
	FrameHeight      int           `json:"frameHeight"`
	TotalDecodeTime  time.Duration `json:"totalDecodeTime"`
	// FirstFrame is the time from calling to the first decoded picture.
	FirstFrame time.Duration `json:"firstFrame"`
}

func (l *link) stats() Stats {
	s := Stats{Duration: time.Since(l.began), Talking: l.s.talking.Load(), Calls: l.s.calls.Load()}
	if c := l.client.Load(); c != nil {
		s.Call = c.Info()
	}
	l.mu.Lock()
	s.Video.Stats = l.buf.Stats()
	l.mu.Unlock()
	st := &l.shown
	st.mu.Lock()
	s.Video.FramesDecoded, s.Video.KeyFramesDecoded, s.Video.FramesCorrupt = st.decoded, st.keys, st.broken
	s.Video.FramesDisplayed, s.Video.FrameWidth, s.Video.FrameHeight = st.displayed, st.width, st.height
	s.Video.TotalDecodeTime = st.decodeTime
	if !st.firstAt.IsZero() {
		s.Video.FirstFrame = st.firstAt.Sub(l.began)
	}
	st.mu.Unlock()
	l.neteqMu.Lock()
	if l.neteq != nil {
		s.Voice = l.neteq.Stats()
	}
	l.neteqMu.Unlock()
	if f := l.s.cfg.FrontEnd; f != nil {
		v := f.Stats()
		s.FrontEnd = &v
	}
	if l.s.rec != nil {
		s.Recorded = l.s.rec.bytes()
	}
	return s
}

// waiting is how long a packet that arrives now waits in the voice's buffer.
func waiting(q *codec.Buffer) time.Duration { return q.Stats().PlayoutDelay }
