package session

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/session/codec"
)

const (
	// sentEntries is how many of its own sequence numbers a viewer remembers.
	// It need not exceed the history.
	sentEntries = historyPackets
	// resendBurst is what a viewer may have sent again at once, in bytes;
	// above that, as much as it is sent anyway. A viewer that asks for
	// everything all the time cannot more than double its rate.
	resendBurst = 256 << 10
	// leastResendGap is the least time between two repetitions of a packet.
	leastResendGap = 10 * time.Millisecond
)

// sentTable maps a viewer's sequence numbers to the shared history.
type sentTable struct {
	index  [sentEntries]uint32 // shared packet number, low bits
	label  [sentEntries]label
	resent [sentEntries]uint32 // when last sent again, ms since the epoch
	first  uint16              // oldest sequence number in the table
	count  int
}

// noPacket stands in the table for what is not in the history.
const noPacket = 1<<32 - 1

// outTrack is one RTP stream to one viewer: what pion's TrackLocal is for, but
// for a single peer, with its own numbering.
type outTrack struct {
	kind webrtc.RTPCodecType
	mime string
	// types are those of the codec among those of one media type, and of what goes
	// with it; all 0 where the media type tells.
	types codec.Types
	mid   string
	delay []byte // playout-delay extension, nil on audio; header refers to it
	h264  uint8  // payload type of H.264, 0: the viewer is sent none

	stream         webrtc.TrackLocalWriter // set by Bind
	header         rtp.Header              // the viewer's sending goroutine's
	levelID        uint8                   // of the audio-level extension, 0: not agreed upon
	level          [1]byte                 // what the header refers to
	tsOffset       uint32
	payloadTypes   [roles]uint8 // payload types
	redundantUntil time.Time    // until when packets are sent with redundancy
	// wide is the transport-wide sequence number inside header, nil when the
	// viewer does not report on them. path counts them.
	wide []byte
	path *path
	// labelled holds a payload while it is sent: the shared one with the viewer's
	// own label in it. nil on audio.
	labelled *[redHeader + maxPayload]byte
	// redType and fecType are the payload types of parity, 0: the viewer knows
	// none. fec is nil while there is none; the sending goroutine owns it.
	redType, fecType uint8
	fec              *protector

	repairing sync.Mutex // guards repair
	repair    repair

	mu      sync.Mutex
	bound   bool
	seq     uint16
	sent    *sentTable // nil on audio
	budget  int        // bytes that may be sent again now
	packets uint64
	octets  uint64
}

func newOutTrack(kind webrtc.RTPCodecType, mime, mid string) *outTrack {
	t := &outTrack{kind: kind, mime: mime, mid: mid, budget: resendBurst}
	// Unpredictable starts (RFC 3550 section 5.1). The upper half of the
	// sequence space is left out, so that the roll-over counter of SRTP starts
	// without doubt (RFC 3711 section 3.3.1).
	t.seq, t.tsOffset = uint16(rand.Uint32N(1<<15)), rand.Uint32()
	if kind == webrtc.RTPCodecTypeVideo {
		t.sent = &sentTable{first: t.seq}
		t.labelled = new([redHeader + maxPayload]byte)
		t.repair.seq = uint16(rand.Uint32N(1 << 15))
	}
	return t
}

// ID, RID, StreamID and Kind implement webrtc.TrackLocal. Both tracks are of
// one stream: browsers keep the tracks of a stream in step.
func (t *outTrack) ID() string                { return t.kind.String() }
func (t *outTrack) RID() string               { return "" }
func (t *outTrack) StreamID() string          { return "edgecam" }
func (t *outTrack) Kind() webrtc.RTPCodecType { return t.kind }

// Bind implements webrtc.TrackLocal: negotiation is complete.
func (t *outTrack) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, p := range c.CodecParameters() {
		if !strings.EqualFold(p.MimeType, t.mime) || t.types.Voice != 0 && uint8(p.PayloadType) != t.types.Voice {
			continue
		}
		h := rtp.Header{Version: 2, PayloadType: uint8(p.PayloadType), SSRC: uint32(c.SSRC())}
		wideID, delayID := uint8(0), uint8(0)
		for _, e := range c.HeaderExtensions() {
			var value []byte
			switch e.URI {
			case sdp.SDESMidURI:
				value = []byte(t.mid)
			case playoutDelayURI:
				value, delayID = t.delay, uint8(e.ID)
			case sdp.TransportCCURI:
				if t.path != nil {
					value, wideID = make([]byte, 2), uint8(e.ID)
				}
			case sdp.AudioLevelURI:
				t.levelID, t.level[0] = uint8(e.ID), 127
				value = t.level[:]
			}
			if len(value) > 0 && e.ID >= 1 && e.ID <= 14 && len(value) <= 16 {
				if err := h.SetExtension(uint8(e.ID), value); err != nil {
					return webrtc.RTPCodecParameters{}, fmt.Errorf("session: header extension %s: %w", e.URI, err)
				}
			}
		}
		t.mu.Lock()
		t.header, t.stream, t.bound = h, c.WriteStream(), true
		if wideID != 0 {
			t.wide = t.header.GetExtension(wideID)
			t.path.enable()
		}
		t.payloadTypes = [roles]uint8{h.PayloadType, t.types.Noise, t.types.Event, t.types.RED, t.h264}
		if t.redType, t.fecType = payloadTypeOf(c.CodecParameters(), mimeRED), payloadTypeOf(c.CodecParameters(), mimeULPFEC); t.fecType == 0 {
			t.redType = 0
		}
		t.repairing.Lock()
		t.repair.bind(&h, wideID, uint32(c.SSRCRetransmission()), rtxPayloadType(c.CodecParameters(), p.PayloadType))
		if len(t.delay) > 0 && delayID != 0 {
			t.repair.delay = t.repair.header.GetExtension(delayID)
		}
		t.repair.bindH264(t.h264, rtxPayloadType(c.CodecParameters(), webrtc.PayloadType(t.h264)))
		t.repairing.Unlock()
		t.mu.Unlock()
		return p, nil
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind implements webrtc.TrackLocal.
func (t *outTrack) Unbind(webrtc.TrackLocalContext) error { return nil }

func (t *outTrack) ssrc() uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.header.SSRC
}

