package nat

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// RFC 8489 section 5:
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|0 0|     STUN Message Type     |         Message Length        |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                         Magic Cookie                          |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                     Transaction ID (96 bits)                  |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
const (
	headerLen   = 20
	magicCookie = 0x2112A442

	typeRequest = 0x0001 // Binding, section 3
	typeSuccess = 0x0101
	typeError   = 0x0111

	attrMapped    = 0x0001
	attrChange    = 0x0003 // RFC 5780 section 7.2
	attrErrorCode = 0x0009
	attrXORMapped = 0x0020
	attrSoftware  = 0x8022
	attrOther     = 0x802C // RFC 5780 section 7.4

	familyIPv4, familyIPv6 = 1, 2
)

// change is the value of CHANGE-REQUEST: the answer shall come from another
// port, or from another address and port.
type change uint32

const (
	changeNothing change = 0
	changePort    change = 2
	changeBoth    change = 6
)

// transaction is a transaction ID (section 5).
type transaction [12]byte

func newTransaction() (t transaction) {
	_, _ = rand.Read(t[:]) // does not fail (crypto/rand)
	return t
}

// ErrMessage says that a packet is not a STUN message, or not one that is meant.
var ErrMessage = errors.New("nat: not a STUN answer")

// ServerError is the refusal of a STUN server (section 14.8).
type ServerError struct {
	Code   int
	Reason string
}

// Error names code and reason.
func (e *ServerError) Error() string {
	return fmt.Sprintf("nat: the server answers %d %s", e.Code, e.Reason)
}

// request writes a Binding request.
func request(id transaction, c change) []byte {
	b := binary.BigEndian.AppendUint16(nil, typeRequest)
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint32(b, magicCookie)
	b = append(b, id[:]...)
	if c != changeNothing {
		b = binary.BigEndian.AppendUint16(b, attrChange)
		b = binary.BigEndian.AppendUint16(b, 4)
		b = binary.BigEndian.AppendUint32(b, uint32(c))
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)-headerLen))
	}
	return b
}

// head returns type and transaction of a packet that may be a STUN message.
func head(b []byte) (kind uint16, id transaction, ok bool) {
	if len(b) < headerLen || b[0]&0xC0 != 0 || binary.BigEndian.Uint32(b[4:]) != magicCookie {
		return 0, id, false
	}
	return binary.BigEndian.Uint16(b), transaction(b[8:20]), true
}

// answer is what a Binding response says.
type answer struct {
	mapped   netip.AddrPort
	other    netip.AddrPort // RFC 5780; the zero value if the server has none
	software string
}

// parseAnswer reads a Binding response. Errors: ErrMessage, io.ErrUnexpectedEOF,
// *ServerError.
func parseAnswer(b []byte) (answer, error) {
	var a answer
	kind, _, ok := head(b)
	if !ok || kind != typeSuccess && kind != typeError {
		return a, ErrMessage
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n%4 != 0 {
		return a, fmt.Errorf("%w: length %d", ErrMessage, n)
	}
	if len(b) < headerLen+n {
		return a, fmt.Errorf("nat: STUN answer: %w", io.ErrUnexpectedEOF)
	}
	cookieAndID := b[4:headerLen]
	var refusal *ServerError
	var plain netip.AddrPort
	for b = b[headerLen : headerLen+n]; len(b) >= 4; {
		attr, size := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		padded := (size + 3) &^ 3
		if len(b) < 4+padded {
			return a, fmt.Errorf("nat: STUN attribute %#04x: %w", attr, io.ErrUnexpectedEOF)
		}
		value := b[4 : 4+size]
		b = b[4+padded:]
		var err error
		switch attr {
		case attrXORMapped:
			a.mapped, err = address(value, cookieAndID)
		case attrMapped:
			plain, err = address(value, nil)
		case attrOther:
			a.other, err = address(value, nil)
		case attrSoftware:
			a.software = printable(value)
		case attrErrorCode:
			if len(value) < 4 {
				return a, fmt.Errorf("nat: ERROR-CODE: %w", io.ErrUnexpectedEOF)
			}
			refusal = &ServerError{int(value[2]&7)*100 + int(value[3]), printable(value[4:])}
		}
		if err != nil {
			return a, err
		}
	}
	if kind == typeError {
		if refusal == nil {
			refusal = &ServerError{Reason: "without a code"}
		}
		return a, refusal
	}
	if !a.mapped.IsValid() {
		a.mapped = plain // servers of RFC 3489
	}
	if !a.mapped.IsValid() {
		return a, fmt.Errorf("%w: no mapped address", ErrMessage)
	}
	return a, nil
}

// address reads MAPPED-ADDRESS (section 14.1) or, with a mask of cookie and
// transaction, XOR-MAPPED-ADDRESS (section 14.2).
func address(v, mask []byte) (netip.AddrPort, error) {
	if len(v) < 8 {
		return netip.AddrPort{}, fmt.Errorf("nat: STUN address: %w", io.ErrUnexpectedEOF)
	}
	size := 4
	switch v[1] {
	case familyIPv4:
	case familyIPv6:
		size = 16
	default:
		return netip.AddrPort{}, fmt.Errorf("%w: address family %d", ErrMessage, v[1])
	}
	if len(v) < 4+size {
		return netip.AddrPort{}, fmt.Errorf("nat: STUN address: %w", io.ErrUnexpectedEOF)
	}
	port := binary.BigEndian.Uint16(v[2:])
	var ip [16]byte
	copy(ip[:size], v[4:4+size])
	if mask != nil {
		port ^= binary.BigEndian.Uint16(mask)
		for i := range size {
			ip[i] ^= mask[i]
		}
	}
	addr, _ := netip.AddrFromSlice(ip[:size])
	return netip.AddrPortFrom(addr.Unmap(), port), nil
}

// printable keeps what a stranger says fit for a log.
func printable(b []byte) string {
	const most = 64
	out := make([]byte, 0, min(len(b), most))
	for _, c := range b[:min(len(b), most)] {
		if c >= ' ' && c <= '~' {
			out = append(out, c)
		}
	}
	return string(out)
}
