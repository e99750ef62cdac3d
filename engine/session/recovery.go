package session

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/session/congestion"
)

// rtxPrefix is the original sequence number in front of a payload that is sent
// again (RFC 4588 section 4).
const rtxPrefix = 2

// rtxCodec is the retransmission format of a video codec.
func rtxCodec(apt webrtc.PayloadType) webrtc.RTPCodecParameters {
	return webrtc.RTPCodecParameters{
		PayloadType: apt + 1,
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: videoRateHz, SDPFmtpLine: "apt=" + strconv.Itoa(int(apt)),
		},
	}
}

// rtxPayloadType finds the format in which packets of a payload type are sent
// again, 0 when the viewer knows none.
func rtxPayloadType(codecs []webrtc.RTPCodecParameters, of webrtc.PayloadType) uint8 {
	for _, c := range codecs {
		if !strings.EqualFold(c.MimeType, webrtc.MimeTypeRTX) {
			continue
		}
		apt, ok := strings.CutPrefix(strings.TrimSpace(c.SDPFmtpLine), "apt=")
		if n, err := strconv.Atoi(strings.TrimSpace(apt)); ok && err == nil && n == int(of) {
			return uint8(c.PayloadType)
		}
	}
	return 0
}

// repair sends packets once more: in a stream of their own (RFC 4588) where the
// viewer knows that, so that the losses of the first one show, else under their
// old numbers. outTrack.repairing guards it.
type repair struct {
	header rtp.Header
	wide   []byte // transport-wide sequence number inside header
	delay  []byte // playout delay inside header, nil: not agreed upon
	buf    [rtxPrefix + maxPayload]byte
	own    bool // a stream of their own
	// Payload types of VP8 and of H.264 in that stream.
	vp8, h264 uint8
	seq       uint16 // in it
}

// bind takes the header of the track, and the retransmission stream if there is
// one.
func (r *repair) bind(h *rtp.Header, wideID uint8, ssrc uint32, payloadType uint8) {
	r.header = h.Clone()
	r.wide = nil
	if wideID != 0 {
		r.wide = r.header.GetExtension(wideID)
	}
	if r.own = ssrc != 0 && payloadType != 0; r.own {
		r.header.SSRC, r.header.PayloadType = ssrc, payloadType
	}
	r.vp8 = r.header.PayloadType
}

// payload makes what is sent, and the sequence number to send it under. It
// numbers the packet.
func (r *repair) payload(p *packet, seq uint16, l label) []byte {
	r.header.PayloadType = r.vp8
	if p.role == roleH264 {
		r.header.PayloadType = r.h264
	}
	if !r.own {
		r.header.SequenceNumber = seq
		b := r.buf[:copy(r.buf[:], p.payload())]
		l.into(b, p)
		return b
	}
	r.header.SequenceNumber = r.seq
	r.seq++
	binary.BigEndian.PutUint16(r.buf[:], seq)
	b := r.buf[:rtxPrefix+copy(r.buf[rtxPrefix:], p.payload())]
	l.into(b[rtxPrefix:], p)
	return b
}

// resend writes a packet once more. burst is 0, or the number of a train of
// packets that measures the path.
func (t *outTrack) resend(p *packet, seq uint16, l label, burst uint32) error {
	t.mu.Lock()
	t.budget -= p.n
	t.mu.Unlock()
	t.repairing.Lock()
	defer t.repairing.Unlock()
	r := &t.repair
	b := r.payload(p, seq, l)
	r.header.Timestamp, r.header.Marker = p.ts+t.tsOffset, p.marker
	if r.wide != nil {
		t.path.number(r.wide, len(b), flowAgain, burst, p)
	}
	_, err := t.stream.WriteRTP(&r.header, b)
	return err
}

// Probing: a viewer who could have more pictures, or larger ones, gets some packets
// once more as a quick train now and then. What arrives as quickly as it left is
// proof that more would fit; the stream alone is too thin to show that.
const (
	probePackets, probeBytes = 8, 5000 // at most and at least
	probeFirst               = 1500 * time.Millisecond
	probeLongest             = 12 * time.Second
	probeSpeed               = 2 // times the present estimate
	// Near the rate at which a path was seen full there are probes at most every
	// probeFull.
	probeNear = 0.8
	probeFull = 6 * time.Second
	// probeBurst marks the trains of probes, apart from pictures', which are odd.
	probeBurst = 1 << 31
)