// send writes one packet; burst is the number of its picture, 0 for sound, l its
// picture's label. It reports false while the transport is not ready. Called from
// the viewer's sending goroutine alone.
func (t *outTrack) send(p *packet, l label, burst uint32) (ready bool, err error) {
	t.mu.Lock()
	if !t.bound {
		t.mu.Unlock()
		return false, nil
	}
	h := &t.header
	h.SequenceNumber, h.Timestamp, h.Marker = t.seq, p.ts+t.tsOffset, p.marker
	h.PayloadType = t.payloadTypes[p.role]
	if t.levelID != 0 {
		t.level[0] = p.level
	}
	seq := t.seq
	t.mu.Unlock()
	payload := t.payload(p, l)
	if t.fec != nil && p.role != roleH264 {
		payload = t.redundant(seq, payload)
		defer func(pt uint8) { h.PayloadType = pt }(h.PayloadType)
		h.PayloadType = t.redType
	}
	if t.wide != nil {
		t.path.number(t.wide, p.n, t.flow(), burst, p)
	}
	n, err := t.stream.WriteRTP(h, payload)
	if n == 0 && err == nil {
		return false, nil // keys are not there yet: nothing was sent
	}
	if t.wide != nil {
		t.path.opened()
	}
	t.mu.Lock()
	if t.sent != nil {
		t.sent.put(t.seq, uint32(p.index), l)
		t.budget = min(t.budget+p.n, resendBurst)
	}
	t.seq++
	t.packets++
	t.octets += uint64(p.n)
	t.mu.Unlock()
	return true, err
}

func (t *outTrack) flow() flow {
	if t.kind == webrtc.RTPCodecTypeVideo {
		return flowVideo
	}
	return flowAudio
}

// payload returns a packet's payload with the viewer's label in it, behind room
// for a header.
func (t *outTrack) payload(p *packet, l label) []byte {
	if t.labelled == nil {
		return p.payload()
	}
	b := t.labelled[redHeader:]
	b = b[:copy(b, p.payload())]
	l.into(b, p)
	return b
}

// redundant counts a packet in for parity and returns its payload as a block of
// the redundant format.
func (t *outTrack) redundant(seq uint16, payload []byte) []byte {
	if t.wide != nil {
		// It is not known when parity is made: receivers take 0 for it.
		t.wide[0], t.wide[1] = 0, 0
	}
	head := t.fec.head[:]
	if n, err := t.header.MarshalTo(head); err == nil {
		t.fec.add(seq, head[:n], payload)
	}
	t.labelled[0] = t.header.PayloadType
	return t.labelled[:redHeader+len(payload)]
}

// sendParity sends what belongs to the picture that has just been sent, and returns
// how many bytes that was.
func (t *outTrack) sendParity(burst uint32) (bytes int, err error) {
	if t.fec == nil || t.fec.n == 0 {
		return 0, nil
	}
	h := &t.header
	pt := h.PayloadType
	h.PayloadType, h.Marker, h.Timestamp = t.redType, false, t.fec.ts
	defer func() { h.PayloadType = pt }()
	for i := range t.fec.k {
		b := t.fec.packet(i, t.fecType)
		t.mu.Lock()
		h.SequenceNumber = t.seq
		t.mu.Unlock()
		if t.wide != nil {
			t.path.number(t.wide, len(b), flowParity, burst, nil)
		}
		if _, err = t.stream.WriteRTP(h, b); err != nil {
			return bytes, err
		}
		bytes += len(b) + wireOverhead
		t.mu.Lock()
		t.sent.put(t.seq, noPacket, label{})
		t.seq++
		t.packets++
		t.octets += uint64(len(b))
		t.mu.Unlock()
	}
	t.fec.n, t.fec.k = 0, 0
	return bytes, nil
}

func (s *sentTable) put(seq uint16, index uint32, l label) {
	i := seq % sentEntries
	s.index[i], s.label[i], s.resent[i] = index, l, 0
	if s.count < sentEntries {
		s.count++
	} else {
		s.first++
	}
}

// lookup finds the shared number of a packet that is asked for again. nowMS and
// gapMS bound how often one packet may be repeated.
// again says that it had been sent again before.
func (t *outTrack) lookup(seq uint16, nowMS, gapMS uint32) (index uint32, l label, again, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sent
	if s == nil || int(seq-s.first) >= s.count || t.budget <= 0 {
		return 0, label{}, false, false
	}
	i := seq % sentEntries
	r := s.resent[i]
	if r != 0 && nowMS-r < gapMS {
		return 0, label{}, false, false
	}
	s.resent[i] = max(nowMS, 1)
	return s.index[i], s.label[i], r != 0, true
}

// totals returns the counters of a sender report.
func (t *outTrack) totals() (packets, octets uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.packets, t.octets
}
