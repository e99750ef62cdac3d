package session

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/codec"
)

// callSSRC stands for a side that sends nothing, in its reports.
const callSSRC = 1

func vp8Codec() webrtc.RTPCodecParameters {
	return webrtc.RTPCodecParameters{
		PayloadType: 96,
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeVP8, ClockRate: videoRateHz,
			RTCPFeedback: []webrtc.RTCPFeedback{
				{Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"},
			},
		},
	}
}

func voiceCodec(p codec.Parameters) webrtc.RTPCodecParameters {
	return webrtc.RTPCodecParameters{
		PayloadType: webrtc.PayloadType(p.PayloadType),
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: p.MimeType(), ClockRate: uint32(p.ClockHz), Channels: uint16(p.Channels), SDPFmtpLine: p.FMTP,
		},
	}
}

// receive takes a track of the other side.
func (c *Call) receive(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	video := track.Kind() == webrtc.RTPCodecTypeVideo
	if video {
		c.videoSSRC.Store(uint32(track.SSRC()))
		c.video.rateHz = videoRateHz
		for _, e := range receiver.GetParameters().HeaderExtensions {
			if e.URI == playoutDelayURI {
				c.delayExt.Store(uint32(e.ID))
			}
		}
	}
	c.start(func() { c.drainRTCP(receiver.Read) })
	c.start(func() { c.readTrack(track, video) })
}

func (c *Call) readTrack(track *webrtc.TrackRemote, video bool) {
	buf := make([]byte, talkBuffer)
	var h rtp.Header
	stats := &c.heard
	if video {
		stats = &c.video
	}
	for {
		n, _, err := track.Read(buf)
		if err != nil {
			return
		}
		now := time.Now()
		head, err := h.Unmarshal(buf[:n])
		if err != nil {
			c.counters.malformed.Add(1)
			continue
		}
		payload, ok := unpad(&h, buf[head:n])
		if !ok {
			c.counters.malformed.Add(1)
			continue
		}
		if video {
			c.deliverVideo(&h, payload, false, now)
		} else if !c.deliverVoice(&h, payload, now) {
			continue
		}
		stats.packet(&h, len(payload), now)
		c.receiverReport(stats, now)
	}
}

// unpad takes padding off a payload: the last octet counts it (RFC 3550 section
// 5.1).
func unpad(h *rtp.Header, payload []byte) ([]byte, bool) {
	if !h.Padding || len(payload) == 0 {
		return payload, true
	}
	pad := int(payload[len(payload)-1])
	if pad == 0 || pad > len(payload) {
		return nil, false
	}
	return payload[:len(payload)-pad], true
}

// deliverVideo passes a packet on, one that was sent again as such.
func (c *Call) deliverVideo(h *rtp.Header, payload []byte, resent bool, now time.Time) {
	if c.hooks.Video == nil {
		return
	}
	p := VideoPacket{SequenceNumber: h.SequenceNumber, Timestamp: h.Timestamp, Marker: h.Marker, Payload: payload, Resent: resent, ArrivedAt: now}
	if id := c.delayExt.Load(); id != 0 {
		if e := h.GetExtension(uint8(id)); len(e) == 3 {
			v := uint32(e[0])<<16 | uint32(e[1])<<8 | uint32(e[2])
			p.PlayoutDelay = PlayoutDelay{Min: time.Duration(v>>12) * 10 * time.Millisecond, Max: time.Duration(v&0xfff) * 10 * time.Millisecond}
			p.HasPlayoutDelay = true
		}
	}
	c.hooks.Video(p)
}

// deliverVoice reports whether the packet is of a codec that was agreed on.
func (c *Call) deliverVoice(h *rtp.Header, payload []byte, now time.Time) bool {
	a, ok := c.byType[h.PayloadType]
	if !ok {
		c.counters.malformed.Add(1)
		return false
	}
	if len(payload) > 0 && c.hooks.Voice != nil {
		c.hooks.Voice(TalkPacket{
			Format: a.format, Types: a.types, PayloadType: h.PayloadType, Payload: payload, SequenceNumber: h.SequenceNumber, Timestamp: h.Timestamp,
			SSRC: h.SSRC, Marker: h.Marker, ArrivedAt: now,
		})
	}
	return true
}

func (c *Call) senderReport(sr *rtcp.SenderReport) {
	now := time.Now()
	c.video.senderReport(sr, now)
	c.heard.senderReport(sr, now)
	if hook := c.hooks.VideoClock; hook != nil && sr.SSRC == c.videoSSRC.Load() {
		hook(sr.NTPTime, sr.RTPTime)
	} else if hook := c.hooks.VoiceClock; hook != nil && c.heard.is(sr.SSRC) {
		hook(sr.NTPTime, sr.RTPTime)
	}
}

// receiverReport reports on a track once a second.
func (c *Call) receiverReport(s *micStats, now time.Time) {
	r, ok := s.report(now)
	if !ok {
		return
	}
	c.control(&rtcp.ReceiverReport{SSRC: callSSRC, Reports: []rtcp.ReceptionReport{r}})
}

func (c *Call) control(p ...rtcp.Packet) {
	if err := c.pc.WriteRTCP(p); err != nil {
		c.counters.sendErrors.Add(1)
	}
}

