package session

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

const (
	// talkBuffer holds one RTP packet of a viewer.
	talkBuffer = 1500
	// talkRate bounds a viewer's voice packets per second: 20 ms packets make
	// 50, 10 ms packets 100, and a late network delivers bursts.
	talkRate, talkBurst = 200, 200
)

// receive takes a viewer's microphone. The answer only asks for it when the
// grant allows to talk; a viewer that sends nevertheless is not read.
func (v *Viewer) receive(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	if track.Kind() != webrtc.RTPCodecTypeAudio || !v.grant.Talk || v.plan.mic == "" {
		v.log.Warn("viewer sends what it was not asked for", "kind", track.Kind().String())
		return
	}
	v.mic.rateHz = int64(v.plan.params.ClockHz)
	v.start(func() { v.readTalk(track) })
	v.start(func() {
		buf := make([]byte, rtcpBuffer)
		for {
			n, _, err := receiver.Read(buf)
			if err != nil {
				return
			}
			pkts, err := rtcp.Unmarshal(buf[:n])
			if err != nil {
				v.counters.badRTCP.Add(1)
				continue
			}
			for _, p := range pkts {
				if sr, ok := p.(*rtcp.SenderReport); ok {
					v.mic.senderReport(sr, time.Now())
				}
			}
		}
	})
}

func (v *Viewer) readTalk(track *webrtc.TrackRemote) {
	buf := make([]byte, talkBuffer)
	limit := newRateLimit(talkRate, talkBurst)
	var h rtp.Header
	for {
		n, _, err := track.Read(buf)
		if err != nil {
			return
		}
		now := time.Now()
		head, err := h.Unmarshal(buf[:n])
		if err != nil {
			v.counters.badRTP.Add(1)
			continue
		}
		payload, ok := unpad(&h, buf[head:n])
		if !ok {
			v.counters.badRTP.Add(1)
			continue
		}
		if !v.plan.types.Has(h.PayloadType) {
			// Only one codec is in the answer, and what goes with it.
			v.counters.talkDropped.Add(1)
			continue
		}
		v.mic.packet(&h, len(payload), now)
		if v.audio == nil {
			v.micOnlyReport(now)
		}
		if len(payload) == 0 {
			continue
		}
		if !limit.allow(now) {
			v.counters.talkDropped.Add(1)
			continue
		}
		if v.m.hooks.Talk != nil {
			v.m.hooks.Talk(v.id, TalkPacket{
				Payload: payload, SequenceNumber: h.SequenceNumber, Timestamp: h.Timestamp,
				SSRC: h.SSRC, Marker: h.Marker, ArrivedAt: now, Format: v.plan.voice,
				PayloadType: h.PayloadType, Types: v.plan.types,
			})
		}
	}
}

// micOnlyReport sends receiver reports for a viewer that only talks; with sound
// the other way they ride on its sender reports.
func (v *Viewer) micOnlyReport(now time.Time) {
	if r, ok := v.mic.report(now); ok {
		rr := &rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{r}}
		if err := v.pc.WriteRTCP([]rtcp.Packet{rr}); err != nil {
			v.counters.sendErrors.Add(1)
		}
	}
}

// micStats keeps what a reception report says (RFC 3550 appendices A.1, A.3
// and A.8).
type micStats struct {
	mu     sync.Mutex
	rateHz int64 // of timestamps
	micState
}

type micState struct {
	started          bool
	ssrc             uint32
	base, highest    uint32 // extended sequence numbers
	received, octets uint64
	lastExpected     uint32
	lastReceived     uint64
	transit          uint32
	jitterQ4         uint32
	lastSR           uint32 // middle of the NTP time of the last sender report
	lastSRAt         time.Time
	reported         time.Time
	fractionQ8       uint8 // as reported last
}

func (s *micStats) packet(h *rtp.Header, n int, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started || h.SSRC != s.ssrc {
		s.micState = micState{started: true, ssrc: h.SSRC, base: uint32(h.SequenceNumber), highest: uint32(h.SequenceNumber)}
	} else if d := h.SequenceNumber - uint16(s.highest); d < 1<<15 {
		s.highest += uint32(d)
	}
	s.received++
	s.octets += uint64(n)
	arrival := uint32(now.UnixNano() / 1000 * s.rateHz / 1000000)
	transit := arrival - h.Timestamp
	if s.received > 1 {
		d := int32(transit - s.transit)
		if d < 0 {
			d = -d
		}
		s.jitterQ4 += uint32(d) - (s.jitterQ4+8)>>4
	}
	s.transit = transit
}

func (s *micStats) senderReport(sr *rtcp.SenderReport, now time.Time) {
	s.mu.Lock()
	if s.started && sr.SSRC == s.ssrc {
		s.lastSR, s.lastSRAt = uint32(sr.NTPTime>>16), now
	}
	s.mu.Unlock()
}

// is reports whether ssrc is what is received.
func (s *micStats) is(ssrc uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.started && s.ssrc == ssrc
}

// report returns a reception report, once per reportInterval.
func (s *micStats) report(now time.Time) (rtcp.ReceptionReport, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started || now.Sub(s.reported) < reportInterval*9/10 {
		return rtcp.ReceptionReport{}, false
	}
	s.reported = now
	expected := s.highest - s.base + 1
	lost := int64(expected) - int64(s.received)
	interval := expected - s.lastExpected
	lostNow := int64(interval) - int64(s.received-s.lastReceived)
	s.lastExpected, s.lastReceived = expected, s.received
	s.fractionQ8 = 0
	if interval > 0 && lostNow > 0 {
		s.fractionQ8 = uint8(min(lostNow<<8/int64(interval), 255))
	}
	return s.block(lost, now), true
}

// block is a reception report as of now, with the fraction of the last interval.
func (s *micStats) block(lost int64, now time.Time) rtcp.ReceptionReport {
	r := rtcp.ReceptionReport{
		SSRC: s.ssrc, LastSequenceNumber: s.highest, Jitter: s.jitterQ4 >> 4, LastSenderReport: s.lastSR,
		TotalLost: uint32(min(max(lost, 0), 1<<23-1)), FractionLost: s.fractionQ8,
	}
	if s.lastSR != 0 {
		r.Delay = uint32(now.Sub(s.lastSRAt) * 65536 / time.Second)
	}
	return r
}

// current returns a reception report between those of report, for a message that
// has to go in company.
func (s *micStats) current(now time.Time) rtcp.ReceptionReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.block(int64(s.highest-s.base+1)-int64(s.received), now)
}

func (s *micStats) snapshot() (packets, octets, lost uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		return 0, 0, 0
	}
	l := int64(s.highest-s.base+1) - int64(s.received)
	return s.received, s.octets, uint64(max(l, 0))
}
