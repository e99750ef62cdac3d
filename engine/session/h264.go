package session

import (
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/h264"
)

// H.264 is a second codec of the picture, where the node has a stream in it
// (media.StreamH264): from the board's encoder, or of a camera that codes by itself.
// Who offers H.264 then gets it, in the whole picture's place. Such a stream has no
// temporal layers and no long-term references; losses are repaired by sending again
// and by key frames. It has the rate of the slowest path of those who get it, but
// never less than hardShare of the best: who cannot follow is moved to the
// thumbnail, in VP8 and in the same RTP stream, with the payload type that says so.
// The same happens to all when the stream ends, with the whole picture in VP8.

// videoCodecs are those of the picture that a viewer knows.
type videoCodecs uint8

const (
	codecsVP8  videoCodecs = iota // VP8 alone, or there was no other when it came
	codecsBoth                    // H.264 where there is any, and VP8
	codecsH264                    // H.264 alone
)

// hardShare is the part of the best path's rate that the stream in H.264 has at
// least.
const hardShare = 0.5

// SetH264 tells whether there is a stream in H.264: whether new viewers are offered
// it, and whether those who know both codecs get it. It begins without.
func (m *Manager) SetH264(on bool) {
	m.fan.Lock()
	changed := m.out.h264 != on
	m.out.h264 = on
	m.fan.Unlock()
	if changed {
		m.adaptVideo(true)
	}
}

// OffersH264 reports whether new viewers who know H.264 get it.
func (m *Manager) OffersH264() bool {
	m.fan.Lock()
	defer m.fan.Unlock()
	return m.out.h264
}

// videoCodecs returns what the viewer's offer and the answer have in common.
func (v *Viewer) videoCodecs() videoCodecs {
	if v.plan == nil {
		return codecsVP8
	}
	return v.plan.codecs
}

// hard reports whether a viewer is one of the stream in H.264, though it may have to
// do with a thumbnail.
func (w *forward) hard(h264 bool) bool {
	return w.codecs == codecsH264 || w.codecs == codecsBoth && h264
}

// choose returns the stream of the viewer's level.
func (w *forward) choose(h264 bool) media.Stream {
	if w.hard(h264) && (w.level != levelThumb || w.codecs == codecsH264) {
		return media.StreamH264
	}
	return w.level.stream()
}

// takesH264 reports whether a viewer gets the stream in H.264, or is about to.
func (o *fanout) takesH264(w *forward) bool {
	return o.h264 && (w.stream == media.StreamH264 || w.want == media.StreamH264)
}

// scales returns what viewers' rates are compared with: those of VP8, and those of
// H.264.
func (o *fanout) scales(ceiling int) (soft, hard scale) {
	soft = scale{base: o.share.basePart(), floor: ceiling / mainFloor}
	hard = scale{base: hardShare, floor: ceiling / mainFloor}
	mostSoft, mostHard := 0, 0
	if len(o.readers) > 0 {
		mostSoft, soft.best = ceiling, ceiling // they take all there is
	}
	for _, v := range o.watchers {
		s, most := &soft, &mostSoft
		if v.forward.hard(o.h264) {
			s, most = &hard, &mostHard
		}
		r := v.rate(ceiling)
		*most = max(*most, r)
		if v.forward.level > levelThumb {
			s.best = max(s.best, r)
		}
	}
	if soft.best == 0 {
		soft.best = mostSoft
	}
	if hard.best == 0 {
		hard.best = mostHard
	}
	return soft, hard
}

// lower returns the rate of the stream in H.264 with one more viewer, whose path
// carries rate; so far is 0 without any.
func (s scale) lower(soFar, rate int) int {
	rate = max(rate, int(hardShare*float64(s.best)), s.floor)
	if soFar == 0 {
		return rate
	}
	return min(soFar, rate)
}

// rate returns the planned rate of a stream.
func (p VideoPlan) rate(s media.Stream) int {
	switch s {
	case media.StreamThumb:
		return p.ThumbBps
	case media.StreamH264:
		return p.H264Bps
	}
	return p.MainBps
}

// cut makes packets of a frame, by its codec.
func (pz *packetizer) cut(f *media.EncodedVideo, ts uint32) *frame {
	if f.Stream == media.StreamH264 {
		return pz.accessUnit(f, ts)
	}
	return pz.frame(f, ts)
}

// accessUnit packs an access unit (RFC 6184). The result has one reference, and no
// packets if nothing in the unit is for receivers.
func (pz *packetizer) accessUnit(f *media.EncodedVideo, ts uint32) *frame {
	out := pz.pool.frame(kindVideo)
	out.stream, out.key, out.number = f.Stream, f.Key, pz.number()
	for pz.h264.Begin(f.Data); ; {
		p := pz.pool.packet()
		if p.n = pz.h264.Next(p.buf[:]); p.n == 0 {
			pz.pool.releasePacket(p)
			break
		}
		p.ts, p.marker, p.index, p.role = ts, false, pz.nextIndex, roleH264
		p.frame, p.place = out.number, uint16(min(len(out.pkts), ledgerPlaces))
		pz.nextIndex++
		out.pkts = append(out.pkts, p)
	}
	if n := len(out.pkts); n > 0 {
		out.pkts[n-1].marker = true // the last of the access unit (section 5.1)
	}
	pz.h264 = h264.Packetizer{} // holds on to nothing
	return out
}

// time is a frame's, before the viewer's offset.
func (f *frame) time() uint32 { return f.pkts[0].ts }

// backwards reports whether a change to a key frame's stream would send the viewer
// back in time: receivers take such a frame for one of before the change, and leave
// it out. An encoder that is slower than the other has only such ones. So nothing
// more is sent until its next.
func (w *forward) backwards(f *frame) bool {
	w.late = w.newest != 0 && int32(f.time()-w.newest) <= 0
	return w.late
}

// held reports whether a viewer waits so. One that need not change any more has
// missed frames by then.
func (w *forward) held() bool {
	if w.late && w.stream == w.want {
		w.late, w.waitKey = false, true
	}
	return w.late
}

// into writes a label into a packet's payload, where its codec has one.
func (l label) into(payload []byte, p *packet) {
	if p.role != roleH264 {
		l.write(payload)
	}
}

// bindH264 tells in which formats H.264 is sent, and sent again.
func (r *repair) bindH264(payloadType, rtx uint8) {
	if r.h264 = payloadType; r.own {
		r.h264 = rtx
	}
}