// noteReferences looks whether the other side wants to know of the long-term
// references that were decoded.
func (c *Call) noteReferences(md *sdp.MediaDescription) {
	for _, a := range md.Attributes {
		pt, what, ok := strings.Cut(a.Value, " ")
		if a.Key != "rtcp-fb" || !ok || what != feedbackRPSI.Type+" "+feedbackRPSI.Parameter {
			continue
		}
		if pt == "*" && len(md.MediaName.Formats) > 0 {
			pt = md.MediaName.Formats[0]
		}
		if n, err := strconv.ParseUint(pt, 10, 7); err == nil {
			c.references.Store(int32(n))
		}
	}
}

// WantsReferences reports whether the other side wants to know of the long-term
// references that were decoded (RFC 4585 section 6.3.3). It is known when the
// answer has been taken.
func (c *Call) WantsReferences() bool { return c.references.Load() >= 0 }

// HaveReferences tells the other side which long-term references of its picture
// were decoded, by their PictureIDs of 15 bits. It does nothing where that is not
// wanted.
func (c *Call) HaveReferences(pictureIDs []uint16) {
	ssrc, pt := c.videoSSRC.Load(), c.references.Load()
	if ssrc == 0 || pt < 0 || len(pictureIDs) == 0 {
		return
	}
	// A compound packet begins with a report (RFC 3550 section 6.1); by it, too,
	// libraries find the stream that is meant.
	out := []rtcp.Packet{&rtcp.ReceiverReport{SSRC: callSSRC, Reports: []rtcp.ReceptionReport{c.video.current(time.Now())}}}
	for _, id := range pictureIDs {
		out = append(out, newRPSI(callSSRC, ssrc, uint8(pt), id))
	}
	c.control(out...)
}

// Ask sends feedback about the picture: packets to be sent again (RFC 4585
// section 6.2.1), and whether a key frame is needed (section 6.3.1).
func (c *Call) Ask(nack []uint16, keyFrame bool) {
	ssrc := c.videoSSRC.Load()
	if ssrc == 0 {
		return
	}
	var out []rtcp.Packet
	if len(nack) > 0 {
		out = append(out, &rtcp.TransportLayerNack{SenderSSRC: callSSRC, MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(nack)})
	}
	if keyFrame {
		out = append(out, &rtcp.PictureLossIndication{SenderSSRC: callSSRC, MediaSSRC: ssrc})
	}
	if len(out) > 0 {
		c.control(out...)
	}
}

// WriteVoice sends one packet of voice in the call's Format. It is dropped
// while the call is not connected.
func (c *Call) WriteVoice(a *media.EncodedAudio) error {
	if c.voice == nil || len(a.Data) == 0 || len(a.Data) > maxPayload {
		return nil
	}
	c.sendMu.Lock()
	defer c.sendMu.Unlock()
	if c.samples.rateHz == 0 {
		return nil // nothing is agreed on yet
	}
	n := int64(a.Duration) * c.samples.rateHz / int64(time.Second)
	p := &c.out
	ts := c.samples.stamp(c.clock.ticks(a.CapturedAt, c.samples.rateHz), n)
	if c.key {
		c.before.n = 0
		return nil
	}
	p.ts, p.marker, p.role = uint32(ts), a.Start, roleVoice
	if a.ComfortNoise {
		p.role = roleNoise
		if c.voice.types.Noise == 0 {
			return nil
		}
	}
	p.n = 0
	if p.role == roleVoice && c.voice.types.RED != 0 {
		if c.voice.lossy(c.lossQ8.Load(), time.Now()) {
			if n, ok := c.before.put(p.buf[:], c.voice.types.Voice, a.Data, ts); ok {
				p.n, p.role = n, roleRED
			}
		}
		c.before.keep(a.Data, ts)
	}
	if p.n == 0 {
		p.n = copy(p.buf[:], a.Data)
	}
	sent, err := c.voice.send(p, label{}, 0)
	if err != nil {
		c.counters.sendErrors.Add(1)
		return fmt.Errorf("session: send voice: %w", err)
	}
	if now := time.Now(); sent && now.Sub(c.report) >= reportInterval {
		c.report = now
		packets, octets := c.voice.totals()
		ticks := c.clock.ticks(now, c.samples.rateHz) - c.samples.lagQ8>>8
		c.control(&rtcp.SenderReport{
			SSRC: c.voice.ssrc(), NTPTime: c.clock.ntp(now), RTPTime: uint32(ticks) + c.voice.tsOffset,
			PacketCount: uint32(packets), OctetCount: uint32(octets),
		})
	}
	return nil
}

// VoiceLoss is the share of its voice's packets, in percent, that the call must
// expect to lose: what an encoder is told. Where packets carry the one before
// besides (RFC 2198) it is 0.
func (c *Call) VoiceLoss() int {
	if c.voice == nil || c.voice.types.RED != 0 {
		return 0
	}
	return int(c.loss.percent.Load())
}

// heardOf notes what the other side loses of the own voice.
func (c *Call) heardOf(reports []rtcp.ReceptionReport) {
	if c.voice == nil {
		return
	}
	ssrc := c.voice.ssrc()
	for _, r := range reports {
		if r.SSRC == ssrc {
			c.lossQ8.Store(uint32(r.FractionLost))
			c.loss.report(r.FractionLost, time.Now())
		}
	}
}
