package session

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/codec"
)

// voiceStream is the sound in one format. Manager.fan guards it, but for lagQ8.
// Streams stay when their last listener leaves: there are no more than formats.
type voiceStream struct {
	format    codec.Format
	rateHz    int64 // of timestamps
	samples   sampleClock
	lagQ8     atomic.Int64 // of the sample clock, for sender reports
	listeners []*Viewer
}

// ticks turns a moment of the media clock into the stream's time.
func (s *voiceStream) ticks(c mediaClock, at time.Time) int64 {
	return c.ticks(at, s.rateHz) - s.lagQ8.Load()>>8
}

// voice returns the stream of a format. Called under Manager.fan.
func (o *fanout) voice(f codec.Format) *voiceStream {
	for _, s := range o.voices {
		if s.format == f {
			return s
		}
	}
	rate := int64(f.ClockHz())
	if rate == 0 {
		return nil
	}
	s := &voiceStream{format: f, rateHz: rate, samples: sampleClock{rateHz: rate}}
	o.voices = append(o.voices, s)
	return s
}

// VoiceFormats appends the formats that somebody listens to now to dst: what is
// worth coding.
func (m *Manager) VoiceFormats(dst []codec.Format) []codec.Format {
	m.fan.Lock()
	defer m.fan.Unlock()
	for _, s := range m.out.voices {
		if len(s.listeners) > 0 {
			dst = append(dst, s.format)
		}
	}
	return dst
}

// WriteAudio sends one packet of voice in a format to all who listen to it. It
// copies the data, returns without waiting for any network, and is to be called
// from one goroutine, which need not be the video's.
func (m *Manager) WriteAudio(f codec.Format, a *media.EncodedAudio) {
	if len(a.Data) == 0 || len(a.Data) > maxPayload {
		return // longer than any packet of voice
	}
	captured := a.CapturedAt
	if captured.IsZero() {
		captured = time.Now()
	}
	m.audioPackets.Add(1)
	m.fan.Lock()
	defer m.fan.Unlock()
	o := &m.out
	s := o.voice(f)
	if s == nil {
		return
	}
	n := int64(a.Duration) * s.rateHz / int64(time.Second)
	if n <= 0 {
		n = s.rateHz / 50
	}
	ts := s.samples.stamp(m.clock.ticks(captured, s.rateHz), n)
	s.lagQ8.Store(s.samples.lagQ8)
	if o.stopped || len(s.listeners) == 0 {
		return
	}
	fr := m.pool.frame(kindAudio)
	p := m.pool.packet()
	p.ts, p.marker, p.n = uint32(ts), a.Start, copy(p.buf[:], a.Data)
	p.level = audioLevel(a)
	fr.pkts = append(fr.pkts, p)
	for _, v := range s.listeners {
		v.pushAudio(fr)
	}
	m.pool.release(fr)
}

// listen makes sound flow into a viewer's queue; it can start anywhere.
func (m *Manager) listen(v *Viewer) {
	m.fan.Lock()
	defer m.fan.Unlock()
	select {
	case <-v.done:
		return
	default:
	}
	if v.audio == nil || m.out.stopped {
		return
	}
	if s := m.out.voice(v.plan.voice); s != nil && !slices.Contains(s.listeners, v) {
		v.stream.Store(s)
		s.listeners = append(s.listeners, v)
	}
}
