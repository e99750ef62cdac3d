package h264

import "encoding/binary"

// Packet types of the payload format (RFC 6184 section 5.2), and the length of what
// stands in front of the data.
const (
	typeSTAPA = 24
	typeFUA   = 28

	fragmentHeader = 2
	lengthPrefix   = 2
)

// LeastRoom is the least payload that a Packetizer fills.
const LeastRoom = 64

// Packetizer packs access units in the non-interleaved mode (RFC 6184 section 6.3):
// small NAL units, as parameter sets are, share a packet (STAP-A), large ones are
// cut into parts of about equal size (FU-A), others have a packet of their own. The
// zero value is ready.
type Packetizer struct {
	nal, rest  []byte
	part       int // of nal, where it is cut; 0: not begun
	parts      int
	partOffset int
}

// Begin starts with an access unit, which must stay as it is until its last packet.
func (p *Packetizer) Begin(unit []byte) {
	*p = Packetizer{}
	p.nal, p.rest = nextSent(unit)
}

// nextSent returns the next NAL unit that receivers need. Delimiters are implied by
// timestamps, fillers by nothing.
func nextSent(stream []byte) (nal, rest []byte) {
	for nal, rest = Next(stream); nal != nil; nal, rest = Next(rest) {
		switch TypeOf(nal) {
		case TypeDelimiter, TypeEndSequence, TypeEndStream, TypeFiller:
			continue
		}
		break
	}
	return nal, rest
}

// Next writes the next payload into dst, whose length is the room that there is, at
// least LeastRoom, and returns its length; 0 after the last.
func (p *Packetizer) Next(dst []byte) int {
	switch {
	case p.nal == nil || len(dst) < LeastRoom:
		return 0
	case len(p.nal) > len(dst):
		return p.fragment(dst)
	}
	first := p.nal
	p.nal, p.rest = nextSent(p.rest)
	size := 1 + lengthPrefix + len(first)
	if p.nal == nil || size+lengthPrefix+len(p.nal) > len(dst) {
		return copy(dst, first)
	}
	dst[0] = typeSTAPA
	n := aggregate(dst, 1, first)
	for p.nal != nil && n+lengthPrefix+len(p.nal) <= len(dst) {
		n = aggregate(dst, n, p.nal)
		p.nal, p.rest = nextSent(p.rest)
	}
	return n
}

// aggregate adds a NAL unit to a packet of several (section 5.7.1). Its header has
// the F bit if any has it, and the largest NRI.
func aggregate(dst []byte, n int, nal []byte) int {
	dst[0] |= nal[0] & 0x80
	dst[0] = dst[0]&^0x60 | max(dst[0]&0x60, nal[0]&0x60)
	binary.BigEndian.PutUint16(dst[n:], uint16(len(nal)))
	return n + lengthPrefix + copy(dst[n+lengthPrefix:], nal)
}

// fragment writes the next part of a large NAL unit (section 5.8):
//
//	+---------------+---------------+
//	|F|NRI|   28    |S|E|R|  Type   |
//	+---------------+---------------+
func (p *Packetizer) fragment(dst []byte) int {
	body := p.nal[1:]
	if p.part == 0 {
		room := len(dst) - fragmentHeader
		p.parts = (len(body) + room - 1) / room
		p.partOffset = 0
	}
	p.part++
	end := len(body) * p.part / p.parts
	dst[0], dst[1] = p.nal[0]&0xe0|typeFUA, p.nal[0]&0x1f
	if p.part == 1 {
		dst[1] |= 0x80 // S
	}
	if p.part == p.parts {
		dst[1] |= 0x40 // E
	}
	n := fragmentHeader + copy(dst[fragmentHeader:], body[p.partOffset:end])
	p.partOffset = end
	if p.part == p.parts {
		p.part = 0
		p.nal, p.rest = nextSent(p.rest)
	}
	return n
}
