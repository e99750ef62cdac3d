package session

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"
)

// Forward error correction: parity packets (ULPFEC, RFC 5109) in the redundant
// format (RED, RFC 2198) that browsers take them in. A viewer gets them while its
// path loses so much and is so long that asking again comes too late.
const (
	mimeRED    = "video/red"
	mimeULPFEC = "video/ulpfec"

	redHeader   = 1 // the last block's: its payload type
	fecHeader   = 10
	levelHeader = 8 // with a mask of 48 bits
	fixedHeader = 12
	// fecExtensions bounds what a packet has between fixed header and payload.
	fecExtensions = 28
	// maxParity bounds the parity packets of a picture, maxGroup the packets that
	// they protect: what a mask can name.
	maxParity = 16
	maxGroup  = 48
)

const (
	// A path is worth protecting when loss times round trip, the mean wait that
	// a lost packet costs, is protectFrom, and until it is protectUntil.
	protectFrom, protectUntil = 3 * time.Millisecond, 1500 * time.Microsecond
	leastLoss                 = 0.01
	// There are protectTimes as many parity packets as packets are lost, within
	// bounds.
	protectTimes            = 4
	leastParity, mostParity = 0.2, 0.6
	eachParity              = 0.25 // from this share on every picture has one
	keyParity               = 1.5  // times as many for key frames
)

// redCodecs are the formats that parity needs.
func redCodecs() []webrtc.RTPCodecParameters {
	return []webrtc.RTPCodecParameters{
		{PayloadType: 98, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mimeRED, ClockRate: videoRateHz}},
		{PayloadType: 99, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mimeULPFEC, ClockRate: videoRateHz}},
	}
}

// payloadTypeOf finds a format's payload type, 0 when the viewer does not know it.
func payloadTypeOf(codecs []webrtc.RTPCodecParameters, mime string) uint8 {
	for _, c := range codecs {
		if strings.EqualFold(c.MimeType, mime) {
			return uint8(c.PayloadType)
		}
	}
	return 0
}

// parityShare returns how many parity packets there should be per packet on a path,
// now being the share so far; 0 for none.
func parityShare(now, loss float64, rtt time.Duration) float64 {
	wait := time.Duration(loss * float64(rtt))
	if loss < leastLoss/2 || wait < protectUntil || now == 0 && (loss < leastLoss || wait < protectFrom) {
		return 0
	}
	return min(max(protectTimes*loss, leastParity), mostParity)
}

// protector makes the parity packets of a picture while its packets are sent. The
// viewer's sending goroutine owns it.
type protector struct {
	share float64
	owed  float64 // parity packets, in part, left over from pictures before
	base  uint16  // sequence number of the first packet
	n, k  int     // packets seen, parity packets to make
	ts    uint32
	sums  [maxParity]paritySum
	out   [redHeader + fecHeader + levelHeader + fecExtensions + maxPayload]byte
	head  [fixedHeader + fecExtensions + 4]byte // scratch for a packet's header
}

// paritySum is one parity packet in the making.
type paritySum struct {
	head   [fecHeader]byte
	mask   uint64 // first packet in bit 47
	length int
	data   [fecExtensions + maxPayload]byte
}

// begin starts a group of packets.
func (p *protector) begin(packets int, key bool) {
	share := p.share
	if key {
		share = min(share*keyParity, 1)
	}
	p.owed = min(p.owed+float64(packets)*share, maxParity)
	p.k = min(int(p.owed), packets)
	if p.k == 0 && share >= eachParity {
		p.k = min(1, packets)
	}
	p.owed = max(p.owed-float64(p.k), 0)
	p.n = 0
	for i := range p.k {
		p.sums[i] = paritySum{}
	}
}

// protect decides whether a viewer's video is protected from now on.
func (v *Viewer) protect() {
	t := v.video
	if t == nil || t.redType == 0 {
		return
	}
	e := v.path.estimate()
	share := 0.0
	if t.fec != nil {
		share = t.fec.share
	}
	rtt := v.roundTrip(e.RTT)
	switch share = parityShare(share, e.LossShare, rtt); {
	case share == 0 && t.fec == nil:
	case share == 0:
		t.fec = nil
		v.log.Debug("video is not protected any more")
	case t.fec == nil:
		t.fec = &protector{share: share}
		v.log.Debug("video is protected by parity", "loss", e.LossShare, "rtt_ms", rtt.Milliseconds())
	default:
		t.fec.share = share
	}
}

// add takes a packet: its header, with fields that are written later left 0, and
// its payload.
func (p *protector) add(seq uint16, header, payload []byte) {
	if p.k == 0 || p.n >= maxGroup || len(header) > fixedHeader+fecExtensions {
		return
	}
	if p.n == 0 {
		p.base = seq
	}
	s := &p.sums[p.n%p.k]
	s.mask |= 1 << (maxGroup - 1 - p.n)
	p.n++
	p.ts = binary.BigEndian.Uint32(header[4:])
	s.head[0] ^= header[0] & 0x3f
	s.head[1] ^= header[1]
	for i := range 4 {
		s.head[4+i] ^= header[4+i]
	}
	rest := header[fixedHeader:]
	length := len(rest) + len(payload)
	s.head[8] ^= byte(length >> 8)
	s.head[9] ^= byte(length)
	xor(s.data[:], rest)
	xor(s.data[len(rest):], payload)
	s.length = max(s.length, length)
}

func xor(dst, src []byte) {
	dst = dst[:len(src)]
	for len(src) >= 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(dst)^binary.LittleEndian.Uint64(src))
		dst, src = dst[8:], src[8:]
	}
	for i, b := range src {
		dst[i] ^= b
	}
}

// packet returns the payload of parity packet i, valid until the next call
// (RFC 5109 section 7):
//
//	|E|L|P|X|  CC   |M| PT recovery |            SN base            |
//	|                          TS recovery                          |
//	|        length recovery        |       protection length       |
//	|             mask              |  mask (continued, if L is 1)  |
//	|                   mask (continued, if L is 1)                 |
func (p *protector) packet(i int, payloadType uint8) []byte {
	s := &p.sums[i]
	out := append(p.out[:0], payloadType) // RED: the last block
	out = append(out, s.head[:]...)
	h := out[redHeader:]
	binary.BigEndian.PutUint16(h[2:], p.base)
	out = binary.BigEndian.AppendUint16(out, uint16(s.length))
	out = binary.BigEndian.AppendUint16(out, uint16(s.mask>>32))
	if p.n > 16 {
		h[0] |= 0x40 // L
		out = binary.BigEndian.AppendUint32(out, uint32(s.mask))
	}
	return append(out, s.data[:s.length]...)
}
