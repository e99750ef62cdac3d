package congestion

import (
	"encoding/binary"
	"errors"
	"time"
)

// ErrFeedback is returned for a message that is not transport-wide feedback or
// contradicts itself.
var ErrFeedback = errors.New("congestion: malformed transport-wide feedback")

// maxReported bounds the packets that one message may report on. It holds more
// than a second of anything that this package is made for.
const maxReported = 2048

// Units of the message: the reference time, and the differences of arrival
// times.
const (
	referenceUnit = 64 * time.Millisecond
	deltaUnit     = 250 * time.Microsecond
)

// IsFeedback reports whether b begins with an RTCP packet of transport-wide
// feedback: type 205, format 15.
func IsFeedback(b []byte) bool {
	return len(b) >= 2 && b[0]>>6 == 2 && b[0]&0x1f == 15 && b[1] == 205
}

// Parser reads feedback messages
// (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1):
//
//	|V=2|P|  FMT=15 |    PT=205     |           length              |
//	|                     SSRC of packet sender                     |
//	|                      SSRC of media source                     |
//	|      base sequence number     |      packet status count      |
//	|                 reference time                | fb pkt. count |
//	|          packet chunk         |         packet chunk          |
//	...
//	|  recv delta   |  recv delta   | ...
//
// It keeps the receiver's clock in one piece where the reference time wraps
// around, every 12 days. The zero value is ready.
type Parser struct {
	arrivals []Arrival
	last     int64 // reference time, unwrapped
	any      bool
}

// Parse reads one RTCP packet, whose length field the caller has checked to be
// inside b. The result is valid until the next call. The error is ErrFeedback.
func (p *Parser) Parse(b []byte) ([]Arrival, error) {
	if !IsFeedback(b) || len(b) < 20 {
		return nil, ErrFeedback
	}
	if b[0]&0x20 != 0 { // padding
		n := int(b[len(b)-1])
		if n == 0 || n > len(b)-20 {
			return nil, ErrFeedback
		}
		b = b[:len(b)-n]
	}
	base, count := binary.BigEndian.Uint16(b[12:]), int(binary.BigEndian.Uint16(b[14:]))
	if count == 0 || count > maxReported {
		return nil, ErrFeedback
	}
	rest, err := p.chunks(b[20:], base, count)
	if err != nil {
		return nil, err
	}
	if err := p.times(rest, p.reference(uint32(b[16])<<16|uint32(b[17])<<8|uint32(b[18]))); err != nil {
		return nil, err
	}
	return p.arrivals, nil
}

// reference unwraps the 24-bit reference time, which is signed.
func (p *Parser) reference(r uint32) time.Duration {
	if !p.any {
		p.any, p.last = true, int64(r)
	} else {
		p.last += int64(int32((r-uint32(p.last))<<8) >> 8)
	}
	return time.Duration(p.last) * referenceUnit
}

// Symbols of the packet chunks. Arrival.At holds the symbol until the times are
// read.
const (
	notReceived = iota
	smallDelta
	largeDelta
)

// chunks reads the status of every packet and returns what follows.
func (p *Parser) chunks(b []byte, base uint16, count int) (rest []byte, err error) {
	p.arrivals = p.arrivals[:0]
	for len(p.arrivals) < count {
		if len(b) < 2 {
			return nil, ErrFeedback
		}
		c := binary.BigEndian.Uint16(b)
		b = b[2:]
		n, at := int(c&0x1fff), func(int) uint16 { return c >> 13 & 3 } // a run
		switch c >> 14 {
		case 2: // 14 symbols of one bit
			n, at = 14, func(i int) uint16 { return c >> (13 - i) & 1 }
		case 3: // 7 symbols of two bits
			n, at = 7, func(i int) uint16 { return c >> (12 - 2*i) & 3 }
		}
		if n == 0 {
			return nil, ErrFeedback
		}
		for i := range min(n, count-len(p.arrivals)) {
			s := at(i)
			if s > largeDelta {
				return nil, ErrFeedback
			}
			p.arrivals = append(p.arrivals, Arrival{Seq: base + uint16(len(p.arrivals)), Received: s != notReceived, At: time.Duration(s)})
		}
	}
	return b, nil
}

// times adds the differences up.
func (p *Parser) times(b []byte, at time.Duration) error {
	for i := range p.arrivals {
		a := &p.arrivals[i]
		switch a.At {
		case smallDelta:
			if len(b) < 1 {
				return ErrFeedback
			}
			at += time.Duration(b[0]) * deltaUnit
			b = b[1:]
		case largeDelta:
			if len(b) < 2 {
				return ErrFeedback
			}
			at += time.Duration(int16(binary.BigEndian.Uint16(b))) * deltaUnit
			b = b[2:]
		}
		a.At = at
	}
	return nil
}
