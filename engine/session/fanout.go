package session

import (
	"slices"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// replayGOP is how many frames, the key frame included, may have been sent
// since the last key frame for a new viewer to start with it instead of a new
// one: about 130 ms at 30 frames per second. The viewer decodes them at once
// and is live.
const (
	replayGOP = 5
	replayAge = 200 * time.Millisecond
)

// fanout is the state of the two streams. Manager.fan guards it.
type fanout struct {
	packets   packetizer
	lastVideo [media.NumStreams]int64 // last video timestamp, 0: none
	h264      bool                    // there is a stream in H.264
	watchers  []*Viewer               // get video
	readers   []*Reader               // get video, and sound if they want it
	voices    []*voiceStream
	recent    []*frame // from the last key frame on, while replayable
	recentAt  time.Time
	replay    bool
	stopped   bool

	plan        VideoPlan // what the encoder was told
	share       layerShare
	rates       []int         // scratch
	layersUntil time.Duration // temporal layers stay until then
	upKey       time.Duration // last key frame for a viewer whose path became better
}

// WriteVideo sends a frame to all viewers. It copies the data, returns without
// waiting for any network, and is to be called from one goroutine. It returns the
// frame's number, which is never 0: Received and EncodedVideo.Base mean frames by
// it.
func (m *Manager) WriteVideo(f *media.EncodedVideo) (number uint64) {
	if len(f.Data) == 0 {
		return 0
	}
	captured := f.CapturedAt
	if captured.IsZero() {
		captured = time.Now()
	}
	m.videoFrames.Add(1)
	if f.Key {
		m.keyFrames.Add(1)
		m.gates[f.Stream%media.NumStreams].served()
	}
	number, wishes := m.fanVideo(f, captured)
	m.pacer.signal(false)
	for s, wish := range wishes {
		if wish.reason != "" && !(wish.reason == ReasonOverrun && wish.stream == media.StreamMain && wish.viewer.mend()) {
			m.gates[s].request(wish.reason)
		}
	}
	return number
}

// fanVideo returns the frame's number, and who needs key frames, by stream.
func (m *Manager) fanVideo(f *media.EncodedVideo, captured time.Time) (number uint64, wishes [media.NumStreams]keyWish) {
	m.fan.Lock()
	defer m.fan.Unlock()
	o := &m.out
	if o.stopped || len(o.watchers)+len(o.readers) == 0 {
		o.forget(&m.pool)
		return o.packets.number(), wishes
	}
	// A thumbnail comes one tick after the picture it was made of: a viewer may
	// get both, when it changes over, but never two pictures of one time.
	last := &o.lastVideo[f.Stream%media.NumStreams]
	ts := m.clock.ticks(captured, videoRateHz) + int64(f.Stream)
	if *last != 0 && ts <= *last {
		ts = *last + 2
	}
	*last = ts
	fr := o.packets.cut(f, uint32(ts))
	if len(fr.pkts) == 0 {
		number = fr.number
		m.pool.release(fr)
		return number, wishes
	}
	m.history.add(&m.pool, fr)
	if f.Stream == media.StreamMain {
		o.remember(&m.pool, fr)
		if o.plan.Layers > 1 && !f.Key {
			o.share.add(f.TemporalID, len(f.Data))
		}
	}
	for _, v := range o.watchers {
		if wish := v.pushVideo(fr); wish.reason != "" && v.isConnected() {
			wishes[wish.stream] = wish
		}
	}
	for _, r := range o.readers {
		if r.pushVideo(fr) {
			wishes[media.StreamMain] = keyWish{stream: media.StreamMain, reason: ReasonJoin}
		}
	}
	number = fr.number
	m.pool.release(fr)
	return number, wishes
}

// remember keeps the frames from a key frame on while they are few and fresh.
func (o *fanout) remember(pl *pool, f *frame) {
	if f.key {
		o.forget(pl)
		o.replay, o.recentAt = true, time.Now()
	}
	if !o.replay {
		return
	}
	if len(o.recent) == replayGOP {
		o.forget(pl)
		return
	}
	f.refs.Add(1)
	o.recent = append(o.recent, f)
}

func (o *fanout) forget(pl *pool) {
	for i, f := range o.recent {
		pl.release(f)
		o.recent[i] = nil
	}
	o.recent, o.replay = o.recent[:0], false
}

// ForgetVideo drops the frames that are kept for the next viewer: it will start
// with a new key frame.
func (m *Manager) ForgetVideo() {
	m.fan.Lock()
	defer m.fan.Unlock()
	m.out.forget(&m.pool)
}

func (o *fanout) stop(pl *pool) {
	o.forget(pl)
	o.stopped, o.watchers, o.readers = true, nil, nil
	for _, s := range o.voices {
		s.listeners, s.readers = nil, nil
	}
}

// audioLevel is the octet of RFC 6464 section 3: voice activity, and the level
// in -dBov.
//
//	 0 1 2 3 4 5 6 7
//	+-+-+-+-+-+-+-+-+
//	|V|    level    |
//	+-+-+-+-+-+-+-+-+
func audioLevel(a *media.EncodedAudio) byte {
	level := byte(127)
	if a.LevelDBov < 0 {
		level = byte(min(-a.LevelDBov, 127))
	}
	if a.Speech {
		level |= 0x80
	}
	return level
}

// SetSpeaking tells that somebody begins or ends speaking at the node; Stats
// shows it.
func (m *Manager) SetSpeaking(on bool) { m.speaking.Store(on) }

// join makes video flow into a viewer's queue, from a key frame on. It is
// called when ICE has connected; the queue is emptied when DTLS has, too.
func (m *Manager) join(v *Viewer) {
	if v.video == nil {
		return
	}
	m.fan.Lock()
	o := &m.out
	select {
	case <-v.done:
		m.fan.Unlock()
		return
	default:
	}
	if o.stopped || slices.Contains(o.watchers, v) {
		m.fan.Unlock()
		return
	}
	o.watchers = append(o.watchers, v)
	v.forward = forward{place: place{level: levelFull}, waitKey: true, codecs: v.videoCodecs()}
	stream := v.forward.choose(o.h264)
	v.forward.stream, v.forward.want = stream, stream
	idle := o.plan.rate(stream) == 0 // nobody has taken it
	if stream == media.StreamMain && o.replay && len(o.recent) > 0 && time.Since(o.recentAt) < replayAge {
		for _, f := range o.recent {
			v.pushVideo(f)
		}
		m.replayed.Add(1)
		m.fan.Unlock()
		return
	}
	m.fan.Unlock()
	if idle {
		m.adaptVideo(true)
	}
	m.gates[stream].request(ReasonJoin)
}

// leave stops both.
func (m *Manager) leave(v *Viewer) {
	m.fan.Lock()
	same := func(w *Viewer) bool { return w == v }
	m.out.watchers = slices.DeleteFunc(m.out.watchers, same)
	for _, s := range m.out.voices {
		s.listeners = slices.DeleteFunc(s.listeners, same)
	}
	m.out.silent()
	m.fan.Unlock()
}
