package session

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/codec"
)

// voiceStream is the sound in one format. Manager.fan guards it, but for lagQ8.
// Streams whose number is bounded stay when their last listener leaves.
type voiceStream struct {
	format    codec.Format
	redundant bool  // packets are there with redundancy, too
	block     uint8 // payload type of the voice in them
	previous  previous
	rateHz    int64 // of timestamps
	samples   sampleClock
	lagQ8     atomic.Int64 // of the sample clock, for sender reports
	listeners []*Viewer
	readers   []*Reader
}

// heard reports whether somebody listens. Called under Manager.fan.
func (s *voiceStream) heard() bool { return len(s.listeners)+len(s.readers) > 0 }

// ticks turns a moment of the media clock into the stream's time.
func (s *voiceStream) ticks(c mediaClock, at time.Time) int64 {
	return c.ticks(at, s.rateHz) - s.lagQ8.Load()>>8
}

// voice returns the stream of a format, with redundancy or without. Called under
// Manager.fan.
func (o *fanout) voice(f codec.Format, t codec.Types) *voiceStream {
	redundant, block := t.RED != 0, t.Voice
	if !redundant {
		block = 0
	}
	for _, s := range o.voices {
		if s.format == f && s.redundant == redundant && s.block == block {
			return s
		}
	}
	rate := int64(f.ClockHz())
	if rate == 0 {
		return nil
	}
	s := &voiceStream{format: f, redundant: redundant, block: block, rateHz: rate, samples: sampleClock{rateHz: rate}}
	o.voices = append(o.voices, s)
	return s
}

// silent lets go of streams that nobody listens to any more, as far as their
// number is not bounded by that of the codecs. Called under Manager.fan.
func (o *fanout) silent() {
	o.voices = slices.DeleteFunc(o.voices, func(s *voiceStream) bool {
		return !s.heard() && (s.format.Peer != 0 || s.redundant)
	})
}

// VoiceFormats appends the formats that somebody listens to now to dst, each
// once: what is worth coding.
func (m *Manager) VoiceFormats(dst []codec.Format) []codec.Format {
	m.fan.Lock()
	defer m.fan.Unlock()
	for _, s := range m.out.voices {
		if s.heard() && !slices.Contains(dst, s.format) {
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
	for _, s := range m.out.voices {
		if s.format == f {
			m.writeStream(s, a, captured)
		}
	}
	m.fan.Unlock()
	m.pacer.signal(true)
}

// writeStream sends a packet to one stream's listeners. Called under Manager.fan.
func (m *Manager) writeStream(s *voiceStream, a *media.EncodedAudio, captured time.Time) {
	n := int64(a.Duration) * s.rateHz / int64(time.Second)
	if n <= 0 {
		n = s.rateHz / 50
	}
	ts := s.samples.stamp(m.clock.ticks(captured, s.rateHz), n)
	s.lagQ8.Store(s.samples.lagQ8)
	if m.out.stopped || !s.heard() {
		return
	}
	fr := m.pool.frame(kindAudio)
	p := m.pool.packet()
	p.ts, p.marker, p.n = uint32(ts), a.Start, copy(p.buf[:], a.Data)
	p.level = audioLevel(a)
	if a.ComfortNoise {
		p.role = roleNoise
	}
	fr.pkts = append(fr.pkts, p)
	if s.redundant && !a.ComfortNoise {
		r := m.pool.packet()
		var ok bool
		if r.n, ok = s.previous.put(r.buf[:], s.block, a.Data, ts); ok {
			r.ts, r.marker, r.level, r.role = p.ts, p.marker, p.level, roleRED
			fr.pkts = append(fr.pkts, r)
		} else {
			m.pool.releasePacket(r)
		}
		s.previous.keep(a.Data, ts)
	}
	for _, v := range s.listeners {
		v.pushAudio(fr)
	}
	for _, r := range s.readers {
		r.push(fr)
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
	if s := m.out.voice(v.plan.voice, v.plan.types); s != nil && !slices.Contains(s.listeners, v) {
		v.stream.Store(s)
		s.listeners = append(s.listeners, v)
	}
}
