package session

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/congestion"
)

// rtcpBuffer holds one compound packet; the transport delivers no larger ones.
const rtcpBuffer = 1500

// keyFrameTravel is how long a key frame that has left is believed to be on its
// way, at least.
const keyFrameTravel = 100 * time.Millisecond

// readFeedback reads what a viewer reports about one track until the session
// ends: NACK, PLI, FIR and reception reports.
func (v *Viewer) readFeedback(s *webrtc.RTPSender, t *outTrack) {
	buf := make([]byte, rtcpBuffer)
	for {
		n, _, err := s.Read(buf)
		if err != nil {
			return
		}
		v.handleCompound(t, buf[:n])
	}
}

// handleCompound takes the packets of a compound RTCP packet one by one. Reports
// on arrival times, of which there are many, are read without a detour.
func (v *Viewer) handleCompound(t *outTrack, b []byte) {
	for len(b) > 0 {
		if len(b) < 4 {
			v.counters.badRTCP.Add(1)
			return
		}
		n := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		if n > len(b) {
			v.counters.badRTCP.Add(1)
			return
		}
		one := b[:n]
		b = b[n:]
		if congestion.IsFeedback(one) {
			if !v.path.feedback(one) {
				v.counters.badRTCP.Add(1)
				continue
			}
			if at := v.path.lossAt.Load(); at > v.m.lossAt.Load() {
				v.m.lossAt.Store(at)
			}
			v.m.adaptVideo(false)
			v.reported()
			continue
		}
		pkts, err := rtcp.Unmarshal(one)
		if err != nil {
			v.counters.badRTCP.Add(1)
			return
		}
		ssrc := t.ssrc()
		for _, p := range pkts {
			v.handleRTCP(t, ssrc, p)
		}
	}
}

func (v *Viewer) handleRTCP(t *outTrack, ssrc uint32, p rtcp.Packet) {
	switch p := p.(type) {
	case *rtcp.TransportLayerNack:
		if p.MediaSSRC == ssrc {
			v.handleNACK(t, p.Nacks)
		}
	case *rtcp.RawPacket:
		if r, ok := parseRPSI(*p); ok && r.media == ssrc && t == v.video {
			v.counters.rpsis.Add(1)
			v.path.acknowledge(r.pictureID)
		}
	case *rtcp.PictureLossIndication:
		if p.MediaSSRC == ssrc && t == v.video {
			v.counters.plis.Add(1)
			v.pictureLost(ReasonPLI)
		}
	case *rtcp.FullIntraRequest:
		for _, e := range p.FIR {
			if e.SSRC == ssrc && t == v.video {
				v.counters.firs.Add(1)
				v.pictureLost(ReasonFIR)
			}
		}
	case *rtcp.ReceiverReport:
		v.handleReports(t, ssrc, p.Reports)
	case *rtcp.SenderReport:
		v.handleReports(t, ssrc, p.Reports)
		if t == v.audio {
			v.mic.senderReport(p, time.Now())
		}
	}
}

// pictureLost asks for a key frame unless one is just reaching this viewer:
// receivers send a first request as soon as the track exists, which is while
// the key frame they start with travels. One that needs another asks again.
func (v *Viewer) pictureLost(reason string) {
	v.m.fan.Lock()
	waiting, stream := v.forward.waitKey, v.forward.stream
	v.m.fan.Unlock()
	key, mended := time.Duration(v.keySentNs.Load()), time.Duration(v.mendSentNs.Load())
	now := time.Since(v.m.clock.epoch)
	switch {
	case waiting:
	case key == 0: // the first key frame is still queued
		return
	case now-max(key, mended) < max(keyFrameTravel, 2*time.Duration(v.counters.rttNs.Load())):
		return
	case reason == ReasonPLI && stream == media.StreamMain && v.mendsLoss(now):
		return
	}
	v.m.gates[stream].request(reason)
}

// handleNACK sends packets of the shared history again (RFC 4585 section
// 6.2.1). Those it no longer has are counted; the viewer asks for a key frame
// when it gives up on them.
func (v *Viewer) handleNACK(t *outTrack, pairs []rtcp.NackPair) {
	nowMS := uint32(time.Since(v.m.clock.epoch).Milliseconds())
	// Who asks in vain asks twice per round trip; ours may have been measured longer.
	gap := max(leastResendGap, time.Duration(v.counters.rttNs.Load())*3/8)
	for _, pair := range pairs {
		pair.Range(func(seq uint16) bool {
			v.counters.nacks.Add(1)
			index, l, again, ok := t.lookup(seq, nowMS, uint32(gap.Milliseconds()))
			if !ok {
				v.counters.nacksRefused.Add(1)
				return true
			}
			p := v.m.history.get(index)
			if p == nil {
				v.counters.nacksRefused.Add(1)
				return true
			}
			v.m.lossAt.Store(int64(time.Since(v.m.clock.epoch)))
			// What it has been helped over must not arrive any more.
			if t == v.video && (v.path.asked(p.frame) || p.role != roleH264 && again && v.overdue(p) && v.mend()) {
				v.counters.nacksRefused.Add(1)
				v.m.pool.releasePacket(p)
				return true
			}
			v.path.resent(p.frame)
			if err := t.resend(p, seq, l, 0); err != nil {
				v.counters.sendErrors.Add(1)
			} else {
				v.counters.resent.Add(1)
			}
			v.m.pool.releasePacket(p)
			return true
		})
	}
}

// handleReports keeps loss and round-trip time (RFC 3550 section 6.4.1).
func (v *Viewer) handleReports(t *outTrack, ssrc uint32, reports []rtcp.ReceptionReport) {
	for _, r := range reports {
		if r.SSRC != ssrc {
			continue
		}
		c := &v.counters.audioLoss
		if t == v.video {
			c = &v.counters.videoLoss
		} else {
			v.voiceLoss.report(r.FractionLost, time.Now())
		}
		c.fractionQ8.Store(uint32(r.FractionLost))
		// Cumulative loss is a signed 24-bit number: duplicates count below 0.
		c.total.Store(int64(int32(r.TotalLost<<8) >> 8))
		c.jitterTicks.Store(r.Jitter)
		if r.LastSenderReport == 0 {
			continue
		}
		now := uint32(v.m.clock.ntp(time.Now()) >> 16)
		if rtt := int32(now - r.LastSenderReport - r.Delay); rtt >= 0 {
			d := time.Duration(int64(rtt) * int64(time.Second) >> 16)
			v.counters.rttNs.Store(int64(d))
			v.path.mu.Lock()
			v.path.rtt = d
			v.path.mu.Unlock()
		}
	}
}