// prober decides when to probe. The viewer's sending goroutine owns it.
type prober struct {
	next, pause time.Duration
	last        time.Duration // probe
	before      int           // estimate at the last probe
	train       uint32
}

// due reports whether a probe should be sent now, by an estimate and the rate that
// would be of use. A path that was seen full is not probed while the stream makes
// use of what it carries: the stream grows there by itself, and finds out. A thin
// stream does not, and what was seen may be long past.
func (p *prober) due(now time.Duration, e *congestion.Estimate, useful int, thin bool) bool {
	if e.TargetBps >= useful || e.State != congestion.StateGrow || e.LinkBps > 0 && !thin || e.QueueDelay > probeQueue || p.next == 0 {
		if p.next == 0 || e.State != congestion.StateGrow {
			p.next, p.pause = now+probeFirst, probeFirst
		}
		return false
	}
	if float64(e.TargetBps) >= probeNear*float64(e.LinkBps) && e.LinkBps > 0 && now < p.last+probeFull {
		return false
	}
	if now < p.next {
		return false
	}
	if e.TargetBps > p.before+p.before/10 {
		p.pause = probeFirst // it helps
	} else {
		p.pause = min(2*p.pause, probeLongest)
	}
	p.before, p.last, p.next = e.TargetBps, now, now+p.pause
	p.train += 2
	return true
}

// probeQueue is the standing queue above which nobody asks whether more fits.
const probeQueue = 12 * time.Millisecond

// probe sends a train of packets that have been sent before.
func (v *Viewer) probe(e *congestion.Estimate, train uint32) {
	t := v.video
	start, sent := time.Now(), 0
	for back := range uint16(probePackets) {
		seq, index, l, ok := t.newest(back)
		if !ok {
			return
		}
		p := v.m.history.get(index)
		if p == nil {
			return
		}
		err := t.resend(p, seq, l, probeBurst|train)
		sent += p.n + wireOverhead
		v.m.pool.releasePacket(p)
		if err != nil {
			v.counters.sendErrors.Add(1)
			return
		}
		v.counters.probes.Add(1)
		if sent >= probeBytes && back >= 5 {
			return
		}
		due := start.Add(time.Duration(sent) * 8 * time.Second / time.Duration(max(probeSpeed*e.TargetBps, leastRate)))
		select {
		case <-v.done:
			return
		case <-time.After(time.Until(due)):
		}
	}
}

// tryMore probes the path if this viewer has not all of the picture and that may
// change.
func (v *Viewer) tryMore() {
	if v.video == nil || !v.video.repairs() || v.videoQueued.Load() > 0 {
		return
	}
	v.m.fan.Lock()
	level := v.forward.level
	v.m.fan.Unlock()
	e := v.path.estimate()
	ceiling := int(v.m.ceiling.Load())
	useful := ceiling * 5 / 4
	// Below seven tenths of the estimate a stream does not raise it.
	most := float64(ceiling) / thumbCeiling
	if level == levelBase {
		most = float64(ceiling) * usualBase
	}
	thin := float64(e.TargetBps)*0.7 > most
	if level == levelFull {
		useful = 0 // the stream itself shows what fits
	}
	if v.prober.due(time.Since(v.m.clock.epoch), &e, useful, thin) && v.probing.CompareAndSwap(false, true) {
		// In a goroutine of its own: sound does not wait for it.
		train := v.prober.train
		v.start(func() {
			v.probe(&e, train)
			v.probing.Store(false)
		})
	}
}

// repairs reports whether packets that are sent again have a stream of their own.
func (t *outTrack) repairs() bool {
	t.repairing.Lock()
	defer t.repairing.Unlock()
	return t.repair.own
}

// newest returns the sequence number, shared number and label of a packet that was
// sent back packets ago.
func (t *outTrack) newest(back uint16) (seq uint16, index uint32, l label, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	seq = t.seq - 1 - back
	s := t.sent
	if s == nil || int(seq-s.first) >= s.count {
		return 0, 0, label{}, false
	}
	i := seq % sentEntries
	return seq, s.index[i], s.label[i], true
}
